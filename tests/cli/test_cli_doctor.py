"""`doctor`: every part, whether it is well, and how to mend it."""

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import orjson
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.processes import ProcessKind
from millwright.cli.doctor import examine
from millwright.runtime.home import load_settings
from millwright.runtime.lockfile import differences
from millwright.storage.database.engine import open_engine
from millwright.storage.ledger.settings_taken import connection_name, take_settings
from tests.cli.conftest import Millwright
from tests.support.plant import TestClock

LATER = "UPDATE alembic_version SET version_num = 'later'; COMMENT ON TABLE alembic_version IS 'later'"
ADRIFT = """
INSERT INTO holds (key, system, equipment, state, intended_at) VALUES ('MWX', 'mes', 'EQ-1', 'asked', now())
"""
UNMATCHED = """
INSERT INTO changes (system, external_id, status, changed_at, record, received_at)
VALUES ('maximo', '1299', 'WAPPR', now(), '{}', now())
"""
UNREAD = """
INSERT INTO work_orders (case_id, system, intended_at, draft, external_id, status, read_at)
SELECT id, 'maximo', now(), '{}', '1300', 'approved', '2014-12-01' FROM cases ORDER BY id LIMIT 1
"""
UNREADABLE = """
INSERT INTO unreadable_records (system, record, digest, field, reason, raw, first_seen_at, last_seen_at)
VALUES ('maximo', '1300', 'd', 'statusdate', 'is no date', '{"wonum": "1300"}', now(), now())
"""

UNGUARDED = "SET session_replication_role = replica"


def found(millwright: Millwright) -> dict[str, tuple[bool, str]]:
    """What the doctor finds of each part, by `--json`."""
    result = millwright("doctor", "--json")
    return {check["part"]: (check["ok"], check["sentence"]) for check in orjson.loads(result.stdout)}


def test_on_a_plant_at_rest_the_storage_is_well_and_what_is_not_named_is_not(played: Millwright) -> None:
    parts = found(played)
    well = {part for part, (ok, _) in parts.items() if ok}
    assert {"database", "clock", "settings", "register", "policies", "ledger", "holds", "lanes", "attestation"} <= well
    assert parts["attestation"][1].startswith("acts of people are not attested: no installation key is registered")
    assert {"engine", "systems", "bus", "due", "seals"} == set(parts) - well - {"packages", "python"}
    assert played("doctor").exit_code == 1
    assert "set MILLWRIGHT_TEMPORAL_ADDRESS" in played("doctor").stdout


def test_where_nothing_is_installed_the_doctor_says_what_to_do(nowhere: Millwright) -> None:
    parts = found(nowhere)
    assert parts["database"] == (False, f"there is no installation under {nowhere.home}")
    assert "ledger" not in parts
    assert not nowhere.home.exists()


@pytest.mark.parametrize(
    ("part", "damage", "sentence"),
    [
        ("database", LATER, "is at revision later, which this build does not know"),
        ("register", "DELETE FROM assets", "there are no assets"),
        ("policies", f"{UNGUARDED}; UPDATE policy_assignments SET line = 'LINE-9'", "no policy is in force for LINE-1"),
        (
            "policies",
            f"{UNGUARDED}; UPDATE policy_assignments SET reason = 'all agreed'",
            "a version in force was not approved, and its work is stopped: the assignment of",
        ),
        ("ledger", "UPDATE ledger_head SET seq = seq + 1", "rows were removed"),
        ("lanes", "UPDATE cases SET lane = 'operations'", "1 in operations"),
        ("orders", UNMATCHED, "1 with a key of ours that no case follows: maximo/1299"),
        ("orders", UNREAD, "1 not read in the CMMS for two intervals: maximo/1300"),
        ("records", UNREADABLE, "1 cannot be read: maximo 1300: statusdate is no date"),
        ("holds", ADRIFT, "1 unproven, or claimed by no open case: MWX on EQ-1"),
    ],
)
def test_what_is_wrong_with_storage_is_found(
    played: Millwright, database_url: str, part: str, damage: str, sentence: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(damage)
    ok, words = found(played)[part]
    assert not ok
    assert sentence in words


async def test_processes_that_run_with_other_settings_are_found(
    storage_engine: AsyncEngine, millwright: Millwright, database_url: str
) -> None:
    first, other = ({"poll_interval": interval, "clock": "wall"} for interval in ("PT15M", "PT1H"))
    taken = [(ProcessKind.JUDGING, first), (ProcessKind.CASES, first), (ProcessKind.CASES, other)]
    for process, values in taken:
        await take_settings(storage_engine, TestClock(), process, values)
    engines = [open_engine(database_url, name=connection_name({process: values})) for process, values in taken]
    async with engines[0].connect(), engines[1].connect():
        parts = {check.part: check for check in await examine(load_settings(millwright.home))}
        assert parts["settings"].ok
        assert parts["settings"].sentence == "processes that run with the same settings: cases, judging"
        async with engines[2].connect():
            parts = {check.part: check for check in await examine(load_settings(millwright.home))}
            assert not parts["settings"].ok
            assert parts["settings"].sentence.startswith("2 differ between processes that run now: ")
            assert "poll_interval is PT15M for judging and PT1H for cases" in parts["settings"].sentence
    for engine in engines:
        await engine.dispose()


def test_an_unreadable_record_is_listed_with_its_content_until_a_person_settles_it(
    played: Millwright, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(UNREADABLE)
    assert "is no date" in played("unreadable", "list").stdout
    (listed,) = orjson.loads(played("unreadable", "list", "--json").stdout)
    assert (listed["record"], listed["raw"]) == ("1300", '{"wonum": "1300"}')
    settled = played("unreadable", "settle", "maximo", "1300", "--reason", "it was deleted")
    assert settled.stdout == "Record 1300 of maximo is settled.\n"
    assert found(played)["records"] == (True, "every record of the CMMS and the twins could be read")


def test_a_case_that_waits_for_a_person_in_daily_business_is_no_fault(played: Millwright, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE cases SET lane = 'production'")
    assert found(played)["lanes"] == (True, "cases wait for a person: 1 in production")


def test_what_is_overdue_by_the_plants_own_clock_is_found(
    played: Millwright, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    clock = tmp_path / "clock"
    monkeypatch.setenv("MILLWRIGHT_CLOCK", f"file:{clock}")
    with psycopg.connect(database_url, autocommit=True) as connection:
        at = datetime(2015, 1, 20, tzinfo=UTC)
        connection.execute("UPDATE due SET due_at = %s", (at + timedelta(minutes=3),))
        connection.execute("UPDATE due SET due_at = %s WHERE subject = 'line/LINE-1'", (at,))
    clock.write_text("2015-01-20T00:04:00Z")
    assert found(played)["due"] == (True, "nothing is overdue")
    clock.write_text("2015-01-20T00:06:00Z")
    assert found(played)["due"] == (False, "1 overdue by more than 5 minutes, first line/LINE-1")


async def test_an_engine_and_a_bus_that_are_away_are_findings_and_not_failures(
    millwright: Millwright, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = "Endpoint=sb://127.0.0.1:9;SharedAccessKeyName=a;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true"
    monkeypatch.setenv("MILLWRIGHT_TEMPORAL_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("MILLWRIGHT_BUS__CONNECTOR", "service_bus")
    monkeypatch.setenv("MILLWRIGHT_BUS__CONNECTION_STRING", bus)
    monkeypatch.setenv("MILLWRIGHT_BUS__ENTITIES", '[{"queue": "events"}]')
    parts = {check.part: check for check in await examine(load_settings(millwright.home))}
    assert not parts["engine"].ok
    assert "127.0.0.1:9" in parts["engine"].sentence
    assert not parts["bus"].ok
    assert "c2VjcmV0" not in parts["bus"].sentence


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        ("typer==0.0.1 \\\n    --hash=sha256:00\n", [f"typer is {version('typer')}, not 0.0.1"]),
        ("no-such-package==1.0\n", ["no-such-package is missing"]),
        ("no-such-package==1.0 ; sys_platform == 'win32'\n", []),
        (f"typer==0.1 ; a\ntyper=={version('typer')} ; b\n", []),
    ],
)
def test_packages_are_compared_with_the_lock(tmp_path: Path, lock: str, expected: list[str]) -> None:
    file = tmp_path / "requirements.lock"
    file.write_text(lock)
    assert differences(file) == expected
    assert differences(tmp_path / "none") is None
