"""`why`: the result of an event, an order, a case or a hold, with the reasons, from storage."""

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Anomaly, AnomalyKind, Fate
from domain.clock import WallClock
from domain.model import Model, Moment
from domain.suppression import Suppression
from domain.verdict import Rung
from millwright.explaining.consequences import Consequences, consequences
from millwright.explaining.decisions import Decision, Explainer
from millwright.storage.audit.reasons import (
    Entry,
    Found,
    HeldBack,
    Receipt,
    deciding_event,
    entries_of,
    find,
    held_back,
    receipts_of,
)
from millwright.storage.audit.record import read_record
from millwright.storage.events.event_store import EventStore, SeenEvent, WholeEvent
from millwright.storage.events.pending import UNDECIDED
from millwright.storage.reporting.case_lists import whole_case
from policies.engine.catalogue import Catalogue


class Why(Model):
    """The whole answer. `kind` is the kind of the reference; `event` is the deciding event.

    `suppressed` are the shelves and windows that suppressed its action. `remade` is whether every listed verdict was
    reproduced; None if there is none.
    """

    ref: str
    kind: str
    answer: str
    event: SeenEvent | None
    seen: str | None
    repeats: int
    first_received_at: Moment | None
    decisions: tuple[Decision, ...]
    suppressed: tuple[Suppression, ...]
    consequences: Consequences | None
    remade: bool | None


async def why(engine: AsyncEngine, catalogue: Catalogue, ref: str) -> Why:
    """Explains what a reference names: an event, a work order, a case or a hold.

    Args:
        catalogue: the compiled versions.
        ref: `source|id`, an id alone, the number of an event or of a work order, a case or a hold's key;
            `event/…`, `order/…` and `case/…` if it would be ambiguous.

    Raises:
        ActRejected: the reference is unknown or ambiguous.
        StorageUnavailable: the database does not answer.
    """
    async with read_record(engine) as record:
        found = await find(record, ref.strip())
        event = found.event
        if found.case is not None:
            event = await deciding_event(record, found.case)
        elif found.receipt is not None:
            event = found.receipt.event
        if event is None:
            return _unknown(ref, found)
        decisions = await Explainer(record, catalogue).decisions(event)
        entries = await entries_of(record, event)
        held = await held_back(record, event)
        whole = await EventStore(engine, WallClock()).read(event)
        repeats = await receipts_of(record, f"{whole.event.source}|{whole.event.external_id}")
    case = found.case or (None if held.stands and not entries else _case_of(whole, entries, decisions))
    followed = consequences(await whole_case(engine, case), event) if case is not None else None
    return Why(
        ref=ref,
        kind=found.kind,
        answer=_answer(whole, entries, decisions, followed, held),
        suppressed=held.by,
        event=whole.event,
        seen=None if whole.anomaly is None else seen(whole.anomaly),
        repeats=len(repeats),
        first_received_at=whole.event.received_at,
        decisions=decisions,
        consequences=followed,
        remade=all(decision.remade == "equal" for decision in decisions) if decisions else None,
    )


def seen(anomaly: Anomaly) -> str:
    """An anomaly in one sentence, with its numbers."""
    place = f"on {anomaly.asset} (failure mode {anomaly.failure_mode}) at {anomaly.at:%Y-%m-%d %H:%M} UTC"
    unit = f" {anomaly.unit}" if anomaly.unit else ""
    match anomaly.kind:
        case AnomalyKind.DEVIATION:
            value = f" was {anomaly.value:.6g}{unit}" if anomaly.value is not None else " deviated"
            base = f" where {anomaly.baseline:.6g}{unit} is normal" if anomaly.baseline is not None else ""
            score = f", {anomaly.score:.3g} standard errors away" if anomaly.score is not None else ""
            told = f"{anomaly.signal or 'a signal'}{value}{base}{score}"
        case AnomalyKind.CODE:
            told = f"error code {anomaly.code}"
        case AnomalyKind.RISK:
            told = f"predicted risk {anomaly.risk}"
        case AnomalyKind.MANUAL:
            told = f"{anomaly.raised_by or 'somebody'} said: {anomaly.text or 'look at this'}"
    sure = f", confidence {anomaly.confidence:.2g}" if anomaly.confidence is not None else ""
    doubt = f"; the signal's quality is {anomaly.quality}" if anomaly.quality != "good" else ""
    return f"{told} {place}, by {anomaly.detector}{sure}{doubt}."


def _unknown(ref: str, found: Found) -> Why:
    """The answer for a duplicate observation under another id, or for a case whose events are missing."""
    answer = "Nothing is stored of what decided this; `audit verify` names what is gone."
    receipt: Receipt | None = found.receipt
    if receipt is not None:
        answer = (
            f"Nothing was done for {receipt.source}|{receipt.external_id}: it is a duplicate. The same observation had "
            "been stored before under another id, and was judged there."
        )
    return Why(
        ref=ref,
        kind=found.kind,
        answer=answer,
        event=None,
        seen=None,
        repeats=1 if receipt else 0,
        first_received_at=receipt.received_at if receipt else None,
        decisions=(),
        suppressed=(),
        consequences=None,
        remade=None,
    )


def _case_of(whole: WholeEvent, entries: list[Entry], decisions: tuple[Decision, ...]) -> str | None:
    if entries:
        return entries[-1].case
    asked = any(decision.acts and Rung[decision.rung.upper()].opens_case for decision in decisions)
    return whole.case if asked else None


def _answer(
    whole: WholeEvent,
    entries: list[Entry],
    decisions: tuple[Decision, ...],
    followed: Consequences | None,
    held: HeldBack,
) -> str:
    event = whole.event
    if event.fate != Fate.DECIDED:
        return _undecided(event)
    deciding = next((decision for decision in decisions if decision.acts), None)
    if deciding is None:
        if any(decision.role == "active" and decision.aside for decision in decisions):
            return (
                "Nothing was done: the event came later than the policy waits for. It was judged where it belongs in "
                "time, for the record, and changed nothing."
            )
        return "Nothing was done: only versions in shadow judged it, and they act on nothing."
    earlier = [
        decision for decision in decisions if decision.role == "active" and decision.version == deciding.version
    ][1:]
    before = ""
    if earlier and earlier[0].rung != deciding.rung:
        before = f" Judged first as {_rung(earlier[0].rung)}, and again when an earlier event had come late."
    asked = Rung[deciding.rung.upper()].opens_case
    did = _held(deciding, held) if held.stands and asked else _did(deciding, entries, followed)
    return f"{did} {deciding.because}{before}{_returned(held)}".strip()


def _held(deciding: Decision, held: HeldBack) -> str:
    by = "; and ".join(suppression.words for suppression in held.by)
    last = held.by[0]
    late = " That had been over for too long when it returned." if last.returned_at is not None else ""
    return f"It asked for {_rung(deciding.rung)}, and nothing was done: it was {by}.{late}"


def _returned(held: HeldBack) -> str:
    return (
        f" It acted when its suppression ended: first it was {held.by[0].words}." if held.by and not held.stands else ""
    )


def _did(deciding: Decision, entries: list[Entry], followed: Consequences | None) -> str:
    match deciding.rung:
        case "ignore":
            return _withdrawn(entries, "It was ignored.")
        case "watch":
            return _withdrawn(entries, "No work was ordered: it is watched, and remembered for what comes next.")
    if followed is None:
        return f"It asked for {_rung(deciding.rung)}, and no case of it is known."
    how = entries[-1].how if entries else "fed"
    entered = {
        "opened": f"Case {followed.case} was opened, asking for {_rung(deciding.rung)}.",
        "raised": f"Case {followed.case} was open, and was raised to {_rung(deciding.rung)}.",
        "noted": f"No new work: case {followed.case} had just been closed, and this is the same episode.",
        "revised": f"Case {followed.case} had another rung, which was revised: {_rung(deciding.rung)}.",
    }
    same = f"No second order: case {followed.case} was open for the same fault, and this is further evidence."
    return entered.get(how, same)


def _withdrawn(entries: list[Entry], plain: str) -> str:
    revised = next((entry for entry in entries if entry.how == "revised"), None)
    return (
        f"{plain} Case {revised.case} had been opened by its first verdict, and the revision is noted on it."
        if revised
        else plain
    )


def _undecided(event: SeenEvent) -> str:
    reason = f" {event.reason}" if event.reason else ""
    field = f" (field {event.field})" if event.field else ""
    match event.fate:
        case Fate.QUARANTINED:
            return (
                f"Nothing was done: the message is quarantined, because it could not be taken as it is.{reason}{field}"
            )
        case Fate.UNMAPPED:
            return f"Nothing was done: it is unmapped, because it tells of something the register lacks.{reason}{field}"
        case Fate.NOT_AN_ANOMALY:
            return f"Nothing was done: it is no anomaly.{reason}"
        case Fate.DUPLICATE:
            return f"Nothing was done: it is a duplicate of what was stored before.{reason}"
    waits = f"line {event.line}" if event.line else "its line"
    return f"Nothing yet: it is {UNDECIDED} and waits for {waits} to be judged."


def _rung(word: str) -> str:
    return {
        "ignore": "nothing",
        "watch": "watching only",
        "inspect": "an inspection",
        "draft": "a draft for the planner",
        "work_order": "a work order",
        "work_order_and_hold": "a work order and a hold",
    }.get(word, word)
