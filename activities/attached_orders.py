"""Attaches an order of a person to a case where its codes name the case's failure mode, and detaches it.

Millwright reads such an order and writes notes on it. Nothing else: it is a person's.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.progress import Step, called_off
from domain.attaching import OrderAttachment, end_fault, open_fault, same_work
from domain.cases import CaseView
from domain.casework import CaseStore
from domain.clock import Clock
from domain.cmms import OrderQuery
from domain.draft_findings import DraftCheck
from domain.errors import ActionRequired, Refused
from domain.open_work import OpenWorkSeen
from domain.outcomes import OutcomeClass
from domain.ports import Cmms, OutcomeCodes
from domain.work_orders import CompletionReport, WorkOrderDraft, WorkOrderRecord


def own_orders(cmms: Cmms, draft: WorkOrderDraft) -> OrderQuery:
    """The query for the orders of a case itself, which its key proves."""
    if cmms.capabilities.search_by_key:
        return OrderQuery(key=draft.key)
    return OrderQuery(
        key=draft.key,
        asset_external_id=draft.asset_external_id,
        asset_attributes=draft.asset_attributes,
        since=draft.reported_at,
    )


def detached_because(view: CaseView, order: WorkOrderRecord, codes: Mapping[str, OutcomeCodes]) -> str | None:
    """Why the order of a person is not the order of its case any more, as the end of a sentence; None if it is, or if
    the case has no such order.

    Nothing is learnt from an order that ended without the case's finding: it was other work.

    Args:
        order: the order as it is now.
        codes: what the codes of each CMMS instance mean on completed work.
    """
    attached = view.attached
    if attached is None or view.outcome is not None or view.closed_as is not None:
        return None
    why = called_off(view)
    if why is not None and not order.status.finished:
        return f"was detached, because the case was called off: {why}"
    if not order.status.finished:
        return open_fault(order, view.failure_mode, attached.failure_modes)
    known = codes.get(order.ref.system)
    found = OutcomeClass.UNKNOWN if known is None else known.classify(order.report or CompletionReport())
    return end_fault(order, view.failure_mode, attached.failure_modes, found)


class AttachedOrders:
    """Attaches orders of people to cases, and detaches them.

    Args:
        cases: where cases are kept.
        codes: what the codes of each CMMS instance mean on completed work.
        clock: the plant's time.
    """

    def __init__(self, cases: CaseStore, codes: Mapping[str, OutcomeCodes], clock: Clock) -> None:
        self._cases = cases
        self._codes = codes
        self._clock = clock

    async def attach(
        self, attempt: Step, cmms: Cmms, draft: WorkOrderDraft, seen: OpenWorkSeen, check: DraftCheck | None
    ) -> bool:
        """Whether an order of a person is the order of the case now. Otherwise one is to be created by the draft.

        Args:
            draft: the order that would be created.
            seen: what else is open on the asset.
            check: what the check of the draft found.

        Raises:
            Unavailable: the CMMS does not answer; nothing was written.
        """
        view, modes = attempt.view, cmms.capabilities.failure_modes
        candidate = same_work(seen, view.failure_mode, modes)
        if candidate is None or any(each.order.same_record(candidate.ref) for each in view.detached):
            return False
        try:
            # After a loss of the database the case may have an order that it does not know of.
            if await cmms.find_work_orders(own_orders(cmms, draft)):
                return False
            read_at = self._clock.now()
            record = await cmms.read_work_order(candidate.ref)
        except (ActionRequired, Refused) as error:
            activity.logger.warning("case %s gets an order of its own: %s", view.id, error)
            return False
        attachment = OrderAttachment(record=record, failure_modes=modes, read_at=read_at)
        if not _is_work_of(view, record) or open_fault(record, view.failure_mode, modes) is not None:
            return False
        system = view.cmms_system or ""
        if not await self._cases.attach_order(view.id, system, draft, seen, check, attachment):
            return False
        known = {
            "draft": draft,
            "open_work": seen,
            "draft_check": check,
            "order": record,
            "order_read_at": read_at,
            "attached": attachment,
        }
        attempt.view = view.model_copy(update=known)
        return True

    async def detach(self, attempt: Step, order: WorkOrderRecord) -> bool:
        """Whether the order of a person was just detached from the case, which is due again then, without an order.

        Args:
            order: the order as it was read last. If it is detached, no step records it before: whoever reads the
                case never sees work as done that was not the case's.
        """
        view = attempt.view
        because = detached_because(view, order, self._codes)
        if because is None:
            return False
        await self._cases.detach_order(view.id, order, because)
        none = {
            "order": None,
            "order_read_at": None,
            "attached": None,
            "draft": None,
            "open_work": None,
            "draft_check": None,
        }
        attempt.view = view.model_copy(update={**none, "order_notes": ()})
        attempt.wait(f"its next step: order {order.ref.id} {because}", self._clock.now())
        return True


def _is_work_of(view: CaseView, record: WorkOrderRecord) -> bool:
    """Whether an order that was just read is a person's, open, understood, and on the asset of the case."""
    named = (record.asset_external_id or "").casefold() == (view.cmms_asset or "").casefold()
    return record.of_a_person and named and not record.status.finished and not record.status_guessed
