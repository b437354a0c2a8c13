"""Decides whether a candidate is worse than the version it is compared with, as far as the data shows.

Orders with an unknown outcome must not decide. Precision is therefore compared three times: with the known orders, as
if every open order (prevented, with another defect, or unlabelled) had been wrong, and as if every open order had been
right. Each time the same assumption is used for both versions, because an order of both has one outcome. A result is
given only if all three agree.
"""

from collections.abc import Sequence
from enum import StrEnum

from domain.model import Model
from policies.evaluation.measures import Measures
from policies.statistics.intervals import Difference, Share, difference, share


class ComparisonResult(StrEnum):
    """The result for one figure, or for a candidate as a whole."""

    BETTER = "better"
    ALIKE = "alike"
    """Zero lies within the interval of the difference."""
    WORSE = "worse"
    UNKNOWN = "unknown"
    """One of the two figures has no cases, or the result depends on unknown outcomes."""


class FigureComparison(Model):
    """One figure of both versions; the difference is the candidate's minus the other's.

    `if_wrong` and `if_right` are the difference if every open order had been wrong, and right; None for recall.
    """

    figure: str
    candidate: Share
    against: Share
    difference: Difference | None
    if_wrong: Difference | None
    if_right: Difference | None
    standing: ComparisonResult


def compare_measures(candidate: Measures, against: Measures) -> tuple[FigureComparison, ...]:
    """Precision and recall of both, each with the interval of its difference."""
    known = difference(candidate.precision, against.precision)
    if_wrong = difference(_if_wrong(candidate), _if_wrong(against))
    if_right = difference(_if_right(candidate), _if_right(against))
    recall = difference(candidate.recall, against.recall)
    return (
        FigureComparison(
            figure="precision",
            candidate=candidate.precision,
            against=against.precision,
            difference=known,
            if_wrong=if_wrong,
            if_right=if_right,
            standing=_agreed([_standing(each) for each in (known, if_wrong, if_right)]),
        ),
        FigureComparison(
            figure="recall",
            candidate=candidate.recall,
            against=against.recall,
            difference=recall,
            if_wrong=None,
            if_right=None,
            standing=_standing(recall),
        ),
    )


def standing(figures: Sequence[FigureComparison]) -> ComparisonResult:
    """The candidate as a whole: worse if any figure is worse, unknown if any is unknown, else better if any is
    better."""
    found = {figure.standing for figure in figures}
    for each in (ComparisonResult.WORSE, ComparisonResult.UNKNOWN, ComparisonResult.BETTER):
        if each in found:
            return each
    return ComparisonResult.ALIKE


def _if_wrong(measures: Measures) -> Share:
    return share(measures.right, measures.orders)


def _if_right(measures: Measures) -> Share:
    return share(measures.orders - measures.wrong, measures.orders)


def _standing(apart: Difference | None) -> ComparisonResult:
    if apart is None:
        return ComparisonResult.UNKNOWN
    if apart.high < 0:
        return ComparisonResult.WORSE
    return ComparisonResult.BETTER if apart.low > 0 else ComparisonResult.ALIKE


def _agreed(cases: Sequence[ComparisonResult]) -> ComparisonResult:
    if len(set(cases)) == 1:
        return cases[0]
    return (
        ComparisonResult.UNKNOWN
        if {ComparisonResult.WORSE, ComparisonResult.UNKNOWN} & set(cases)
        else ComparisonResult.ALIKE
    )
