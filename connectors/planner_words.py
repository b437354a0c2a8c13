"""The words by which planners say in a note why they rejected an order or until when they put it off, and what is kept
of that."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, model_validator

from connectors.text import is_marked, one_line
from domain.work_orders import OrderRejection

REASON_LENGTH: Final = 500
"""How much of a reason is kept: a sentence or two."""
_AUTHOR_LENGTH: Final = 100
_DAY_LENGTH: Final = len("2026-12-07")
_YEARS: Final = range(1970, 2200)
"""Other years are mistakes, and an instant near the year 1 or 9999 cannot be computed."""


SaidT = TypeVar("SaidT")


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
        put_off: behind it is the day until which the order is put off, such as 2026-12-07.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rejected: PlannerWord | None = None
    put_off: PlannerWord | None = None

    @model_validator(mode="after")
    def _are_two_words(self) -> "PlannerWords":
        if (
            self.rejected is not None
            and self.put_off is not None
            and _compared(self.rejected) == _compared(self.put_off)
        ):
            raise ValueError("has one word for two things: rejected and put_off need different words")
        return self


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
    return _last(rejection_of(said_behind(word, note), by) for note, by in notes)


def day_of(text: str | None, zone: tzinfo) -> datetime | None:
    """The moment that a text names: an ISO 8601 time, or the beginning of a day. None if it names none.

    Args:
        zone: of a time without an offset, and of a day.
    """
    words = (text or "").strip()
    for part in (words, words[:_DAY_LENGTH]):
        try:
            moment = datetime.fromisoformat(part)
        except ValueError:
            continue
        if moment.year in _YEARS:
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    return None


def day_in(word: str | None, notes: Iterable[str], zone: tzinfo) -> datetime | None:
    """The newest day in notes of people; None if there is none.

    Args:
        word: with which the line of a day begins.
        notes: oldest first.
        zone: of a day.
    """
    return _last(day_of(said_behind(word, note), zone) for note in notes)


def day_or_start(said: datetime | None, start: datetime | None, changed_at: datetime) -> datetime | None:
    """The day that people said, else the planned start. So too if only the start was still to come when the order was
    changed last: then the day is that of an earlier hold, or the start was planned anew.

    Args:
        said: the day in the notes.
        start: the planned start of the order.
        changed_at: when the order was changed last.
    """
    if said is None or (said < changed_at and start is not None and start >= changed_at):
        return start
    return said


def _last(found: Iterable[SaidT | None]) -> SaidT | None:
    return next((each for each in reversed([*found]) if each is not None), None)
