"""Events looked at, and taken up again."""

import httpx
import orjson
import pytest

from domain.assets import Alias
from domain.senders import ALARM
from millwright.api.app import create_app
from millwright.bootstrap import Storage
from millwright.settings import Settings
from tests.api.conftest import Caller
from tests.support.ingress import cloud_event, row, rows
from tests.support.local_mode import AS_LOCAL, LOCAL_TOKEN_HASH
from tests.support.plant import START, register

BATCH = {"Content-Type": "application/cloudevents-batch+json"}


@pytest.fixture(autouse=True)
async def stored(api: httpx.AsyncClient) -> None:
    """One event that waits, one unmapped, one quarantined, in this order."""
    batch = [
        cloud_event(row(1), "1-good"),
        cloud_event(row(2, device="PDM-002"), "2-lost"),
        cloud_event(row(3, score=-1), "3-bad"),
    ]
    reply = await api.post("/events", content=orjson.dumps(batch), headers=BATCH)
    assert reply.json()["accepted"] == 3


async def number(api: httpx.AsyncClient, external_id: str) -> int:
    reply = await api.get(f"/events/{external_id}", params={"source": "tests/adx"})
    return int(reply.json()["event"]["id"])


async def test_events_are_listed_by_fate_asset_and_page(api: httpx.AsyncClient) -> None:
    async def ids(**query: str | int) -> list[str]:
        reply = await api.get("/events", params=query)
        return [event["external_id"] for event in reply.json()]

    assert await ids() == ["1-good", "2-lost", "3-bad"]
    assert await ids(fate="undecided") == ["1-good"]
    assert await ids(fate="unmapped") == ["2-lost"]
    assert await ids(asset="machine-001") == ["1-good"]
    assert await ids(limit=1) == ["1-good"]
    assert await ids(limit=1, after=await number(api, "1-good")) == ["2-lost"]
    refused = await api.get("/events", params={"fate": "gone"})
    assert (refused.status_code, refused.json()["field"]) == (422, "fate")


async def test_an_event_shows_what_was_sent_and_what_it_said(api: httpx.AsyncClient) -> None:
    whole = (await api.get(f"/events/{await number(api, '1-good')}")).json()
    assert orjson.loads(whole["raw"])["id"] == "1-good"
    assert whole["anomaly"]["asset"] == "machine-001-comp1"
    assert whole["event"]["at"] == "2015-01-10T07:00:00Z"
    assert (whole["case"], whole["verdicts"], whole["story"]) == (None, [], [])


@pytest.mark.parametrize("path", ["/events/999999", "/events/none", "/events/99999999999999999999999"])
async def test_an_event_that_is_not_there_is_not_found(api: httpx.AsyncClient, path: str) -> None:
    assert (await api.get(path)).status_code == 404
    assert (await api.post(f"{path}/redrive")).status_code == 404


async def test_an_unmapped_event_waits_for_judging_once_its_device_is_mapped(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    lost = await number(api, "2-lost")
    still = (await api.post(f"/events/{lost}/redrive")).json()
    assert (still["fate"], still["field"]) == ("unmapped", "data.DeviceId")
    alias = Alias(system="device", external_id="PDM-002", asset="machine-001", valid_from=START)
    await storage.register.map_alias(alias, "tests")
    before = await storage.inbox.counts()
    assert (await api.post(f"/events/{lost}/redrive")).json()["fate"] == "undecided"
    after = await storage.inbox.counts()
    assert (after["undecided"], after["received"]) == (2, before["received"])
    story = (await api.get(f"/events/{lost}")).json()["story"]
    assert [(act["kind"], act["actor"], act["detail"]["to"]) for act in story] == [
        ("event-redriven", "local", "unmapped"),
        ("event-redriven", "local", None),
    ]


async def test_a_person_may_send_what_it_should_have_been_and_both_are_kept(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    bad = await number(api, "3-bad")
    corrected = orjson.dumps(cloud_event(row(3), "3-bad"))
    assert (await api.post(f"/events/{bad}/redrive", content=corrected)).json()["fate"] == "undecided"
    whole = (await api.get(f"/events/{bad}")).json()
    assert orjson.loads(whole["raw"])["data"]["score"] == -1
    assert orjson.loads(whole["story"][0]["detail"]["corrected"])["data"]["score"] == 6.0
    assert whole["anomaly"]["score"] == 6.0
    assert await rows(storage.engine, "SELECT generation FROM due") == [(2,)]


async def test_a_correction_puts_no_alarm_in_the_name_of_somebody_else(api: httpx.AsyncClient) -> None:
    bad = await number(api, "3-bad")
    said = {"asset": "machine-001", "component": "machine-001-comp1", "text": "It knocks.", "raised_by": "pat"}
    alarm = orjson.dumps(cloud_event(said, "3-bad", type=ALARM))
    refused = await api.post(f"/events/{bad}/redrive", content=alarm)
    assert (refused.status_code, refused.json()["field"]) == (409, "data.raised_by")
    assert "in the name of pat" in refused.json()["detail"]
    assert (await api.get(f"/events/{bad}")).json()["event"]["fate"] == "quarantined"


async def test_a_correction_that_cannot_be_read_leaves_the_event_where_it_is(api: httpx.AsyncClient) -> None:
    bad = await number(api, "3-bad")
    reply = await api.post(f"/events/{bad}/redrive", content=b"{nonsense")
    assert reply.json()["fate"] == "quarantined"
    assert "not JSON" in reply.json()["reason"]


async def test_a_correction_that_says_what_is_stored_already_is_a_duplicate(
    api: httpx.AsyncClient, storage: Storage
) -> None:
    bad = await number(api, "3-bad")
    before = await storage.inbox.counts()
    reply = await api.post(f"/events/{bad}/redrive", content=orjson.dumps(cloud_event(row(1), "3-bad")))
    assert reply.json()["fate"] == "duplicate"
    after = await storage.inbox.counts()
    assert (after["received"], after["duplicate"]) == (before["received"], 1)


async def test_an_event_that_waits_or_was_decided_is_not_redriven(api: httpx.AsyncClient) -> None:
    reply = await api.post(f"/events/{await number(api, '1-good')}/redrive")
    assert reply.status_code == 409
    assert "undecided" in reply.json()["detail"]


async def test_an_event_of_a_retired_machine_is_stored_as_unmapped_and_accepted_once_the_machine_is_back(
    api: httpx.AsyncClient, storage: Storage, settings: Settings, caller: Caller
) -> None:
    await storage.register.retire(["machine-001"], "pat", "scrapped")
    late = orjson.dumps([cloud_event(row(4), "4-late")])
    # An application that was started since: another one notices the retirement within a second.
    async with caller(create_app(storage, settings, None, LOCAL_TOKEN_HASH), headers=AS_LOCAL) as started:
        (told,) = (await started.post("/events", content=late, headers=BATCH)).json()["items"]
    assert (told["status"], told["field"]) == ("unmapped", "data.DeviceId")
    assert told["reason"].startswith("machine-001 was retired on ")
    refused = (await api.post(f"/events/{await number(api, '4-late')}/redrive")).json()
    assert refused["fate"] == "unmapped"
    await storage.register.keep(register(), "tests")
    again = (await api.post(f"/events/{await number(api, '4-late')}/redrive")).json()
    assert again["fate"] == "undecided"
