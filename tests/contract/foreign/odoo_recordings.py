"""What the connector asks of a real Odoo, and what Odoo answers: recorded for the tests without a server.

`python -m tests.contract.foreign.odoo_recordings` records it again: the scenes of our connector into
`tests/connectors/odoo_recordings.json`, and further questions into `tests/contract/odoo_mrp_answers.json`.
`test_foreign_odoo_recordings.py` says when that is needed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from connectors.mes.odoo_mrp import OdooMes, OdooSettings, connect
from domain.errors import ConnectorError
from tests.contract import odoo_mrp_questions
from tests.contract.foreign.odoo_plant import OdooPlant
from tests.contract.foreign.odoo_server import OdooDatabase, OdooServer
from tests.contract.odoo_questions import Answered
from tests.contract.odoo_scenes import Recorder, Recording
from tests.support.plant import TestClock

FILE: Final = Path(__file__).parents[2] / "connectors" / "odoo_recordings.json"
RECORDED_AT: Final = datetime(2026, 11, 29, tzinfo=UTC)
EQUIPMENT: Final = "EQ-PRESS-7"


async def record(database: OdooDatabase) -> Recording:
    """Each scene with its exchanges, on a database in which nothing was done yet."""
    plant = await OdooPlant.new(database, equipment=EQUIPMENT)
    scenes: Recording = {}

    async def play(name: str, act: Callable[[OdooMes], Awaitable[object]], **settings: str) -> Any:
        recorder = Recorder()
        async with httpx.AsyncClient(transport=recorder) as client:
            own = {"url": database.url, "database": database.name, "api_key": database.keys["millwright"], **settings}
            mes = connect(OdooSettings.model_validate(own), client, system="odoo", clock=TestClock(RECORDED_AT))
            done = None
            with suppress(ConnectorError):
                done = await act(mes)
        scenes[name] = recorder.exchanges
        return done

    await play("check", lambda mes: mes.check())
    await play("production-running", lambda mes: mes.read_production(EQUIPMENT))
    plan = await play("plan", lambda mes: mes.plan_hold(EQUIPMENT, "MWABCDEFGH"))
    await play("place", lambda mes: mes.place_hold(plan, "Bearing wear"))
    await play("read-held", lambda mes: mes.read_hold(plan))
    await play("production-held", lambda mes: mes.read_production(EQUIPMENT))
    await play("place-again", lambda mes: mes.place_hold(plan, "Bearing wear"))
    await play("plan-of-another", lambda mes: mes.plan_hold(EQUIPMENT, "MWOTHER"))
    await play("release", lambda mes: mes.release_hold(plan, "Repaired"))
    await play("release-again", lambda mes: mes.release_hold(plan, "Repaired"))
    await play("unknown-equipment", lambda mes: mes.hold_target("NOSUCH"))
    await play("wrong-key", lambda mes: mes.check(), api_key="wrong")
    await play("wrong-database", lambda mes: mes.check(), database="nosuch")
    await plant.leave()
    return scenes


async def answers(database: OdooDatabase) -> list[Answered]:
    """Each further question with its answer, likewise."""
    return await odoo_mrp_questions.asked(database.url, database.name, database.keys)


async def _main() -> None:
    server = OdooServer.start()
    try:
        for file, recorded in ((FILE, record), (odoo_mrp_questions.FILE, answers)):
            file.write_text(json.dumps(await recorded(server.copy()), indent=1) + "\n", encoding="utf-8")
    finally:
        server.end()


if __name__ == "__main__":
    asyncio.run(_main())
