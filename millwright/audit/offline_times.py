"""The offline verifier's check of times: a clock that was set back shows as a row older than the row before it.

Uses only standard Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from millwright.audit.offline_people import moment_of
from millwright.audit.offline_signatures import OfflineFinding

SET_BACK = timedelta(minutes=5)
"""How far the clocks of two hosts may differ, and a signature may be older than its record."""


class Times:
    """Follows the rows of the ledger in their order, with the times of what each of them recorded.

    A row is compared with the row before it from the first verdict on: a fresh installation is set up by any clock.
    """

    def __init__(self) -> None:
        self._before: str | None = None

    def follow(
        self, seq: int, at: str, acts: Sequence[tuple[str, str]], *, judged: Sequence[str] = ()
    ) -> Iterator[OfflineFinding]:
        """Checks the next row.

        Args:
            at: its time in UTC, with microseconds.
            acts: the name and the time of each of its acts.
            judged: the names of its verdicts, which have the time of the row.
        """
        before = self._before
        if before is not None or judged:
            self._before = at
        if before is not None and moment_of(at) < moment_of(before) - SET_BACK:
            told = ", ".join([*judged, *(name for name, _ in acts)]) or "nothing"
            what = f"is of {at}, and the row before it of {before}: the clock was set back for {told}"
            yield OfflineFinding("clock", f"ledger row {seq}", what)
        for name, told_at in acts:
            if moment_of(told_at) < moment_of(at) - SET_BACK:
                yield OfflineFinding("clock", name, f"is of {told_at}, and its row of the ledger of {at}")
