"""Rules that use the work that was done on an asset: what is known, what is not, and what proofs, counterfactuals and
cases say."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.maintenance_history import MaintenanceHistory, WorkDone, WorkKind, newest
from domain.verdict import Context, Memory, ReadInputs
from policies.checks.check import check
from policies.checks.difference import difference
from policies.checks.policy_tests import run_cases
from policies.checks.unread import unread_findings
from policies.engine.counterfactual import counterfactuals
from policies.engine.explanation import explain
from policies.engine.judging import CompiledPolicy, facts_of, judge
from policies.language.schema import Property
from policies.language.text import TextRejected, read_text
from policies.language.variables import MAINTENANCE, NEVER, RULE_READERS, Value
from policies.proof.prover import Proof, Prover
from tests.support.drafts import T0, about, deviation, draft, rule

AGAIN = rule("again", "maintenance.since_same_fault_hours < 720.0", "work_order")
REPAIRED = rule("repaired", "maintenance.since_work_hours < 48.0", "inspect")
WORN = rule("worn", "maintenance.breakdowns >= 3", "work_order")
UNSEEN = rule("unseen", "!maintenance.known", "draft")
POLICY = draft(AGAIN, REPAIRED, WORN, UNSEEN, rule("rest", "anomaly.score > 4.0", "draft"))
MODE = deviation().failure_mode


def done(ago_hours: float, kind: WorkKind = WorkKind.UNKNOWN, mode: str | None = None) -> WorkDone:
    return WorkDone(record="1224", done_at=T0 - timedelta(hours=ago_hours), kind=kind, failure_mode=mode)


def told(*work: WorkDone, ago_hours: float = 1, complete: bool = True) -> MaintenanceHistory:
    return MaintenanceHistory(read_at=T0 - timedelta(hours=ago_hours), complete=complete, work=newest(work))


def at(history: MaintenanceHistory | None) -> Context:
    return about().model_copy(update={"maintenance": history})


def values(history: MaintenanceHistory | None, policy: CompiledPolicy = POLICY) -> dict[str, Value]:
    facts = facts_of(policy.document, deviation(), at(history), Memory(), Memory())
    return {name.removeprefix("maintenance."): RULE_READERS[name](facts) for name in MAINTENANCE}


def decided(history: MaintenanceHistory | None, policy: CompiledPolicy = POLICY) -> str:
    return judge(policy, Memory(), deviation(), at(history))[0].rule


BROKEN = [done(hours, WorkKind.CORRECTIVE) for hours in (50, 500, 2000)]


@pytest.mark.parametrize(
    ("history", "rule_id"),
    [
        (told(done(24)), "repaired"),
        (told(done(49)), "rest"),
        (told(done(24, mode="another")), "repaired"),
        (told(done(24, mode=MODE)), "again"),
        (told(done(719, mode=MODE), done(24)), "again"),
        (told(*BROKEN), "worn"),
        (told(*BROKEN[:2], done(2200, WorkKind.CORRECTIVE)), "rest"),
        (told(*BROKEN[:2], done(60, WorkKind.PREVENTIVE), done(61)), "rest"),
        (told(), "rest"),
        (told(done(-1)), "rest"),
        (told(done(24), complete=False), "unseen"),
        (told(done(24), ago_hours=49), "unseen"),
        (told(done(24), ago_hours=-1), "unseen"),
        (None, "unseen"),
    ],
    ids=[
        "yesterday",
        "earlier",
        "another fault",
        "same fault",
        "same fault before",
        "three breakdowns",
        "one too old",
        "one planned and one unknown",
        "none",
        "done later",
        "unreadable",
        "stale",
        "read later",
        "never read",
    ],
)
def test_the_work_on_the_asset_decides(history: MaintenanceHistory | None, rule_id: str) -> None:
    assert decided(history) == rule_id


NOTHING = {"known": False, "since_work_hours": NEVER, "since_same_fault_hours": NEVER, "breakdowns": 0}


@given(
    work=st.lists(
        st.builds(done, st.integers(-50, 9000), st.sampled_from(WorkKind), st.sampled_from((None, MODE, "another")))
    ),
    ago=st.integers(-5, 100),
    complete=st.booleans(),
)
def test_what_is_not_known_says_nothing_at_all(work: list[WorkDone], ago: int, complete: bool) -> None:
    said = values(told(*work, ago_hours=ago, complete=complete))
    known = complete and 0 <= ago <= 48
    assert said["known"] is known
    assert known or {name: said[name] for name in NOTHING} == NOTHING
    assert 0 <= float(said["since_work_hours"]) <= float(said["since_same_fault_hours"]) <= NEVER


def test_a_history_that_was_never_read_has_no_age() -> None:
    assert values(None) == {**NOTHING, "age_minutes": NEVER}
    assert values(told())["age_minutes"] == 60.0


def test_a_policy_says_how_long_a_reading_counts_and_how_far_breakdowns_are_counted() -> None:
    strict = draft(WORN, UNSEEN, more="maintenance: { stale_after: PT30M, window: P21D }\n")
    assert decided(told(*BROKEN), strict) == "unseen"
    short = draft(WORN, UNSEEN, more="maintenance: { window: P21D }\n")
    assert (values(told(*BROKEN))["breakdowns"], values(told(*BROKEN), short)["breakdowns"]) == (3, 2)


def test_a_window_that_is_longer_than_what_is_read_does_not_compile() -> None:
    with pytest.raises(TextRejected, match="window"):
        draft(WORN, more="maintenance: { window: P366D }\n")


def test_a_policy_that_does_not_use_it_is_not_told() -> None:
    plain = draft(rule("high", "anomaly.score > 4.0"))
    assert (plain.read_inputs, POLICY.read_inputs) == (ReadInputs(), ReadInputs(maintenance=True))


def test_an_explanation_has_the_hours_since_the_work() -> None:
    explained = explain(POLICY, Memory(), deviation(), at(told(done(24))))
    assert explained.values["maintenance.since_work_hours"] == "24"
    assert explained.traces[-1].comparisons[0].value == "24"


def test_a_counterfactual_says_how_long_ago_the_work_should_have_been_done() -> None:
    found = {each.variable: each for each in counterfactuals(POLICY, Memory(), deviation(), at(told(done(24)))).inputs}
    ordering = found["maintenance.since_work_hours"].ordering
    assert ordering is not None
    assert ordering.words.endswith("hours since work was last done on the asset were at least 48 (it is 24).")


def test_a_counterfactual_counts_one_more_breakdown() -> None:
    twice = at(told(*BROKEN[:2]))
    found = {each.variable: each for each in counterfactuals(POLICY, Memory(), deviation(), twice).inputs}
    nearest = found["maintenance.breakdowns"].nearest
    assert nearest is not None
    assert (nearest.then, nearest.rung) == ("3", "work_order")


def test_a_counterfactual_makes_up_no_history() -> None:
    found = {each.variable: each for each in counterfactuals(POLICY, Memory(), deviation(), at(None)).inputs}
    assert [found[name].nearest for name in found if name.startswith("maintenance.")] == [None] * 4


def proof(policy: CompiledPolicy, **claim: object) -> Proof:
    promise = Property.model_validate({"id": "it", "says": "It is so.", **claim})
    return next(Prover(policy, lambda _: policy).prove([promise]))


def test_it_is_proved_that_nothing_is_ordered_while_the_work_is_unknown() -> None:
    careful = draft(AGAIN, REPAIRED, WORN)
    claim = {"when": "!maintenance.known", "rung_at_least": "draft"}
    assert proof(careful, never=claim).result == "proved"


def test_a_rule_that_takes_unknown_for_no_work_is_refuted_by_events_that_the_engine_judged() -> None:
    careless = draft(rule("long", "maintenance.since_work_hours > 720.0", "draft"))
    assert proof(careless, never={"when": "!maintenance.known", "rung_at_least": "draft"}).result == "refuted"


@pytest.mark.parametrize(
    ("when", "rung"),
    [
        ("maintenance.since_work_hours < 20.0", "inspect"),
        ("maintenance.since_same_fault_hours < 20.0", "work_order"),
        ("maintenance.breakdowns >= 3 && maintenance.since_work_hours >= 48.0", "work_order"),
        ("!maintenance.known && maintenance.age_minutes < 10.0", "draft"),
    ],
)
def test_a_claim_that_is_not_so_is_refuted_by_a_history(when: str, rung: str) -> None:
    found = proof(POLICY, never={"when": when, "rung_at_least": rung})
    assert found.result == "refuted"
    assert found.witness[0].context.maintenance is not None


def test_more_breakdowns_never_lower_the_rung() -> None:
    worn = draft(WORN, rule("rest", "anomaly.score > 4.0", "watch"))
    assert proof(worn, monotone={"in": "maintenance.breakdowns", "direction": "up"}).result == "proved"


def test_a_difference_shows_a_history_by_which_two_versions_differ() -> None:
    before, after = (
        draft(rule("high", "anomaly.score > 4.0", "draft")),
        draft(REPAIRED, rule("high", "anomaly.score > 4.0", "draft")),
    )
    effect = next(
        each for each in difference(before, after).effects if (each.before, each.after) == ("draft", "inspect")
    )
    assert effect.witness is not None


def test_the_draft_that_shows_it_can_be_published() -> None:
    assert check(Path("policies/drafts/recent-repair/1.0.0.yaml")).publishable


CASES = """\
cases:
  - name: After a repair a person looks
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0, maintenance: { work: [{ ago: P1D, kind: corrective }] } }]
    expect: { rule: repaired, rung: inspect, severity: S4 }
  - name: The same fault comes again
    asset: { class: pump, failure_mode: VIB }
    sequence: [{ kind: deviation, score: 6.0, maintenance: { work: [{ ago: P10D, failure_mode: VIB }] } }]
    expect: { rule: again, rung: work_order, severity: S4 }
  - name: It breaks down often
    asset: { class: pump }
    sequence:
      - kind: deviation
        score: 6.0
        maintenance: { work: [{ ago: P3D, kind: corrective }, { ago: P9D, kind: corrective },
          { ago: P30D, kind: corrective }] }
    expect: { rule: worn, rung: work_order, severity: S4 }
  - name: A stale reading says nothing
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0, maintenance: { read_ago: P3D, work: [{ ago: P4D }] } }]
    expect: { rule: unseen, rung: draft, severity: S4 }
  - name: Nor does none
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0 }]
    expect: { rule: unseen, rung: draft, severity: S4 }
  - name: No work is known to be none
    asset: { class: pump }
    sequence: [{ kind: deviation, score: 6.0, maintenance: {} }]
    expect: { rule: rest, rung: draft, severity: S4 }
"""


def test_the_cases_of_a_policy_say_which_work_was_done() -> None:
    assert [result.problem for result in run_cases(POLICY, CASES, "cases.yaml").results] == [None] * 6


@pytest.mark.parametrize(
    ("when", "named"),
    [
        ("maintenance.since_work_hours > 720.0", ["it"]),
        ("maintenance.breakdowns == 0", ["it"]),
        ("maintenance.since_work_hours < 720.0", []),
        ("maintenance.breakdowns >= 2", []),
        ("maintenance.known && maintenance.since_work_hours > 720.0", []),
        ("!maintenance.known || maintenance.since_work_hours > 720.0", []),
        ("anomaly.score > 4.0", []),
    ],
)
def test_a_rule_that_takes_unknown_for_no_work_cannot_be_published(when: str, named: list[str]) -> None:
    policy = draft(rule("it", when))
    findings = [*unread_findings(policy, read_text(policy.text, "draft.yaml"))]
    assert [finding.rules[0] for finding in findings] == named
    assert all(finding.blocks for finding in findings)
