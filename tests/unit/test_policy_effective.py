"""The effective policy of an asset on one page."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.verdict import Context
from policies.engine.effective import EffectivePolicy, effective
from tests.support.drafts import T0, about, decided, deviation, draft, rule

POLICY = draft(
    rule("severe", "anomaly.score >= 9.0", "inspect"),
    rule("high", "anomaly.score >= param.limit"),
    more="""\
    parameters: { limit: 5.0, other: x }
    cohorts: [{ id: old, when: "asset.machine == 'M1'" }]
    overrides:
      - for: { class: pump }
        because: Pumps vibrate less.
        parameters: { limit: 4.0 }
        rules: [{ replaces: high, id: high-pump, then: { rung: inspect }, because: So., response: Look. }]
      - for: { cohort: old }
        because: Old ones rattle.
        parameters: { limit: 8.0 }
      - for: { asset: M1/comp2 }
        because: Its sensor is loose.
        off: [high]
    waivers:
      - id: trial
        for: { machine: M2 }
        rules: [severe, high-pump]
        owner: Ada
        reason: A trial.
        until: 2026-01-05T12:00:00Z
    """,
)


def standings(told: EffectivePolicy) -> dict[str, tuple[str, str | None]]:
    return {rule.rule: (rule.standing, rule.by) for rule in told.rules}


def test_a_parameter_tells_which_scope_gave_it_and_why() -> None:
    pump = effective(POLICY, about("M9/comp1", "M9"), T0)
    old = effective(POLICY, about("M1/comp1", "M1"), T0)

    told = [(parameter.name, parameter.value, parameter.given_by, parameter.because) for parameter in pump.parameters]
    assert told == [("limit", 4.0, "class pump", "Pumps vibrate less."), ("other", "x", "all", None)]
    assert (old.cohort, old.parameters[0].value, old.parameters[0].given_by) == ("old", 8.0, "cohort old")


def test_rules_that_are_replaced_put_off_or_waived_are_told_as_such() -> None:
    motor, pump = about("M9/comp1", "M9", "motor"), about("M9/comp1", "M9")
    holding = {"severe": ("holds", None), "nothing": ("holds", None)}

    assert standings(effective(POLICY, motor, T0)) == holding | {"high": ("holds", None)}
    assert standings(effective(POLICY, pump, T0)) == holding | {
        "high-pump": ("holds", "class pump"),
        "high": ("replaced", "class pump"),
    }
    assert standings(effective(POLICY, about("M1/comp2", "M1"), T0)) == holding | {"high": ("off", "asset M1/comp2")}


def test_a_waiver_is_told_until_it_ends_and_afterwards_as_ended() -> None:
    waived = about("M2/comp1", "M2")
    before, after = effective(POLICY, waived, T0 - timedelta(seconds=1)), effective(POLICY, waived, T0)

    assert standings(before)["severe"] == ("waived", "trial")
    assert standings(before)["high-pump"] == ("waived", "trial")
    assert standings(after)["severe"] == ("holds", None)
    assert [(waiver.owner, waiver.holds) for waiver in (*before.waivers, *after.waivers)] == [
        ("Ada", True),
        ("Ada", False),
    ]


def test_an_asset_that_the_policy_does_not_cover_is_told_so() -> None:
    assert not effective(POLICY, about(asset_class="robot"), T0).covered


ASSETS = st.builds(
    about,
    asset=st.sampled_from(["M1/comp1", "M1/comp2", "M2/comp1", "M9/comp1"]),
    machine=st.sampled_from(["M1", "M2", "M9"]),
    asset_class=st.sampled_from(["pump", "motor"]),
)


@given(ASSETS, st.floats(0, 12), st.floats(-60, 60))
def test_the_rule_that_decides_is_always_told_to_hold_for_the_asset(
    context: Context, score: float, minutes: float
) -> None:
    anomaly = deviation(minutes, score)

    (rule,) = decided(POLICY, anomaly, context=context)

    assert standings(effective(POLICY, context, anomaly.at))[rule][0] == "holds"
