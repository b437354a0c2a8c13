"""Floods over HTTP."""

import httpx
import orjson

from domain.canonical import timestamp
from tests.support.ingress import NOW


async def test_a_quiet_plant_has_no_floods(api: httpx.AsyncClient) -> None:
    reply = await api.get("/floods", params={"until": timestamp(NOW)})
    assert (reply.status_code, orjson.loads(reply.content)) == (200, [])


async def test_a_time_without_a_zone_is_refused_by_name(api: httpx.AsyncClient) -> None:
    reply = await api.get("/floods", params={"since": "2015-01-01T00:00:00"})
    assert reply.status_code == 422
    assert "since" in reply.text


async def test_the_summary_says_how_much_of_the_last_day_was_flood(api: httpx.AsyncClient) -> None:
    told = orjson.loads((await api.get("/summary")).content)["floods"]
    quiet = {"floods": 0, "alarms": 0, "alarms_in_floods": 0, "longest_minutes": 0.0, "going_on": []}
    assert told == quiet
