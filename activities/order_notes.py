"""Notes on an order for the people who work on it: what became known after it was placed."""

import re
from typing import Final

from activities.order_text import (
    attachment_note,
    case_hold_notice,
    hold_proposal_words,
    minute,
    rework_words,
    tells_rework,
)
from activities.progress import called_off
from domain.cases import CaseView
from domain.model import Model
from domain.ports import Judge
from domain.verdict import Rung
from domain.wording import Wording, message
from domain.work_orders import Escalation

_ASKS_FOR = {
    Rung.DRAFT: message("It now asks for a draft for the planner."),
    Rung.WORK_ORDER: message("It now asks for work, without further review."),
    Rung.WORK_ORDER_AND_HOLD: message("It now asks for work, and a hold of the machine until then."),
}


_WORSE: Final = re.compile(f"-(?P<rung>{'|'.join(rung.word for rung in _ASKS_FOR)})(?:-(?P<priority>[1-4]))?")
"""The key of a note on a worsening, after the case's own. It has a priority if the order was raised to it."""


class OrderNote(Model):
    """A note and the key under which the order carries it once."""

    key: str
    text: str


def notes_wanted(view: CaseView, judge: Judge, say: Wording, raised_to: int | None = None) -> tuple[OrderNote, ...]:
    """The notes that the case's order does not carry yet, in the order in which they are to be written.

    An order that is not needed any more is withdrawn first where that is possible. One that is still open is left to
    people, and the note says so.

    Args:
        judge: gives the reason of the rule.
        say: the language of the notes.
        raised_to: the priority that the order was given a moment ago because the fault became worse.
    """
    if view.order is None or view.order.status.finished:
        return ()
    notes = (
        _attaching(view, say),
        _overruling(view, say),
        _reworking(view, say),
        _answering(view, say),
        _worsening(view, judge, say, raised_to),
        *_calling_off(view, say),
        _returning(view, say),
    )
    return tuple(note for note in notes if note is not None and note.key not in view.order_notes)


def withdrawal_words(view: CaseView, say: Wording) -> str:
    """Why an order is withdrawn: a person's own words, or what the record says of the evidence and the asset."""
    return say.recorded(view.withdraw or "") if view.decision is None else view.decision.reason


def _attaching(view: CaseView, say: Wording) -> OrderNote | None:
    """What an order of a person is to people who read it, now that it is attached to a case."""
    text = attachment_note(view, say)
    return None if text is None else OrderNote(key=_key(view, "attached", len(view.detached) + 1), text=text)


def _overruling(view: CaseView, say: Wording) -> OrderNote | None:
    hold = view.hold
    if hold is None or hold.overruled_at is None:
        return None
    told = say(
        "Production started {equipment} in the MES; seen at {at} UTC. The hold is overruled and is not placed again "
        "for this order.",
        equipment=hold.equipment,
        at=minute(hold.overruled_at),
    )
    return OrderNote(key=f"{hold.key}-overruled", text=f"{told} {case_hold_notice(view, say)}")


def _reworking(view: CaseView, say: Wording) -> OrderNote | None:
    """Which work did not help, where the order was written before that was known."""
    if view.rework is None or view.draft is None or any(tells_rework(each) for each in view.draft.paragraphs):
        return None
    text = f"{rework_words(view.rework, say)} {case_hold_notice(view, say)}"
    return OrderNote(key=f"{view.id}-rework", text=text)


def _answering(view: CaseView, say: Wording) -> OrderNote | None:
    """That production refused the hold, and each answer after such a note."""
    proposal, equipment = view.hold_proposal, view.mes_equipment
    if proposal is None or proposal.answer is None or equipment is None:
        return None
    prefix = _key(view, "answer", "")
    if not proposal.refused and not any(key.startswith(prefix) for key in view.order_notes):
        return None
    key = f"{prefix}{proposal.answer.at:%Y%m%d%H%M%S%f}"
    text = f"{hold_proposal_words(equipment, proposal, say)} {case_hold_notice(view, say)}"
    return OrderNote(key=key, text=text)


def escalation_wanted(view: CaseView) -> Escalation | None:
    """What the order is to have because the fault became worse; None if there is nothing to change, or the case is not
    timed again yet.

    The note on a worsening comes after it. Its key has the priority if the order was given it.
    """
    order, draft = view.order, view.draft
    if order is None or order.status.finished or order.of_a_person or draft is None or _worse_noted(view):
        return None
    if called_off(view) is not None or view.urgency is None:
        return None
    noted = [key["priority"] for key in _worse_keys(view) if key["priority"]]
    was = int(noted[-1]) if noted else draft.priority
    raised = Escalation(priority=view.verdict.priority, was=was, due_at=view.due_at, was_due_at=draft.due_at)
    return raised if raised.priority < raised.was or raised.earlier_due is not None else None


def _worse_keys(view: CaseView) -> list[re.Match[str]]:
    """The keys of the notes on a worsening, in their order."""
    keys = (_WORSE.fullmatch(key.removeprefix(view.id)) for key in view.order_notes)
    return [key for key in keys if key is not None]


def _worse_noted(view: CaseView) -> bool:
    """Whether the order tells all that has become worse. Builds before this note wrote no rung into their drafts."""
    if view.draft is None or view.draft.rung is None or view.rung <= view.draft.rung:
        return True
    return any(key["rung"] == view.rung.word for key in _worse_keys(view))


def _worsening(view: CaseView, judge: Judge, say: Wording, raised_to: int | None) -> OrderNote | None:
    """It waits until the work is timed again: the order is raised before it is noted."""
    if _worse_noted(view) or view.draft is None or view.urgency is None:
        return None
    due_at = view.due_at if view.due_at != view.draft.due_at else None
    verdict, words = view.verdict, judge.words(view.version, view.verdict.rule)
    told = (
        say("The fault became worse after this order was made; last seen at {at} UTC.", at=minute(view.last_event_at)),
        words.because,
        say(
            "Policy {policy} {version}, rule {rule}, severity {severity}, priority {priority}.",
            policy=verdict.policy,
            version=verdict.version,
            rule=verdict.rule,
            severity=verdict.severity,
            priority=verdict.priority,
        ),
        say(_ASKS_FOR[view.rung]),
        *((say("By the policy, the work is due by {at} UTC now.", at=minute(due_at)),) if due_at is not None else ()),
        *((case_hold_notice(view, say),) if view.rung is Rung.WORK_ORDER_AND_HOLD else ()),
    )
    raised = "" if raised_to is None else f"-{raised_to}"
    return OrderNote(key=f"{view.id}-{view.rung.word}{raised}", text=" ".join(told))


def _calling_off(view: CaseView, say: Wording) -> tuple[OrderNote, ...]:
    """That the order is not needed any more, or that it is needed again after such a note."""
    doubts = sum(key.startswith(_key(view, "doubt", "")) for key in view.order_notes)
    returns = sum(key.startswith(_key(view, "again", "")) for key in view.order_notes)
    if called_off(view) is None:
        text = say("The order is wanted again: the fault was last seen at {at} UTC.", at=minute(view.last_event_at))
        return (OrderNote(key=_key(view, "again", doubts), text=text),) if doubts > returns else ()
    if doubts > returns:
        return ()
    why = withdrawal_words(view, say)
    reason = (
        say("The work may not be needed any more: {why}.", why=why)
        if view.decision is None
        else say("{person} rejected the work: {why}.", person=view.decision.by, why=why)
    )
    left = say("Millwright does not withdraw this order: cancel it if it is not needed.")
    return (OrderNote(key=_key(view, "doubt", doubts + 1), text=f"{reason} {left}"),)


def _returning(view: CaseView, say: Wording) -> OrderNote | None:
    """That the fault of planned work has returned to normal, and that it is back: each once for an order. A note that
    the order is not needed any more has told it already."""
    normal = _key(view, "normal", 1)
    if normal in view.order_notes:
        if view.normal is not None:
            return None
        text = say("The fault is back: its signal did not stay at its baseline. The order is wanted as before.")
        return OrderNote(key=_key(view, "normal", 2), text=text)
    doubted = any(key.startswith(_key(view, "doubt", "")) for key in view.order_notes)
    if view.normal is None or doubted or called_off(view) is not None:
        return None
    proof = view.normal.proof
    told = say(
        "The fault has returned to normal: {readings} readings from {since} to {until} UTC are at the baseline.",
        readings=proof.readings,
        since=minute(proof.since),
        until=minute(proof.until),
    )
    left = say("Look before the work is done. Millwright leaves this order as it is.")
    return OrderNote(key=normal, text=f"{told} {left}")


def _key(view: CaseView, kind: str, number: int | str) -> str:
    return f"{view.id}-{kind}-{number}"
