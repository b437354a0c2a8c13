"""Notes on an order for the people who work on it: what became known after it was placed."""

from activities.order_text import REWORK, attachment_note, case_hold_notice, hold_proposal_words, rework_words
from activities.progress import called_off
from domain.cases import CaseView
from domain.model import Model
from domain.ports import Judge
from domain.verdict import Rung

_ASKS_FOR = {
    Rung.DRAFT: "a draft for the planner",
    Rung.WORK_ORDER: "work, without further review",
    Rung.WORK_ORDER_AND_HOLD: "work, and a hold of the machine until then.",
}


class OrderNote(Model):
    """A note and the key under which the order carries it once."""

    key: str
    text: str


def notes_wanted(view: CaseView, judge: Judge) -> tuple[OrderNote, ...]:
    """The notes that the case's order does not carry yet, in the order in which they are to be written.

    An order that is not needed any more is withdrawn first where that is possible. One that is still open is left to
    people, and the note says so.

    Args:
        judge: gives the reason of the rule.
    """
    if view.order is None or view.order.status.finished:
        return ()
    notes = (
        _attaching(view),
        _overruling(view),
        _reworking(view),
        _answering(view),
        _worsening(view, judge),
        *_calling_off(view),
    )
    return tuple(note for note in notes if note is not None and note.key not in view.order_notes)


def _attaching(view: CaseView) -> OrderNote | None:
    """What a person's order is to people who read it, now that it is the order of a case too."""
    text = attachment_note(view)
    return None if text is None else OrderNote(key=_key(view, "attached", len(view.detached) + 1), text=text)


def _overruling(view: CaseView) -> OrderNote | None:
    hold = view.hold
    if hold is None or hold.overruled_at is None:
        return None
    return OrderNote(
        key=f"{hold.key}-overruled",
        text=f"Production started {hold.equipment} in the MES; seen at {hold.overruled_at:%Y-%m-%d %H:%M} UTC. "
        f"The hold is overruled and is not placed again for this order. {case_hold_notice(view)}",
    )


def _reworking(view: CaseView) -> OrderNote | None:
    """Which work did not help, where the order was written before that was known."""
    if view.rework is None or view.draft is None or any(each.startswith(REWORK) for each in view.draft.paragraphs):
        return None
    return OrderNote(key=f"{view.id}-rework", text=f"{rework_words(view.rework)} {case_hold_notice(view)}")


def _answering(view: CaseView) -> OrderNote | None:
    """That production refused the hold, and each answer after such a note."""
    proposal, equipment = view.hold_proposal, view.mes_equipment
    if proposal is None or proposal.answer is None or equipment is None:
        return None
    prefix = _key(view, "answer", "")
    if not proposal.refused and not any(key.startswith(prefix) for key in view.order_notes):
        return None
    key = f"{prefix}{proposal.answer.at:%Y%m%d%H%M%S%f}"
    return OrderNote(key=key, text=f"{hold_proposal_words(equipment, proposal)} {case_hold_notice(view)}")


def _worsening(view: CaseView, judge: Judge) -> OrderNote | None:
    """Builds before this note wrote no rung into their drafts."""
    if view.draft is None or view.draft.rung is None or view.rung <= view.draft.rung:
        return None
    verdict, words = view.verdict, judge.words(view.version, view.verdict.rule)
    notice = f" {case_hold_notice(view)}" if view.rung is Rung.WORK_ORDER_AND_HOLD else ""
    return OrderNote(
        key=f"{view.id}-{view.rung.word}",
        text=f"The fault became worse after this order was made; last seen at {view.last_event_at:%Y-%m-%d %H:%M} UTC. "
        f"{words.because} Policy {verdict.policy} {verdict.version}, rule {verdict.rule}, severity {verdict.severity}, "
        f"priority {verdict.priority}, now asks for {_ASKS_FOR[view.rung]}{notice}",
    )


def _calling_off(view: CaseView) -> tuple[OrderNote, ...]:
    """That the order is not needed any more, or that it is needed again after such a note."""
    doubts = sum(key.startswith(_key(view, "doubt", "")) for key in view.order_notes)
    returns = sum(key.startswith(_key(view, "again", "")) for key in view.order_notes)
    why = called_off(view)
    if why is None:
        text = f"The order is wanted again: the fault was last seen at {view.last_event_at:%Y-%m-%d %H:%M} UTC."
        return (OrderNote(key=_key(view, "again", doubts), text=text),) if doubts > returns else ()
    if doubts > returns:
        return ()
    reason = (
        f"The work may not be needed any more: {why}"
        if view.decision is None
        else f"{view.decision.by} rejected the work: {why}"
    )
    text = f"{reason}. Millwright does not withdraw this order: cancel it if it is not needed."
    return (OrderNote(key=_key(view, "doubt", doubts + 1), text=text),)


def _key(view: CaseView, kind: str, number: int | str) -> str:
    return f"{view.id}-{kind}-{number}"
