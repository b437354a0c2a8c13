"""Counterfactuals: for each input of a verdict, the smallest change that gives another rung."""

from domain.anomaly import Anomaly
from domain.model import Model
from domain.verdict import Context, Memory


class Change(Model):
    """A change of one input alone, with the rung and the rule of the verdict that it gives.

    `now` and `then` are the input's values as text for people; `words` is the change in a sentence.
    """

    now: str
    then: str
    rung: str
    rule: str
    words: str


class Counterfactual(Model):
    """One input. `nearest` is its smallest change that gives another rung, `ordering` the smallest that orders work.

    Each is None if no value of the input alone does so; `ordering` is also None if work was ordered. `exact` is false
    if a condition uses the input in a way that cannot be searched completely. Then a smaller change may exist.
    """

    variable: str
    nearest: Change | None
    ordering: Change | None
    exact: bool = True


class Counterfactuals(Model):
    """All inputs that a version's conditions use. Those whose change gives another rung come first."""

    rung: str
    inputs: tuple[Counterfactual, ...]

    @property
    def told(self) -> tuple[str, ...]:
        """The changes in sentences: those that would have ordered work, or all if there are none of these."""
        ordering = tuple(
            counterfactual.ordering.words for counterfactual in self.inputs if counterfactual.ordering is not None
        )
        return ordering or tuple(
            counterfactual.nearest.words for counterfactual in self.inputs if counterfactual.nearest is not None
        )


class Grounds(Model):
    """The inputs of a stored verdict, with which it can be judged again."""

    verdict: int
    version: str
    memory: Memory
    anomaly: Anomaly
    context: Context


class VerdictCounterfactuals(Model):
    """The counterfactuals of a stored verdict."""

    verdict: int
    changes: Counterfactuals
