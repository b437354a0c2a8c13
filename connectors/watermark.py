"""How far a poll by time has read: a watermark, and what was already given out near it.

A CMMS stamps a change before it commits, and gives several changes one stamp. So the watermark is rounded up to the
second, every question begins some time before it, and what was given out in that stretch is remembered: nothing is
missed, and a poll comes to an end.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.call import Call
from connectors.rows import UnreadableRow
from domain.errors import Refused
from domain.model import Moment

_UNDATED: Final = 2**53
"""The second under which an unreadable row without a date is remembered: it may be in any answer. Earlier builds of the
connector to Maximo keep it too."""
_MOST_UNDATED: Final = 1000
"""How many such rows are remembered. More of them are reported at every poll, which storage counts as one each."""


RowT = TypeVar("RowT", bound=UnreadableRow)


class Watermark(BaseModel):
    """Where a poll stands. Its text is opaque to everybody else.

    `seen` holds the mark and the second of every version given out that may be asked for again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    watermark: Moment | None = None
    seen: dict[str, int] = {}

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """The watermark of a text that `text` gave.

        Raises:
            ValueError: it is not one of ours.
        """
        if text is None:
            return cls()
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            raise ValueError("the cursor is not one that this connector gave out") from None

    @classmethod
    def of(cls, call: Call, cursor: str | None) -> Self:
        """The watermark of a cursor that a call was given.

        Raises:
            Refused: it is not one of ours.
        """
        try:
            return cls.parse(cursor)
        except ValueError as error:
            raise call.error(Refused, str(error)) from None

    def start(self, overlap: timedelta) -> datetime | None:
        """From when to ask; None asks from the beginning."""
        return None if self.watermark is None else self.watermark - overlap

    def unreported(self, rows: Iterable[RowT]) -> list[RowT]:
        """The unreadable rows that were not reported yet with this content, each once."""
        return list({row.mark: row for row in rows if row.mark not in self.seen}.values())

    def text(self) -> str:
        return self.model_dump_json()

    def passed(self, given: Mapping[str, datetime | None], begin: Callable[[datetime], datetime]) -> Self:
        """The watermark after these versions were given out.

        Args:
            given: each version's mark and date. One without a date moves no watermark, and is remembered for good.
            begin: from when the next poll asks, by the watermark. What was given out since then is remembered.
        """
        undated = {mark for mark, date in given.items() if date is None}
        undated |= {mark for mark, second in self.seen.items() if second == _UNDATED}
        watermark, seen = self._moved({mark: date for mark, date in given.items() if date is not None}, begin)
        dated = {mark: second for mark, second in seen.items() if second != _UNDATED}
        # In order, so that the text of the cursor is the same after a poll that brought nothing new.
        remembered = dated | dict.fromkeys(sorted(undated)[:_MOST_UNDATED], _UNDATED)
        return type(self)(watermark=watermark, seen=remembered)

    def _moved(
        self, dates: Mapping[str, datetime], begin: Callable[[datetime], datetime]
    ) -> tuple[datetime | None, Mapping[str, int]]:
        if not dates:
            return self.watermark, self.seen
        latest = _rounded_up(max(dates.values()))
        watermark = latest if self.watermark is None else max(self.watermark, latest)
        floor = int(begin(watermark).timestamp())
        kept = {mark: second for mark, second in self.seen.items() if second >= floor}
        return watermark, kept | {mark: int(date.timestamp()) for mark, date in dates.items()}


def _rounded_up(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def mark_of(version: str) -> str:
    """A short name for a version of a record."""
    return hashlib.sha256(version.encode()).hexdigest()[:12]
