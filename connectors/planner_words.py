"""The words by which planners say in a note why they rejected an order, and what is kept of the reason."""

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from connectors.text import is_marked, one_line
from domain.work_orders import OrderRejection

REASON_LENGTH: Final = 500
"""How much of a reason is kept: a sentence or two."""
_AUTHOR_LENGTH: Final = 100


def _compared(text: str) -> str:
    return " ".join(text.casefold().split())


def _without_colon(word: str) -> str:
    if ":" in word:
        raise ValueError("needs no colon: people write one behind it")
    return word


PlannerWord = Annotated[
    str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True), AfterValidator(_without_colon)
]


class PlannerWords(BaseModel):
    """The words with which a line of a note begins, and behind which a colon stands. Upper and lower case are the same.

    They are a site's own, so there is no default: without a word nothing is read.

    Args:
        rejected: behind it is why the order was rejected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rejected: PlannerWord | None = None


def said_behind(word: str | None, note: str) -> str | None:
    """What is said behind a word and a colon at the beginning of a line of a note; of several lines the last one."""
    if word is None or is_marked(note):
        return None
    said = None
    for line in note.splitlines():
        before, colon, after = line.partition(":")
        if colon and after.strip() and _compared(before) == _compared(word):
            said = after.strip()
    return said


def rejection_of(reason: str | None, by: str | None = None) -> OrderRejection | None:
    """A reason as it is kept: on one line, without control characters, of at most `REASON_LENGTH` characters; None if
    there is none."""
    words = one_line(reason or "", REASON_LENGTH)
    return OrderRejection(reason=words, by=one_line(by or "", _AUTHOR_LENGTH) or None) if words else None


def rejection_in(word: str | None, notes: Iterable[tuple[str, str | None]]) -> OrderRejection | None:
    """The newest reason in notes of people; None if there is none.

    Args:
        word: with which the line of a reason begins.
        notes: each note with its author, oldest first.
    """
    found = (rejection_of(said_behind(word, note), by) for note, by in notes)
    return next((each for each in reversed(list(found)) if each is not None), None)
