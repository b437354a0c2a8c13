"""What would have had to be otherwise: for each input of a verdict, its nearest change that gives another rung."""

from domain.anomaly import Anomaly
from domain.model import Model
from domain.verdict import Context, Memory


class Change(Model):
    """A change of one input alone, with what the version would then have said.

    `now` and `then` are values as a person reads them; `words` is the whole in a sentence.
    """

    now: str
    then: str
    rung: str
    rule: str
    words: str


class Counterfactual(Model):
    """One input. `nearest` is its smallest change that gives another rung, `ordering` the smallest that orders work.

    Either is None where no value of it alone does so; `ordering` is also None where work was ordered anyway. `exact` is
    false where a condition asks for the input in a way that could not be searched through: then there may be a nearer
    change than what is told.
    """

    variable: str
    nearest: Change | None
    ordering: Change | None
    exact: bool = True


class Counterfactuals(Model):
    """All inputs that a version's conditions ask for, those that change something first."""

    rung: str
    inputs: tuple[Counterfactual, ...]

    @property
    def told(self) -> tuple[str, ...]:
        """The changes in sentences: those that would have ordered work, and where it was ordered, all others."""
        ordering = tuple(
            counterfactual.ordering.words for counterfactual in self.inputs if counterfactual.ordering is not None
        )
        return ordering or tuple(
            counterfactual.nearest.words for counterfactual in self.inputs if counterfactual.nearest is not None
        )


class Grounds(Model):
    """What a stored verdict was told when it was given: enough to judge it again."""

    verdict: int
    version: str
    memory: Memory
    anomaly: Anomaly
    context: Context


class VerdictCounterfactuals(Model):
    """What would have changed a stored verdict."""

    verdict: int
    changes: Counterfactuals
