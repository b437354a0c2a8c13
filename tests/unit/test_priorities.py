"""The priority of a case's calls, from severity and criticality."""

from itertools import pairwise

from domain.assets import Criticality
from domain.priorities import FIRST, priority_key
from domain.verdict import Severity


def test_the_five_keys_of_the_engine_are_used_and_no_other() -> None:
    keys = {priority_key(severity, criticality) for severity in Severity for criticality in Criticality}
    assert keys == {1, 2, 3, 4, 5}
    assert min(keys) == FIRST


def test_who_is_worse_or_more_critical_never_goes_later() -> None:
    for criticality in Criticality:
        for worse, better in pairwise(Severity):
            assert priority_key(worse, criticality) < priority_key(better, criticality)
    for severity in Severity:
        for more, less in pairwise(Criticality):
            assert priority_key(severity, more) <= priority_key(severity, less)


def test_an_asset_of_unknown_criticality_counts_as_the_least_critical() -> None:
    for severity in Severity:
        assert priority_key(severity, None) == priority_key(severity, Criticality.D)
