"""What is blind, on the command line and by the doctor."""

import asyncio
from datetime import timedelta

import pytest

from domain.heartbeats import Heartbeat
from millwright.bootstrap import open_storage
from millwright.cli.freshness_condition import check_freshness
from millwright.cli.hold_conditions import PartCondition
from millwright.settings import Settings
from millwright.storage.operating.blind_spells import BlindSpellStore
from tests.cli.conftest import Millwright
from tests.support.plant import MOTOR, PUMP, START, TestClock, deviation, register

SOURCE = "models/vibration"


@pytest.fixture
def settings(millwright: Millwright, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a home whose database is the test's, and in which a source promises to look."""
    monkeypatch.setenv("MILLWRIGHT_HEARTBEATS", f'{{"{SOURCE}": "PT2H"}}')
    told = {"home": millwright.home, "database_url": database_url, "heartbeats": {SOURCE: "PT2H"}}
    return Settings.model_validate(told)


async def played(settings: Settings, hours: float) -> PartCondition:
    """A signal was looked at once; what the doctor says so many hours later, after the watch has looked."""
    async with open_storage(settings) as storage:
        clock = TestClock(START + timedelta(hours=hours))
        object.__setattr__(storage, "clock", clock)
        await storage.register.keep(register(), "tests")
        beat = Heartbeat(source=SOURCE, asset=PUMP, signal="volt", at=START)
        told = {"source": SOURCE, "heartbeat": beat, "anomaly": None, "line": None}
        await storage.inbox.store([deviation(0).model_copy(update=told)], START)
        await BlindSpellStore(storage.engine, clock, settings.heartbeats, settings.operating_interval).look()
        return await check_freshness(storage, settings)


def test_the_doctor_says_what_is_blind(settings: Settings, millwright: Millwright) -> None:
    assert millwright.says("freshness", "list") == "No source has looked at anything: nothing is monitored.\n"
    before = asyncio.run(played(settings, 1))
    assert (before.ok, before.sentence) == (True, "2 are monitored, 0 are blind, of 0 it is not known")
    after = asyncio.run(played(settings, 30))
    assert not after.ok
    assert f"volt of {PUMP} by {SOURCE}" in after.sentence


def test_what_is_blind_is_listed(settings: Settings, millwright: Millwright) -> None:
    asyncio.run(played(settings, 30))
    [source, signal] = millwright.json("freshness", "list")
    assert {source["asset"], signal["asset"]} == {None, PUMP}
    of_pump = millwright.says("freshness", "list", "--asset", PUMP)
    assert "silent" in of_pump
    assert of_pump.endswith(f"{PUMP}: blind\n")
    assert millwright.says("freshness", "list", "--asset", MOTOR).endswith(f"{MOTOR}: not monitored\n")
    assert f"volt of {PUMP} by {SOURCE} is blind since 2015-01-10 08:00 UTC" in millwright.says("freshness", "blind")
    assert "99.900%" in millwright.says("freshness", "objectives")


def test_where_nobody_promises_anything_the_doctor_says_that_nothing_is_monitored(
    millwright: Millwright, database_url: str
) -> None:
    assert millwright.says("freshness", "list")
    plain = Settings.model_validate({"home": millwright.home, "database_url": database_url})
    found = asyncio.run(played(plain, 30))
    assert (found.ok, found.sentence.partition(":")[0]) == (True, "nothing is monitored")
