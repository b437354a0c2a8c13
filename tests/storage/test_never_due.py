"""What waits for nothing and is never due: the audit and `doctor` name it."""

from datetime import timedelta

import pytest

from millwright.audit.verifying import verify
from millwright.storage.reporting.condition import read_never_due
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation

INTERVAL = timedelta(minutes=5)


async def opened(plant: Plant) -> str:
    await plant.take(deviation(1), deviation(2), code(3), deviation(3))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    return str(case)


async def altered(plant: Plant, *statements: str) -> None:
    async with plant.engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


@pytest.mark.parametrize("statement", ["UPDATE due SET due_at = NULL", "DELETE FROM due"])
async def test_an_open_case_that_waits_for_nothing_and_is_never_due_is_named(plant: Plant, statement: str) -> None:
    case = await opened(plant)
    assert (await verify(plant.engine)).findings == ()
    assert await read_never_due(plant.engine, plant.clock.now(), INTERVAL) == ()
    await altered(plant, f"{statement} WHERE subject LIKE 'case/%%'")
    assert [(each.kind, each.where) for each in (await verify(plant.engine)).findings] == [("due", f"case {case}")]
    assert await read_never_due(plant.engine, plant.clock.now(), INTERVAL) == (f"case/{case}",)


async def test_a_poll_without_a_next_time_is_named(plant: Plant) -> None:
    await altered(plant, "INSERT INTO due (subject, generation) VALUES ('poll/maximo', 1)")
    assert [(each.kind, each.where) for each in (await verify(plant.engine)).findings] == [("due", "poll of maximo")]
    assert await read_never_due(plant.engine, plant.clock.now(), INTERVAL) == ("poll/maximo",)


async def test_doctor_names_a_poll_and_a_lease_that_end_too_late(plant: Plant) -> None:
    await altered(
        plant,
        "INSERT INTO due (subject, due_at, generation) VALUES ('poll/maximo', '9999-01-01', 1)",
        "INSERT INTO order_leases (system, scope, number, owner, lease_until) VALUES ('maximo', 'MW1', 1, 'x', "
        "'9999-01-01')",
    )
    assert await read_never_due(plant.engine, plant.clock.now(), INTERVAL) == ("maximo MW1", "poll/maximo")
