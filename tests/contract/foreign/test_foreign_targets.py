"""The target of a hold on a foreign server: another server at the same address is another target."""

from urllib.parse import urlsplit

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import Lane
from domain.errors import NotProved
from domain.production import PlaceResult
from domain.walk_downs import WalkDownState
from tests.contract.foreign.conftest import MesOf
from tests.contract.foreign.job_control import ForeignJobControl, Serve
from tests.support.holding_case import HoldingCase

pytestmark = pytest.mark.foreign


def port_of(server: ForeignJobControl) -> int:
    port = urlsplit(server.endpoint).port
    assert port is not None
    return port


async def test_a_target_has_what_the_server_says_and_shows_of_itself(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("same-job-id", security={"uri": "urn:made-up:first"})
    target = await mes_of(server).hold_target("EQ-20")
    assert target.application_uri == "urn:made-up:first"
    assert target.certificate == server.thumbprint
    assert target.namespace
    assert "Press2" in target.receiver
    plan = await mes_of(server).plan_hold("EQ-20", "MWKEY")
    assert plan.target == target


async def test_two_machines_of_a_server_differ_in_their_receivers_only(serve: Serve, mes_of: MesOf) -> None:
    server = await serve("same-job-id")
    mes = mes_of(server)
    first, second = await mes.hold_target("EQ-10"), await mes.hold_target("EQ-20")
    assert first.model_copy(update={"receiver": second.receiver}) == second
    assert first.receiver != second.receiver


@pytest.mark.parametrize("uri", ["urn:made-up:first", "urn:made-up:second"])
async def test_another_server_at_the_same_address_holds_nothing(serve: Serve, mes_of: MesOf, uri: str) -> None:
    server = await serve("same-job-id", security={"uri": "urn:made-up:first"})
    mes = mes_of(server)
    # The other server's job begins at another time, which would stop the call by itself.
    plan = (await mes.plan_hold("EQ-20", "MWKEY")).model_copy(update={"starts_at": None})
    port = port_of(server)
    await server.end()
    other = await serve("same-job-id", port=port, security={"uri": uri})
    changes = "its certificate was" if uri.endswith("first") else "its application URI was urn:made-up:first"
    with pytest.raises(NotProved, match=changes):
        await mes_of(other).place_hold(plan, "bearing")
    seen = await other.machine("Press2")
    assert (seen.jobs, seen.calls) == ({"JO-1": "Running"}, ())
    again = await mes_of(other).plan_hold("EQ-20", "MWKEY")
    assert await mes_of(other).place_hold(again, "bearing") is PlaceResult.IN_EFFECT


@pytest.mark.parametrize("uri", ["urn:made-up:first", "urn:made-up:second"])
async def test_another_server_at_the_same_address_suspends_the_proof(
    serve: Serve, mes_of: MesOf, storage_engine: AsyncEngine, database_url: str, uri: str
) -> None:
    server = await serve("same-job-id", security={"uri": "urn:made-up:first"})
    await server.name_equipment("Press2", ["EQ-001"])
    case = HoldingCase(storage_engine, database_url, mes_of(server))
    await case.prepare()
    proof = await case.walk_down()
    assert proof.state is WalkDownState.PROVED, proof.words
    assert [call.method for call in (await server.machine("Press2")).calls] == ["Pause", "Resume"]
    port = port_of(server)
    await server.end()
    other = await serve("same-job-id", port=port, security={"uri": uri})
    await other.name_equipment("Press2", ["EQ-001"])
    case.served["fake"] = mes_of(other)
    view = await case.hold()
    changed = (
        "its certificate was" if uri.endswith("first") else f"its application URI was urn:made-up:first and is {uri}"
    )
    assert view.lane is Lane.PRODUCTION
    assert changed in (view.waiting_for or "")
    assert (await other.machine("Press2")).calls == ()
    assert (await case.storage.walk_downs.read(proof.key))[0].state is WalkDownState.SUSPENDED


async def test_a_machine_that_was_proved_on_the_server_is_held_there(
    serve: Serve, mes_of: MesOf, storage_engine: AsyncEngine, database_url: str
) -> None:
    server = await serve("same-job-id")
    await server.name_equipment("Press2", ["EQ-001"])
    case = HoldingCase(storage_engine, database_url, mes_of(server))
    await case.prepare()
    assert (await case.walk_down()).state is WalkDownState.PROVED
    await case.hold()
    assert (await server.machine("Press2")).jobs == {"JO-1": "Interrupted"}
    assert (await server.machine("Press1")).jobs == {"JO-1": "Running"}
