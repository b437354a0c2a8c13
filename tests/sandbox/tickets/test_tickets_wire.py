"""The sandbox's ticket system answers as the pages of GitLab say."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.tickets.misbehaviour import SHOWN, TARGET
from sandbox.tickets.operations import OPERATIONS
from sandbox.tickets.server import PROJECT, TicketServer

START = datetime(2026, 11, 21, 6, 50, 10, 399_000, tzinfo=UTC)
ISSUES = f"/projects/{PROJECT}/issues"


@dataclass
class Project:
    """A server, its clock, and a client that is signed in."""

    server: TicketServer
    clock: PlantClock
    faults: Faults
    http: httpx.AsyncClient

    async def create(self, **body: Any) -> dict[str, Any]:
        reply = await self.http.post(ISSUES, json={"title": "Bearing", **body})
        assert reply.status_code == 201
        made: dict[str, Any] = reply.json()
        return made

    async def found(self, **asked: Any) -> list[int]:
        return [each["iid"] for each in (await self.http.get(ISSUES, params=asked)).json()]

    def wait(self, minutes: int) -> None:
        self.clock.set(self.clock.now() + timedelta(minutes=minutes))


@pytest.fixture
async def project() -> AsyncIterator[Project]:
    clock, faults = PlantClock(START), Faults()
    server = TicketServer(clock, "robot-token", faults)
    await server.start()
    http = httpx.AsyncClient(base_url=server.url, headers={"PRIVATE-TOKEN": "robot-token"})
    yield Project(server, clock, faults, http)
    await http.aclose()
    await server.stop()


async def test_a_token_is_needed_and_may_be_a_bearer(project: Project) -> None:
    refused = await project.http.get("/user", headers={"PRIVATE-TOKEN": "another"})
    assert (refused.status_code, refused.json()) == (401, {"message": "401 Unauthorized"})
    async with httpx.AsyncClient(base_url=project.server.url) as other:
        reply = await other.get("/user", headers={"Authorization": "Bearer robot-token"})
    assert reply.json()["username"] == "millwright-bot"


@pytest.mark.parametrize("name", [str(PROJECT), "plant%2Fmaintenance"])
async def test_a_project_is_named_by_its_id_or_its_encoded_path(project: Project, name: str) -> None:
    assert (await project.http.get(f"/projects/{name}")).json()["id"] == PROJECT


async def test_a_project_that_a_user_may_not_see_is_not_found(project: Project) -> None:
    await project.create()
    project.server.dismiss_robot()
    for path in (f"/projects/{PROJECT}", ISSUES, f"{ISSUES}/1"):
        reply = await project.http.get(path)
        assert (reply.status_code, reply.json()) == (404, {"message": "404 Project Not Found"})


async def test_an_issue_is_created_with_labels_that_did_not_exist(project: Project) -> None:
    made = await project.create(labels="millwright,asset: A", due_date="2026-12-01", description="It hums.")
    assert (made["iid"], made["state"], made["labels"]) == (1, "opened", ["asset: A", "millwright"])
    assert (made["created_at"], made["due_date"]) == ("2026-11-21T06:50:10.399Z", "2026-12-01")
    label = await project.http.get(f"/projects/{PROJECT}/labels/asset%3A%20A")
    assert label.json()["name"] == "asset: A"
    events = (await project.http.get(f"{ISSUES}/1/resource_label_events")).json()
    assert {(each["label"]["name"], each["action"]) for each in events} == {("asset: A", "add"), ("millwright", "add")}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"title": ""}, '400 (Bad request) "title" not given'),
        ({"title": "x" * 256}, {"title": ["is too long (maximum is 255 characters)"]}),
        ({"description": "x" * 1_048_577}, {"description": ["is too long (maximum is 1048576 characters)"]}),
    ],
    ids=["empty", "long title", "long description"],
)
async def test_what_is_missing_or_too_long_is_refused(project: Project, body: dict[str, str], message: object) -> None:
    reply = await project.http.post(ISSUES, json={"title": "Bearing", **body})
    assert (reply.status_code, reply.json()) == (400, {"message": message})


async def test_quick_actions_in_a_text_are_carried_out(project: Project) -> None:
    made = await project.create(description='Seen.\n\r/Close\n/label ~"on hold"\n\\/reopen\n / close')
    assert (made["state"], made["labels"]) == ("closed", ["on hold"])
    assert made["description"] == "Seen.\n\n\n\\/reopen\n / close"
    reply = await project.http.post(f"{ISSUES}/1/notes", json={"body": "/reopen"})
    assert reply.status_code == 202
    assert (await project.http.get(f"{ISSUES}/1")).json()["state"] == "opened"


async def test_a_change_needs_a_field_and_shows_who_made_it(project: Project) -> None:
    await project.create(labels="waiting for approval")
    assert (await project.http.put(f"{ISSUES}/1", json={})).status_code == 400
    labels_alone = await project.http.put(f"{ISSUES}/1", json={"remove_labels": "waiting for approval"})
    assert (labels_alone.status_code, "at least one parameter" in labels_alone.text) == (400, True)
    project.wait(5)
    body = {"add_labels": "cancelled", "remove_labels": "waiting for approval", "state_event": "close", "title": "B"}
    changed = (await project.http.put(f"{ISSUES}/1", json=body)).json()
    assert (changed["state"], changed["labels"], changed["title"]) == ("closed", ["cancelled"], "B")
    assert changed["closed_by"]["username"] == "millwright-bot"
    assert changed["updated_at"] == changed["closed_at"] == "2026-11-21T06:55:10.399Z"
    (state,) = (await project.http.get(f"{ISSUES}/1/resource_state_events")).json()
    assert (state["state"], state["user"]["username"]) == ("closed", "millwright-bot")
    (note,) = (await project.http.get(f"{ISSUES}/1/notes")).json()
    assert (note["system"], note["body"]) == (True, "changed title from **Bearing** to **B**")


async def test_an_issue_that_is_a_duplicate_is_closed_and_names_the_other(project: Project) -> None:
    await project.create()
    made = await project.create()
    assert made["_links"]["closed_as_duplicate_of"] is None
    assert made["_links"]["self"] == f"{project.server.url}/projects/{PROJECT}/issues/2"
    reply = await project.http.post(f"{ISSUES}/2/notes", json={"body": "/duplicate #1"})
    assert reply.status_code == 202
    closed = (await project.http.get(f"{ISSUES}/2")).json()
    assert closed["state"] == "closed"
    assert closed["_links"]["closed_as_duplicate_of"] == f"{project.server.url}/projects/{PROJECT}/issues/1"
    (note,) = (await project.http.get(f"{ISSUES}/2/notes")).json()
    assert (note["system"], note["body"]) == (True, "marked this issue as a duplicate of #1")
    opened = (await project.http.put(f"{ISSUES}/2", json={"state_event": "reopen"})).json()
    assert (opened["state"], opened["_links"]["closed_as_duplicate_of"]) == ("opened", None)


async def test_no_label_has_a_comma(project: Project) -> None:
    assert (await project.create(labels="asset: A,B"))["labels"] == ["B", "asset: A"]
    with pytest.raises(ValueError, match="comma"):
        project.server.add_label("asset: A,B")


async def test_issues_are_searched_by_the_beginnings_of_words(project: Project) -> None:
    await project.create(title="Bearing [MWAAAAAAAA]")
    await project.create(description="Millwright key: MWAAAAAAAB")
    assert await project.found(search="MWAAAAAAAA") == [1]
    assert await project.found(search="mwaaaaaaa") == [2, 1]
    assert await project.found(search="AAAA") == []


async def test_issues_are_filtered_and_sorted(project: Project) -> None:
    await project.create(labels="a,b")
    project.wait(1)
    await project.create(labels="a")
    project.wait(1)
    await project.http.put(f"{ISSUES}/1", json={"state_event": "close"})
    assert await project.found(labels="a") == [2, 1]
    assert await project.found(labels="a,b") == [1]
    assert await project.found(labels="a", state="opened") == [2]
    assert await project.found(order_by="updated_at", sort="asc") == [2, 1]
    assert await project.found(updated_after="2026-11-21T06:52:10.399Z") == [1]
    assert await project.found(created_after="2026-11-21T07:51:10.399+01:00") == [2]
    for asked in ({"sort": "up"}, {"order_by": "age"}, {"updated_after": "soon"}, {"per_page": "0"}):
        assert (await project.http.get(ISSUES, params=asked)).status_code == 400


async def test_pages_are_linked_with_all_parameters(project: Project) -> None:
    for _ in range(5):
        await project.create(labels="a b")
    seen, url = [], f"{project.server.url}/projects/plant%2Fmaintenance/issues?labels=a+b&per_page=2&sort=asc"
    while url:
        reply = await project.http.get(url)
        seen += [each["iid"] for each in reply.json()]
        url = reply.links.get("next", {}).get("url", "")
    assert seen == [1, 2, 3, 4, 5]
    assert reply.headers["x-total"] == "5"


async def test_only_its_author_or_an_owner_removes_a_note_and_only_an_owner_an_issue(project: Project) -> None:
    await project.create()
    issue = project.server.store.issues[1]
    theirs = project.server.store.add_note(issue, project.server.technician, "Seen.")
    ours = (await project.http.post(f"{ISSUES}/1/notes", json={"body": "Seen again."})).json()
    assert (await project.http.delete(f"{ISSUES}/1/notes/{theirs.id}")).status_code == 403
    assert (await project.http.delete(f"{ISSUES}/1/notes/{ours['id']}")).status_code == 204
    assert (await project.http.delete(f"{ISSUES}/1/notes/{ours['id']}")).status_code == 404
    assert (await project.http.delete(f"{ISSUES}/1")).status_code == 403
    owner = {"PRIVATE-TOKEN": "planner-token"}
    assert (await project.http.delete(f"{ISSUES}/1", headers=owner)).status_code == 204
    gone = await project.http.get(f"{ISSUES}/1")
    assert (gone.status_code, gone.json()) == (404, {"message": "404 Not found"})


async def test_the_newest_notes_come_first_unless_it_is_asked_otherwise(project: Project) -> None:
    await project.create()
    for words in ("one", "two"):
        await project.http.post(f"{ISSUES}/1/notes", json={"body": words})
    newest = (await project.http.get(f"{ISSUES}/1/notes")).json()
    oldest = (await project.http.get(f"{ISSUES}/1/notes", params={"sort": "asc"})).json()
    assert [each["body"] for each in newest] == ["two", "one"] == [each["body"] for each in reversed(oldest)]


async def test_what_is_no_json_and_what_has_no_address_is_refused(project: Project) -> None:
    assert (await project.http.post(ISSUES, content=b"{")).status_code == 400
    assert (await project.http.post(ISSUES, json=[])).status_code == 400
    assert (await project.http.get("/projects")).status_code == 404
    await project.create()
    assert (await project.http.post(f"{ISSUES}/1/notes", json={"body": " "})).status_code == 400
    assert (await project.http.put(f"{ISSUES}/1", json={"state_event": "end"})).status_code == 400
    assert (await project.http.post(ISSUES, json={"title": "x", "due_date": "soon"})).status_code == 400


def test_no_two_operations_have_one_name() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("kind", sorted(SHOWN & {"status_500", "status_429", "session_expired", "refuse_field"}))
async def test_a_fault_is_shown_in_the_words_of_gitlab(project: Project, kind: str) -> None:
    params: dict[str, str | int] = {"field": "weight", "code": "x", "retry_after": 7}
    project.faults.add(Fault(TARGET, "list", kind, 1, params))
    reply = await project.http.get(ISSUES)
    told = {
        "status_500": (500, "500 Internal Server Error"),
        "status_429": (429, "Retry later"),
        "session_expired": (401, "401 Unauthorized"),
        "refuse_field": (400, "can't be blank"),
    }[kind]
    assert (reply.status_code, told[1] in reply.text) == (told[0], True)
    assert (await project.http.get(ISSUES)).status_code == 200
