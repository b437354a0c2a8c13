"""What reads the whole record runs in a process of its own; each other route reads a page, one record or a few rows."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Final

import httpx
import orjson
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from domain.canonical import timestamp
from millwright.api.app import ROUTERS
from millwright.api.report_process import AT_ONCE, Reports
from millwright.bootstrap import Storage
from millwright.settings import Settings
from millwright.storage.database.engine import open_engine
from tests.api.test_api_draft_examinations import lives, started
from tests.support.ingress import NOW, until
from tests.support.judged_plant import Plant
from tests.support.local_mode import AS_LOCAL
from tests.support.plant import PUMP
from tests.support.served_api import served

IN_A_PROCESS: Final = {
    "/audit/affected": {"ref": "1.1.0"},
    "/audit/changed": {},
    "/audit/decided": {"ref": "1"},
    "/audit/duties": {},
    "/audit/in-force": {"at": timestamp(NOW), "asset": PUMP},
    "/audit/not-done": {"ref": "1"},
    "/audit/remade": {"ref": "1"},
    "/audit/settings": {"at": timestamp(NOW)},
    "/audit/signed": {"ref": "1.1.0"},
    "/audit/suppressed": {},
    "/floods": {},
    "/missed-failures": {},
    "/policies/usual-band": {},
    "/quality": {},
    "/quality/alarms": {},
    "/quality/blame": {},
    "/quality/load": {},
    "/summary": {},
}
"""The routes that read without a bound, or compute, with parameters that they take."""
BY_PAGE: Final = {
    "/capacity",
    "/cases",
    "/drift",
    "/events",
    "/holds",
    "/studies",
    "/suppressions",
    "/suspect-lots",
    "/unreadable",
    "/verdicts/ordering",
    "/walk-downs",
}
ONE_RECORD: Final = {
    "/cases/{case}",
    "/events/{event}",
    "/holds/{key}",
    "/people/{person}/waiting",
    "/policies/{version}",
    "/policies/{version}/history",
    "/policies/{version}/rollback-terms",
    "/studies/{study}",
    "/studies/{study}/page",
    "/studies/{study}/result",
    "/suppressions/{suppression}",
    "/walk-downs/{key}",
}
FEW_ROWS: Final = {
    "/drift/runs": "one for each CMMS",
    "/autonomy": "a row for each class and failure mode of one version",
    "/freezes": "what people declared",
    "/freshness": "what sources look at",
    "/freshness/blind": "the silences of a period",
    "/freshness/objectives": "one for each criticality",
    "/health": "nothing is read",
    "/hold-proposals": "those of open cases that wait for production",
    "/installation-key": "the key in force",
    "/idle": "what waits, counted up to a thousand",
    "/me": "who asks",
    "/people": "the people",
    "/policies": "what people wrote",
    "/policies/in-force": "the version of one place",
    "/policies/suggestions": "the newest search, read in pieces",
    "/ready": "the versions in force",
    "/stops": "what people switched",
    "/unknown-codes": "the codes that people of the CMMS use",
    "/walk-downs/machines": "the machines that an MES knows",
}
"""Routes whose rows do not grow with what is received and judged, and what they are."""
_SLEEPS: Final = "import os, sys, pathlib, time; pathlib.Path(sys.argv[1], str(os.getpid())).touch(); time.sleep(60)"


def reading() -> Iterator[APIRoute]:
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
                yield route


def report_with(app: FastAPI, storage: Storage, code: str, *arguments: str, seconds: float = 60) -> None:
    """Has the application's reports run this program instead."""
    app.state.deps.reports = Reports(storage, seconds, (sys.executable, "-c", dedent(code), *arguments))


async def until_gone(pid: int) -> None:
    async def has_ended() -> bool:
        return not lives(pid)

    await until(has_ended)


def test_every_route_that_reads_has_its_bound() -> None:
    paths = [route.path for route in reading()]
    assert sorted(paths) == sorted([*IN_A_PROCESS, *BY_PAGE, *ONE_RECORD, *FEW_ROWS])


@pytest.mark.parametrize("route", [route for route in reading() if route.path in BY_PAGE], ids=lambda route: route.path)
def test_a_route_that_reads_by_page_has_a_largest_page(route: APIRoute) -> None:
    (limit,) = (parameter for parameter in route.dependant.query_params if parameter.name == "limit")
    bounds = [bound.le for bound in limit.field_info.metadata if hasattr(bound, "le")]
    assert len(bounds) == 1
    assert bounds[0] <= 10_000


async def test_each_heavy_route_and_no_other_is_answered_by_a_process_of_its_own(
    app: FastAPI, storage: Storage, api: httpx.AsyncClient
) -> None:
    report_with(app, storage, "import os; os.kill(os.getpid(), 9)")
    for path, terms in IN_A_PROCESS.items():
        answer = await api.get(path, params=terms)
        told = answer.json()["detail"], answer.headers["Retry-After"]
        assert (answer.status_code, *told) == (
            503,
            "the process that made the report ended before its answer (signal SIGKILL)",
            "1",
        ), path
    for path in sorted(BY_PAGE | FEW_ROWS.keys()):
        assert "the process that made" not in (await api.get(path)).text, path


async def test_a_report_that_takes_too_long_is_ended_and_others_are_answered_meanwhile(
    app: FastAPI, storage: Storage, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    report_with(app, storage, _SLEEPS, str(folder), seconds=3)
    asking = [asyncio.create_task(api.get("/audit/duties")) for _ in range(AT_ONCE)]
    pids = await started(folder, AT_ONCE)
    refused = await api.get("/summary")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1"), refused.text
    assert (await api.get("/health")).status_code == 200
    answers = [await answer for answer in asking]
    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {
        (422, "the report took longer than 3 s and was ended")
    }
    assert not [pid for pid in pids if lives(pid)]


async def test_a_report_that_needs_too_much_memory_is_a_sentence(
    app: FastAPI, storage: Storage, api: httpx.AsyncClient
) -> None:
    report_with(
        app,
        storage,
        """
        from millwright.reports import making
        making.made_report = lambda order: [bytes(1 << 20) for _ in range(1 << 20)]
        making.main()
        """,
        seconds=240,
    )
    answer = await api.get("/audit/duties")
    assert (answer.status_code, answer.json()["detail"]) == (422, "the report needed more than 1024 MiB of memory")


async def test_a_process_makes_reports_one_after_the_other_until_it_dies_or_the_api_closes(
    app: FastAPI, storage: Storage, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    report_with(
        app,
        storage,
        """
        import os, pathlib, sys
        from millwright.reports import making
        pathlib.Path(sys.argv[1], str(os.getpid())).touch()
        making.main()
        """,
        str(folder),
    )

    async def pid_of_next() -> int:
        assert (await api.get("/summary")).status_code == 200
        (pid,) = await started(folder, 1)
        return pid

    first = await pid_of_next()
    assert await pid_of_next() == first
    os.kill(first, signal.SIGKILL)
    await until_gone(first)
    (folder / str(first)).unlink()
    second = await pid_of_next()
    assert second != first
    await app.state.deps.close()
    assert not lives(second)


async def test_a_report_ends_soon_after_its_caller_has_gone(
    app: FastAPI, storage: Storage, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "pids"
    folder.mkdir()
    report_with(app, storage, _SLEEPS, str(folder))
    async with served(app, settings) as url, httpx.AsyncClient(base_url=url, headers=AS_LOCAL) as client:
        asking = asyncio.create_task(client.get("/audit/duties"))
        (pid,) = await started(folder, 1)
        asking.cancel()
        await until_gone(pid)


async def test_an_answer_to_an_auditor_holds_the_event_loop_for_less_than_20_ms(
    storage: Storage, api: httpx.AsyncClient
) -> None:
    await Plant(storage.engine).prepare()
    await api.get("/me")
    longest = []
    # The first answer imports, and a collection of garbage may fall into any: none of that is the answer's.
    for _ in range(3):
        asking = asyncio.create_task(api.get("/audit/signed", params={"ref": "1.1.0"}))
        longest.append(0.0)
        while not asking.done():
            # The time of this thread, so that a busy machine changes nothing.
            before = time.thread_time()
            await asyncio.sleep(0)
            longest[-1] = max(longest[-1], time.thread_time() - before)
        assert (await asking).status_code == 200
    assert min(longest) < 0.02


async def test_what_is_asked_wrongly_is_refused_as_before(storage: Storage, api: httpx.AsyncClient) -> None:
    unknown = await api.get("/audit/decided", params={"ref": "nobody knows this"})
    assert (unknown.status_code, orjson.loads(unknown.content)["field"]) == (409, "ref")
    neither = await api.get("/audit/in-force", params={"at": timestamp(NOW)})
    assert (neither.status_code, orjson.loads(neither.content)["type"]) == (422, "urn:millwright:problem:refused")


async def test_a_statement_of_the_api_is_ended_by_the_database_at_its_limit(database_url: str) -> None:
    engine = open_engine(database_url, longest_statement=1)
    async with engine.connect() as connection:
        with pytest.raises(Exception, match="statement timeout"):
            await connection.exec_driver_sql("SELECT pg_sleep(5)")
    await engine.dispose()
    with psycopg.connect(database_url) as other:
        assert other.execute("SELECT 1").fetchone() == (1,)
