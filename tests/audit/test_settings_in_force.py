"""`audit ask settings`: which settings steered a verdict, an order, a hold and a decision."""

from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.cases import Decision
from domain.errors import ActRejected
from domain.processes import ProcessKind
from millwright.audit.questions.answer import Answer, Asked
from millwright.audit.questions.asking import ask
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.holds import HoldStore
from millwright.storage.cases.walk_downs import WalkDownStore
from millwright.storage.ledger.settings_taken import take_settings
from policies.engine.catalogue import Catalogue
from tests.audit.conftest import hold, place
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, code, deviation
from tests.support.walk_downs import prove, target

FIRST: Final[dict[str, object]] = {"hold_interval": "PT5M"}
LATER: Final[dict[str, object]] = {"hold_interval": "PT1H"}


async def asking(plant: Plant, **terms: Any) -> Answer:
    return await ask(plant.engine, Catalogue(), "settings", Asked(now=plant.clock.now(), **terms), ZoneInfo("UTC"))


def told(answer: Answer) -> list[tuple[str, str, str]]:
    rows = (row.model_dump() for row in answer.rows)
    return [(row["at_what"], row["process"], row["value"]) for row in rows]


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    """One case with its order, hold and decision. Every process took other settings between verdict and order."""
    made = Plant(storage_engine)
    await made.prepare(Criticality.A)
    await take(made, FIRST)
    await made.take(code(3, "error2", asset=MOTOR), code(3.5, "error3", asset=MOTOR))
    await made.take(deviation(4, asset=MOTOR, external_id="confirmed"))
    made.clock.time += timedelta(hours=1)
    await take(made, LATER)
    cases = CaseStore(storage_engine, made.clock, StoredVersions(made.catalogue))
    [[case]] = await made.rows("SELECT id FROM cases")
    await place(cases, str(case), MOTOR, "1002")
    walk_downs, system = WalkDownStore(storage_engine, made.clock), "opcua_job_control"
    await prove(walk_downs, made.clock.now(), system, target("Press1"), equipment="EQ-002")
    await hold(HoldStore(storage_engine, made.clock), str(case), "EQ-002")
    await cases.record_decision(str(case), Decision(approved=True, by="paula", reason="Do it.", at=made.clock.now()))
    return made


async def take(plant: Plant, values: dict[str, object]) -> None:
    for process in ProcessKind:
        await take_settings(plant.engine, plant.clock, process, values)


async def test_the_settings_of_a_verdict_its_order_its_hold_and_the_decision_are_told(plant: Plant) -> None:
    answer = await asking(plant, ref="1002")
    assert told(answer) == [
        ("verdict", "judging", "PT5M"),
        ("order", "cases", "PT1H"),
        ("hold", "cases", "PT1H"),
        ("decision", "api", "PT1H"),
    ]
    assert all(row.ledger is not None for row in answer.rows)
    assert len(answer.proofs) == 3
    assert "verdict: judging, taken 2015-01-15 06:00 UTC; order: cases, taken 2015-01-15 07:00 UTC" in answer.words


async def test_the_settings_of_every_process_at_an_instant_are_told(plant: Plant) -> None:
    before = await asking(plant, at=plant.clock.now() - timedelta(minutes=1))
    assert told(before) == [("all", process.value, "PT5M") for process in ProcessKind]
    assert {value for *_, value in told(await asking(plant, at=plant.clock.now()))} == {"PT1H"}


async def test_what_was_decided_before_settings_were_recorded_says_so(storage_engine: AsyncEngine) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    await plant.take(deviation(1, external_id="first"))
    answer = await asking(plant, ref="tests|first")
    assert (answer.rows, answer.words) == (
        (),
        "No settings are on record. Without settings on record: verdict (judging).",
    )


@pytest.mark.parametrize("terms", [{}, {"ref": "1002", "at": "2015-01-15T06:00:00Z"}])
async def test_either_a_reference_or_an_instant_is_asked_about(plant: Plant, terms: dict[str, str]) -> None:
    with pytest.raises(ActRejected, match="or an instant"):
        await asking(plant, **terms)
