"""The cache of API keys: what changed while it was read is read again."""

import asyncio
from datetime import UTC, datetime
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.api import sign_in
from millwright.api.sign_in import KeyRing
from millwright.people.persons import api_key_hash
from millwright.storage.policies.keyring import KeyHolder
from tests.support.plant import TestClock


async def test_keys_that_ended_while_the_cache_was_read_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [KeyHolder("emil", frozenset({"operator"}), api_key_hash("k"))]
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def read(_engine: AsyncEngine) -> tuple[KeyHolder, ...]:
        seen = tuple(held)
        begun.set()
        await go_on.wait()
        return seen

    monkeypatch.setattr(sign_in, "key_holders", read)
    ring = KeyRing(cast(AsyncEngine, None), TestClock(datetime(2026, 1, 1, tzinfo=UTC)))
    reading = asyncio.create_task(ring.person("k"))
    await begun.wait()
    held.clear()
    ring.read_again()
    go_on.set()
    assert await reading is None
    assert await ring.person("k") is None
