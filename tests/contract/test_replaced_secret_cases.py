"""An API key that is replaced while orders are being placed: no order fails, and none is made twice."""

import asyncio
import itertools
from pathlib import Path

import httpx
import pytest

from connectors.cmms import maximo
from domain.clock import WallClock
from domain.cmms import OrderQuery
from domain.errors import ActionRequired
from millwright.runtime.setting_files import SecretInFile
from sandbox.clock import PlantClock
from sandbox.maximo.assets import Machine
from sandbox.maximo.server import MaximoServer
from tests.contract.cmms_plant import draft_of
from tests.contract.conftest import START

KEYS = tuple(f"key-number-{number}-of-maximo" for number in range(5))
ORDERS = 40


def exchanged(keys: dict[str, str], file: Path, old: str, new: str) -> None:
    """What a person does: the new key, then the file that names it, then the old key is revoked."""
    keys[new] = "MILLWRIGHT"
    fresh = file.with_suffix(".new")
    fresh.write_text(f"{new}\n")
    fresh.replace(file)
    del keys[old]


async def test_keys_are_replaced_while_orders_are_placed(tmp_path: Path) -> None:
    clock, keys, file = PlantClock(START), {KEYS[0]: "MILLWRIGHT"}, tmp_path / "key"
    file.write_text(KEYS[0])
    server = MaximoServer(tmp_path / "maximo", clock, keys)
    await server.start()
    server.register_assets([Machine(1), Machine(2)])
    settings = {"url": server.url, "time_zone": "Etc/GMT+5"}
    named = SecretInFile(file, "MILLWRIGHT_CMMS__API_KEY_FILE")
    async with httpx.AsyncClient() as http:
        cmms = maximo.connect(
            maximo.MaximoSettings.model_validate({**settings, "api_key": named}),
            http,
            system="maximo",
            clock=WallClock(),
        )
        drafts = [
            draft_of(
                f"MW{number:08d}",
                f"M00{number % 2 + 1}-COMP1",
                clock.now(),
                released=True,
                attributes={"siteid": "BEDFORD"},
            )
            for number in range(ORDERS)
        ]
        placed = [asyncio.create_task(cmms.create_work_order(draft)) for draft in drafts]
        for old, new in itertools.pairwise(KEYS):
            for _ in range(ORDERS // len(KEYS)):
                pending = [task for task in placed if not task.done()]
                await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            exchanged(keys, file, old, new)
        records = await asyncio.gather(*placed)
        assert len({record.ref.id for record in records}) == ORDERS
        assert sorted(order.externalrefid for order in server.work_orders()) == sorted(draft.key for draft in drafts)
        for draft in drafts[:3]:
            assert len(await cmms.find_work_orders(OrderQuery(key=draft.key))) == 1
        revoked = maximo.MaximoSettings.model_validate({**settings, "api_key": KEYS[0]})
        with pytest.raises(ActionRequired, match="does not accept our credentials"):
            await maximo.connect(revoked, http, system="maximo", clock=WallClock()).check()
    await server.stop()
