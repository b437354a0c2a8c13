"""Rules that use what a machine does: what is known, what is not, and what proofs, counterfactuals and cases say."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.operating import MachineState, OperatingState
from domain.verdict import Context, Memory
from policies.checks.difference import difference
from policies.checks.policy_tests import run_cases
from policies.checks.unread import unread_findings
from policies.engine.counterfactual import counterfactuals
from policies.engine.explanation import explain
from policies.engine.judging import CompiledPolicy, facts_of, judge
from policies.language.schema import Property
from policies.language.text import TextRejected, read_text
from policies.language.variables import NEVER, OPERATING, RULE_READERS, Value
from policies.proof.prover import Proof, Prover
from tests.support.drafts import T0, about, deviation, draft, rule

STEADY = rule("steady", "operating.steady_minutes >= 20.0", "draft")
STARTING = rule("starting", "operating.known && operating.steady_minutes < 20.0", "watch")
UNSEEN = rule("unseen", "!operating.known", "inspect")
POLICY = draft(STEADY, STARTING, UNSEEN)


def read(state: MachineState, *, ago: float = 5, steady: float | None = None, **more: object) -> OperatingState:
    since = None if steady is None else T0 - timedelta(minutes=steady)
    made = {"state": state, "word": "said", "read_at": T0 - timedelta(minutes=ago), "since": since, **more}
    return OperatingState.model_validate(made)


RUNNING = read(MachineState.RUNNING, steady=30)


def at(operating: OperatingState | None) -> Context:
    return about().model_copy(update={"operating": operating})


def values(operating: OperatingState | None, policy: CompiledPolicy = POLICY) -> dict[str, Value]:
    facts = facts_of(policy.document, deviation(), at(operating), Memory(), Memory())
    return {name.removeprefix("operating."): RULE_READERS[name](facts) for name in OPERATING}


def decided(operating: OperatingState | None, policy: CompiledPolicy = POLICY) -> str:
    return judge(policy, Memory(), deviation(), at(operating))[0].rule


@pytest.mark.parametrize(
    ("operating", "rule_id"),
    [
        (RUNNING, "steady"),
        (read(MachineState.RUNNING, steady=19), "starting"),
        (read(MachineState.STARTUP, steady=60), "starting"),
        (read(MachineState.IDLE, steady=60), "starting"),
        (read(MachineState.UNKNOWN, steady=60), "unseen"),
        (read(MachineState.RUNNING, ago=31, steady=60), "unseen"),
        (read(MachineState.RUNNING, ago=-1, steady=60), "unseen"),
        (read(MachineState.RUNNING, ago=5, steady=60, said_at=T0 - timedelta(hours=1)), "unseen"),
        (None, "unseen"),
    ],
    ids=["steady", "soon", "startup", "idle", "unknown", "stale", "read later", "said long ago", "never read"],
)
def test_only_a_machine_that_is_known_to_run_is_steady(operating: OperatingState | None, rule_id: str) -> None:
    assert decided(operating) == rule_id


NOTHING = {"known": False, "state": "unknown", "steady_minutes": 0.0, "mode": "", "recipe": "", "speed": 0.0}


@given(
    state=st.sampled_from(MachineState),
    ago=st.integers(-60, 600),
    steady=st.integers(-60, 600),
    said=st.none() | st.integers(0, 600),
)
def test_what_is_not_known_says_nothing_at_all(state: MachineState, ago: int, steady: int, said: int | None) -> None:
    said_at = None if said is None else T0 - timedelta(minutes=said)
    told = values(read(state, ago=ago, steady=steady, mode="auto", recipe="R1", speed=3.0, said_at=said_at))
    age = ago if said is None else said
    known = state is not MachineState.UNKNOWN and 0 <= age <= 30
    assert told["known"] is known
    running = known and state is MachineState.RUNNING
    assert (float(told["steady_minutes"]) > 0) is (running and steady > 0)
    assert known or {name: told[name] for name in NOTHING} == NOTHING


def test_a_reading_that_was_never_made_has_no_age() -> None:
    assert values(None) == {**NOTHING, "age_minutes": NEVER}
    assert values(RUNNING)["age_minutes"] == 5.0


def test_a_policy_says_how_long_a_reading_counts() -> None:
    strict = draft(STEADY, STARTING, UNSEEN, more="operating: { stale_after: PT4M }\n")
    assert (decided(RUNNING), decided(RUNNING, strict)) == ("steady", "unseen")


def test_a_word_that_no_machine_state_is_does_not_compile() -> None:
    with pytest.raises(TextRejected, match=r"operating\.state is never 'warming'"):
        draft(rule("warm", "operating.state == 'warming'"))


def test_a_state_of_the_policy_may_be_raised_only_in_production() -> None:
    policy = draft(
        rule("shaking", "state.shaking.raised", "inspect"),
        more="""\
        states:
          - { id: shaking, says: It shakes in production., observe: operating.known, raise_when: "anomaly.score > 4.0
              && operating.state == 'running'" }
        """,
    )
    assert policy.read_inputs.operating
    assert [decided(each, policy) for each in (RUNNING, read(MachineState.STARTUP), None)] == [
        "shaking",
        "nothing",
        "nothing",
    ]


def test_a_policy_that_does_not_use_it_is_not_told() -> None:
    assert not draft(rule("high", "anomaly.score > 4.0")).read_inputs.operating


def test_an_explanation_has_the_state_and_its_age() -> None:
    told = explain(POLICY, Memory(), deviation(), at(RUNNING))
    assert told.values["operating.steady_minutes"] == "30"
    assert told.traces[-1].comparisons[0].value == "30"


def test_a_counterfactual_says_how_long_it_should_have_run() -> None:
    soon = at(read(MachineState.RUNNING, steady=12))
    found = {each.variable: each for each in counterfactuals(POLICY, Memory(), deviation(), soon).inputs}
    ordering = found["operating.steady_minutes"].ordering
    assert ordering is not None
    words = "It would have drafted a work order if minutes for which the machine has run without a break were"
    assert ordering.words == f"{words} at least 20 (it is 12)."


def test_a_counterfactual_makes_up_no_reading() -> None:
    found = {each.variable: each for each in counterfactuals(POLICY, Memory(), deviation(), at(None)).inputs}
    assert found["operating.known"].nearest is None


def proof(policy: CompiledPolicy, **claim: object) -> Proof:
    promise = Property.model_validate({"id": "it", "says": "It is so.", **claim})
    return next(Prover(policy, lambda _: policy).prove([promise]))


def test_it_is_proved_that_nothing_is_ordered_while_the_state_is_unknown() -> None:
    claim = {"when": "!operating.known", "rung_at_least": "draft"}
    assert proof(POLICY, never=claim).result == "proved"


def test_a_rule_that_takes_unknown_for_a_yes_is_refuted_by_events_that_the_engine_judged() -> None:
    careless = draft(
        rule("soon", "operating.steady_minutes < 20.0", "watch"), rule("rest", "anomaly.score > 4.0", "draft")
    )
    unknown = "asset.class == 'pump' && anomaly.quality != 'bad' && anomaly.score > 4.0 && !operating.known"
    found = proof(careless, always={"when": unknown, "rung_at_least": "draft"})
    assert found.result == "refuted"


def test_running_longer_never_lowers_the_rung() -> None:
    raised = draft(STEADY, rule("rest", "anomaly.score > 4.0", "watch"))
    assert proof(raised, monotone={"in": "operating.steady_minutes", "direction": "up"}).result == "proved"
    lowered = draft(
        rule("long", "operating.steady_minutes >= 20.0", "watch"), rule("rest", "anomaly.score > 4.0", "draft")
    )
    assert proof(lowered, monotone={"in": "operating.steady_minutes", "direction": "up"}).result == "refuted"


def test_a_difference_shows_a_machine_by_which_two_versions_differ() -> None:
    before, after = (
        draft(rule("high", "anomaly.score > 4.0", "draft")),
        draft(rule("high", "anomaly.score > 4.0 && operating.steady_minutes >= 20.0", "draft")),
    )
    found = difference(before, after)
    effect = next(each for each in found.effects if (each.before, each.after) == ("draft", "ignore"))
    assert effect.witness is not None


CASES = """\
cases:
  - name: In startup it is watched
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0, operating: { state: startup } }]
    expect: { rule: starting, rung: watch, severity: S4 }
  - name: In steady state it is ordered
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0, operating: { state: running, since: PT20M, read_ago: PT30M } }]
    expect: { rule: steady, rung: draft, severity: S4 }
  - name: A stale reading says nothing
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0, operating: { state: running, since: PT60M, read_ago: PT31M } }]
    expect: { rule: unseen, rung: inspect, severity: S4 }
  - name: Nor does none
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0 }]
    expect: { rule: unseen, rung: inspect, severity: S4 }
"""


def test_the_cases_of_a_policy_say_what_the_machine_does() -> None:
    assert [result.problem for result in run_cases(POLICY, CASES, "cases.yaml").results] == [None] * 4


def unread(policy: CompiledPolicy) -> list[str]:
    return [finding.rules[0] for finding in unread_findings(policy, read_text(policy.text, "draft.yaml"))]


@pytest.mark.parametrize(
    ("when", "named"),
    [
        ("operating.steady_minutes < 20.0", ["it"]),
        ("operating.state != 'startup'", ["it"]),
        ("operating.steady_minutes >= 20.0", []),
        ("operating.state in ['startup', 'setup']", []),
        ("operating.known && operating.steady_minutes < 20.0", []),
        ("operating.state in ['unknown', 'running']", []),
        ("anomaly.score > 4.0", []),
    ],
)
def test_the_check_names_a_rule_that_decides_on_a_machine_that_nobody_has_read(when: str, named: list[str]) -> None:
    assert unread(draft(rule("it", when))) == named


def test_a_rule_that_comes_after_one_for_machines_that_are_not_known_is_not_named() -> None:
    assert unread(draft(UNSEEN, rule("it", "operating.steady_minutes < 20.0"))) == []
