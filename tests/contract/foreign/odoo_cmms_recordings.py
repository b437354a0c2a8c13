"""What the connector to Odoo Maintenance asks of a real Odoo, and what Odoo answers: recorded for other tests.

`python -m tests.contract.foreign.odoo_cmms_recordings` records it again: the scenes of our connector into
`tests/connectors/odoo_cmms_recordings.json`, and further questions into `tests/contract/odoo_answers.json`.
`test_foreign_odoo_recordings.py` says when that is needed.
"""

import asyncio
import json

from tests.contract import odoo_questions, odoo_scenes
from tests.contract.foreign.odoo_cmms_plant import OdooCmmsPlant
from tests.contract.foreign.odoo_server import OdooDatabase, OdooServer
from tests.contract.odoo_people import APPROVED
from tests.contract.odoo_questions import Answered
from tests.contract.odoo_scenes import Recording


async def scenes(database: OdooDatabase) -> Recording:
    """Each scene with its exchanges, on a database in which nothing was done yet."""
    plant = OdooCmmsPlant(database, approved_stage=APPROVED)
    plant.start()
    return await odoo_scenes.played(plant, database.url, database.name, database.keys["cmms"])


async def answers(database: OdooDatabase) -> list[Answered]:
    """Each question with its answer, likewise."""
    OdooCmmsPlant(database, approved_stage=APPROVED).start()
    return await odoo_questions.asked(database.url, database.name, database.keys)


async def _main() -> None:
    server = OdooServer.start()
    try:
        for file, record in ((odoo_scenes.FILE, scenes), (odoo_questions.FILE, answers)):
            file.write_text(json.dumps(await record(server.copy()), indent=1) + "\n", encoding="utf-8")
    finally:
        server.end()


if __name__ == "__main__":
    asyncio.run(_main())
