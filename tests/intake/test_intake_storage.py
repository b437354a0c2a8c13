"""Items that the database itself will not hold."""

import random

import pytest

from domain.anomaly import Received
from domain.errors import StorageFault
from millwright.bootstrap import Storage
from tests.support.ingress import NOW, rows
from tests.support.plant import deviation

# Incompressible, or the index would hold it after all.
_LONG = random.Random(7).randbytes(6000).hex()


@pytest.mark.parametrize(
    "changed",
    [{"external_id": _LONG}, {"subject": "a\x00b"}, {"reason": "\ud800"}],
    ids=["too-long-a-key", "nul", "half-a-character"],
)
async def test_an_item_that_cannot_be_held_is_quarantined_with_its_bytes_and_alone(
    storage: Storage, changed: dict[str, object]
) -> None:
    sick = deviation(9).model_copy(update={"raw": b'{"sick": true}', **changed})
    items: list[Received] = [deviation(n / 10) for n in range(9)]
    stored = await storage.inbox.take([*items[:5], sick, *items[5:]], NOW)
    assert stored.new == 10
    assert await rows(storage.engine, "SELECT raw FROM events WHERE fate = 'quarantined'") == [(b'{"sick": true}',)]


async def test_every_text_comes_back_as_it_was_sent(storage: Storage) -> None:
    texts = ["", "a\x1fb", "a\x01b", "\x01", "a\r\nb", "\\N", "\\.", '"', "\t", "ü€𐍈"]
    every = bytes(range(256))
    items = [
        deviation(number).model_copy(update={"subject": text, "type": None, "raw": every})
        for number, text in enumerate(texts)
    ]
    await storage.inbox.take(items, NOW)
    stored = await rows(storage.engine, "SELECT subject, type, raw FROM events ORDER BY at")
    assert stored == [(text, None, every) for text in texts]


async def test_tables_that_are_not_there_are_no_fault_of_the_item(storage: Storage) -> None:
    async with storage.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE events RENAME TO events_away")
    with pytest.raises(StorageFault):
        await storage.inbox.take([deviation(1)], NOW)
