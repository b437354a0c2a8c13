"""What the plant intends to make and when: a pure function of seed, line and equipment, for any date.

A line works 162 h and then stands still for a planned stop of 6 h, every week at the same hour. *Worked time* is time
on that line's calendar without its planned stops, so a job's place in it is one interval. Two successive slots of an
equipment always take 20 h 15 min of worked time together, eight such pairs fill the week, and where the first ends
within its pair is drawn from a hash: any slot is found without walking the weeks between. A slot is a short changeover
and then one job of 8 to 11.3 h.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

WEEK: Final = timedelta(days=7)
STOP_LENGTH: Final = timedelta(hours=6)
_WORKED_WEEK: Final = WEEK - STOP_LENGTH
_PAIR: Final = _WORKED_WEEK / 8
_SWING_MINUTES: Final = 80
_CHANGEOVER_MINUTES: Final = (15, 20, 30, 45)
_MONDAY: Final = datetime(2001, 1, 1, tzinfo=UTC)
_SHIFT_CHANGES: Final = (6, 14, 22)
_PRODUCTS: Final = ("HOUSING", "SHAFT", "FLANGE", "BRACKET", "IMPELLER")
WORK_MASTERS: Final = tuple(f"WM-{product}" for product in _PRODUCTS)
"""The work masters of the planned jobs."""


def _draw(*words: object) -> bytes:
    return hashlib.blake2b("/".join(str(word) for word in words).encode(), digest_size=8).digest()


@dataclass(frozen=True)
class PlannedStop:
    """One weekly stop of a line, from `start` to `end` in plant time."""

    job_id: str
    start: datetime
    end: datetime


class Calendar:
    """When one line works: a week's work from a shift change, its last 6 h a planned stop."""

    def __init__(self, line: str, seed: int) -> None:
        self.line = line
        drawn = _draw(seed, line)
        self._origin = _MONDAY + timedelta(days=drawn[0] % 7, hours=_SHIFT_CHANGES[drawn[1] % 3])

    def worked(self, moment: datetime) -> timedelta:
        """Worked time passed at `moment`; it stands still in a planned stop."""
        week, rest = divmod(moment - self._origin, WEEK)
        return week * _WORKED_WEEK + min(rest, _WORKED_WEEK)

    def start_at(self, worked: timedelta) -> datetime:
        """The moment work placed at `worked` begins: after a planned stop that falls there."""
        week, rest = divmod(worked, _WORKED_WEEK)
        return self._origin + week * WEEK + rest

    def end_at(self, worked: timedelta) -> datetime:
        """The moment work that lasts until `worked` ends: before a planned stop that falls there."""
        week, rest = divmod(worked, _WORKED_WEEK)
        return self._origin + week * WEEK + rest - (STOP_LENGTH if not rest else timedelta())

    def stop_after(self, moment: datetime) -> PlannedStop:
        """The planned stop that is on at `moment` or comes next."""
        week = (moment - self._origin) // WEEK
        end = self._origin + (week + 1) * WEEK
        return PlannedStop(f"STOP-{self.line}-{week:05d}", end - STOP_LENGTH, end)


@dataclass(frozen=True)
class Slot:
    """One job's place in worked time: changeover from `changeover`, the job from `begin` to `finish`."""

    number: int
    job_id: str
    product: str
    per_hour: int
    changeover: timedelta
    begin: timedelta
    finish: timedelta

    @property
    def quantity(self) -> int:
        """Pieces to make."""
        return round(self.per_hour * ((self.finish - self.begin) / timedelta(hours=1)))


class Plan:
    """The endless row of slots of one equipment."""

    def __init__(self, equipment: str, seed: int) -> None:
        self._equipment = equipment
        self._seed = seed

    def slot(self, number: int) -> Slot:
        """The slot of that number, counted from the calendar's origin."""
        pair, second = divmod(number, 2)
        middle = pair * _PAIR + self._first_length(pair)
        drawn = _draw(self._seed, self._equipment, number)
        opens = middle if second else pair * _PAIR
        return Slot(
            number=number,
            job_id=self.job_id(number),
            product=_PRODUCTS[drawn[1] % len(_PRODUCTS)],
            per_hour=40 + drawn[2] % 80,
            changeover=opens,
            begin=opens + timedelta(minutes=_CHANGEOVER_MINUTES[drawn[0] % len(_CHANGEOVER_MINUTES)]),
            finish=(pair + 1) * _PAIR if second else middle,
        )

    def number_at(self, worked: timedelta) -> int:
        """The number of the slot in which `worked` falls."""
        pair, rest = divmod(worked, _PAIR)
        return 2 * pair + (rest >= self._first_length(pair))

    def job_id(self, number: int) -> str:
        """`JO-EQ-017-011702`."""
        return f"JO-{self._equipment}-{number:06d}"

    def _first_length(self, pair: int) -> timedelta:
        drawn = int.from_bytes(_draw(self._seed, self._equipment, "pair", pair)[:4], "big")
        return _PAIR / 2 + timedelta(minutes=drawn % (2 * _SWING_MINUTES + 1) - _SWING_MINUTES)
