"""Backtests and searches over HTTP: processes of their own, one at a time, with results that outlive the API."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from domain.canonical import timestamp
from domain.errors import ActRejected
from millwright.api.app import create_app
from millwright.backtesting.backtest import Question, run_backtest
from millwright.bootstrap import Storage
from millwright.settings import Settings
from millwright.storage.reporting.studies import KEPT, AskedStudy, Study, StudyStore
from policies.engine.catalogue import Catalogue
from policies.engine.judging import compile_policy
from tests.api.conftest import Caller
from tests.support.ingress import NOW
from tests.support.installation_keys import attesting
from tests.support.judged_plant import Plant
from tests.support.local_mode import AS_LOCAL, LOCAL_TOKEN_HASH
from tests.support.people import add
from tests.support.plant import START, code, deviation

ASKED = AskedStudy(
    kind="backtest",
    version="1.0.0",
    digest="d",
    against="a",
    since=None,
    until=None,
    crews=1,
    asked_by="ada",
    asked_at=START,
)


@pytest.fixture
async def judged(storage: Storage) -> Plant:
    """A past of a few events."""
    plant = Plant(storage.engine)
    await plant.prepare()
    await plant.take(deviation(1), deviation(2), code(3), deviation(3))
    return plant


@pytest.fixture
async def another(storage: Storage) -> AsyncIterator[int]:
    """A study that runs for as long as the test does."""
    async with StudyStore(storage.engine).begun(ASKED) as number:
        yield number


async def ended(api: httpx.AsyncClient, begun: httpx.Response) -> Any:
    """A study once it has ended."""
    assert begun.status_code == 202, begun.text
    where = begun.headers["Location"]
    # It is courteous to whatever else runs on the machine.
    async with asyncio.timeout(120):
        found = (await api.get(where)).json()
        while found["state"] == "running":
            await asyncio.sleep(0.1)
            found = (await api.get(where)).json()
    return found


async def test_a_backtest_gives_what_the_command_line_gives_and_outlives_the_api_that_began_it(
    judged: Plant, api: httpx.AsyncClient, storage: Storage, settings: Settings, caller: Caller
) -> None:
    found = await ended(api, await api.post("/policies/1.0.0/backtests", json={"until": timestamp(NOW)}))
    assert (found["state"], found["version"], found["asked_by"]) == ("done", "1.0.0", "local")
    assert found["judged"] == found["total"] > 0
    stored = {row.version: row for row in await storage.versions.versions()}
    earlier, later = (compile_policy(stored[version].document, f"{version}.yaml") for version in ("1.0.0", "1.1.0"))
    direct = await run_backtest(judged.engine, Question(earlier, later, until=NOW), lambda _, __: None)
    async with caller(create_app(storage, settings, None, LOCAL_TOKEN_HASH), headers=AS_LOCAL) as restarted:
        assert (await restarted.get("/studies")).json() == [found]
        result = await restarted.get(f"/studies/{found['number']}/result")
        assert result.headers["content-type"] == "application/json"
        assert result.json() == direct.model_dump(mode="json")
        page = await restarted.get(f"/studies/{found['number']}/page")
    assert page.text.count("<svg") == 4
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["content-type"].startswith("text/html")


async def test_a_draft_that_was_saved_is_backtested_before_it_is_submitted(
    judged: Plant, api: httpx.AsyncClient, storage: Storage
) -> None:
    text = Catalogue.published().find("rotating-equipment", "1.1.0").text.replace("version: 1.1.0", "version: 1.2.0")
    await add(storage.people, "ada", ["author"], NOW, api_key="k")
    draft = {
        "document": text.replace("author: Reliability engineering", "author: ada"),
        "cases": "cases: []",
        "reason": "a try",
    }
    saved = await api.post("/policies/drafts", json=draft, headers={"Authorization": "Bearer k"})
    assert saved.status_code == 201, saved.text
    found = await ended(api, await api.post("/policies/drafts/rotating-equipment/1.2.0/backtests", json={}))
    result = (await api.get(f"/studies/{found['number']}/result")).json()
    assert (found["version"], result["changed"]["decisions"]) == ("1.2.0 (draft)", 0)


async def test_a_search_gives_its_drafts_and_the_newest_are_shown(judged: Plant, api: httpx.AsyncClient) -> None:
    assert (await api.get("/policies/suggestions")).status_code == 404
    found = await ended(api, await api.post("/policies/suggestions", json={}))
    assert (found["state"], found["version"], found["against"]) == ("done", "1.1.0", None)
    newest = (await api.get("/policies/suggestions")).json()
    assert newest == (await api.get(f"/studies/{found['number']}/result")).json()
    assert (newest["version"], newest["suggestions"]) == ("1.1.0", [])
    assert newest["tried"] > 20
    assert (await api.get(f"/studies/{found['number']}/page")).status_code == 404


async def test_while_one_runs_others_are_told_so_in_plain_words(
    judged: Plant, api: httpx.AsyncClient, storage: Storage, another: int
) -> None:
    await StudyStore(storage.engine).told(another, 2000, 30_000)
    for path in ("/policies/1.0.0/backtests", "/policies/suggestions"):
        refused = await api.post(path, json={})
        assert refused.status_code == 409
        assert "1.0.0 that ada asked for runs (2,000 of 30,000 events judged)" in refused.json()["detail"]
    early = await api.get(f"/studies/{another}/result")
    assert (early.status_code, "2,000 of 30,000" in early.json()["detail"]) == (409, True)


async def test_two_that_begin_at_the_same_moment_are_not_both_begun(storage: Storage, another: int) -> None:
    with pytest.raises(ActRejected, match="one runs at a time"):
        async with StudyStore(storage.engine).begun(ASKED):
            pass


async def test_one_whose_process_died_is_said_to_be_lost(storage: Storage, api: httpx.AsyncClient) -> None:
    async with StudyStore(storage.engine).begun(ASKED) as number:
        assert (await api.get(f"/studies/{number}")).json()["state"] == "running"
    lost = (await api.get(f"/studies/{number}")).json()
    assert (lost["state"], lost["problem"]) == ("lost", "its process ended before it was done")
    assert "ended before it was done" in (await api.get(f"/studies/{number}/result")).json()["detail"]
    async with StudyStore(storage.engine).begun(ASKED) as later:
        pass
    assert [study["number"] for study in (await api.get("/studies")).json() if study["state"] == "lost"] == [
        later,
        number,
    ]


async def test_a_past_that_is_empty_is_why_it_failed(api: httpx.AsyncClient, storage: Storage, judged: Plant) -> None:
    found = await ended(api, await api.post("/policies/1.0.0/backtests", json={"since": "2030-01-01T00:00:00Z"}))
    assert (found["state"], found["problem"]) == ("failed", "the period is empty")
    assert "the period is empty" in (await api.get(f"/studies/{found['number']}/result")).json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/policies/9.9.9/backtests", {}, 404),
        ("/policies/1.0.0/backtests", {"against": "9.9.9"}, 404),
        ("/policies/1.0.0/backtests", {"since": "2015-01-01"}, 422),
        ("/policies/1.0.0/backtests", {"crews": 0}, 422),
        ("/policies/drafts/rotating-equipment/1.1.0/backtests", {"attach": True}, 422),
        ("/policies/drafts/rotating-equipment/9.9.9/backtests", {}, 404),
        ("/policies/suggestions", {"version": "9.9.9"}, 404),
    ],
)
async def test_what_cannot_be_asked_begins_nothing(
    judged: Plant, api: httpx.AsyncClient, path: str, body: dict[str, object], status: int
) -> None:
    assert (await api.post(path, json=body)).status_code == status
    assert (await api.get("/studies")).json() == []
    assert (await api.get("/studies/1")).status_code == 404


async def test_a_failure_register_is_text_and_names_no_file_of_the_apis_machine(
    judged: Plant, api: httpx.AsyncClient
) -> None:
    found = await ended(api, await api.post("/policies/1.0.0/backtests", json={"failures": "/etc/passwd"}))
    assert found["state"] == "failed"
    assert "root" not in found["problem"]


@pytest.mark.parametrize(("role", "reads", "asks"), [("reader", 200, 403), ("ingest", 403, 403)])
async def test_it_takes_a_role_to_ask_and_one_to_look(
    app: FastAPI, storage: Storage, caller: Caller, role: str, reads: int, asks: int
) -> None:
    await add(storage.people, "p", [role], NOW, api_key="k")
    async with caller(app, host="10.0.0.9", headers={"Authorization": "Bearer k"}) as client:
        assert (await client.get("/studies")).status_code == reads
        assert (await client.post("/policies/1.0.0/backtests", json={})).status_code == asks


async def test_only_so_many_are_kept(storage: Storage) -> None:
    store = StudyStore(storage.engine)
    for _ in range(KEPT + 2):
        async with store.begun(ASKED) as newest:
            await store.done(newest, b"{}", None, START)
    kept: list[Study] = await store.newest(KEPT + 2)
    assert [study.number for study in kept] == list(range(newest, newest - KEPT, -1))


async def test_a_large_result_comes_in_pieces(storage: Storage) -> None:
    store, large = StudyStore(storage.engine), os.urandom(5 << 19)
    async with store.begun(ASKED) as number:
        await store.done(number, large, None, START)
    pieces = [piece async for piece in store.pieces(number, "result", len(large))]
    assert (b"".join(pieces) == large, len(pieces)) == (True, 3)


async def test_a_backtest_of_a_part_or_against_an_older_version_is_not_attached(
    judged: Plant, app: FastAPI, storage: Storage, caller: Caller
) -> None:
    await add(storage.people, "ann", ["author"], NOW, api_key="k")
    async with caller(app, headers={"Authorization": "Bearer k"}) as client:
        part = await client.post("/policies/1.0.0/backtests", json={"attach": True, "until": timestamp(NOW)})
        older = await client.post("/policies/1.1.0/backtests", json={"attach": True, "against": "1.0.0"})
    assert (part.status_code, part.json()["field"]) == (409, "attach")
    assert (older.status_code, older.json()["fix"]) == (409, "1.1.0")


async def test_local_attaches_no_backtest(judged: Plant, api: httpx.AsyncClient) -> None:
    refused = await api.post("/policies/1.0.0/backtests", json={"attach": True})
    assert (refused.status_code, refused.json()["detail"]) == (403, "this needs a signed-in person")


async def test_an_attached_backtest_is_evidence_with_the_figures_of_the_api_and_the_name_of_who_asked(
    judged: Plant, app: FastAPI, storage: Storage, caller: Caller
) -> None:
    await add(storage.people, "ann", ["author"], NOW, api_key="k")
    async with caller(app, headers={"Authorization": "Bearer k"}) as client:
        failures = "datetime,machineID,failure\n2015-01-10T06:00:00,1,comp1\n"
        begun = await client.post("/policies/1.0.0/backtests", json={"attach": True, "failures": failures})
        found = await ended(client, begun)
        assert found["state"] == "done", found
        result = (await client.get(f"/studies/{found['number']}/result")).json()
        told = (await client.get("/policies/1.0.0/history")).json()
    (evidence,) = [act for act in told if act["what"] == "policy-evidence" and act["detail"]["kind"] == "backtest"]
    assert evidence["by"] == "ann"
    kept = orjson.loads(evidence["detail"]["body"])
    assert result["basis"] == "failures"
    assert kept["changed"] == result["changed"]


async def test_the_process_of_an_attached_backtest_attests_who_asked_for_it(
    judged: Plant, storage: Storage, settings: Settings, caller: Caller, tmp_path: Path
) -> None:
    await add(storage.people, "ann", ["author"], NOW, api_key="k")
    await attesting(storage.engine, tmp_path, NOW)
    app = create_app(storage, settings.model_copy(update={"installation_key": tmp_path / "installation.key"}), None)
    async with caller(app, headers={"Authorization": "Bearer k"}) as client:
        found = await ended(client, await client.post("/policies/1.0.0/backtests", json={"attach": True}))
    assert found["state"] == "done", found
    (attested,) = await judged.rows(
        "SELECT a.kind, a.actor FROM attestations t JOIN acts a USING (ledger_seq) WHERE a.actor = 'ann'"
    )
    assert attested == ("policy-evidence", "ann")
