"""Heartbeats are sent, and what is blind is read, through the API."""

from datetime import timedelta

import httpx
import pytest

from domain.canonical import timestamp
from millwright.bootstrap import Storage
from millwright.settings import Settings
from millwright.storage.operating.blind_spells import BlindSpellStore
from tests.support.ingress import NOW, cloud_event, rows, set_clock, settings_over
from tests.support.plant import PUMP

SOURCE = "models/vibration"
EVERY = timedelta(hours=2)
BEAT = "millwright.heartbeat.v1"
JSON = {"Content-Type": "application/cloudevents+json"}


@pytest.fixture
def settings(plant_url: str, tmp_path: object) -> Settings:
    return settings_over(plant_url, tmp_path, cmms={"connector": "maximo"}, heartbeats={SOURCE: EVERY})  # type: ignore[arg-type]


def beat(data: object, number: int = 1) -> dict[str, object]:
    return cloud_event(data, f"b-{number}", source=SOURCE, type=BEAT, time=timestamp(NOW))


async def look(storage: Storage, settings: Settings, later: timedelta) -> None:
    """The watch looks so much later."""
    set_clock(settings.home, NOW + later)
    every = settings.operating_interval
    await BlindSpellStore(storage.engine, storage.clock, settings.heartbeats, every).look()


async def test_a_heartbeat_is_answered_as_no_anomaly_and_shows_its_signal_as_fresh(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    reply = await api.post("/events", json=beat({"asset": "machine-001", "signal": "volt"}), headers=JSON)
    [item] = reply.json()["items"]
    assert (reply.status_code, item["status"], item["id"]) == (202, "not_an_anomaly", "b-1")
    [seen] = (await api.get("/freshness", params={"asset": "machine-001"})).json()
    assert (seen["source"], seen["asset"], seen["signal"], seen["state"]) == (SOURCE, PUMP, "volt", "fresh")
    assert (seen["criticality"], seen["promise"], seen["seen_at"]) == ("B", "PT7200S", timestamp(NOW)[:19] + "Z")
    assert await rows(storage.engine, "SELECT count(*) FROM events") == [(0,)]


async def test_a_bad_heartbeat_is_quarantined_with_its_field(api: httpx.AsyncClient, storage: Storage) -> None:
    reply = await api.post("/events", json=beat({"signal": "volt"}), headers=JSON)
    assert (reply.status_code, reply.json()["field"]) == (422, "data")
    assert await rows(storage.engine, "SELECT fate, field FROM events") == [("quarantined", "data")]
    assert await rows(storage.engine, "SELECT count(*) FROM looks") == [(0,)]


async def test_silence_is_shown_as_blind_with_since_when_and_burns_the_budget(
    api: httpx.AsyncClient, storage: Storage, settings: Settings
) -> None:
    await api.post("/events", json=beat({"asset": "machine-001", "signal": "volt"}), headers=JSON)
    await look(storage, settings, timedelta(hours=6))
    [seen] = (await api.get("/freshness", params={"state": "blind", "asset": PUMP})).json()
    assert (seen["reason"], seen["since"]) == ("silent", timestamp(NOW + EVERY)[:19] + "Z")
    [spell] = (await api.get("/freshness/blind")).json()
    assert (spell["asset"], spell["began_at"], spell["ended_at"]) == (PUMP, timestamp(NOW + EVERY)[:19] + "Z", None)
    tiers = {each["criticality"]: each for each in (await api.get("/freshness/objectives")).json()}
    assert tiers["B"]["watches"] == 1
    assert tiers["B"]["share"] == pytest.approx(1 / 3)
    assert (tiers["B"]["fast_burn"], tiers["A"]["share"]) == (True, None)
    assert (await api.get("/summary")).json()["blind"] == 1
