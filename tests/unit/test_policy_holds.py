"""Machines whose hold is released without a person: only those that an approved version names, one by one."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.approvals import Blast, approvals_needed, needed_with
from domain.errors import PolicyRejected
from domain.ports import Judge
from policies.checks.check import check
from policies.checks.difference import Difference, difference
from policies.checks.findings import Kind
from policies.engine.catalogue import PUBLISHED, Catalogue
from policies.engine.effective import effective
from policies.engine.judging import compile_policy
from policies.language.text import TextRejected
from tests.support.drafts import T0, about, draft, text

DRAFTS = PUBLISHED.parent / "drafts"
SHIPPED = sorted(path for path in (*PUBLISHED.glob("*/*.yaml"), *DRAFTS.glob("*/*.yaml")) if "cases" not in path.stem)
EACH = "name each machine: a release without a person is approved asset by asset"
LIST = "holds.release_unattended"
OVERRIDE = "overrides: [{ for: { class: pump }, because: So., holds: { release_unattended: [M1] } }]"
NAMES = st.text("abMZ019-_./ äß", min_size=1, max_size=12).filter(lambda name: name == name.strip())


def clause(*machines: str) -> str:
    """The clause, in YAML."""
    return f"holds: {{ release_unattended: {json.dumps(machines)} }}\n"


def unattended(more: str, *machines: str) -> list[bool]:
    """Whether the hold on each machine is released without a person, by a draft with this clause."""
    catalogue = Catalogue()
    judge: Judge = catalogue
    digest = catalogue.load(text(more=more), file="draft.yaml").digest
    return [judge.releases_unattended(digest, machine) for machine in machines]


def test_only_the_machines_named_are_released_without_a_person() -> None:
    asked = ("machine-007", "machine-012", "machine-01", "machine-0120", "MACHINE-007", "")

    assert unattended(clause("machine-007", "machine-012"), *asked) == [True, True, False, False, False, False]
    assert unattended("", *asked) == [False] * 6


@settings(max_examples=30)
@given(st.lists(NAMES, min_size=1, max_size=6, unique=True), st.lists(NAMES, max_size=4))
def test_whatever_is_named_exactly_that_is_released_without_a_person(named: list[str], others: list[str]) -> None:
    assert unattended(clause(*named), *named, *others) == [True] * len(named) + [each in named for each in others]


def test_a_version_that_was_not_loaded_releases_nothing_and_says_so() -> None:
    with pytest.raises(PolicyRejected, match="no policy version with digest 00"):
        Catalogue().releases_unattended("00", "machine-007")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_no_shipped_version_or_draft_releases_a_hold_without_a_person(path: Path) -> None:
    assert compile_policy(path.read_text(encoding="utf-8"), path.name).document.holds.release_unattended == ()


@pytest.mark.parametrize(
    ("path", "digest"),
    [
        ("published/rotating-equipment/1.0.0.yaml", "27a09ccffbb110a1616aa8b51ee62fc6f021d78629eb5db3133c7ea5f1fa285c"),
        ("published/rotating-equipment/1.1.0.yaml", "c19f507bf27c56604a4ee99d617b584d7cae37e6349f286febf6fc9b2237c1fa"),
    ],
)
def test_the_digest_of_a_version_without_the_clause_is_what_it_was_before_there_was_one(path: str, digest: str) -> None:
    assert compile_policy((PUBLISHED.parent / path).read_text(encoding="utf-8"), path).digest == digest


def test_the_clause_is_part_of_the_digest() -> None:
    without, first, second = draft(), draft(more=clause("M1")), draft(more=clause("M2"))

    assert len({without.digest, first.digest, second.digest}) == 3


@pytest.mark.parametrize(
    ("more", "field", "problem", "fix"),
    [
        ("holds: {}", "holds", "has no field", "give one of its fields, or leave `holds` out"),
        ("holds: [M1]", "holds", "must be a mapping of fields", "write its fields one per line, indented"),
        (clause(), LIST, "must not be empty", "leave `holds` out: then no hold is released without a person"),
        ("holds: { release_unattended: all }", LIST, "must be a list of machines", EACH),
        ("holds: { release_unattended: true }", LIST, "must be a list of machines", EACH),
        ("holds: { release_unattended: }", LIST, "must be a list of machines", EACH),
        ("holds: { release_unattended: { class: pump } }", LIST, "must be a list of machines", EACH),
        ("holds: { release_unattended: [{ class: pump }] }", f"{LIST}.0", "must be the id of one machine", EACH),
        ("holds: { release_unattended: [M1, [M2]] }", f"{LIST}.1", "must be the id of one machine", EACH),
        (clause("M1", "*"), f"{LIST}.1", "cannot be '*'", EACH),
        (clause("machine-0*"), f"{LIST}.0", "cannot be 'machine-0*'", EACH),
        (clause("machine-00?"), f"{LIST}.0", "cannot be 'machine-00?'", EACH),
        (clause(""), f"{LIST}.0", "cannot be ''", EACH),
        (clause(" M1"), f"{LIST}.0", "cannot be ' M1'", EACH),
        ("holds: { release_unattended: [7] }", f"{LIST}.0", "must be text", "put it in quotes"),
        (clause("M1", "M2", "M1"), f"{LIST}.2", "M1 is named twice", "leave one of the two out"),
        ("holds: { release_unatended: [M1] }", "holds.release_unatended", "is no field", "`release_unattended`?"),
        (OVERRIDE, "overrides.0.holds", "is no field here", "belongs to another part of the document: move it there"),
    ],
)
def test_a_clause_that_does_not_name_machine_by_machine_is_refused(
    more: str, field: str, problem: str, fix: str
) -> None:
    with pytest.raises(TextRejected) as refused:
        draft(more=f"{more}\n")

    assert (refused.value.field, refused.value.line, refused.value.others) == (field, 13, ())
    assert problem in refused.value.problem
    assert fix in (refused.value.fix or "")


@pytest.mark.parametrize("more", ["holds:", "holds: ~"])
def test_a_clause_that_is_left_empty_is_refused_and_not_taken_as_left_out(more: str) -> None:
    with pytest.raises(TextRejected, match="holds: must be a mapping of fields"):
        draft(more=f"{more}\n")


def test_an_asset_is_told_whether_the_hold_on_its_machine_waits_for_a_person() -> None:
    policy = draft(more=clause("M1"))

    told = [effective(policy, about(f"{machine}/comp1", machine), T0) for machine in ("M1", "M2")]

    assert [(each.machine, each.releases_unattended) for each in told] == [("M1", True), ("M2", False)]


def told(found: Difference) -> list[str]:
    return [f"{change.about}: {change.says}" for change in found.changes]


def test_a_difference_names_the_machines_that_come_and_go() -> None:
    found = difference(draft(more=clause("M1", "M2")), draft(more=clause("M2", "M3")))

    assert told(found) == [
        "unattended release: M3 is added: its hold is released without a person of production saying so",
        "unattended release: M1 is left out: its hold is released only when a person of production says so",
    ]
    assert (found.effects, found.timing, found.terms, found.alike) == ((), False, True, False)


@pytest.mark.parametrize(("before", "after"), [("", clause("M1")), (clause("M1"), "")])
def test_two_versions_of_which_one_has_the_clause_are_not_alike(before: str, after: str) -> None:
    assert not difference(draft(more=before), draft(more=after)).alike


def test_another_order_of_the_same_machines_is_no_difference() -> None:
    found = difference(draft(more=clause("M1", "M2")), draft(more=clause("M2", "M1")))

    assert (told(found), found.alike) == ([], True)


def shipped_with(folder: Path, more: str) -> Path:
    """1.1.0 with a clause, its cases beside it."""
    shipped = PUBLISHED / "rotating-equipment"
    cases = (shipped / "1.1.0-cases.yaml").read_text(encoding="utf-8")
    (folder / "1.1.0-cases.yaml").write_text(cases, encoding="utf-8")
    path = folder / "1.1.0.yaml"
    path.write_text((shipped / "1.1.0.yaml").read_text(encoding="utf-8") + more, encoding="utf-8")
    return path


def test_the_check_warns_of_each_machine_and_leaves_the_decision_to_those_who_approve(tmp_path: Path) -> None:
    report = check(shipped_with(tmp_path, clause("machine-007", "machine-012")))

    (warning,) = [each for each in report.findings if each.kind is Kind.UNATTENDED]
    assert (warning.blocks, warning.told_unasked, report.publishable) == (False, True, True)
    assert warning.complaint.field == "holds.release_unattended"
    assert "machine-007, machine-012: " in warning.complaint.problem
    assert "starts again without a person saying that people are clear" in warning.complaint.problem


def test_the_check_warns_of_nothing_where_no_machine_is_named(tmp_path: Path) -> None:
    report = check(shipped_with(tmp_path, ""))

    assert [each for each in report.findings if each.kind is Kind.UNATTENDED or each.told_unasked] == []


@pytest.mark.parametrize(
    ("assets", "rungs", "unattended", "needed"),
    [(0, 0, 0, 1), (0, 0, 1, 2), (1, 1, 1, 2), (100, 5, 0, 2), (100, 5, 40, 2), (1000, 5, 1, 3)],
)
def test_a_machine_more_that_starts_again_by_itself_takes_two_approvals_at_least(
    assets: int, rungs: int, unattended: int, needed: int
) -> None:
    blast = Blast(at=T0, assets=assets, max_rung_change=rungs, unattended=unattended)

    assert approvals_needed(assets, rungs, unattended) == needed_with([blast]) == needed


@given(st.integers(0, 10_000), st.integers(0, 5), st.integers(1, 500))
def test_adding_machines_never_takes_fewer_approvals_and_never_one_alone(
    assets: int, rungs: int, unattended: int
) -> None:
    needed = approvals_needed(assets, rungs, unattended)

    assert needed == max(2, approvals_needed(assets, rungs, 0))
