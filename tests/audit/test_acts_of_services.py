"""Acts that a database user chains in the name of a service: each has something that it must agree with."""

from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.verdict import Memory
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.events.register import RegisterStore
from millwright.storage.ledger.seals import EVENT_DIGEST, SEALED, Seals
from policies.engine.catalogue import Catalogue
from tests.storage.test_runtime_role import roles, signed_in
from tests.support.forging import chain
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.plant import MOTOR, START, deviation

__all__ = ["roles"]


def runtime(roles: str) -> psycopg.Connection:
    """A connection of the role that runs the processes."""
    return psycopg.connect(signed_in(roles, "millwright_runtime"))


async def named(engine: AsyncEngine) -> list[str]:
    """What the audit finds."""
    return [f"{found.kind}: {found.what}" for found in (await verify(engine)).findings]


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare(Criticality.A)
    return made


async def test_an_event_that_was_set_aside_and_can_be_judged_is_named(plant: Plant, roles: str) -> None:
    await plant.take(deviation(1))
    await plant.inbox.store([deviation(2)], plant.clock.now())
    reason = "judging it failed: ValueError: bad"
    with runtime(roles) as connection:
        row = connection.execute("DELETE FROM pending RETURNING event_id").fetchone()
        assert row is not None
        connection.execute("UPDATE events SET fate = 'quarantined', reason = %s WHERE id = %s", (reason, row[0]))
        chain(connection, "event-quarantined", f"event/{row[0]}", "watch", plant.clock.now(), {"reason": reason})
    await judge_to_rest(plant.judging)
    assert await named(plant.engine) == ["event: was set aside as one that cannot be judged, and it can: redrive it"]


async def test_an_event_on_which_a_version_fails_stays_set_aside(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Catalogue.judge

    def judge(catalogue: Catalogue, version: str, memory: Memory, anomaly: object, context: object) -> object:
        if getattr(anomaly, "score", None) == 7.0:
            raise ArithmeticError
        return whole(catalogue, version, memory, anomaly, context)  # type: ignore[arg-type]

    monkeypatch.setattr(Catalogue, "judge", judge)
    await plant.take(deviation(1), deviation(2, score=7.0))
    assert await plant.rows("SELECT fate FROM events ORDER BY id") == [("decided",), ("quarantined",)]
    assert await named(plant.engine) == []


async def test_an_event_whose_asset_had_left_stays_set_aside(plant: Plant) -> None:
    await plant.inbox.store([deviation(1, asset=MOTOR)], plant.clock.now())
    await RegisterStore(plant.engine, plant.clock).retire([MOTOR], "tests", "it left")
    await judge_to_rest(plant.judging)
    assert await plant.rows("SELECT fate FROM events") == [("unmapped",)]
    assert await named(plant.engine) == []


async def test_a_second_seal_of_an_altered_event_is_named(plant: Plant, roles: str) -> None:
    await plant.take(deviation(1), deviation(2))
    await Seals(plant.engine, plant.clock).seal()
    assert await named(plant.engine) == []
    with runtime(roles) as connection:
        row = connection.execute(
            "UPDATE events e SET raw = 'forged' WHERE id = 1 RETURNING (SELECT max(id) FROM events), "
            f"json_build_array(e.id, {EVENT_DIGEST}, e.fate, e.reason)::text".encode()
        ).fetchone()
        assert row is not None
        detail = {"last": row[0], "rows": [row[1]]}
        chain(connection, SEALED, "seal/events", "millwright", plant.clock.now(), detail)
    assert await named(plant.engine) == ["seal: seals rows that were sealed before, or other rows than it says"]


def window(until: datetime, at: datetime) -> dict[str, object]:
    """A window of work, as its act records it."""
    return {
        "id": "WKAAAAAAAA", "kind": "work", "asset": "machine-001", "from_at": START, "until_at": until,
        "end_at": until, "reason": "order 7 is INPRG", "made_by": "maximo", "made_at": at, "source": "maximo/7",
    }  # fmt: skip


async def open_window(plant: Plant, roles: str, until: datetime, kind: str = "work") -> None:
    """Writes a window that a system opened, with its act."""
    told = window(until, plant.clock.now()) | {"kind": kind}
    columns = ", ".join(told)
    with runtime(roles) as connection:
        marks = ", ".join(["%s"] * len(told))
        connection.execute(f"INSERT INTO suppressions ({columns}) VALUES ({marks})".encode(), list(told.values()))
        chain(connection, "window-opened", "suppression/WKAAAAAAAA", "maximo", plant.clock.now(), told)


WORDS = "suppression: is of work that no CMMS reported as in progress, or lasts too long"


async def test_a_window_of_work_that_no_cmms_reported_is_named(plant: Plant, roles: str, tmp_path: Path) -> None:
    await open_window(plant, roles, START + timedelta(hours=8))
    assert await named(plant.engine) == [WORDS]
    await export(plant.engine, tmp_path / "export")
    assert [f"{found.kind}: {found.what}" for found in offline_verify.verify(tmp_path / "export")] == [WORDS]


async def test_a_window_of_work_that_lasts_too_long_is_named(plant: Plant, roles: str, tmp_path: Path) -> None:
    record = {"ref": {"system": "maximo", "id": "7"}, "status": "in_progress", "changed_at": START}
    with runtime(roles) as connection:
        chain(connection, "order-placed", "case/none", "maximo", plant.clock.now(), {"record": record})
    await open_window(plant, roles, START + timedelta(days=32))
    assert WORDS in await named(plant.engine)
    await export(plant.engine, tmp_path / "export")
    assert WORDS in [f"{found.kind}: {found.what}" for found in offline_verify.verify(tmp_path / "export")]


STATE_WORDS = "suppression: is of a state that maximo did not report, or lasts too long"


@pytest.mark.parametrize(
    ("said", "kind", "hours", "fault"),
    [
        ("planned_stop", "standstill", 8, False),
        ("locked_out", "out_of_service", 8, False),
        ("planned_stop", "standstill", 32 * 24, True),
        ("planned_stop", "out_of_service", 8, True),
        ("locked_out", "standstill", 8, True),
        ("running", "standstill", 8, True),
        (None, "standstill", 8, True),
    ],
)
async def test_a_window_of_a_state_that_no_mes_reported_or_that_lasts_too_long_is_named(
    plant: Plant, roles: str, tmp_path: Path, said: str | None, kind: str, hours: int, *, fault: bool
) -> None:
    with runtime(roles) as connection:
        for at, state in ((START, said), (START + timedelta(hours=1), "running")):
            told = {} if state is None else {"machine-001": {"state": state}}
            detail = {"read_at": at, "said": told}
            chain(connection, "operating-read", "operating/maximo", "maximo", plant.clock.now(), detail)
    await open_window(plant, roles, START + timedelta(hours=hours), kind)
    assert (STATE_WORDS in await named(plant.engine)) is fault
    await export(plant.engine, tmp_path / "export")
    offline = [f"{found.kind}: {found.what}" for found in offline_verify.verify(tmp_path / "export")]
    assert (STATE_WORDS in offline) is fault
