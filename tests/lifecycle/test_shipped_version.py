"""A newer shipped version acts only where persons put it in force: 1.2.0 over 1.1.0."""

from activities.autonomy import Autonomy
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.policies.autonomy import AutonomyStore
from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy, compile_policy
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, code, deviation
from tests.support.policy_people import PolicyPeople


def copied(author: str) -> CompiledPolicy:
    """The shipped 1.2.0 with a person of the plant as its author, as the page on policies says."""
    shipped = Catalogue.published().find("rotating-equipment", "1.2.0")
    return compile_policy(shipped.text.replace(f"author: {shipped.document.author}", f"author: {author}"), "1.2.0.yaml")


async def released(plant: Plant, asset: str) -> tuple[str, bool]:
    """The version that opened the newest case of an asset, and whether its order is released without a person."""
    ((case,),) = await plant.rows("SELECT id FROM cases WHERE asset = :a ORDER BY opened_at DESC LIMIT 1", a=asset)
    view, _ = await CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue)).view(str(case))
    autonomy = Autonomy(plant.catalogue, AutonomyStore(plant.engine, plant.clock))
    return view.verdict.version, await autonomy.released(view)


async def test_an_installation_stays_on_its_version_until_persons_put_1_2_0_in_force(
    plant: Plant, people: PolicyPeople
) -> None:
    await plant.take(deviation(1), code(2), deviation(3))
    assert await released(plant, PUMP) == ("1.1.0", True)
    digest = await people.submit(copied("anna"))
    await people.approve(digest)
    await plant.take(deviation(4))
    assert await released(plant, PUMP) == ("1.1.0", True)

    await people.place(digest)
    both = [code(6, name, asset=MOTOR) for name in ("error2", "error3")]
    await plant.take(deviation(5, asset=MOTOR), *both, deviation(7, asset=MOTOR))

    assert await released(plant, MOTOR) == ("1.2.0", False)
    assert await released(plant, PUMP) == ("1.1.0", True)
    assert (await verify(plant.engine)).findings == ()
