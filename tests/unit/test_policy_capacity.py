"""A version may bound the new orders of a crew; the classes that it names belong to one crew each."""

from pathlib import Path

import pytest

from domain.admission import CrewBound, CrewBounds
from domain.errors import PolicyRejected
from domain.verdict import Urgency, UrgencyDecision
from policies.checks.changes import changes
from policies.checks.crews import crew_findings
from policies.checks.difference import asks_for_no_more, difference
from policies.checks.findings import Kind
from policies.engine.catalogue import PUBLISHED, Catalogue
from policies.engine.judging import compile_policy
from policies.language.text import TextRejected, read_text
from tests.support.drafts import T0, draft, text
from tests.support.priced_policy import priced_text

DRAFTS = PUBLISHED.parent / "drafts"
SHIPPED = sorted(path for path in (*PUBLISHED.glob("*/*.yaml"), *DRAFTS.glob("*/*.yaml")) if "cases" not in path.stem)
CAPACITY = """\
capacity:
  crews:
    - { name: mechanical, classes: [pump, motor], new_orders_a_week: 12 }
    - { name: robotics, classes: [robot], new_orders_a_week: 3 }
"""
NOW = UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is.", hold_at=None, work_at=T0)


def crew(name: str = "mechanical", classes: str = "[pump]", new: str = "12") -> str:
    """A section with one crew, in YAML."""
    return f"capacity: {{ crews: [{{ name: {name}, classes: {classes}, new_orders_a_week: {new} }}] }}\n"


def bounds(document: str, *classes: str, urgency: UrgencyDecision = NOW) -> list[CrewBound | None]:
    """What a document says of the crew of each class."""
    catalogue = Catalogue()
    judge: CrewBounds = catalogue
    digest = catalogue.load(document, file="draft.yaml").digest
    return [judge.crew_bound(digest, each, urgency) for each in classes]


def test_the_crew_of_a_class_gets_so_many_new_orders_and_other_classes_are_not_bounded() -> None:
    mechanical = CrewBound(crew="mechanical", new_orders=12, consequence=False)
    robotics = CrewBound(crew="robotics", new_orders=3, consequence=False)
    found = bounds(text(more=CAPACITY), "pump", "motor", "robot", "cnc", "Pump", "")
    assert found == [mechanical, mechanical, robotics, None, None, None]


def test_without_the_section_nothing_is_bounded() -> None:
    assert bounds(text(), "pump") == [None]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_no_shipped_version_or_draft_bounds_a_crew(path: Path) -> None:
    assert compile_policy(path.read_text(encoding="utf-8"), path.name).document.capacity is None


@pytest.mark.parametrize(
    ("not_priced", "consequence"),
    [
        ("its consequence is environment: Coolant reaches the drain.", True),
        ("its consequence is safety: The guard does not close.", True),
        ("the MES does not answer; The shift leader decides.", False),
        ("its consequence is safety: somebody else said so.", False),
        (None, False),
    ],
)
def test_a_fault_that_the_version_declares_unpriced_has_a_consequence(
    not_priced: str | None, consequence: bool
) -> None:
    decision = NOW.model_copy(update={"not_priced": not_priced})
    document = priced_text().replace("rules:\n", f"{crew()}rules:\n", 1)
    [found] = bounds(document, "pump", urgency=decision)
    assert found == CrewBound(crew="mechanical", new_orders=12, consequence=consequence)


def test_a_version_that_was_not_loaded_says_so() -> None:
    with pytest.raises(PolicyRejected, match="no policy version with digest 00"):
        Catalogue().crew_bound("00", "pump", NOW)


@pytest.mark.parametrize(
    ("more", "field", "problem", "fix"),
    [
        ("capacity: {}\n", "capacity.crews", "is missing", ""),
        ("capacity: { crews: [] }\n", "capacity.crews", "must not be empty", ""),
        (crew(new="0"), "capacity.crews.0.new_orders_a_week", "greater than or equal to 1", ""),
        (crew(new="-3"), "capacity.crews.0.new_orders_a_week", "greater than or equal to 1", ""),
        (crew(new="1.5"), "capacity.crews.0.new_orders_a_week", "must be a whole number", ""),
        (crew(new="many"), "capacity.crews.0.new_orders_a_week", "must be a whole number", ""),
        (crew(classes="[]"), "capacity.crews.0.classes", "must not be empty", ""),
        (crew(name="Mechanical"), "capacity.crews.0.name", "cannot be", "lower-case words joined by hyphens"),
        (crew(classes="[pump, pump]"), "capacity.crews.0.classes.1", "pump is named twice", "leave one of the two out"),
        (
            CAPACITY.replace("[robot]", "[robot, motor]"),
            "capacity.crews.1.classes.1",
            "motor is a class of crew mechanical already",
            "name each class in one crew",
        ),
        (
            CAPACITY.replace("robotics", "mechanical"),
            "capacity.crews.1.name",
            "two crews are called mechanical",
            "put both into one",
        ),
    ],
)
def test_a_section_that_contradicts_itself_is_refused(more: str, field: str, problem: str, fix: str) -> None:
    with pytest.raises(TextRejected) as refused:
        draft(more=more)
    assert refused.value.field == field
    assert problem in refused.value.problem
    assert fix in (refused.value.fix or "")


def test_the_section_is_part_of_the_digest() -> None:
    assert len({draft().digest, draft(more=crew()).digest, draft(more=crew(new="11")).digest}) == 3


@pytest.mark.parametrize(
    ("applies_to", "classes", "left"),
    [
        ("asset.class in ['pump', 'motor']", "[pump]", "motor: no crew names these classes"),
        ("asset.class in ['pump', 'motor']", "[pump, motor]", None),
        ("asset.class == 'pump' || asset.class == 'cnc'", "[pump]", "cnc: no crew names these classes"),
        ("asset.class != 'cnc'", "[pump]", None),
        ("asset.line == 'L1'", "[pump]", None),
    ],
)
def test_the_check_warns_of_a_class_without_a_crew(applies_to: str, classes: str, left: str | None) -> None:
    written = text(more=crew(classes=classes)).replace("asset.class in ['pump', 'motor']", applies_to, 1)
    policy = compile_policy(written, "draft.yaml")
    found = list(crew_findings(policy, read_text(policy.text, "draft.yaml")))
    said = [finding.complaint.problem.partition(", so")[0] for finding in found]
    assert said == ([] if left is None else [left])
    told = {(finding.kind, finding.blocks, finding.told_unasked) for finding in found}
    assert told <= {(Kind.UNBOUNDED, False, True)}


def test_a_version_without_the_section_has_no_such_warning() -> None:
    policy = draft()
    assert list(crew_findings(policy, read_text(policy.text, "draft.yaml"))) == []


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("", crew(), "not bounded → 12 new orders in 7 days for pump"),
        (crew(), "", "12 new orders in 7 days for pump → not bounded"),
        (crew(), crew(new="5"), "12 new orders in 7 days for pump → 5 new orders in 7 days for pump"),
        (
            crew(),
            crew(classes="[pump, motor]"),
            "12 new orders in 7 days for pump → 12 new orders in 7 days for motor, pump",
        ),
    ],
)
def test_a_changed_bound_is_told_and_is_not_the_same_policy(before: str, after: str, says: str) -> None:
    old, new = draft(more=before), draft(more=after)
    assert [(change.about, change.says) for change in changes(old, new)] == [("crew mechanical", says)]
    assert not difference(old, new).alike
    assert not asks_for_no_more(old, new)
