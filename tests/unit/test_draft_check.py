"""The draft of an order is checked: what a planner must complete is not released without a planner."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from activities.order_text import order_draft
from domain.assets import Level
from domain.cases import CaseView, Decision, Lane
from domain.cmms import OrderApproval, TextLimits
from domain.draft_check import check_case, check_length, held_back
from domain.draft_findings import DraftCheck, DraftDefect, DraftFinding
from domain.order_terms import OrderTerms
from domain.verdict import RuleWords, Rung, Severity, Urgency, UrgencyDecision
from domain.wording import ENGLISH, WORDINGS, Language
from domain.work_orders import WorkOrderStatus
from millwright.settings import CmmsSettings
from tests.support.cmms import ABLE, INCOMPLETE, NOTHING_OPEN
from tests.support.plant import START
from tests.support.saga_plant import REREAD, SagaPlant, case_view

CASE: Final = "MWAAAAAAAA"
WORDS: Final = RuleWords(because="It is so.", response="Look at it.")
TIMED: Final = UrgencyDecision(urgency=Urgency.NOW, rule="r", because="So.", hold_at=None, work_at=START)
SAFETY: Final = TIMED.model_copy(update={"not_priced": "its consequence is safety: oil may catch fire"})
UNKNOWN: Final = TIMED.model_copy(update={"not_priced": "the MES does not answer; so it is done now."})


def case(
    severity: str = "S3", rung: Rung = Rung.WORK_ORDER, level: Level = Level.COMPONENT, **more: object
) -> CaseView:
    view = case_view(CASE, 1, rung)
    return view.model_copy(
        update={
            "asset": view.asset.model_copy(update={"level": level}),
            "verdict": view.verdict.model_copy(update={"severity": Severity(severity)}),
            "urgency": TIMED,
            **more,
        }
    )


def due(within: timedelta) -> CaseView:
    view = case()
    return view.model_copy(update={"verdict": view.verdict.model_copy(update={"due_within": within})})


@pytest.mark.parametrize(
    ("view", "words", "found"),
    [
        (case(), WORDS, []),
        (case(level=Level.MACHINE), WORDS, []),
        (case(level=Level.LINE), WORDS, [(DraftDefect.ASSET_LEVEL, "line")]),
        (case(level=Level.SITE), WORDS, [(DraftDefect.ASSET_LEVEL, "site")]),
        (case(failure_mode="UNK"), WORDS, [(DraftDefect.FAILURE_MODE, "UNK")]),
        (case(failure_mode="oth"), WORDS, [(DraftDefect.FAILURE_MODE, "oth")]),
        (case(), RuleWords(because="So.", response="  "), [(DraftDefect.RESPONSE, "")]),
        (due(timedelta(minutes=59)), WORDS, [(DraftDefect.OVERDUE, "2015-01-10 06:59")]),
        (due(timedelta(hours=1)), WORDS, []),
        (case(urgency=UNKNOWN), WORDS, [(DraftDefect.ESTIMATE, "the MES does not answer; so it is done now")]),
    ],
)
def test_a_draft_is_checked(view: CaseView, words: RuleWords, found: list[tuple[DraftDefect, str]]) -> None:
    check = check_case(view, words, OrderTerms(), START + timedelta(hours=1), endangers=False)
    assert [(each.defect, each.detail) for each in check.findings] == found


@pytest.mark.parametrize(("endangers", "found"), [(True, []), (False, [DraftDefect.ESTIMATE])])
def test_no_estimate_is_missed_where_the_version_declares_a_danger_whatever_the_decision_says(
    endangers: bool, found: list[DraftDefect]
) -> None:
    check = check_case(case(urgency=SAFETY), WORDS, OrderTerms(), START, endangers=endangers)
    assert [each.defect for each in check.findings] == found


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        (TextLimits(), []),
        (TextLimits(summary=10_000, description=10_000), []),
        (TextLimits(summary=10), [DraftDefect.SUMMARY_LENGTH]),
        (TextLimits(summary=10, description=20), [DraftDefect.SUMMARY_LENGTH, DraftDefect.TEXT_LENGTH]),
    ],
)
def test_a_text_that_the_cmms_would_cut_is_found(limits: TextLimits, found: list[DraftDefect]) -> None:
    draft = order_draft(case(), WORDS, NOTHING_OPEN, ENGLISH, DraftCheck(), None, released=True)
    findings = check_length(draft, limits)
    assert [each.defect for each in findings] == found
    assert all(int(each.detail) > 0 for each in findings)


CHECKS: Final = st.lists(st.sampled_from(DraftDefect), unique=True).map(
    lambda defects: DraftCheck(findings=tuple(DraftFinding(defect=defect) for defect in defects))
)
CASES: Final = st.builds(
    case,
    severity=st.sampled_from(["S1", "S2", "S3", "S4"]),
    rung=st.sampled_from([Rung.WORK_ORDER, Rung.WORK_ORDER_AND_HOLD]),
    urgency=st.sampled_from([TIMED, UNKNOWN, None]),
)


@given(CASES, CHECKS, st.booleans())
def test_no_order_for_safety_is_held_back_and_no_order_for_a_finding_that_is_not_serious(
    view: CaseView, check: DraftCheck, endangers: bool
) -> None:
    never = view.verdict.severity is Severity.S1 or view.rung is Rung.WORK_ORDER_AND_HOLD or endangers
    assert held_back(view, check, endangers=endangers) == (check.serious and not never)
    accepted = Decision(approved=True, by="pat", reason="go on", at=START)
    assert not held_back(view.model_copy(update={"decision": accepted}), check, endangers=endangers)
    assert not held_back(view, None, endangers=endangers)


@pytest.mark.parametrize("language", Language)
def test_the_text_asks_the_planner_to_complete_only_what_is_serious(language: Language) -> None:
    say = WORDINGS[language]
    late = DraftFinding(defect=DraftDefect.OVERDUE, detail="2015-01-10 06:59")
    for check, lines in ((INCOMPLETE, 1), (DraftCheck(findings=(late,)), 0), (DraftCheck(), 0)):
        draft = order_draft(case(), WORDS, NOTHING_OPEN, say, check, None, released=False)
        begins = say("To complete before the work: {findings}.", findings="x").split("x")[0]
        assert sum(paragraph.startswith(begins) for paragraph in draft.paragraphs) == lines


def test_the_words_of_a_check_say_what_was_found_and_what_followed() -> None:
    assert INCOMPLETE.words == (
        "The check of the order's draft found: the order is on a line, and not on a machine or a part of it. So the "
        "order was not released without a planner."
    )
    assert DraftCheck().words == "The check of the order's draft found nothing."


PLANS: Final = OrderTerms(job_plans={"pump/PDE": "JP-102"})


@pytest.mark.parametrize(
    ("terms", "mode", "found"),
    [
        (OrderTerms(), "PDE", []),
        (PLANS, "PDE", []),
        (PLANS, "LOO", [DraftFinding(defect=DraftDefect.JOB_PLAN, detail="pump/LOO")]),
    ],
)
def test_a_missing_job_plan_is_found_only_where_the_site_states_some(
    terms: OrderTerms, mode: str, found: list[DraftFinding]
) -> None:
    check = check_case(case(failure_mode=mode), WORDS, terms, START, endangers=False)
    assert (list(check.findings), check.serious) == (found, False)


def test_the_job_plan_of_the_class_and_failure_mode_is_in_the_order() -> None:
    plant = played(case(), terms={"fake": PLANS})
    draft = plant.store.now(CASE).draft
    assert draft is not None
    assert (draft.job_plan, "Job plan: JP-102." in draft.paragraphs) == ("JP-102", True)
    without = played(case(failure_mode="LOO"), terms={"fake": PLANS})
    assert status(without) is WorkOrderStatus.APPROVED
    draft = without.store.now(CASE).draft
    assert draft is not None
    assert (draft.job_plan, "job_plan" in draft.model_dump(mode="json")) == (None, False)


@pytest.mark.parametrize("plans", [{"pump": "JP"}, {"pump/PDE/x": "JP"}, {"pump/PDE": ""}, {"/PDE": "JP"}])
def test_job_plans_that_name_no_class_and_failure_mode_are_refused(plans: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="job_plans"):
        CmmsSettings.model_validate({"connector": "maximo", "job_plans": plans})


def played(
    view: CaseView,
    approval: OrderApproval = OrderApproval.STATE,
    terms: Mapping[str, OrderTerms] | None = None,
) -> SagaPlant:
    plant = SagaPlant(timedelta(), terms)
    plant.cmms.can = ABLE.model_copy(update={"approval": approval})
    plant.store.open(view.model_copy(update={"urgency": None}))
    plant.settle()
    return plant


def status(plant: SagaPlant) -> WorkOrderStatus | None:
    order = plant.store.now(CASE).order
    return order.status if order is not None else None


def test_an_order_that_is_complete_goes_out_and_its_check_is_kept() -> None:
    plant = played(case())
    assert (status(plant), plant.store.now(CASE).draft_check) == (WorkOrderStatus.APPROVED, DraftCheck())


def test_an_order_on_a_line_waits_for_the_planner_and_the_case_says_why() -> None:
    plant = played(case(level=Level.LINE))
    assert status(plant) is WorkOrderStatus.WAITING_APPROVAL
    assert plant.store.now(CASE).draft_check == INCOMPLETE
    plant.clock.time += REREAD
    plant.settle()
    assert status(plant) is WorkOrderStatus.WAITING_APPROVAL
    plant.accept(CASE)
    plant.settle()
    assert status(plant) is WorkOrderStatus.APPROVED


@pytest.mark.parametrize(
    "view", [case("S1", level=Level.LINE), case(rung=Rung.WORK_ORDER_AND_HOLD, level=Level.LINE)], ids=["S1", "hold"]
)
def test_an_order_for_safety_goes_out_with_its_findings(view: CaseView) -> None:
    plant = played(view)
    check = plant.store.now(CASE).draft_check
    assert status(plant) is WorkOrderStatus.APPROVED
    assert check is not None
    assert (check.serious, check.withheld) == (True, False)


def test_an_order_for_a_fault_that_endangers_goes_out_however_it_was_priced() -> None:
    plant = played(case(level=Level.LINE))
    assert status(plant) is WorkOrderStatus.WAITING_APPROVAL
    plant.judge.dangerous = True
    plant.clock.time += REREAD
    plant.settle()
    assert status(plant) is WorkOrderStatus.APPROVED


def test_an_order_that_becomes_one_for_a_hold_is_released_then() -> None:
    plant = played(case(level=Level.LINE))
    plant.store.raised(CASE, Rung.WORK_ORDER_AND_HOLD)
    plant.settle()
    assert status(plant) is WorkOrderStatus.APPROVED


def test_where_an_order_cannot_wait_in_the_cmms_a_person_accepts_it_first() -> None:
    plant = played(case(level=Level.LINE), OrderApproval.NONE)
    view = plant.store.now(CASE)
    assert (view.order, view.lane) == (None, Lane.REVIEW)
    assert "the order is on a line" in (view.waiting_for or "")
    plant.accept(CASE)
    plant.settle()
    assert status(plant) is WorkOrderStatus.APPROVED
