"""What would have changed a verdict: kept once when its case is proposed, on the record, and told in the order."""

from datetime import timedelta

from activities.order_text import order_draft
from activities.progress import CaseRef
from activities.proposals import Proposals
from domain.canonical import sha256
from domain.counterfactuals import Counterfactuals, Grounds, VerdictCounterfactuals
from domain.draft_findings import DraftCheck
from domain.verdict import RuleWords, Urgency, UrgencyDecision
from domain.wording import ENGLISH
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_observations import CaseObservations
from millwright.storage.cases.case_store import CaseStore
from tests.support.cmms import NOTHING_OPEN
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, START, code, deviation
from tests.workflows.fake_mes import FakeMes

URGENCY = UrgencyDecision(urgency=Urgency.NOW, rule="critical", because="It is.", hold_at=None, work_at=START)


def other_explanation(grounds: Grounds) -> VerdictCounterfactuals:
    return VerdictCounterfactuals(verdict=grounds.verdict, changes=Counterfactuals(rung="watch", inputs=()))


def store_of(plant: Plant) -> CaseStore:
    return CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))


async def proposed(plant: Plant) -> str:
    """The one case, proposed."""
    ((case,),) = await plant.rows("SELECT id FROM cases")
    proposals = Proposals(store_of(plant), {"fake": FakeMes(plant.clock)}, plant.catalogue, plant.clock)
    await proposals.propose_work(CaseRef(case=str(case)))
    return str(case)


async def test_a_proposed_case_has_what_would_have_changed_its_verdict_on_record(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    case = await proposed(plant)
    ((verdict, body, digest),) = await plant.rows("SELECT verdict_id, body, digest FROM explanations")
    changes = Counterfactuals.model_validate_json(str(body))
    assert changes.rung == "work_order"
    assert "It would only have been watched with 0 different error codes seen within the window (there are 1)." in (
        changes.told
    )
    assert digest == sha256(str(body).encode())
    acts = await plant.rows(
        "SELECT subject, body::json->'detail'->>'verdict', body::json->'detail'->>'digest' FROM acts "
        "WHERE kind = 'verdict-explained'"
    )
    assert acts == [(f"case/{case}", str(verdict), digest)]
    assert (await verify(plant.engine)).verified


async def test_it_is_kept_once_however_often_the_case_is_proposed(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    case, cases = await proposed(plant), store_of(plant)
    grounds = await cases.grounds(case)
    assert grounds is not None
    await cases.record_proposal(case, URGENCY, None, other_explanation(grounds))
    assert await plant.rows("SELECT count(*) FROM explanations") == [(1,)]
    assert await plant.rows("SELECT count(*) FROM acts WHERE kind = 'verdict-explained'") == [(1,)]


async def test_the_grounds_of_a_case_give_its_verdict_again(plant: Plant) -> None:
    await plant.take(code(1), deviation(2), deviation(3))
    cases = store_of(plant)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    grounds = await cases.grounds(str(case))
    assert grounds is not None
    verdict, _ = plant.catalogue.judge(grounds.version, grounds.memory, grounds.anomaly, grounds.context)
    assert verdict == (await cases.view(str(case)))[0].verdict
    assert grounds.memory.codes.keys() == {"error1"}


async def test_a_case_opened_by_the_very_first_event_has_an_empty_memory_to_begin_with(plant: Plant) -> None:
    bad = deviation(1)
    assert bad.anomaly is not None
    await plant.take(bad.model_copy(update={"anomaly": bad.anomaly.model_copy(update={"quality": "bad"})}))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    grounds = await store_of(plant).grounds(str(case))
    assert grounds is not None
    assert grounds.memory.seen == 0


async def test_the_order_tells_what_would_have_changed_it_before_its_history(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    view, _ = await store_of(plant).view(await proposed(plant))
    draft = order_draft(
        view, RuleWords(because="It is so.", response="Look."), NOTHING_OPEN, ENGLISH, DraftCheck(), None, released=True
    )
    (told,) = [each for each in draft.paragraphs if each.startswith("Otherwise: ")]
    assert told.count("It would") <= 3
    assert "error codes" in told
    after = draft.paragraphs[draft.paragraphs.index(told) + 1]
    assert after.startswith("History: ")


async def test_the_observations_of_a_fault_are_read_for_its_files_oldest_first(plant: Plant) -> None:
    await plant.take(deviation(0, score=1.0), code(1), deviation(2), code(1, "error3", asset=MOTOR), deviation(3))
    ((case,),) = await plant.rows("SELECT id FROM cases WHERE asset = 'machine-001-comp1'")
    observed = await CaseObservations(plant.engine).of_case(str(case))
    hours = [(each.at - START) / timedelta(hours=1) for each in observed]
    assert (hours, [each.code for each in observed]) == ([0, 1, 2, 3], [None, "error1", None, None])
    assert observed[2].value is not None


async def test_other_cases_have_explanations_of_their_own(plant: Plant) -> None:
    await plant.take(code(1), deviation(2), code(1, "error2", asset=MOTOR), code(1, "error3", asset=MOTOR))
    await plant.take(deviation(2, asset=MOTOR))
    cases = store_of(plant)
    for (case,) in await plant.rows("SELECT id FROM cases"):
        grounds = await cases.grounds(str(case))
        assert grounds is not None
        await cases.record_proposal(str(case), URGENCY, None, other_explanation(grounds))
    assert await plant.rows("SELECT count(DISTINCT case_id) FROM explanations") == [(2,)]
