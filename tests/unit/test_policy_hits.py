"""Rules that never decide, and rules that leave nothing to those below them."""

from policies.statistics.hits import Flag, rule_hits

RULES = ["applies-to", "bad-quality", "first", "second", "last"]


def test_a_rule_that_never_decided_is_flagged() -> None:
    found = {hits.rule: hits for hits in rule_hits(RULES, {"first": (6, 2), "last": (4, 3)}, 5.0)}
    assert [name for name, hits in found.items() if hits.flag is Flag.NEVER_HIT] == [
        "applies-to",
        "bad-quality",
        "second",
    ]
    assert (found["first"].per_day, found["first"].share, found["first"].days) == (1.2, 0.6, 2)
    assert found["last"].flag is None


def test_a_rule_that_leaves_nothing_to_those_below_it_is_flagged() -> None:
    found = {hits.rule: hits.flag for hits in rule_hits(RULES, {"bad-quality": (1, 1), "second": (20, 9)}, 10.0)}
    assert (found["second"], found["bad-quality"], found["last"]) == (Flag.ALWAYS_HIT, None, Flag.NEVER_HIT)


def test_a_handful_of_events_says_nothing_of_always() -> None:
    assert rule_hits(RULES, {"first": (19, 3)}, 3.0)[2].flag is None


def test_without_a_verdict_every_rule_was_never_hit() -> None:
    assert {hits.flag for hits in rule_hits(RULES, {}, 0.0)} == {Flag.NEVER_HIT}
