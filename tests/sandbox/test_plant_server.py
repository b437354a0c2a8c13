"""The sandbox plant as a whole, played over its control API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from azure.servicebus.aio import ServiceBusClient

from sandbox.naming import component_assetnum
from sandbox.plant.dataset import Dataset
from sandbox.plant.generator import generate
from sandbox.plant.signals import COMPONENTS
from sandbox.plant.timetable import stamp
from sandbox.server import SandboxPlant

HOUR = timedelta(hours=1)


@dataclass
class Played:
    """A plant that is up, and its conductor's client."""

    plant: SandboxPlant
    dataset: Dataset
    directory: Path
    http: httpx.AsyncClient

    async def state(self) -> dict[str, object]:
        found: dict[str, object] = (await self.http.get("/state")).json()
        return found

    async def post(self, path: str, **body: object) -> dict[str, object]:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found


@pytest.fixture(scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    directory = tmp_path_factory.mktemp("plant")
    dataset = generate(3, machines=4, days=12)
    plant = SandboxPlant(directory, dataset)
    await plant.start()
    async with httpx.AsyncClient(base_url=plant.control_url, timeout=30) as http:
        yield Played(plant, dataset, directory, http)
    await plant.stop()


def endpoints(directory: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((directory / "endpoints.json").read_text())
    return found


async def test_it_says_where_everything_is(played: Played) -> None:
    told = endpoints(played.directory)
    assert told["control_url"] == played.plant.control_url
    assert told["data"] == "generated"
    assert (told["first"], told["last"]) == (stamp(played.dataset.first), stamp(played.dataset.last))
    assert {"bus_connection_string", "twins_url", "cmms_url", "cmms_apikey", "mes_url"} <= set(told)


async def test_its_state_tells_the_clock_and_what_comes_next(played: Played) -> None:
    state = await played.state()
    assert state["data"] == "generated"
    assert state["machines"] == [1, 2, 3, 4]
    assert state["next_act_time"] is None
    assert state["open_orders"] == 0


async def test_what_is_published_waits_on_the_bus_as_cloud_events(played: Played) -> None:
    until = played.dataset.first + 100 * HOUR
    before = await played.state()
    published = (await played.post("/publish", until=stamp(until)))["published"]
    after = await played.state()
    assert isinstance(published, int)
    assert published > 20
    assert after["published"] == published
    assert after["drained"] is False
    assert str(after["next_event_time"]) > stamp(until) >= str(before["next_event_time"])
    connection = str(endpoints(played.directory)["bus_connection_string"])
    async with (
        ServiceBusClient.from_connection_string(connection) as client,
        client.get_subscription_receiver("twin-events", "millwright") as receiver,
    ):
        messages = await receiver.receive_messages(max_message_count=10, max_wait_time=5)
        for message in messages:
            await receiver.complete_message(message)
    assert messages
    for message in messages:
        names = {name.decode() if isinstance(name, bytes) else name for name in message.application_properties or {}}
        assert {f"cloudEvents:{name}" for name in ("id", "source", "type", "time", "specversion")} <= names


async def test_the_clock_moves_on_and_stands_in_a_file_for_other_processes(played: Played) -> None:
    now = played.dataset.first + 101 * HOUR
    assert await played.post("/clock", now=stamp(now)) == {"clock": stamp(now)}
    assert (played.directory / "clock").read_text().strip() == now.isoformat()
    assert (await played.state())["clock"] == stamp(now)
    back = await played.http.post("/clock", json={"now": stamp(now - HOUR)})
    assert back.status_code == 400
    assert "cannot go back" in back.json()["error"]


async def test_people_act_on_what_lies_in_the_cmms_and_the_export_holds_it(played: Played) -> None:
    told = endpoints(played.directory)
    now = datetime.fromisoformat(str((await played.state())["clock"]))
    component = next(
        name for name in COMPONENTS if played.dataset.replaced_within(2, [name], now - 24 * HOUR, now) is None
    )
    asset = component_assetnum(2, component)
    body = {"siteid": "BEDFORD", "description": "x", "assetnum": asset, "worktype": "CM", "externalrefid": "K1"}
    headers = {"apikey": str(told["cmms_apikey"])}
    async with httpx.AsyncClient(base_url=str(told["cmms_url"]), headers=headers) as cmms:
        created = await cmms.post("/os/mxapiwodetail?lean=1", json=body)
    assert created.status_code == 201
    assert (await played.post("/act"))["acts"] == 1
    assert (await played.state())["open_orders"] == 1
    assert await played.post("/export") == {
        "work_orders": 1,
        "holds": 0,
        "twins": len(list(played.plant.twins.twins())),
        "failures": 1,
    }
    order = json.loads((played.directory / "work_orders.jsonl").read_text())
    assert order == {
        "id": order["id"],
        "machine": 2,
        "component": component,
        "reported": stamp(now),
        "status": "APPR",
        "key": "K1",
        "closed_as": None,
    }
    twins = [json.loads(line)["$dtId"] for line in (played.directory / "twins.jsonl").read_text().splitlines()]
    assert "machine-002" in twins


async def test_orderings_are_scored_by_version_and_class(played: Played) -> None:
    failure = next(each for each in played.dataset.failures if each.time > played.dataset.first + 48 * HOUR)
    ordering = {
        "version": "1.1.0",
        "machine": failure.machine,
        "component": failure.component,
        "time": stamp(failure.time - 24 * HOUR),
    }
    figures = (await played.post("/score", ordering=[ordering]))["1.1.0"]
    assert isinstance(figures, dict)
    assert (figures["precision"], figures["orders"], figures["median_lead_hours"]) == (1.0, 1, 24.0)
    assert sum(part["orders"] for part in figures["by_class"].values()) == 1


async def test_faults_are_listed_added_and_cleared(played: Played) -> None:
    fault = {"target": "maximo", "operation": "create", "kind": "status_500", "times": 2}
    added = await played.post("/faults", **fault)
    assert added == {"faults": [{**fault, "params": {}}], "met": []}
    assert (await played.http.get("/faults")).json() == added
    assert (await played.http.delete("/faults")).json() == {"faults": [], "met": []}


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/publish", {}, "until: must be a text"),
        ("/publish", {"until": "soon"}, "until: 'soon' is not"),
        ("/publish", {"until": "2015-01-01T06:00:00"}, "until: '2015-01-01T06:00:00' has no time zone"),
        ("/clock", {"now": 5}, "now: must be a text"),
        ("/score", {"ordering": {}}, "ordering: must be a list"),
        ("/score", {"ordering": [3]}, "ordering[0]: must be an object"),
        ("/score", {"ordering": [{"machine": "1"}]}, "ordering[0].machine"),
        ("/score", {"ordering": [{"machine": 1, "component": "comp7"}]}, "ordering[0].component"),
        ("/score", {"ordering": [{"machine": 1, "component": "comp1", "version": "1"}]}, "ordering[0].time"),
        ("/faults", {"target": "maximo", "operation": "*", "kind": "tired"}, "kind: 'tired'"),
        ("/faults", {"target": "maximo", "operation": "*", "kind": "down", "times": "x"}, "times"),
        ("/faults", {"target": "maximo", "operation": "*", "kind": "slow", "params": [1]}, "params"),
        ("/act", [1], "body: must be a JSON object"),
    ],
)
async def test_a_request_that_cannot_be_read_names_the_field(
    played: Played, path: str, body: object, words: str
) -> None:
    answer = await played.http.post(path, json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


async def test_a_plant_begun_again_goes_on_where_it_was_on_the_same_ports(tmp_path: Path) -> None:
    dataset = generate(4, machines=2, days=5)
    first = SandboxPlant(tmp_path, dataset)
    await first.start()
    before = endpoints(tmp_path)
    async with httpx.AsyncClient(base_url=first.control_url) as http:
        published = (await http.post("/publish", json={"until": stamp(dataset.first + 30 * HOUR)})).json()
        await http.post("/clock", json={"now": stamp(dataset.first + 30 * HOUR)})
    await first.stop()
    again = SandboxPlant(tmp_path, dataset)
    await again.start()
    async with httpx.AsyncClient(base_url=str(before["control_url"])) as http:
        state = (await http.get("/state")).json()
        assert (await http.post("/shutdown")).status_code == 200
    assert again.stopping.is_set()
    await again.stop()
    assert endpoints(tmp_path)["ports"] == before["ports"]
    assert state["clock"] == stamp(dataset.first + 30 * HOUR)
    assert state["published"] == published["published"]
    # Beside the feed there are six heartbeats of each of the two machines.
    assert state["bus"]["active"] == published["published"] + 2 * 6


async def test_a_plant_has_the_mes_that_was_asked_for_and_says_how_it_is_reached(tmp_path: Path) -> None:
    plant = SandboxPlant(tmp_path, generate(3, machines=2, days=3), mes="sap_dm")
    await plant.start()
    told = endpoints(tmp_path)
    assert (told["mes"], told["mes_url"]) == ("sap_dm", plant.mes.url)
    asked = {"grant_type": "client_credentials"}
    async with httpx.AsyncClient() as http:
        reply = await http.post(
            str(told["mes_token_url"]), data=asked, auth=(str(told["mes_client_id"]), str(told["mes_client_secret"]))
        )
    assert reply.status_code == 200
    await plant.stop()


def test_another_mes_is_refused_with_the_names_of_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'plex' is not one of opcua_job_control, sap_dm"):
        SandboxPlant(tmp_path, generate(3, machines=2, days=3), mes="plex")
