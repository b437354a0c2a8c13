"""What a policy states of a return to normal: when a fault is over, before its work and after it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field, StrictBool, StrictFloat

from domain.model import Model
from domain.return_to_normal import VERIFIED_WITHIN, NormalTerms
from policies.language.fields import Classes, Duration
from policies.language.text import Path, PolicyText, TextRejected

_SHORTEST_STEADY: Final = timedelta(minutes=4)
_LONGEST_STEADY: Final = timedelta(days=7)


class NormalClause(Model):
    """When a fault of an asset of these classes has returned to normal.

    Each signal that showed it must be at a score of at most `score` for the time `steady`, counted while the machine
    runs. `verify_within` is the time after completed work within which that must be proved.
    """

    classes: Classes
    steady: Duration
    score: Annotated[StrictFloat, Field(ge=0)]
    while_running: StrictBool = True
    verify_within: Duration | None = None

    def terms_of(self, asset_class: str, stale_after: timedelta) -> NormalTerms | None:
        """What it says of the faults of assets of a class; None if it says nothing.

        Args:
            stale_after: for how long a reading of the MES says what a machine does.
        """
        if asset_class not in self.classes:
            return None
        return NormalTerms(
            steady=self.steady,
            score=self.score,
            while_running=self.while_running,
            stale_after=stale_after,
            verify_within=self.verify_within,
        )


def normal_problems(clause: NormalClause | None, source: PolicyText) -> Iterator[TextRejected]:
    """What is contradictory in a clause, in no order."""
    if clause is None:
        return
    for position, name in enumerate(clause.classes):
        if name in clause.classes[:position]:
            path: Path = ("return_to_normal", "classes", position)
            yield source.rejected(path, f"{name} is named twice", fix="leave one of the two out")
    steady: Path = ("return_to_normal", "steady")
    within: Path = ("return_to_normal", "verify_within")
    if clause.steady < _SHORTEST_STEADY:
        problem = "is too short: the readings are looked at every quarter of it"
        yield source.rejected(steady, problem, fix="give PT4M or more")
    if clause.steady > _LONGEST_STEADY:
        yield source.rejected(steady, "is longer than seven days", fix="give P7D or less")
    if clause.verify_within is not None and clause.verify_within <= clause.steady:
        problem = "is not longer than `steady`, so that nothing can be proved within it"
        yield source.rejected(within, problem, fix="give a longer time")
    if clause.verify_within is not None and clause.verify_within > VERIFIED_WITHIN:
        yield source.rejected(within, "is longer than thirty days", fix="give P30D or less")
