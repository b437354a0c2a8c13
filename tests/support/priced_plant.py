"""A plant in which a version with prices is in force."""

from activities.progress import CaseRef
from activities.proposals import Proposals
from domain.cases import CaseView
from domain.instances import PlantInstances, SiteInstances
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation
from tests.support.policy_people import PolicyPeople
from tests.support.priced_policy import priced_candidate
from tests.workflows.fake_plant import FakeMes

ALL_BY_ONE = PlantInstances(mes=SiteInstances(otherwise="fake"))


async def prepare_priced(plant: Plant) -> None:
    """Prepares it, with one confirmed fault."""
    await plant.prepare()
    people = PolicyPeople(plant.engine, plant.clock)
    await people.arrive()
    digest = await people.submit(priced_candidate())
    await people.approve(digest)
    await people.place(digest)
    await plant.take(code(1), deviation(2))


async def proposed(plant: Plant) -> CaseView:
    """The one case, with the time of its work decided from what a MES says."""
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue), instances=ALL_BY_ONE)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    proposals = Proposals(cases, {"fake": FakeMes(plant.clock)}, plant.catalogue, plant.clock)
    await proposals.propose_work(CaseRef(case=str(case)))
    return (await cases.view(str(case)))[0]
