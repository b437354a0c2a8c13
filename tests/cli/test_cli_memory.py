"""A long-lived process gives back what it no longer needs."""

import asyncio
import mmap
from pathlib import Path

import pytest

from millwright.cli import lifetime
from tests.support.ingress import until

BLOCK, BLOCKS, KEPT_EACH = 100_000, 400, 40


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


async def test_free_memory_between_what_is_in_use_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "_GIVEN_BACK_EVERY", 0.0)
    blocks = [b"x" * BLOCK for _ in range(BLOCKS)]
    kept = blocks[::KEPT_EACH]
    blocks.clear()
    before = _resident()
    giving = asyncio.create_task(lifetime.give_back_memory())

    async def given_back() -> bool:
        return before - _resident() > BLOCK * BLOCKS // 2

    await until(given_back)
    giving.cancel()
    assert len(kept) == BLOCKS // KEPT_EACH
