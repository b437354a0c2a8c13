"""How far a poll has read a CMMS: a watermark on the vendor's time stamps, and what was already given out near it.

A vendor stamps a change before it commits it. So every question begins some time before the watermark, and what was
given out in that stretch is remembered: nothing is missed, and a poll comes to an end.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.model import Moment

UNDATED: Final = 2**53
"""The second under which an unreadable row without a date is remembered: it may be in any answer. Builds that know no
unreadable rows keep it too."""
_MOST_UNDATED: Final = 1000
"""How many such rows are remembered. More of them are reported at every poll, which storage counts as one each."""


class Watermark(BaseModel):
    """Where a poll stands. Its text is opaque to everybody else.

    `seen` holds the fingerprint and the second of every version given out that may be asked for again.
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

    def text(self) -> str:
        return self.model_dump_json()

    def moved(
        self, dates: Mapping[str, datetime], undated: Collection[str], floor: Callable[[datetime], datetime]
    ) -> Self:
        """The watermark after versions were given out.

        Args:
            dates: the fingerprint and the stamp of each.
            undated: the fingerprints of unreadable rows without a date, which move no watermark.
            floor: from when the next question begins, for a watermark.
        """
        remembered = {mark for mark, second in self.seen.items() if second == UNDATED} | set(undated)
        after = self._with(dates, floor)
        dated = {mark: second for mark, second in after.seen.items() if second != UNDATED}
        # In order, so that the text of the cursor is the same after a poll that brought nothing new.
        kept = dict.fromkeys(sorted(remembered)[:_MOST_UNDATED], UNDATED)
        return type(self)(watermark=after.watermark, seen=dated | kept)

    def _with(self, dates: Mapping[str, datetime], floor: Callable[[datetime], datetime]) -> Self:
        if not dates:
            return self
        latest = _rounded_up(max(dates.values()))
        watermark = latest if self.watermark is None else max(self.watermark, latest)
        first = int(floor(watermark).timestamp())
        kept = {mark: second for mark, second in self.seen.items() if second >= first}
        given = {mark: int(date.timestamp()) for mark, date in dates.items()}
        return type(self)(watermark=watermark, seen=kept | given)


def _rounded_up(moment: datetime) -> datetime:
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)
