"""An order is written in the language of its CMMS, and nothing of ours in it is left in English."""

from datetime import timedelta
from typing import Final

import pytest

from activities.order_notes import notes_wanted
from activities.order_text import order_draft, tells_rework
from domain.cases import CaseView, Decision, Evidence, Rework
from domain.dependents import Dependents
from domain.draft_findings import DraftCheck
from domain.hold_proposals import HoldAnswer, HoldProposal, OnSilence
from domain.holds import HoldStatus, HoldView, Placement, PlacementState
from domain.machine_test_runs import MachineTestRun, RunTerms
from domain.open_work import OpenOrder, OpenWorkSeen
from domain.order_terms import OrderTerms
from domain.pricing import InputSensitivity, PricedLeadTime, PricedTime, TimingPrices, WorkTime
from domain.production import HoldEnforcement, HoldMethod, HoldPlan, Job, JobState, ProductionContext
from domain.verdict import RuleWords, Rung, Urgency, UrgencyDecision
from domain.wording import ENGLISH, SPANISH, WORDINGS, Language, Wording
from domain.work_orders import Touched, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from tests.support.english_words import english_words
from tests.support.plant import START
from tests.support.saga_plant import EQUIPMENT, SagaPlant, case_view

CASE: Final = "MWAAAAAAAA"
HOUR: Final = timedelta(hours=1)
PRICES: Final = TimingPrices(
    currency="EUR",
    lead_time=PricedLeadTime(
        distribution="uniform", source="detector", since=START, shortest="1.000000", longest="2.000000"
    ),
    failure="17060.00",
    times=tuple(
        PricedTime(
            time=time,
            at=START,
            wait="1.000000",
            probability="0.100000",
            failure="1706.00",
            lost_production="0.00",
            changeover="0.00",
            scrap="0.00",
            crew="0.00",
            derating="0.00",
            total="3610.00",
        )
        for time in WorkTime
    ),
    not_offered=(),
    chosen=WorkTime.DERATED,
    margin="1.00",
    sensitivity=(InputSensitivity(input="lead_time", unit="h", value="1.00", falls_to="0.8700", rises_to=None),),
)
PRICED: Final = UrgencyDecision(
    urgency=Urgency.NOW,
    rule="r",
    because="Así es.",
    hold_at=START,
    work_at=START,
    prices=PRICES,
    not_priced="the MES does not answer; no se sabe.",
    site_rule="parar ya",
    dependents=Dependents(standby="M2", stops=("M3",)),
)
UNTOUCHED_REF: Final = WorkOrderRef(system="fake", id="4711", key=CASE)
PLACED: Final = Placement(
    plan=HoldPlan(
        key=CASE, equipment=EQUIPMENT, job="all work orders", prior_state=JobState.RUNNING, method=HoldMethod.PAUSE
    ),
    number=1,
    state=PlacementState.IN_EFFECT,
    intended_at=START,
    accepted_at=START,
    in_effect_at=START,
    read_at=START,
)
OPEN: Final = OpenWorkSeen(
    at=START,
    since=START,
    orders=tuple(
        OpenOrder(
            ref=WorkOrderRef(system="fake", id="9", key=CASE),
            order=WorkOrderRef(system="fake", id="10", key=""),
            status=status,
            vendor_status="X",
            reported_at=START,
            reported_by="SMITH",
            summary="Ruido",
        )
        for status in WorkOrderStatus
    )[:3],
    count=9,
    unreadable=("has no key",),
    unreadable_count=2,
)


def rich(**more: object) -> CaseView:
    """A case whose order says much."""
    seen = Evidence(
        at=START, detector="adx:volt", signal="volt", value=1234.56, score=7.25, baseline=170.0, unit="V", code=None,
        rung=Rung.DRAFT, traceparent="00-ab-cd-01",
    )  # fmt: skip
    production = ProductionContext(
        equipment=EQUIPMENT,
        read_at=START,
        job=Job(id="J-1", state=JobState.RUNNING),
        enforcement=HoldEnforcement.ADVISORY,
    )
    view = case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD)
    return view.model_copy(
        update={
            "asset": view.asset.model_copy(update={"name": "Bomba 1"}),
            "machine": view.machine.model_copy(update={"name": "Prensa 7"}),
            "evidence": (seen, seen.model_copy(update={"signal": None})),
            "codes_seen": ("E1", "E2"),
            "urgency": PRICED,
            "production": production,
            "otherwise": ("It would have ordered work if a matching error code had come (codes 0 → 1).",),
            "rework": Rework(case="MWBBBBBBBB", order="12", by="Petra", reason="vibra", found="ruido", at=START),
            **more,
        }
    )


PROPOSED: Final = HoldProposal(asked_at=START, hold_at=START, answer_by=START, on_silence=OnSilence.ESCALATE)
REFUSED: Final = PROPOSED.model_copy(
    update={"answer": HoldAnswer(accepted=False, hold_at=None, by="Petra", reason="pedido urgente", at=START)}
)
GRANTED: Final = PROPOSED.model_copy(
    update={"answer": HoldAnswer(accepted=True, hold_at=START, by="Petra", reason=None, at=START)}
)


def hold(state: HoldStatus = HoldStatus.ASKED, *placements: Placement, **more: object) -> HoldView:
    return HoldView.model_validate(
        {
            "key": CASE,
            "system": "fake",
            "equipment": EQUIPMENT,
            "state": state,
            "claims": 1,
            "working": 1,
            "placements": placements,
            **more,
        }
    )


def placed(state: PlacementState) -> Placement:
    return PLACED.model_copy(update={"state": state})


CASES: Final = {
    "much": rich(),
    "at once": rich(urgency=PRICED.model_copy(update={"hold_at": None, "prices": None}), production=None),
    "no order before": rich(rework=Rework(case=CASE, order=None, by="P", reason="x", found="y", at=START)),
    "asked": rich(hold_proposal=PROPOSED),
    "refused": rich(hold_proposal=REFUSED),
    "granted": rich(hold_proposal=GRANTED),
    "not held": rich(hold=hold()),
    "overruled": rich(hold=hold(overruled_at=START)),
    "releasing": rich(hold=hold(HoldStatus.RELEASING)),
    "on test": rich(
        hold=hold(
            HoldStatus.TESTING,
            test_run=MachineTestRun(
                terms=RunTerms(within=HOUR, steady=HOUR, score=3.0), version="0" * 64, begun_at=START
            ),
        )
    ),
    **{state.value: rich(hold=hold(HoldStatus.ASKED, placed(state))) for state in PlacementState},
    "partial": rich(hold=hold(HoldStatus.ASKED, PLACED, placed(PlacementState.INTENDED))),
}
WORDS: Final = RuleWords(because="La tensión sube.", response="Revise la bomba.")


class SaysWords:
    def words(self, version: str, rule: str) -> RuleWords:
        del version, rule
        return WORDS


@pytest.mark.parametrize("view", CASES.values(), ids=CASES.keys())
def test_a_spanish_order_has_no_english_words_of_ours(view: CaseView) -> None:
    draft = order_draft(view, WORDS, OPEN, SPANISH, DraftCheck(), None, released=False)
    text = "\n".join([draft.summary, *draft.paragraphs])
    assert english_words(text) == set()
    assert "Sospecha: " in text


def test_so_has_the_hint_where_not_all_was_looked_at() -> None:
    seen = OPEN.model_copy(update={"orders": (), "count": 0, "unreadable": (), "complete": False})
    assert english_words(seen.hint_in(SPANISH) or "") == set()


def test_the_numbers_of_a_spanish_order_have_a_decimal_comma() -> None:
    draft = order_draft(rich(), WORDS, OPEN, SPANISH, DraftCheck(), None, released=False)
    assert draft.summary.endswith("volt 1234,6 frente a 170,0 V (7,2 errores estándar), E1 + E2")
    assert any("3 610 EUR" in paragraph for paragraph in draft.paragraphs)


@pytest.mark.parametrize("say", WORDINGS.values(), ids=list(Language))
def test_the_paragraph_of_rework_is_recognised_in_every_language(say: Wording) -> None:
    draft = order_draft(rich(), WORDS, OPEN, say, DraftCheck(), None, released=False)
    assert [tells_rework(paragraph) for paragraph in draft.paragraphs].count(True) == 1


def ordered(view: CaseView, **more: object) -> CaseView:
    """The case with its order in the CMMS, drafted before anything of it was known."""
    plain = order_draft(rich(rework=None), WORDS, OPEN, SPANISH, DraftCheck(), None, released=False)
    order = WorkOrderRecord(
        ref=UNTOUCHED_REF, status=WorkOrderStatus.APPROVED, vendor_status="APPR", changed_at=START, touched=Touched.YES
    )
    draft = plain.model_copy(update={"rung": Rung.INSPECT})
    return view.model_copy(update={"draft": draft, "order": order, **more})


NO: Final = Decision(approved=False, by="Pat", reason="none", at=START)
NOTED: Final = {
    "worse": ordered(CASES["much"]),
    "worse, a draft": ordered(CASES["much"], rung=Rung.DRAFT),
    "worse, work": ordered(CASES["much"], rung=Rung.WORK_ORDER),
    "refused": ordered(CASES["refused"]),
    "overruled": ordered(CASES["overruled"]),
    "rejected": ordered(CASES["much"], decision=NO),
    "revised": ordered(CASES["much"], withdraw="its evidence was judged again, the last as ignore"),
    "again": ordered(CASES["much"], order_notes=(f"{CASE}-doubt-1",)),
}


@pytest.mark.parametrize("view", NOTED.values(), ids=NOTED.keys())
def test_a_spanish_note_has_no_english_words_of_ours(view: CaseView) -> None:
    notes = notes_wanted(view, SaysWords(), SPANISH)  # type: ignore[arg-type]  # it only says words
    assert notes
    texts = " ".join(note.text for note in notes).replace(f"trabajo: {NO.reason}", "")
    assert english_words(texts) == set()


def test_a_person_s_own_reason_is_not_translated() -> None:
    texts = [note.text for note in notes_wanted(NOTED["rejected"], SaysWords(), SPANISH)]  # type: ignore[arg-type]  # as above
    assert any("Pat rechazó el trabajo: none." in text for text in texts)


def test_every_note_and_order_has_the_same_parts_in_every_language() -> None:
    english = order_draft(rich(), WORDS, OPEN, ENGLISH, DraftCheck(), None, released=False)
    other = order_draft(rich(), WORDS, OPEN, SPANISH, DraftCheck(), None, released=False)
    assert len(english.paragraphs) == len(other.paragraphs)
    assert english.model_dump(exclude={"summary", "paragraphs"}) == other.model_dump(exclude={"summary", "paragraphs"})


def test_the_steps_of_a_case_write_in_the_language_of_its_cmms() -> None:
    plant = SagaPlant(timedelta(), {"fake": OrderTerms(language=Language.SPANISH)})
    plant.store.open(case_view(CASE, 1, Rung.DRAFT))
    plant.settle()
    draft = plant.store.now(CASE).draft
    assert draft is not None
    assert any(paragraph.startswith("Sospecha: ") for paragraph in draft.paragraphs)
    plant.store.raised(CASE, Rung.WORK_ORDER)
    plant.settle()
    assert [text for text in plant.cmms.notes.values() if text.startswith("El fallo ha empeorado")] != []
