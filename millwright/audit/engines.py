"""Finds the engine of each verdict, from the acts `engine-took-over`."""

import json

from domain.engines import TOOK_OVER, EngineMark
from millwright.audit.report import EngineCount
from millwright.storage.audit.record_rows import ActRow


class Engines:
    """Follows the ledger from its first row. From the acts it knows the engine of the next verdicts.

    Args:
        present: the engine that judges again.
    """

    def __init__(self, present: EngineMark) -> None:
        self.present = present
        self._now: EngineMark | None = None
        self._counts: dict[EngineMark | None, list[int]] = {}

    def follow(self, act: ActRow) -> None:
        """Reads an act. The verdicts of its ledger row are already those of the new engine."""
        if act.kind == TOOK_OVER:
            self._now = mark_of(act)

    def stored(self) -> None:
        """Counts a verdict."""
        self._counts.setdefault(self._now, [0, 0])[0] += 1

    def reproduced(self) -> None:
        """Counts that the last verdict was reproduced."""
        self._counts[self._now][1] += 1

    @property
    def words(self) -> str:
        """The engine that made the verdict and the present engine, if they differ."""
        if self._now is None or self._now.digest == self.present.digest:
            return ""
        return f" (made by engine {self._now.digest[:12]}, made again by engine {self.present.digest[:12]})"

    @property
    def counts(self) -> tuple[EngineCount, ...]:
        """The counts of each engine, the oldest first."""
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
    """The engine of an act. An unreadable act is reported elsewhere, as altered."""
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
