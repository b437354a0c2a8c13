"""Promise 9: it runs on one machine with nothing but this repository, on the same code paths as in production."""

from pathlib import Path

import pytest

from millwright.bootstrap import open_storage
from millwright.settings import Settings
from millwright.storage.database.engine import transaction


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MILLWRIGHT_{name.upper()}", raising=False)
    return Settings()


def test_promise_9_nothing_outside_this_machine_is_named_where_nothing_is_set(nothing_set: Settings) -> None:
    assert nothing_set.database_url is None
    assert nothing_set.temporal_address is None
    assert nothing_set.home == Path("var/run")
    assert nothing_set.api_host == "127.0.0.1"


async def test_promise_9_embedded_and_production_storage_open_by_the_same_function(database_url: str) -> None:
    settings = Settings.model_validate({"database_url": database_url})
    async with open_storage(settings) as storage, transaction(storage.engine):
        assert (await storage.inbox.counts())["received"] == 0
