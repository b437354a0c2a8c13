"""What the sandbox's Odoo does beside the recorded answers: times, transactions at once, other addresses and faults."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.odoo.misbehaviour import TARGET
from sandbox.odoo.server import APPROVED, DATABASE, OdooServer

START = datetime(2026, 11, 21, 6, 50, 10, tzinfo=UTC)
KEY = "0ba8bd4-quartz-harbor"
REQUESTS = "maintenance.request"
ONCE = {"mode": "update", "noupdate": True}


@dataclass
class Site:
    """A server, its clock and a client with the key of `cmms`."""

    server: OdooServer
    clock: PlantClock
    faults: Faults
    http: httpx.AsyncClient

    async def ask(self, method: str, model: str = REQUESTS, **body: Any) -> httpx.Response:
        return await self.http.post(f"/json/2/{model}/{method}", json=body)

    async def load(self, name: str, *, equipment: int = 1) -> Any:
        fields, row = ["id", "name", "equipment_id/.id"], [name, "It drips.", str(equipment)]
        return (await self.ask("load", fields=fields, data=[row], context=ONCE)).json()

    async def found(self, *domain: object) -> list[int]:
        found: list[int] = (await self.ask("search", domain=[*domain], order="id")).json()
        return found


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    clock, faults = PlantClock(START), Faults()
    server = OdooServer(clock, KEY, faults)
    await server.start()
    server.add_equipment("M001")
    server.add_equipment("M002")
    headers = {"authorization": f"bearer {KEY}", "x-odoo-database": DATABASE}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as http:
        yield Site(server, clock, faults, http)
    await server.stop()


async def test_a_stamp_is_shown_without_and_compared_with_its_parts_of_a_second(site: Site) -> None:
    first, second = (await site.load("millwright.one"))["ids"], (await site.load("millwright.two"))["ids"]
    rows = (await site.ask("read", ids=first + second, fields=["write_date"])).json()
    assert {row["write_date"] for row in rows} == {"2026-11-21 06:50:10"}
    assert await site.found(["write_date", ">", "2026-11-21 06:50:10"]) == first + second
    assert await site.found(["write_date", "<=", "2026-11-21 06:50:10"]) == []
    assert await site.found(["write_date", "=", "2026-11-21 06:50:10"]) == []
    site.clock.set(START + timedelta(seconds=1))
    (third,) = (await site.load("millwright.three"))["ids"]
    assert await site.found(["write_date", ">=", "2026-11-21 06:50:11"]) == [third]


async def test_one_external_id_that_is_loaded_eight_times_at_once_is_one_record(site: Site) -> None:
    answers = await asyncio.gather(*(site.load("millwright.one") for _ in range(8)))
    assert len({answer["ids"][0] for answer in answers if answer["ids"]}) == 1
    refused = [answer["messages"][0]["message"] for answer in answers if not answer["ids"]]
    assert set(refused) == {"could not serialize access due to concurrent update\n"}
    assert len(await site.found()) == 1


async def test_requests_for_one_equipment_that_are_loaded_at_once_conflict_and_for_two_do_not(site: Site) -> None:
    one = await asyncio.gather(*(site.load(f"millwright.{number}") for number in range(4)))
    assert False in [answer["ids"] for answer in one]
    other = await asyncio.gather(site.load("millwright.a", equipment=1), site.load("millwright.b", equipment=2))
    assert all(answer["ids"] for answer in other)


async def test_of_several_rows_all_are_loaded_or_none(site: Site) -> None:
    fields, rows = ["id", "name"], [["millwright.one", "It drips."], ["millwright.two", ""]]
    answer = (await site.ask("load", fields=fields, data=rows, context=ONCE)).json()
    assert (answer["ids"], [message["record"] for message in answer["messages"]]) == (False, [1])
    assert await site.found() == []
    named = {"module": "millwright", "xml_id": "one"}
    assert (await site.ask("check_object_reference", "ir.model.data", **named)).status_code == 500


async def test_a_copy_and_a_deleted_request_have_no_external_id(site: Site) -> None:
    (number,) = (await site.load("millwright.one"))["ids"]
    (copy,) = (await site.ask("copy", ids=[number])).json()
    assert (await site.ask("get_external_id", ids=[number, copy])).json() == {
        str(number): "millwright.one",
        str(copy): "",
    }
    assert (await site.ask("unlink", ids=[number])).json() is True
    (anew,) = (await site.load("millwright.one"))["ids"]
    assert anew not in (number, copy)


async def test_equipment_of_another_company_is_refused(site: Site) -> None:
    site.server.store.insert("res.company", {"name": "Other"})
    site.server.do("planner", "maintenance.equipment", "write", ids=[1], vals={"company_id": 2})
    answer = await site.load("millwright.one")
    assert "company inconsistencies" in answer["messages"][0]["message"]
    assert await site.found() == []


async def test_an_operator_finds_own_requests_only(site: Site) -> None:
    await site.load("millwright.one")
    site.http.headers["authorization"] = f"bearer {site.server.key_of('operator')}"
    (own,) = (await site.ask("create", vals_list=[{"name": "Mine"}])).json()
    assert await site.found() == [own]


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"x-odoo-database": "nosuch"}, f"/json/2/{REQUESTS}/search", 404),
        ({"authorization": "basic x"}, f"/json/2/{REQUESTS}/search", 401),
        ({}, "/web", 404),
        ({}, "/json/2/", 404),
    ],
)
async def test_another_address_database_or_scheme_is_refused(
    site: Site, headers: dict[str, str], path: str, status: int
) -> None:
    assert (await site.http.post(path, headers=headers, json={"domain": []})).status_code == status


async def test_a_body_that_is_no_json_is_refused(site: Site) -> None:
    reply = await site.http.post(f"/json/2/{REQUESTS}/search", content=b"{nonsense")
    assert (reply.status_code, reply.json()["name"]) == (400, "werkzeug.exceptions.BadRequest")


async def test_the_version_is_told_without_a_key(site: Site) -> None:
    site.http.headers.clear()
    assert (await site.http.get("/web/version")).json()["version"] == "19.0"
    assert site.server.stage(APPROVED) == 5


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("session_expired", 401, "Invalid apikey"),
        ("status_429", 429, "Too Many Requests"),
        ("status_500", 500, "psycopg2.OperationalError"),
        ("conflict", 500, "psycopg2.errors.SerializationFailure"),
        ("refuse_field", 422, "(glaccount)"),
    ],
)
async def test_a_fault_is_shown_in_odoos_own_form(site: Site, kind: str, status: int, words: str) -> None:
    params = {"field": "glaccount", "code": "x"} if kind == "refuse_field" else {}
    site.faults.add(Fault(TARGET, f"{REQUESTS}/search", kind, 1, params))
    reply = await site.ask("search", domain=[])
    assert (reply.status_code, words in reply.text) == (status, True)
    assert await site.found() == []


@pytest.mark.parametrize("kind", ["conflict", "refuse_field"])
async def test_load_tells_a_fault_with_status_200(site: Site, kind: str) -> None:
    params = {"field": "glaccount", "code": "x"} if kind == "refuse_field" else {}
    site.faults.add(Fault(TARGET, f"{REQUESTS}/load", kind, 1, params))
    answer = await site.load("millwright.one")
    assert (answer["ids"], len(answer["messages"])) == (False, 1)
    assert await site.found() == []
