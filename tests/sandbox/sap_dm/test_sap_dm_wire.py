"""The sandbox's SAP Digital Manufacturing over the wire: what its specifications say, and the traps in them."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.faults import Fault
from sandbox.sap_dm.server import CLIENTS, PLANT
from tests.sandbox.sap_dm.conftest import Plant

HOLD, RELEASE, STATUS = "/sfc/v1/sfcs/hold", "/sfc/v1/sfcs/release", "/resource/v2/changestatus"
RESOURCE, IN_WORK, DETAIL = "/resource/v3/resource", "/sfc/v1/sfcsInWork", "/sfc/v2/sfcdetail"
CLIENT, SECRET = next(iter(CLIENTS.items()))


async def test_a_resource_is_told_with_its_status_and_its_shifts(plant: Plant) -> None:
    told = (await plant.get(RESOURCE, resource=plant.working().name)).json()
    assert (told["plant"], told["status"], len(told["shifts"])) == (PLANT, "PRODUCTIVE", 2)
    assert told["shifts"][0]["validTo"] < told["shifts"][1]["validFrom"]
    assert "comments" not in told
    assert "user" not in told


async def test_an_sfc_goes_from_new_to_done_and_its_steps_are_told_only_if_asked_for(plant: Plant) -> None:
    resource = plant.working()
    name = plant.sfc(resource)
    bare = (await plant.get(DETAIL, sfc=name)).json()
    assert (bare["status"], bare["steps"]) == ({"code": "403", "description": "ACTIVE"}, [])
    (step,) = (await plant.get(DETAIL, sfc=name, includeSfcSteps="true")).json()["steps"]
    assert (step["resource"], step["quantityInWork"] > 0) == (resource.name, True)
    listed = (await plant.get("/sfc/v2/worklist/sfcs", resources=resource.name)).json()
    words = [row["status"]["description"] for row in listed["content"]]
    assert words == ["ACTIVE", "NEW", "NEW"]
    ends = datetime.fromisoformat(step["operationScheduledCompleteDateTime"])
    await plant.pass_time(ends - plant.clock.now() + timedelta(minutes=1))
    assert (await plant.get(DETAIL, sfc=name)).json()["status"]["description"] == "DONE"
    await plant.pass_time(timedelta(days=3))
    assert (await plant.get(DETAIL, sfc=name)).status_code == 404


async def test_an_sfc_on_hold_stands_still_and_stays_in_work(plant: Plant) -> None:
    resource = plant.working()
    name = plant.sfc(resource)
    held = (await plant.post(HOLD, sfcs=[name], comments="KEY: why")).json()
    assert len(held["holdIds"]) == 1
    before = (await plant.get(DETAIL, sfc=name, includeSfcSteps="true")).json()
    await plant.pass_time(timedelta(days=2))
    after = (await plant.get(DETAIL, sfc=name, includeSfcSteps="true")).json()
    assert after["status"]["description"] == "HOLD"
    assert after["steps"][0]["quantityInWork"] == before["steps"][0]["quantityInWork"]
    assert [row["sfc"] for row in (await plant.get(IN_WORK, resource=resource.name)).json()] == [name]
    assert (await plant.post(RELEASE, sfcs=[name])).json() == {"releasedSfcs": [name]}
    assert (await plant.get(DETAIL, sfc=name)).json()["status"]["description"] == "ACTIVE"
    (row,) = plant.server.holds()
    assert (row.key, row.job, row.released is None) == ("KEY", name, False)


async def test_a_release_ends_the_holds_of_all_parties_and_no_answer_tells_of_them(plant: Plant) -> None:
    resource = plant.working()
    name = plant.sfc(resource)
    plant.server.hold_by_hand(name, "quality")
    refused = await plant.post(HOLD, sfcs=[name])
    assert (refused.status_code, refused.json()["errorMessageKey"]) == (400, "sfc.onHold")
    assert "quality" not in (await plant.get(DETAIL, sfc=name)).text
    await plant.post(RELEASE, sfcs=[name])
    assert [(row.key, row.released is None) for row in plant.server.holds()] == [("quality", False)]


async def test_no_sfc_is_started_on_a_disabled_resource_and_one_that_is_in_work_goes_on(plant: Plant) -> None:
    resource = plant.working()
    name = plant.sfc(resource)
    asked = {"resource": resource.name, "status": "DISABLED", "user": "ME", "comments": "KEY: why"}
    assert (await plant.post(STATUS, **asked)).status_code == 204
    assert (await plant.get(RESOURCE, resource=resource.name)).json()["status"] == "PRODUCTIVE"
    assert (await plant.post(STATUS, **asked, immediate=True)).status_code == 204
    assert (await plant.get(RESOURCE, resource=resource.name)).json()["status"] == "DISABLED"
    assert plant.sfc(resource) == name
    await plant.pass_time(timedelta(days=2))
    assert (await plant.get(IN_WORK, resource=resource.name)).json() == []
    queued = resource.station.job_id + "-1"
    start = await plant.post("/sfc/v1/sfcs/start", operation="OP", resource=resource.name, sfcs=[queued])
    assert (start.status_code, start.json()["displayMessage"]) == (400, f"Resource {resource.name} is DISABLED")
    await plant.post(STATUS, **{**asked, "status": "ENABLED"}, immediate=True)
    await plant.pass_time(timedelta(hours=1))
    assert plant.sfc(resource) == queued


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (HOLD, {"sfcs": []}, "sfcs must name an SFC"),
        (HOLD, {"sfcs": ["S"] * 501}, "at most 500"),
        (HOLD, {"sfcs": ["S" * 129]}, "1 to 128"),
        (HOLD, {"sfcs": ["S"], "comments": "c" * 2049}, "1 to 2048"),
        (HOLD, {"sfcs": ["S"], "comments": ""}, "1 to 2048"),
        (HOLD, {"sfcs": ["S"], "plant": "TOOLONG"}, "1 to 6"),
        (RELEASE, {"sfcs": ["S"], "releaseComments": "c" * 2049}, "1 to 2048"),
        (STATUS, {"resource": "EQ-001", "status": "HOLD", "user": "U"}, "status must be one of"),
        (STATUS, {"resource": "EQ-001", "status": "DISABLED"}, "user must have"),
        (STATUS, {"resource": "EQ-001", "status": "DISABLED", "user": "U" * 81}, "1 to 80"),
        (STATUS, {"resource": "E" * 37, "status": "DISABLED", "user": "U"}, "1 to 36"),
        (STATUS, {"resource": "EQ-001", "status": "DISABLED", "user": "U", "comments": "c" * 2001}, "2000"),
        (STATUS, {"resource": "EQ-001", "status": "DISABLED", "user": "U", "recordType": "X"}, "recordType"),
    ],
)
async def test_lengths_numbers_and_words_are_checked(plant: Plant, path: str, body: dict[str, Any], words: str) -> None:
    reply = await plant.post(path, **body)
    assert reply.status_code == 400
    assert words in reply.text
    assert plant.server.holds() == []


@pytest.mark.parametrize(
    ("path", "asked", "keys"),
    [
        (RESOURCE, {"resource": "NOSUCH"}, {"error"}),
        (RESOURCE, {"resource": "eq-1"}, {"error"}),
        (IN_WORK, {"resource": "NOSUCH"}, {"code", "message", "causeMessage", "correlationId"}),
        (IN_WORK, {"resource": "EQ-001", "page.size": "1001"}, {"errors"}),
        (DETAIL, {"sfc": "NOSUCH"}, {"code", "message", "causeMessage", "correlationId"}),
        ("/sfc/v2/worklist/sfcs", {"size": "501"}, {"code", "message", "causeMessage", "correlationId"}),
        ("/sfc/v2/worklist/sfcs", {"resources": "A,B,C,D,E,F"}, {"code", "message", "causeMessage", "correlationId"}),
        ("/resource/v3/resources", {"size": "101"}, {"error"}),
    ],
)
async def test_each_api_has_its_own_form_of_error(
    plant: Plant, path: str, asked: dict[str, str], keys: set[str]
) -> None:
    reply = await plant.get(path, **asked)
    assert reply.status_code in (400, 404)
    assert set(reply.json()) == keys


async def test_acts_on_sfcs_have_a_form_of_error_of_their_own(plant: Plant) -> None:
    reply = await plant.post(HOLD, sfcs=["NOSUCH"])
    assert reply.status_code == 404
    told = {"displayMessage", "errorMessageKey", "technicalMessage", "errorCode", "timestamp", "status"}
    assert set(reply.json()) == told
    away = await plant.post(HOLD, sfcs=["S"], plant="OTHER")
    assert away.json()["displayMessage"] == "Plant OTHER was not found"


async def test_lists_come_page_by_page(plant: Plant) -> None:
    resource = plant.working()
    resource.more |= {f"MORE-{number:04d}": "ACTIVE" for number in range(2100)}
    sizes = []
    for offset in (0, 1000, 2000, 3000):
        rows = (await plant.get(IN_WORK, resource=resource.name, **{"page.offset": offset, "page.size": 1000})).json()
        sizes.append(len(rows))
    assert sizes == [1000, 1000, 101, 0]
    assert len((await plant.get(IN_WORK, resource=resource.name)).json()) == 100
    page = (await plant.get("/resource/v3/resources", size=4, page=1)).json()
    assert (len(page["content"]), page["totalElements"], page["totalPages"], page["empty"]) == (2, 6, 2, False)


async def test_who_writes_over_somebody_elses_change_is_told_412(plant: Plant) -> None:
    resource = plant.working()
    seen = (await plant.get(RESOURCE, resource=resource.name)).json()["modifiedDateTime"]
    await plant.pass_time(timedelta(minutes=1))
    body = {"plant": PLANT, "resource": resource.name, "status": "DISABLED", "modifiedDateTime": seen}
    assert (await plant.http.patch("/resource/v3/resources", json=body)).status_code == 204
    stale = await plant.http.patch("/resource/v3/resources", json=body)
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "resource.stale")


async def test_a_client_gets_a_token_by_either_way_of_rfc_6749_and_no_other(plant: Plant) -> None:
    grant = {"grant_type": "client_credentials"}
    async with httpx.AsyncClient(base_url=plant.server.url) as http:
        inside = await http.post("/oauth/token", data=grant | {"client_id": CLIENT, "client_secret": SECRET})
        wrong = await http.post("/oauth/token", data=grant, auth=(CLIENT, "wrong"))
        other = await http.post("/oauth/token", data={"grant_type": "password"}, auth=(CLIENT, SECRET))
        bare = await http.get(RESOURCE, params={"plant": PLANT, "resource": "EQ-001"})
    assert inside.json()["token_type"] == "bearer"
    assert (wrong.status_code, wrong.json()["error"]) == (401, "unauthorized")
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")
    assert bare.status_code == 401


@pytest.mark.parametrize(
    ("kind", "status"), [("session_expired", 401), ("status_429", 429), ("status_500", 500), ("conflict", 412)]
)
async def test_faults_are_shown_as_sap_would(plant: Plant, kind: str, status: int) -> None:
    plant.faults.add(Fault("sap_dm", "resource", kind))
    reply = await plant.get(RESOURCE, resource="EQ-001")
    assert reply.status_code == status
    assert reply.headers.get("retry-after") == ("1" if status == 429 else None)
    # Only a token that has expired stays refused.
    assert (await plant.get(RESOURCE, resource="EQ-001")).status_code == (401 if status == 401 else 200)


async def test_what_is_late_is_answered_at_once_and_shown_later(plant: Plant) -> None:
    name = plant.sfc(plant.working())
    plant.faults.add(Fault("sap_dm", "hold", "late", params={"seconds": 0.2}))
    assert (await plant.post(HOLD, sfcs=[name], comments="KEY: why")).status_code == 200
    assert (await plant.get(DETAIL, sfc=name)).json()["status"]["description"] == "ACTIVE"
    word = "ACTIVE"
    while word != "HOLD":
        word = (await plant.get(DETAIL, sfc=name)).json()["status"]["description"]
