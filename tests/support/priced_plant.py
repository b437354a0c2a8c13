"""A plant in which a version with prices is in force."""

from dataclasses import dataclass

from activities.progress import CaseRef
from activities.proposals import Proposals
from domain.cases import CaseView
from domain.instances import PlantInstances, SiteInstances
from domain.production import JobState, ProductionContext
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation
from tests.support.policy_people import PolicyPeople
from tests.support.priced_policy import priced_candidate
from tests.workflows.fake_mes import FakeMes

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


@dataclass
class MesWithStandby(FakeMes):
    """A MES in which another equipment has a job of its own."""

    standby: str = "EQ-002"
    standby_is: JobState = JobState.NOT_ALLOWED_TO_START

    async def read_production(self, equipment: str) -> ProductionContext:
        found = await super().read_production(equipment)
        if equipment != self.standby or found.job is None:
            return found
        return found.model_copy(update={"job": found.job.model_copy(update={"state": self.standby_is})})


async def proposed(plant: Plant, standby_is: JobState = JobState.NOT_ALLOWED_TO_START) -> CaseView:
    """The one case, with the time of its work decided from what a MES says."""
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue), instances=ALL_BY_ONE)
    ((case,),) = await plant.rows("SELECT id FROM cases")
    proposals = Proposals(
        cases, {"fake": MesWithStandby(plant.clock, standby_is=standby_is)}, plant.catalogue, plant.clock
    )
    await proposals.propose_work(CaseRef(case=str(case)))
    return (await cases.view(str(case)))[0]
