"""Reminders on a completed order of which nobody has said yet what the work found.

A reminder is a note on the order, written once by its key. The times are counted from the closing of the case, by the
plant's clock, and follow from what is stored: no state of their own is kept.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from temporalio import activity

from activities.instances import instance
from activities.progress import Step
from domain.cases import CaseView, Lane
from domain.casework import CaseStore
from domain.clock import Clock
from domain.errors import ActionRequired, Refused
from domain.order_terms import OrderTerms
from domain.outcomes import OutcomeClass
from domain.ports import Cmms
from domain.site_codes import SiteCodes
from domain.wording import WORDINGS, Wording, message
from domain.work_orders import CompletionReport, WorkOrderRecord, WorkOrderStatus

REMIND_AFTER: Final = (timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=14))
"""When each reminder is due, after the case was closed."""
_TOO_LATE: Final = timedelta(days=21)
"""When the last reminder is not written any more."""


class OutcomeReminders:
    """Reminds the people of a CMMS of an outcome that is missing.

    Args:
        cases: where cases are kept.
        cmms: where the planners work, by the id of each CMMS instance.
        codes: the tables of codes of each CMMS instance.
        terms: how notes are written for each CMMS instance, and whether it gets reminders.
        clock: the plant's time.
    """

    def __init__(
        self,
        cases: CaseStore,
        cmms: Mapping[str, Cmms],
        codes: Mapping[str, SiteCodes],
        terms: Mapping[str, OrderTerms],
        clock: Clock,
    ) -> None:
        self._cases = cases
        self._cmms = cmms
        self._codes = codes
        self._terms = terms
        self._clock = clock

    def due(self, view: CaseView) -> int | None:
        """The number of the reminder that is to be written now; None if none is.

        After an outage only the latest is written, and not each that was missed.
        """
        if view.closed_at is None or not _unanswered(view, self._codes, self._terms):
            return None
        since = self._clock.now() - view.closed_at
        number = sum(after <= since for after in REMIND_AFTER)
        return number if since < _TOO_LATE and number > max(_written(view), default=0) else None

    async def remind(self, attempt: Step) -> None:
        """Writes the reminder that is due, unless the order says by now what was found.

        Raises:
            Unavailable: the CMMS does not answer; the reminder is tried again.
        """
        view, known = attempt.view, attempt.view.order
        if known is None:
            return
        attempt.lane_meanwhile = Lane.PLANNER
        asked_at, cmms = self._clock.now(), instance(self._cmms, known.ref.system, "CMMS", "add-note")
        try:
            order = await cmms.read_work_order(known.ref)
            await self._cases.record_order(view.id, order, asked_at)
            view = attempt.view = view.model_copy(update={"order": order})
            number = self.due(view)
            if number is None:
                return
            key, say = f"{view.id}-outcome-{number}", WORDINGS[self._terms_of(order).language]
            text = _text(view.id, order.report or CompletionReport(), number, say)
            await cmms.add_note(order.ref, key, text)
            await self._cases.record_order_note(view.id, key, text)
        except (ActionRequired, Refused) as error:
            # Some CMMS take no note on an order that is closed. The case stays in the planner's lane without it.
            activity.logger.warning("no reminder is written for case %s: %s", view.id, error)

    def _terms_of(self, order: WorkOrderRecord) -> OrderTerms:
        return self._terms.get(order.ref.system, OrderTerms())


def next_reminder(
    view: CaseView, codes: Mapping[str, SiteCodes], terms: Mapping[str, OrderTerms], now: datetime
) -> datetime | None:
    """When a case that is closed, or closes now, is to be looked at again for the next reminder; None for never."""
    if not _unanswered(view, codes, terms):
        return None
    closed_at = view.closed_at or now
    return next((closed_at + after for after in REMIND_AFTER if closed_at + after > now), None)


def reminders_in_vain(view: CaseView, now: datetime) -> str:
    """That nobody answered the reminders, as the end of a sentence; empty while there are more to come."""
    written = len(_written(view))
    if not written or view.closed_at is None or now < view.closed_at + REMIND_AFTER[-1]:
        return ""
    times = "1 reminder" if written == 1 else f"{written} reminders"
    return f"; nobody answered the {times} on the order, and no more are written"


def _unanswered(view: CaseView, codes: Mapping[str, SiteCodes], terms: Mapping[str, OrderTerms]) -> bool:
    """Whether completed work has an outcome that nobody can read yet, and its CMMS gets reminders."""
    order = view.order
    if order is None or view.outcome is not OutcomeClass.UNKNOWN or order.status is not WorkOrderStatus.COMPLETED:
        return False
    tables, report = codes.get(order.ref.system), order.report or CompletionReport()
    unread = tables is None or tables.read(report, view.failure_mode).outcome is OutcomeClass.UNKNOWN
    return unread and terms.get(order.ref.system, OrderTerms()).outcome_reminders


def _written(view: CaseView) -> list[int]:
    """The numbers of the reminders that the order carries."""
    prefix = f"{view.id}-outcome-"
    return [int(key.removeprefix(prefix)) for key in view.order_notes if key.startswith(prefix)]


def _text(case: str, report: CompletionReport, number: int, say: Wording) -> str:
    codes = ", ".join(chosen.code for chosen in report.codes) or report.disposition
    if codes:
        unsaid = message("Millwright {case} does not know yet what this work found: {codes} does not say it.")
    else:
        unsaid = message("Millwright {case} does not know yet what this work found: the order has no failure code.")
    asked = say(unsaid, case=case, codes=codes)
    what = say("Enter on this order what was found, or tell the planner.")
    which = say("Reminder {number} of {count}.", number=number, count=len(REMIND_AFTER))
    return f"{asked} {what} {which}"
