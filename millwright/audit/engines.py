"""Which engine gave which verdict, from the acts by which one took over from another."""

import json

from domain.engines import TOOK_OVER, EngineMark
from millwright.audit.report import EngineCount
from millwright.storage.audit.record_rows import ActRow


class Engines:
    """Follows the ledger from its first row: told every act, it knows whose verdicts come.

    Args:
        present: the engine that judges again.
    """

    def __init__(self, present: EngineMark) -> None:
        self.present = present
        self._now: EngineMark | None = None
        self._counts: dict[EngineMark | None, list[int]] = {}

    def follow(self, act: ActRow) -> None:
        """Takes note of an act; the verdicts of its ledger row are already those of the engine that took over."""
        if act.kind == TOOK_OVER:
            self._now = mark_of(act)

    def stored(self) -> None:
        """Counts a verdict."""
        self._counts.setdefault(self._now, [0, 0])[0] += 1

    def reproduced(self) -> None:
        """Counts that the last verdict came out the same."""
        self._counts[self._now][1] += 1

    @property
    def words(self) -> str:
        """Who made the verdict and who made it again, where these are two; nothing else explains a difference."""
        if self._now is None or self._now.digest == self.present.digest:
            return ""
        return f" (made by engine {self._now.digest[:12]}, made again by engine {self.present.digest[:12]})"

    @property
    def counts(self) -> tuple[EngineCount, ...]:
        """What each engine gave, the oldest first."""
        return tuple(
            EngineCount(
                engine=mark and mark.digest,
                build=mark and mark.build,
                python=mark and mark.python,
                libraries=mark and mark.libraries,
                stored=stored,
                reproduced=reproduced,
            )
            for mark, (stored, reproduced) in self._counts.items()
        )


def mark_of(act: ActRow) -> EngineMark:
    """The engine that an act tells of; what cannot be read of it is named elsewhere, as an altered act."""
    digest = act.subject.removeprefix("engine/")
    try:
        detail = json.loads(act.body)["detail"]
        return EngineMark(
            digest=digest,
            build=str(detail["build"]),
            python=str(detail["python"]),
            libraries=str(detail.get("libraries", "")),
        )
    except (ValueError, KeyError, TypeError):
        return EngineMark(digest=digest, build="unreadable", python="unreadable")
