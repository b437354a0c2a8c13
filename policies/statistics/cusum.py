"""A cumulative sum that notices a lasting change for the worse (Page 1954; Montgomery, *Introduction to Statistical
Quality Control*, chapter 9). Pure.

Precision is followed by the Bernoulli form: each finding adds the log likelihood ratio of a precision at which twice as
many are wrong, and of the usual one. Lead time is followed by the tabular form in standard deviations, with k = 1/2:
that is tuned to a shift of one standard deviation. A sum never falls below zero, so old good results do not hide new
bad ones. Unlike a fixed number of results, it needs no choice of a window.
"""

import math
from collections.abc import Iterable
from typing import Final

from domain.model import Model

THRESHOLD: Final = 5.0
"""The sum at which there is an alarm; h = 5 of the tabular form, and about as rare for findings."""
SLACK: Final = 0.5
"""k of the tabular form, in standard deviations."""
_WORSE: Final = 2.0
_MOST_WRONG: Final = 0.98


class CusumAlarm(Model):
    """The state of a sum: its value, and after how many results it reached the threshold; None if it never did."""

    value: float
    threshold: float
    alarm_after: int | None


def cusum_of_findings(usual: float, found: Iterable[bool]) -> CusumAlarm:
    """Whether the share of right findings has fallen.

    Args:
        usual: the usual precision, between 0 and 1.
        found: whether each finding was right, in the order of time.
    """
    wrong = min(max(1 - usual, 1 - _MOST_WRONG), _MOST_WRONG / _WORSE)
    worse = min(_WORSE * wrong, _MOST_WRONG)
    against, for_it = math.log(worse / wrong), math.log((1 - worse) / (1 - wrong))
    return _followed(for_it if right else against for right in found)


def cusum_of_leads(usual: float, deviation: float, leads: Iterable[float]) -> CusumAlarm:
    """Whether lead times have become shorter.

    Args:
        usual: the usual mean, in any unit.
        deviation: the usual standard deviation in it, above 0.
        leads: in the order of time.
    """
    return _followed((usual - lead) / deviation - SLACK for lead in leads)


def _followed(steps: Iterable[float]) -> CusumAlarm:
    value, alarm = 0.0, None
    for number, step in enumerate(steps, start=1):
        value = max(0.0, value + step)
        if alarm is None and value >= THRESHOLD:
            alarm = number
    return CusumAlarm(value=round(value, 4), threshold=THRESHOLD, alarm_after=alarm)
