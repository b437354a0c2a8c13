"""Sequence numbers for events without one: unique over processes and restarts, and ascending within each."""

import itertools
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime

_EPOCH = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
_TICK_BITS = 10
_SALT_BITS = 12


def http_sequences() -> Iterator[int]:
    """Positive numbers below 2**63: a tick of 1,024 ns for each item, and in the lower bits the salt of this process.

    A process never gets ahead of its own clock (this would need a million items a second), so a later process
    begins above all its numbers. The salt separates processes that run at the same time.
    """
    ticks = (time.time_ns() - _EPOCH) >> _TICK_BITS
    return itertools.count((ticks << _SALT_BITS) | secrets.randbits(_SALT_BITS), 1 << _SALT_BITS)
