"""No policy is compiled on an event loop: not where lines are judged, not in the steps of cases, not in the API."""

import functools
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from millwright.api.app import ROUTERS, create_app
from millwright.bootstrap import StoredVersions, stores
from millwright.settings import Settings
from millwright.storage.policies.versions import VersionStore
from tests.audit.full_record import build_full
from tests.support.compiling import compiled_here
from tests.support.judged_plant import Plant
from tests.support.local_mode import AS_LOCAL, LOCAL_TOKEN_HASH
from tests.support.plant import MOTOR, PUMP, deviation

_TERMS = {"at": "2015-03-01T00:00:00Z", "until": "2015-03-01T00:00:00Z", "asset": PUMP, "to": "1.0.0", "ref": "1.1.0"}


async def test_a_policy_that_is_compiled_on_the_loop_is_seen(storage_engine: AsyncEngine) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    (stored, *_) = await VersionStore(storage_engine).versions()
    with compiled_here() as found:
        StoredVersions().learn(stored.digest, stored.document)
    assert found == ["millwright/bootstrap.py:StoredVersions.learn"] * 2


@pytest.mark.timeout(300)
async def test_lines_are_judged_and_cases_seen_through_without_compiling_on_the_loop(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    with compiled_here() as found:
        await build_full(storage_engine, tmp_path)
    assert found == []


@pytest.mark.timeout(300)
async def test_no_route_that_reads_compiles_on_the_loop(storage_engine: AsyncEngine) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)
    await plant.take(deviation(1), deviation(2), deviation(3, asset=MOTOR))
    [[case]] = [*await plant.rows("SELECT id FROM cases LIMIT 1"), [["none"]]][:1]
    storage = stores(storage_engine, plant.clock, StoredVersions(), Settings())
    app = create_app(storage, Settings(), None, LOCAL_TOKEN_HASH)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 40000))
    names = {"{case}": str(case), "{event}": "1", "{version}": "1.1.0"}
    routes = (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute))
    paths = sorted(route.path for route in routes if "GET" in (route.methods or ()))
    reached = []
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=AS_LOCAL) as client:
        with compiled_here() as found:
            for template in paths:
                path = functools.reduce(lambda made, name: made.replace(name, names[name]), names, template)
                answer = await client.get(path, params=_TERMS)
                reached.append((answer.status_code, path))
    assert found == []
    assert len([path for status, path in reached if status == httpx.codes.OK]) > 25, reached
