"""Drift is read, and a reconcile asked for, through the API."""

from datetime import timedelta

import httpx
from fastapi import FastAPI

from domain.drift import Drift, DriftKind
from domain.reconcile import ComparedPage, ReconcileRun
from millwright.bootstrap import Storage
from millwright.storage.cases.drift import DriftStore
from tests.api.conftest import Caller
from tests.support.ingress import NOW, rows
from tests.support.people import add
from tests.support.plant import START

TWIN = Drift(
    system="maximo",
    kind=DriftKind.TWIN_DIFFERS,
    identity="twin/T1",
    subject="T1",
    case="MWAAAAAAA2",
    ours="lastOutcome=confirmed",
    theirs="lastOutcome=-",
)


async def listed(storage: Storage) -> ReconcileRun:
    """A finished reconcile with one difference that lasts and one that has ended."""
    store = DriftStore(storage.engine, storage.clock)
    run = await store.current_run("maximo", NOW, timedelta(days=30))
    assert run is not None
    ended = TWIN.model_copy(update={"identity": "twin/T2", "subject": "T2"})
    await store.keep(run, ComparedPage((), (TWIN, ended)))
    later = run.model_copy(update={"started_at": NOW + timedelta(seconds=1), "finished_at": NOW, "twins": 2})
    await store.keep(later, ComparedPage(("twin/T2",), ()))
    await store.keep(run.model_copy(update={"finished_at": NOW, "twins": 2}), ComparedPage())
    return run


async def test_what_differs_is_listed_with_both_values_and_what_to_do(api: httpx.AsyncClient, storage: Storage) -> None:
    await listed(storage)
    [lasts] = (await api.get("/drift")).json()
    assert (lasts["kind"], lasts["subject"], lasts["case"]) == ("twin_differs", "T1", "MWAAAAAAA2")
    assert (lasts["ours"], lasts["theirs"]) == ("lastOutcome=confirmed", "lastOutcome=-")
    assert lasts["fix"].startswith("set the properties in the twin")
    both = (await api.get("/drift", params={"state": "all"})).json()
    assert [(each["subject"], each["ended_at"] is None) for each in both] == [("T1", True), ("T2", False)]
    [run] = (await api.get("/drift/runs")).json()
    assert (run["system"], run["twins"], run["finished_at"]) == ("maximo", 2, run["last_finished_at"])
    assert (await api.get("/summary")).json()["drift"] == {"open": 1, "twin_differs": 1}


async def test_an_operator_asks_for_a_reconcile_and_its_poll_is_due(api: httpx.AsyncClient, storage: Storage) -> None:
    reply = await api.post("/drift/runs/maximo")
    assert (reply.status_code, reply.json()) == (202, {"system": "maximo", "begun": True})
    assert await rows(storage.engine, "SELECT subject, due_at FROM due") == [("poll/maximo", NOW)]
    assert (await api.post("/drift/runs/maximo")).json()["begun"] is False
    unknown = await api.post("/drift/runs/sap")
    assert (unknown.status_code, unknown.json()["fix"]) == (404, "there is: maximo")


async def test_a_person_who_may_only_read_asks_for_no_reconcile(app: FastAPI, caller: Caller, storage: Storage) -> None:
    await add(storage.people, "paul", ["planner"], START, api_key="k")
    async with caller(app, "203.0.113.7", headers={"Authorization": "Bearer k"}) as client:
        assert (await client.get("/drift")).status_code == 200
        assert (await client.post("/drift/runs/maximo")).status_code == 403
