"""Drift on the command line, and what the doctor says of it."""

import asyncio
from datetime import timedelta

import orjson
import pytest

from domain.drift import Drift, DriftKind
from domain.reconcile import ComparedPage
from millwright.bootstrap import open_storage
from millwright.cli.drift_condition import LATE, check_drift
from millwright.cli.hold_conditions import PartCondition
from millwright.settings import Settings
from millwright.storage.cases.drift import DriftStore
from tests.cli.conftest import Millwright
from tests.support.ingress import NOW
from tests.support.plant import TestClock

DOUBLE = Drift(
    system="maximo",
    kind=DriftKind.DOUBLE_ORDER,
    identity="order/1002",
    subject="1002",
    case="MWAAAAAAA2",
    ours="order 1001 of maximo",
    theirs="order 1002 with key MWAAAAAAA2 is approved too",
)


@pytest.fixture
def settings(millwright: Millwright, database_url: str) -> Settings:
    """Those of a home whose database is the test's."""
    return Settings.model_validate({"home": millwright.home, "database_url": database_url})


async def reconciled(settings: Settings, *drift: Drift, finished: bool = True) -> None:
    """One reconcile that found this."""
    async with open_storage(settings) as storage:
        store = DriftStore(storage.engine, TestClock(NOW))
        run = await store.current_run("maximo", NOW, timedelta(days=30))
        assert run is not None
        done = {"finished_at": NOW, "problem": None} if finished else {"problem": "503"}
        await store.keep(run.model_copy(update={"orders": 2, **done}), ComparedPage((), drift))


async def condition(settings: Settings, later: timedelta = timedelta()) -> PartCondition:
    """What the doctor says so much later."""
    async with open_storage(settings) as storage:
        object.__setattr__(storage, "clock", TestClock(NOW + later))
        return await check_drift(storage, ["maximo"])


def test_what_differs_is_listed_with_what_to_do(millwright: Millwright, settings: Settings) -> None:
    assert millwright.says("drift", "list") == "Nothing differs.\n"
    asyncio.run(reconciled(settings, DOUBLE))
    said = millwright.says("drift", "list")
    assert "double order" in said
    assert "double order: cancel one of the two orders, or take the key off it." in said
    assert said.endswith(f"maximo: reconciled on {NOW:%Y-%m-%d %H:%M} UTC, 2 orders and 0 twins read.\n")
    [listed] = orjson.loads(millwright.says("drift", "list", "--all", "--json"))
    assert (listed["kind"], listed["subject"], listed["ours"]) == ("double_order", "1002", "order 1001 of maximo")


def test_a_reconcile_that_waits_says_why(millwright: Millwright, settings: Settings) -> None:
    asyncio.run(reconciled(settings, finished=False))
    assert "2 orders and 0 twins read, and waits: 503." in millwright.says("drift", "list")


def test_the_doctor_tells_of_drift_and_of_reconciles_that_do_not_end(
    settings: Settings, millwright: Millwright
) -> None:
    assert millwright.says("drift", "list")
    before = asyncio.run(condition(settings))
    assert (before.ok, before.sentence) == (True, "nothing differs; no reconcile has begun yet")
    asyncio.run(reconciled(settings, DOUBLE))
    found = asyncio.run(condition(settings))
    assert not found.ok
    assert found.sentence.startswith("open differences: 1 (1 double order); maximo was reconciled on ")
    late = asyncio.run(condition(settings, LATE + timedelta(seconds=1)))
    assert not late.ok
    assert late.sentence.startswith("no reconcile was finished for two days; maximo was reconciled on ")
