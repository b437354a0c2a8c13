"""Proof: what holds is proved, what does not is refuted by a situation in which the engine does it."""

import pytest

from domain.verdict import Rung
from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy
from policies.engine.trial import try_situation
from policies.language.schema import Property
from policies.proof.prover import Proof, Prover, seen
from tests.support.drafts import draft, rule
from tests.support.random_situations import OWN_NAMES

CATALOGUE = Catalogue.published()
OLD = CATALOGUE.find("rotating-equipment", "1.0.0")
NEW = CATALOGUE.find("rotating-equipment", "1.1.0")
COVERED = "asset.class in ['pump', 'motor', 'cnc', 'robot', 'conveyor']"
CERTAIN = (
    f"{COVERED} && asset.criticality == 'A' && anomaly.kind == 'deviation' && anomaly.quality == 'good' "
    "&& anomaly.score > 4.0 && anomaly.confidence >= 0.9 && memory.confirming >= 2"
)


def proved(policy: CompiledPolicy, *, timeout_ms: int = 20_000, **form: object) -> Proof:
    return settled(policy, form, timeout_ms)


def settled(policy: CompiledPolicy, form: dict[str, object], timeout_ms: int = 20_000) -> Proof:
    promise = Property.model_validate({"id": "it", "says": "It is so.", **form})
    prover = Prover(policy, lambda number: CATALOGUE.find("rotating-equipment", number), timeout_ms)
    (proof,) = prover.prove([promise])
    return proof


@pytest.mark.parametrize("policy", [OLD, NEW], ids=["1.0.0", "1.1.0"])
@pytest.mark.parametrize(
    "form",
    [
        {"always": {"when": CERTAIN, "rung_at_least": "inspect"}},
        {"monotone": {"in": "anomaly.confidence", "direction": "up"}},
        {"monotone": {"in": "anomaly.score", "direction": "up"}},
        {"monotone": {"in": "asset.criticality", "direction": "up"}},
        {"monotone": {"in": "memory.codes", "direction": "up"}},
        {"never": {"when": "anomaly.quality == 'bad'", "rung_at_least": "draft"}},
        {"never": {"when": f"!({COVERED})", "rung_at_least": "watch"}},
        {"acts_superset_of": "1.1.0"},
    ],
    ids=str,
)
def test_what_holds_of_the_published_versions_is_proved(policy: CompiledPolicy, form: dict[str, object]) -> None:
    assert settled(policy, form).result == "proved"


def test_a_bound_that_is_broken_is_refuted_by_a_situation_that_breaks_it() -> None:
    found = proved(NEW, never={"when": "memory.codes >= 3 && asset.line.startsWith('L')", "rung_at_least": "draft"})
    assert found.result == "refuted"
    (witness,) = found.witness
    judged = seen(NEW, witness)
    assert int(judged.values["memory.codes"]) >= 3
    assert judged.verdict.rung.orders
    assert try_situation(NEW, witness).explanation.verdict == judged.verdict


def test_a_value_whose_raising_lowers_the_rung_is_shown_before_and_after() -> None:
    found = proved(NEW, monotone={"in": "asset.codes", "direction": "up"})
    before, after = (seen(NEW, each) for each in found.witness)
    assert float(before.values["asset.codes"]) < float(after.values["asset.codes"])
    assert before.verdict.rung > after.verdict.rung
    assert found.witness[0].events == found.witness[1].events


def test_direction_down_speaks_of_lowering() -> None:
    assert proved(NEW, monotone={"in": "asset.codes", "direction": "down"}).result == "proved"
    found = proved(NEW, monotone={"in": "anomaly.confidence", "direction": "down"})
    before, after = (float(seen(NEW, each).values["anomaly.confidence"]) for each in found.witness)
    assert before > after


def test_a_version_that_acts_on_less_is_refuted_by_an_anomaly_on_which_only_the_other_acts() -> None:
    found = proved(NEW, acts_superset_of="1.0.0")
    (witness,) = found.witness
    assert seen(OLD, witness).verdict.rung.orders
    assert not seen(NEW, witness).verdict.rung.orders


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"acts_superset_of": "9.9.9"}, "no rotating-equipment 9.9.9 was loaded"),
        ({"never": {"when": "anomaly.scor > 1.0", "rung_at_least": "draft"}}, "anomaly.scor does not exist here"),
        ({"monotone": {"in": "asset.class", "direction": "up"}}, "it has no order in which it could be raised"),
        ({"monotone": {"in": "asset.clas", "direction": "up"}}, "only what is seen and remembered of an asset"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_unknown_and_says_why(form: dict[str, object], why: str) -> None:
    found = settled(NEW, form)
    assert found.result == "unknown"
    assert why in str(found.why)


def test_what_cannot_be_translated_is_unknown_and_named() -> None:
    policy = draft(rule("odd", "double(asset.id) > 1.0", "inspect"))
    found = proved(policy, never={"when": "anomaly.quality == 'bad'", "rung_at_least": "draft"})
    assert (found.result, found.witness) == ("unknown", ())
    assert found.why == "`double(asset.id)` cannot be translated: a text that is read as a number is not translated"


def test_a_solver_that_does_not_come_to_an_end_proves_nothing() -> None:
    hard = "anomaly.value * anomaly.baseline / anomaly.score == anomaly.lead_low_hours * anomaly.lead_high_hours"
    policy = draft(rule("hard", f"{hard} && anomaly.value * anomaly.value > anomaly.baseline + 1.0", "inspect"))
    found = proved(policy, timeout_ms=50, never={"when": "anomaly.score > 1.5", "rung_at_least": "inspect"})
    assert found.result == "unknown"
    assert found.why is not None


def test_values_that_no_events_lead_to_refute_nothing() -> None:
    policy = draft(rule("again", "memory.order_age_minutes < 5.0", "inspect"))
    found = proved(policy, never={"when": "memory.order_age_minutes < 5.0", "rung_at_least": "inspect"})
    assert found.result == "unknown"
    assert found.why == "the solver found values that would break it, but no events were found that lead to them"


def test_arithmetic_of_doubles_is_the_engines_own() -> None:
    policy = draft(rule("sum", "anomaly.confidence + 0.2 > 0.3", "inspect"))
    exactly = "asset.class == 'pump' && anomaly.quality == 'good' && anomaly.confidence == 0.1"
    assert 0.1 + 0.2 > 0.3
    assert proved(policy, always={"when": exactly, "rung_at_least": "inspect"}).result == "proved"


def test_a_condition_in_error_counts_as_not_met() -> None:
    policy = draft(rule("share", "10 / asset.codes > 1", "inspect"))
    nothing = "anomaly.quality == 'good' && asset.codes == 0"
    assert proved(policy, never={"when": nothing, "rung_at_least": "inspect"}).result == "proved"
    found = proved(policy, never={"when": "anomaly.quality == 'good'", "rung_at_least": "inspect"})
    assert seen(policy, found.witness[0]).values["asset.codes"] in range(1, 6)


@pytest.mark.parametrize(
    ("form", "result"),
    [
        ({"never": {"when": "anomaly.score < param.least", "rung_at_least": "work_order"}}, "proved"),
        ({"never": {"when": "anomaly.score < 5.0", "rung_at_least": "work_order"}}, "refuted"),
        ({"never": {"when": "anomaly.score < 5.0 && asset.id == 'X'", "rung_at_least": "work_order"}}, "proved"),
        ({"never": {"when": "calendar.night", "rung_at_least": "work_order"}}, "proved"),
        ({"never": {"when": "calendar.night", "rung_at_least": "inspect"}}, "refuted"),
        ({"never": {"when": "asset.id == 'M9' && waiver.trial", "rung_at_least": "work_order"}}, "proved"),
        ({"never": {"when": "asset.id == 'M9'", "rung_at_least": "work_order"}}, "refuted"),
        ({"monotone": {"in": "anomaly.confidence", "direction": "up"}}, "proved"),
    ],
    ids=str,
)
def test_what_a_policy_brings_itself_is_understood(form: dict[str, object], result: str) -> None:
    found = settled(OWN_NAMES, form)
    assert found.result == result, found.why
    assert all(seen(OWN_NAMES, each).verdict.rung >= Rung.INSPECT for each in found.witness)
