"""The consequences of a verdict: the case, its order, its hold, and the finding of the work."""

from datetime import datetime

from domain.cases import CaseView, ClosedAs, Phase
from domain.model import Model
from domain.verdict import Urgency
from domain.work_orders import WorkOrderRecord
from millwright.storage.events.event_store import StoryAct
from millwright.storage.reporting.case_lists import WholeCase

_WHEN = {
    Urgency.NOW: "at once",
    Urgency.AFTER_BATCH: "after the running job",
    Urgency.PLANNED_STOP: "at the next planned stop",
}
_ENDS = {
    ClosedAs.DONE: "the work was done",
    ClosedAs.CANCELLED: "the order was cancelled",
    ClosedAs.REJECTED: "a person rejected it",
    ClosedAs.WITHDRAWN: "it was withdrawn before anybody had touched the draft",
}


class Consequences(Model):
    """A case in sentences, in the order of time, and everything that was done in it.

    `opened_by` is the opening event, `source|id`; `events` is the number of observations of the case.
    """

    case: str
    asset: str
    failure_mode: str
    opened_by: str | None
    events: int
    order: str | None
    hold: str | None
    outcome: str | None
    closed_as: str | None
    sentences: tuple[str, ...]
    story: tuple[StoryAct, ...]


def consequences(whole: WholeCase, event: int) -> Consequences:
    """The consequences of a case, for a question about one of its events."""
    view = whole.case
    first = next((evidence for evidence in whole.evidence if evidence.how == "opened"), None)
    opened_by = f"{first.source}|{first.external_id}" if first else None
    told = [_opened(view, opened_by if first and first.event != event else None), *_timing(view), *_review(view)]
    told += [*_order(view, whole.story), *_hold(view), *_outcome(view), _end(view)]
    return Consequences(
        case=view.id,
        asset=view.asset.id,
        failure_mode=view.failure_mode,
        opened_by=opened_by,
        events=view.fed,
        order=view.order.ref.id if view.order else None,
        hold=view.hold.key if view.hold else None,
        outcome=view.outcome.value if view.outcome else None,
        closed_as=view.closed_as.value if view.closed_as else None,
        sentences=tuple(told),
        story=whole.story,
    )


def _opened(view: CaseView, by: str | None) -> str:
    opener = f" by event {by}" if by else ""
    count = "one observation" if view.fed == 1 else f"{view.fed} observations"
    return (
        f"Case {view.id} on {view.asset.name} of {view.machine.name}, failure mode {view.failure_mode}, was opened "
        f"{_at(view.opened_at)}{opener}; it has {count}."
    )


def _timing(view: CaseView) -> list[str]:
    if view.urgency is None:
        return []
    production = "Nothing was known of production."
    if view.production is not None:
        job = f"job {view.production.job.id} was running" if view.production.job else "no job was running"
        production = f"Read {_at(view.production.read_at)}, {job}."
    due = f" It is due by {_at(view.due_at)}." if view.due_at else ""
    urgency = view.urgency
    return [
        (
            f"The work is to be done {_WHEN[urgency.urgency]}, {_at(urgency.work_at)} (rule {urgency.rule}): "
            f"{urgency.because} {production}{due}"
        ),
        *urgency.explained,
        *urgency.depends,
    ]


def _review(view: CaseView) -> list[str]:
    said = []
    if view.decision is not None:
        word = "approved it" if view.decision.approved else "rejected it"
        said.append(f"{view.decision.by} {word} {_at(view.decision.at)}: {view.decision.reason}")
    if view.withdraw:
        asked = "is" if view.closed_as is None else "was"
        word = "was withdrawn" if view.closed_as is ClosedAs.WITHDRAWN else f"{asked} to be withdrawn"
        said.append(f"It {word}: {view.withdraw}.")
    return said


def _order(view: CaseView, story: tuple[StoryAct, ...]) -> list[str]:
    before = [order.words for order in view.detached]
    if view.draft is None and view.order is None:
        return before if view.rung.orders else [*before, "No work order was asked for."]
    seen = [*before, *(known.words for known in (view.open_work, view.draft_check) if known is not None)]
    seen += [f"{words}." for words in view.correction_words]
    if view.order is None:
        return [*seen, "Its order was written down and has not been seen in the CMMS yet."]
    order = view.order
    if view.attached is not None:
        codes = ", ".join(chosen.code for chosen in view.attached.record.codes)
        return [
            *seen,
            (
                f"Order {order.ref.id} of a person is its work order since {_at(view.attached.read_at)}, because its "
                f"code {codes} means {view.failure_mode}. It is now {order.status.replace('_', ' ')} "
                f"({order.vendor_status})."
            ),
            *_said_there(order),
        ]
    placed = next((told.at for told in story if told.kind == "order-placed"), None)
    when = f", placed {_at(placed)}" if placed else ""
    return [
        *seen,
        (
            f"Work order {order.ref.id} in {order.ref.system}{when}, now {order.status.replace('_', ' ')} "
            f"({order.vendor_status}), priority {view.verdict.priority}."
        ),
        *_said_there(order),
    ]


def _said_there(order: WorkOrderRecord) -> list[str]:
    said = []
    if order.put_off_until is not None:
        said.append(f"It was put off there until {_at(order.put_off_until)}.")
    if order.rejection is not None:
        said.append(f"It was rejected there: {order.rejection.words}.")
    return said


def _hold(view: CaseView) -> list[str]:
    if view.hold is None:
        return []
    hold = view.hold
    shared = "" if hold.claims < 2 else f"; {hold.claims} open cases need it"
    return [f"Hold {hold.key} on {hold.equipment}: {hold.words}{shared}. {hold.notice}".rstrip()]


def _outcome(view: CaseView) -> list[str]:
    if view.outcome is None:
        return []
    report = view.order.report if view.order else None
    found = [
        f"{name} {value}"
        for name, value in (
            *((chosen.role.replace("_", " "), chosen.code) for chosen in (report.codes if report else ())),
            ("downtime", report and report.downtime),
        )
        if value
    ]
    kept = "a training label was kept" if view.labelled else "no training label was made"
    twin = "the twin was updated" if view.twin_told else "the twin was not updated"
    detail = f" ({', '.join(found)})" if found else ""
    told = [f"The work found: {view.outcome.replace('_', ' ')}{detail}; {twin}, {kept}."]
    if view.twin_write is not None:
        told += [f"{words}." for words in view.twin_write.words]
    if view.stated is not None:
        told.append(f"{view.stated.by} stated this outcome {_at(view.stated.at)}: {view.stated.reason}")
    return told


def _end(view: CaseView) -> str:
    if view.phase is Phase.CLOSED and view.closed_as is not None:
        return f"The case is closed: {_ENDS[view.closed_as]}."
    if view.closed_as is not None:
        return f"Its work is over ({_ENDS[view.closed_as]}) and the machine waits for production to release it."
    if view.waiting_for is None:
        return f"The case is open, at the step {view.phase}."
    until = f" until {_at(view.waiting_until)}" if view.waiting_until else ""
    return f"The case is open and waits for {view.waiting_for}{until}."


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
