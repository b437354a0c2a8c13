"""What a policy may state of prices, what the check refuses, and what two versions differ in."""

from pathlib import Path

import pytest

from millwright.demo.preparation import PRICED
from policies.checks.changes import changes
from policies.checks.check import check
from policies.checks.difference import difference
from policies.checks.findings import Kind
from policies.checks.unpriced import unpriced_findings
from policies.engine.judging import CompiledPolicy, compile_policy
from policies.language.text import TextRejected, read_text
from tests.support.priced_policy import PRICES, priced_text


def _policy(text: str) -> CompiledPolicy:
    return compile_policy(text, "draft.yaml")


def _found(text: str) -> list[tuple[Kind, bool, tuple[str, ...]]]:
    findings = unpriced_findings(_policy(text), read_text(text, "draft.yaml"))
    return [(each.kind, each.blocks, each.rules) for each in findings]


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("currency: EUR", "currency: Euro", "prices.currency", "cannot be 'Euro'"),
        ("changeover: 350", "changeover: 350.5", "prices.changeover", "350.5 is no amount"),
        ("changeover: 350", "changeover: -1", "prices.changeover", "-1 is no amount"),
        ("changeover: 350", "changeover: true", "prices.changeover", "True is no amount"),
        ("changeover: 350", "changeover: '1.23456'", "prices.changeover", "'1.23456' is no amount"),
        ("changeover: 350", "changeover: param.gain", "prices.changeover", "no parameter is called gain"),
        ("loss: 900", "loss: -900", "prices.lost_production_per_hour", "may be -900, which is no amount"),
        ("loss: 1500", "loss: -15", "prices.lost_production_per_hour", "may be -15, which is no amount"),
        ("regular: day_shift", "regular: nights", "prices.crew.regular", "no calendar is called nights"),
        ("shortest: PT0S", "shortest: PT73H", "prices.lead_time.shortest", "is longer than the longest"),
        ("distribution: uniform", "distribution: weibull", "prices.lead_time.distribution", "cannot be 'weibull'"),
        ("stretches_life: 2", "stretches_life: 1", "prices.derating.stretches_life", "must be more than 1"),
        ("urgency: least_cost", "urgency: planned_stop", "prices", "no timing rule asks for the least cost"),
        ("when: anomaly.failure_mode", "when: anomaly.score", "prices.unpriced.0.when", "anomaly.score does not exist"),
        (PRICES, "", "timing.1.urgency", "the least cost cannot be found without prices"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(old: str, new: str, field: str, problem: str) -> None:
    text = priced_text()
    assert old in text

    with pytest.raises(TextRejected) as refused:
        _policy(text.replace(old, new))

    assert refused.value.field == field
    assert problem in refused.value.problem
    assert refused.value.fix


def test_two_unpriced_faults_of_one_name_are_refused() -> None:
    twice = PRICES.replace("    - id: guards\n", "    - id: leaks\n")

    with pytest.raises(TextRejected, match="two unpriced faults are called leaks"):
        _policy(priced_text().replace(PRICES, twice))


def test_a_fault_without_a_price_is_neither_priced_nor_delayed() -> None:
    assert _found(priced_text()) == []


@pytest.mark.parametrize(
    ("when", "rules"),
    [
        ("anomaly.failure_mode == 'LEA'", ("ordinary",)),
        ("anomaly.failure_mode == 'LEA' || anomaly.failure_mode == 'GRD' && production.known", ("ordinary",)),
        ("verdict.severity == 'S1'", ("ordinary",)),
    ],
)
def test_a_rule_that_may_price_a_declared_fault_blocks_publication(when: str, rules: tuple[str, ...]) -> None:
    text = priced_text(endangers=when)

    assert _found(text) == [(Kind.UNPRICED, True, rules)]


def test_a_delay_of_a_declared_fault_blocks_too_unless_it_is_a_rule_of_the_site() -> None:
    delayed = priced_text().replace("urgency: now", "urgency: after_batch")
    ruled = delayed.replace("because: It endangers people.", "because: It is so., site_rule: SOP-114")

    assert _found(delayed) == [(Kind.UNPRICED, True, ("endangers",))]
    assert _found(ruled) == []


def test_a_policy_that_declares_no_such_fault_is_told_so_and_may_be_published() -> None:
    head, tail = priced_text().split("  unpriced:\n")
    rest = tail[tail.index("rules:") :]

    assert _found(f"{head}  unpriced: []\n{rest}") == [(Kind.UNPRICED, False, ())]


def test_the_check_of_a_file_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "1.0.0.yaml"
    path.write_text(priced_text(endangers="verdict.severity == 'S1'"), encoding="utf-8")

    report = check(path)

    assert [finding.kind for finding in report.findings if finding.blocks] == [Kind.UNPRICED]
    assert not report.publishable


def test_the_shipped_draft_with_prices_can_be_published() -> None:
    report = check(PRICED)

    assert report.publishable, [report.problems, report.cases]


def test_the_difference_of_two_versions_names_each_price() -> None:
    before = _policy(priced_text())
    after = _policy(
        priced_text()
        .replace("changeover: 350", "changeover: '400.50'")
        .replace("planned: PT4H", "planned: PT5H")
        .replace("says: Coolant", "says: Oil")
    )

    assert [(each.about, each.says) for each in changes(before, after)] == [
        ("prices changeover", "350 → 400.50"),
        ("prices repair.planned", "4 h → 5 h"),
        ("prices unpriced leaks.says", "Coolant reaches the drain. → Oil reaches the drain."),
    ]
    assert difference(before, after).timing
    assert not difference(before, before).timing


@pytest.mark.parametrize(("old", "new"), [("loss: 900", "loss: 901"), ("end: '18:00'", "end: '19:00'")])
def test_another_meaning_of_an_amount_or_of_the_regular_hours_is_another_timing(old: str, new: str) -> None:
    before, after = _policy(priced_text()), _policy(priced_text().replace(old, new))

    assert before.document.prices == after.document.prices
    assert difference(before, after).timing


def test_a_version_that_begins_to_price_is_another_timing() -> None:
    plain = priced_text().replace(PRICES, "").replace("urgency: least_cost", "urgency: planned_stop")

    assert difference(_policy(plain), _policy(priced_text())).timing
