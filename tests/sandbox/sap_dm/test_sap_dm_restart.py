"""A plant of SAP Digital Manufacturing that is stopped and started again goes on where it was."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.clock import PlantClock
from sandbox.sap_dm.server import SapDmServer
from tests.sandbox.sap_dm.conftest import MACHINES, START, closed, opened


async def test_holds_statuses_and_progress_outlive_a_restart_and_tokens_do_not(tmp_path: Path) -> None:
    clock = PlantClock(START)
    before = await opened(tmp_path, clock)
    resource = before.working()
    name = before.sfc(resource)
    await before.post("/sfc/v1/sfcs/hold", sfcs=[name], comments="KEY: why")
    await before.post(
        "/resource/v2/changestatus", resource=resource.name, status="DISABLED", user="ME", comments="KEY: why",
        immediate=True,
    )  # fmt: skip
    await before.pass_time(timedelta(days=2))
    rows, token = before.server.holds(), before.http.headers["authorization"]
    await closed(before)
    after = await opened(tmp_path, clock)
    assert after.server.holds() == rows
    again = after.server.floor.resources[resource.name]
    assert after.sfc(again) == name
    assert after.server.floor.status_of(again, clock.now()) == "DISABLED"
    after.http.headers["authorization"] = token
    assert (await after.get("/resource/v3/resource", resource=resource.name)).status_code == 401
    for row in rows:
        await after.server.release_by_hand(row)
    assert [row.released is None for row in after.server.holds()] == [False, False]
    assert after.server.floor.status_of(again, clock.now()) == "PRODUCTIVE"
    await closed(after)


def test_a_plant_of_another_seed_is_refused(tmp_path: Path) -> None:
    SapDmServer(tmp_path, PlantClock(START), MACHINES, seed=1)
    with pytest.raises(ValueError, match="the plant on disk was made with 1, not 2"):
        SapDmServer(tmp_path, PlantClock(START), MACHINES, seed=2)
