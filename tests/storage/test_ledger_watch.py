"""The watch seals what was received and publishes the head, to each place that the settings name."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from domain.errors import Unavailable
from domain.loops import wait_until
from millwright.audit.head import head_text, read_head
from millwright.bootstrap import Storage, open_storage
from millwright.runtime.embedded.marking import HEAD_LOG
from millwright.worker import ledger_watch
from millwright.worker.ledger_watch import LedgerWatch
from tests.support.ingress import settings_over
from tests.support.plant import register


class Keeper:
    """A place that keeps heads, or is away."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.is_away = False

    async def keep(self, head: str, at: datetime) -> None:
        if self.is_away:
            raise Unavailable("away", system="keeper", operation="keep-head", key=head)
        self.heads.append(head)


@pytest.fixture
async def storage(database_url: str, tmp_path: Path) -> AsyncIterator[Storage]:
    async with open_storage(settings_over(database_url, tmp_path)) as opened:
        await opened.register.keep(register(), "tests")
        yield opened


async def test_the_head_goes_to_the_file_and_to_each_place_once(storage: Storage, tmp_path: Path) -> None:
    keeper = Keeper()
    watch = LedgerWatch(storage, tmp_path, {"keeper": keeper.keep})
    await watch.look()
    await watch.look()
    published = read_head(tmp_path)
    assert published is not None
    assert keeper.heads == [head_text(published.head)]


async def test_a_place_that_was_away_gets_the_next_head(storage: Storage, tmp_path: Path) -> None:
    keeper = Keeper()
    keeper.is_away = True
    watch = LedgerWatch(storage, tmp_path, {"keeper": keeper.keep})
    await watch.look()
    assert keeper.heads == []
    keeper.is_away = False
    await watch.look()
    assert len(keeper.heads) == 1


async def test_after_history_was_rewritten_no_place_gets_a_head(
    storage: Storage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / HEAD_LOG).write_text(f"2026-01-31T12:00:00.000000Z 1:{'f' * 64}\n")
    keeper = Keeper()
    await LedgerWatch(storage, tmp_path, {"keeper": keeper.keep}).look()
    assert keeper.heads == []
    said = [record.levelno for record in caplog.records if "history was rewritten" in record.getMessage()]
    assert said == [logging.ERROR]


async def test_a_file_that_cannot_be_written_ends_no_worker(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ledger_watch, "_AWAY", 0.05)
    home = tmp_path / "home"
    home.write_text("not a folder")

    async def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]

    async def published() -> bool:
        return read_head(home) is not None

    watching = asyncio.create_task(LedgerWatch(storage, home, {}).run(every=0.05))
    (said,) = await wait_until(told, bool, every=0.02, timeout=10)
    assert said.startswith("nothing is sealed or no head is published: NotADirectoryError")
    home.unlink()
    assert await wait_until(published, bool, every=0.02, timeout=10)
    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
