"""The result of every step of a case, and how a step that cannot continue records the reason."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from textwrap import shorten

from temporalio import activity

from domain.cases import CaseView, Lane, why_called_off
from domain.casework import CaseStore, Waits
from domain.clock import Clock
from domain.errors import ActionRequired, NotProved, Refused, Unavailable
from domain.model import Model
from domain.priorities import priority_key
from domain.suspect_lots import LotsUntil
from domain.verdict import Rung

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_SILENCE = timedelta(minutes=5)
"""The longest wait for a system to answer. A riskier case must not wait longer than that after an outage, while others
go out, and a backlog must be back in the queue of its calls, which orders it by risk."""
_LONGEST_WAIT = timedelta(hours=1)
_LONGEST_REASON = 160
REVIEW_STEP = "await-review"
"""The step that waits for a person's decision."""


class CaseRef(Model):
    """Names a case: all that a step needs to be told."""

    case: str


class Facts(Model):
    """What operators search workflows by."""

    asset: str
    site: str
    rung: str
    severity: str
    policy_version: str
    work_order: str | None
    waiting_for: str | None


class Progress(Model):
    """Whether a step is done. One that is not has been put to rest until something wakes the case.

    `priority` is that of the case's next calls, 1 (first) to 5 (last). `timed` says whether the case knows when its
    work should happen, `holds` whether it asks for a hold or has one: a case that rises while it waits must be timed
    again, and may come to ask for one. `held` says whether a hold of the case stands, which production must release
    before the case can close. `review_wanted` says that a person decides first, `placed` that the order is in the CMMS.
    `call_wanted` says that the step stopped before a call to the CMMS, which comes next.
    `lots` says that the suspect lots of the case are to be listed.
    """

    done: bool
    facts: Facts
    priority: int
    timed: bool
    holds: bool
    held: bool = False
    review_wanted: bool = False
    placed: bool = False
    call_wanted: bool = False
    lots: bool = False


def priority_of(view: CaseView) -> int:
    """The priority of a case's calls, 1 (first) to 5 (last)."""
    return priority_key(view.verdict.severity, view.context.criticality)


def facts(view: CaseView, waiting_for: str | None = None) -> Facts:
    """The search attributes of a case."""
    return Facts(
        asset=view.asset.id,
        site=view.asset.site or "",
        rung=view.rung.word,
        severity=view.verdict.severity,
        policy_version=f"{view.verdict.policy} {view.verdict.version}",
        work_order=view.order.ref.id if view.order else None,
        waiting_for=waiting_for,
    )


def _until(reason: str | None, until: datetime | None) -> str | None:
    """The reason and the end of a wait, shortened to the length of a search attribute."""
    if reason is None or until is None:
        return reason
    return f"{shorten(reason, _LONGEST_REASON, placeholder=' …')}, until {until:%Y-%m-%d %H:%M} UTC"


def called_off(view: CaseView) -> str | None:
    """Why a case's work is no longer needed; None if it is."""
    return why_called_off(view.decision, view.withdraw)


def overruled(view: CaseView) -> bool:
    """Whether a person rejected the case, even if work was already done."""
    return view.decision is not None and not view.decision.approved


def accepted(view: CaseView) -> bool:
    """Whether a person said yes."""
    return view.decision is not None and view.decision.approved


def lots_until(view: CaseView) -> tuple[LotsUntil, datetime] | None:
    """When the time in which lots are suspect ended, and why; None if nothing is to be listed now.

    Lots are listed for cases that ask for a hold or have one: when the machine was read as held, or else when the work
    was done.
    """
    if view.suspect_lots is not None or view.mes_system is None or view.mes_equipment is None:
        return None
    if view.hold is not None and view.hold.in_effect_since is not None:
        return LotsUntil.HELD, view.hold.in_effect_since
    if view.rung < Rung.WORK_ORDER_AND_HOLD or not view.order_completed or view.order is None:
        return None
    reported = view.order.report.finished_at if view.order.report is not None else None
    return LotsUntil.WORK_DONE, reported or view.order.changed_at


def work_is_over(view: CaseView) -> bool:
    """Whether no more work is to come: the order has ended, or there is none and nobody wants one."""
    return view.order.status.finished if view.order is not None else called_off(view) is not None


def review_wanted(view: CaseView) -> bool:
    """Whether the case waits for a person's decision before any work."""
    return view.closed_as is None and view.rung == Rung.INSPECT and view.decision is None and not view.withdraw


class Step:
    """One pass of one step over a case; after `wait` the step is not done.

    `at_latest` is when the case is due again in any case, because something else is due then.
    `calls_a_person` says that a person must see a failure: a machine is held, or should be held and is not.
    `lane_meanwhile` is the lane of a case that another system does not answer: of a question that is open besides.
    `sends_draft` says that the draft of the order is sent: a refusal then is one of the draft.
    """

    def __init__(self, view: CaseView, seen: int, name: str) -> None:
        self.view = view
        self.seen = seen
        self.name = name
        self.at_latest: datetime | None = None
        self.next_at: datetime | None = None
        self.waiting_for: str | None = None
        self.lane: Lane | None = None
        self.lane_meanwhile: Lane | None = None
        self.calls_a_person = False
        self.sends_draft = False
        self.call_wanted = False
        self.done = True

    def want_call(self) -> None:
        """Ends the step before a call to another system, as not done. The case stays active, because the call
        follows."""
        self.done = False
        self.call_wanted = True

    def go_on(self, name: str, view: CaseView) -> None:
        """Continues with the step that follows, in the same pass and on what the step found."""
        self.name = name
        self.view = view
        self.calls_a_person = False

    def wait(self, reason: str | None = None, until: datetime | None = None) -> None:
        """Ends the step as not done, until the next wake or until the given time."""
        self.done = False
        self.waiting_for = reason
        self.next_at = until

    def leaves_alone(self, now: datetime) -> bool:
        """Whether the system of this step must not be called yet; then the step continues to wait.

        A case can be woken before that time: by further evidence, or twice.
        """
        view = self.view
        if view.waiting_step != self.name or view.lane not in (None, self.lane_meanwhile) or not view.attempts:
            return False
        if view.waiting_until is None or view.waiting_until <= now:
            return False
        self.wait(view.waiting_for, view.waiting_until)
        return True

    @property
    def meanwhile(self) -> str:
        """The addition to a failure's message if a machine is held."""
        hold = self.view.hold
        return f"; {hold.equipment} is held meanwhile" if hold is not None and hold.in_effect_since is not None else ""

    @property
    def progress(self) -> Progress:
        held = self.view.hold is not None and self.view.hold.state.live
        return Progress(
            done=self.done,
            facts=facts(self.view, _until(self.waiting_for, self.next_at)),
            priority=priority_of(self.view),
            timed=self.view.urgency is not None,
            holds=held or self.view.rung >= Rung.WORK_ORDER_AND_HOLD,
            held=held,
            review_wanted=review_wanted(self.view) or self.view.waiting_step == REVIEW_STEP,
            placed=self.view.order is not None,
            call_wanted=self.call_wanted,
            lots=lots_until(self.view) is not None,
        )


def backoff(attempts: int, retry_after: timedelta | None) -> timedelta:
    """How long to wait after so many consecutive failures of a vendor: doubled each time, at most five minutes.

    Never before `retry_after`, which is the vendor's own.
    """
    doubled = min(_FIRST_WAIT * (1 << min(attempts, 10)), _LONGEST_SILENCE)
    return max(doubled, retry_after or timedelta())


@asynccontextmanager
async def step(cases: CaseStore, clock: Clock, case: str, name: str, *, last: bool = True) -> AsyncIterator[Step]:
    """Reads a case, runs a step over it, and turns a vendor's refusal into a wait with a reason.

    Args:
        name: the step's wire name; a wait is ended by the step that began it.
        last: whether the pass ends with this step if it is not done; otherwise the following step stores the wait.

    Raises:
        StorageUnavailable: the engine retries the activity.
    """
    view, seen = await cases.view(case)
    attempt = Step(view, seen, name)
    failed, refused = False, False
    try:
        yield attempt
    except Unavailable as error:
        failed = True
        until = clock.now() + backoff(view.attempts, error.retry_after)
        attempt.lane = Lane.PLANNER if attempt.calls_a_person else attempt.lane_meanwhile
        attempt.wait(
            f"{error.system} to answer: {error.problem} (attempt {view.attempts + 1}){attempt.meanwhile}", until
        )
    except NotProved as error:
        failed = True
        attempt.lane = Lane.PRODUCTION
        # A proof wakes the case.
        attempt.wait(f"production: {error.problem}{attempt.meanwhile}", clock.now() + _LONGEST_WAIT)
    except ActionRequired as error:
        failed, refused = True, attempt.sends_draft
        attempt.lane = Lane.PLANNER
        where = f" ({error.field})" if error.field else ""
        # Retried every hour: a person corrects it in the other system, and that system does not notify us.
        words = f"a person to correct {error.system}{where}: {error.problem}{attempt.meanwhile}"
        attempt.wait(words, clock.now() + _LONGEST_WAIT)
    except Refused as error:
        failed, refused = True, attempt.sends_draft
        attempt.lane = Lane.OPERATIONS
        activity.logger.error("case %s is parked: %s", case, error)
        again = clock.now() + _LONGEST_WAIT if attempt.calls_a_person else None
        words = f"operations: {error.system} refused {error.operation}: {error.problem}{attempt.meanwhile}"
        attempt.wait(words, again)
    if attempt.done or attempt.name != name:
        waited = view.attempts or view.lane is not None or (not last and view.waiting_for is not None)
        if view.waiting_step == name and waited:
            await cases.resume(case)
    if attempt.done or attempt.call_wanted:
        return
    called = attempt.lane is not None and attempt.lane is not view.lane
    news = failed or called or attempt.waiting_for != view.waiting_for
    waits = Waits(attempt.name, attempt.waiting_for, attempt.next_at, attempt.lane, failed, refused) if news else None
    if last:
        again_at = min((at for at in (attempt.next_at, attempt.at_latest) if at), default=None)
        await cases.rest(case, seen, again_at, waits)
    elif waits is not None:
        await cases.wait(case, waits)
