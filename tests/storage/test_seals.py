"""What was received is sealed in the ledger a little later, each row once, and none too early."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from domain.anomaly import Fate, Received
from millwright.audit.verifying import verify
from millwright.bootstrap import open_storage
from millwright.storage.ledger import seals as seals_module
from millwright.storage.ledger.seals import SEALED, Seals
from millwright.worker.ledger_watch import LedgerWatch
from tests.support.ingress import settings_over
from tests.support.judged_plant import Plant
from tests.support.plant import START, deviation

_UNREAD: dict[str, object] = {
    "anomaly": None,
    "external_id": "unread",
    "natural_key": None,
    "line": None,
    "fate": Fate.QUARANTINED,
    "reason": "no time",
}


def redelivered(item: Received, sequence: int) -> Received:
    """The same message in another delivery."""
    return item.model_copy(update={"sequence": sequence})


async def sealed(plant: Plant, table: str) -> list[int]:
    """The numbers of the sealed rows, in the order of the ledger."""
    acts = await plant.rows(
        "SELECT body FROM acts WHERE kind = :kind AND subject = :subject ORDER BY id",
        kind=SEALED,
        subject=f"seal/{table}",
    )
    return [json.loads(row)[0] for (body,) in acts for row in json.loads(str(body))["detail"]["rows"]]


async def stored(plant: Plant, table: str) -> list[int]:
    """The numbers of all rows."""
    return [int(str(number)) for (number,) in await plant.rows(f"SELECT id FROM {table} ORDER BY id")]


async def test_rows_are_sealed_at_once_while_nobody_else_writes(plant: Plant) -> None:
    seals = Seals(plant.engine, plant.clock)
    again = deviation(2)
    await plant.take(deviation(1), again)
    await plant.inbox.store([redelivered(again, 9)], plant.clock.now())
    assert await seals.seal() == 3
    assert await sealed(plant, "events") == await stored(plant, "events")
    assert await sealed(plant, "duplicates") == await stored(plant, "duplicates")
    assert await seals.seal() == 0
    assert (await verify(plant.engine)).findings == ()


async def test_rows_are_not_sealed_while_a_transaction_that_ran_then_goes_on(plant: Plant) -> None:
    seals = Seals(plant.engine, plant.clock)
    async with plant.engine.begin() as slow:
        # As intake takes the number of an event.
        await slow.execute(text("SELECT pg_current_xact_id()::text, nextval('events_id_seq')"))
        await plant.take(deviation(2))
        assert await seals.seal() == 0
        assert await seals.seal() == 0
    assert await seals.seal() == 1


async def test_each_row_is_sealed_once_by_whichever_process_looks(plant: Plant) -> None:
    first, second = Seals(plant.engine, plant.clock), Seals(plant.engine, plant.clock)
    await plant.take(*(deviation(hour) for hour in range(5)))
    for seals in (first, second, first, second):
        await seals.seal()
    assert await sealed(plant, "events") == await stored(plant, "events")


@pytest.mark.parametrize(
    "alteration",
    [
        "UPDATE events SET raw = 'other' WHERE id = (SELECT max(id) FROM events)",
        "UPDATE events SET fate = 'not_an_anomaly', reason = 'nothing' WHERE id = (SELECT max(id) FROM events)",
        "DELETE FROM events WHERE id = (SELECT min(id) FROM events WHERE fate = 'quarantined')",
        "UPDATE duplicates SET source = 'elsewhere'",
        "DELETE FROM duplicates",
    ],
)
async def test_an_alteration_after_the_seal_is_named(plant: Plant, alteration: str) -> None:
    seals = Seals(plant.engine, plant.clock)
    again = deviation(1)
    unread = again.model_copy(update=_UNREAD)
    await plant.take(again)
    await plant.inbox.store([redelivered(again, 2), redelivered(unread, 3)], plant.clock.now())
    await seals.seal()
    await seals.seal()
    assert (await verify(plant.engine)).findings == ()
    async with plant.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(alteration))
    assert {finding.kind for finding in (await verify(plant.engine)).findings} & {"event", "receipt"}


@pytest.mark.parametrize(
    "held", ["SELECT pg_current_xact_id()", "SELECT pg_advisory_lock(hashtextextended('seals', 2))"]
)
async def test_rows_that_stay_unsealed_are_counted_and_logged(
    plant: Plant,
    tmp_path: Path,
    database_url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    held: str,
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(seals_module, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    async with open_storage(settings_over(database_url, tmp_path)) as storage:
        watch = LedgerWatch(storage, tmp_path, {})
        late = plant.clock.now() + timedelta(minutes=5)
        async with plant.engine.connect() as slow:
            await slow.execute(text(held))
            await plant.take(deviation(1), deviation(2))
            await watch.look()
            seconds[0] = 301.0
            await watch.look()
            assert "nothing that was received could be sealed" in caplog.text
            assert (await verify(plant.engine, sealed_before=late)).unsealed == 2
            assert (await verify(plant.engine, sealed_before=START)).unsealed == 0
            await slow.rollback()
            await slow.execute(text("SELECT pg_advisory_unlock_all()"))
        caplog.clear()
        await watch.look()
        await watch.look()
        assert "sealed" not in caplog.text
        assert (await verify(plant.engine, sealed_before=late)).unsealed == 0
