"""Keeps an installation up: a part that ends by itself is said, and started again."""

import asyncio
from collections import Counter
from collections.abc import Callable

from domain.loops import repeat
from millwright.demo.installation import Installation, InstallationFailed

_LOOK_EVERY = 0.5
_MOST = 3
"""How often a part is started again; one that always ends must be looked at by a person."""


async def keep_up(installation: Installation, say: Callable[[str], None]) -> None:
    """Watches all parts until it is cancelled.

    Args:
        say: called with a sentence for each part that ended, and the end of its log.

    Raises:
        InstallationFailed: a part ended too often.
    """
    times: Counter[str] = Counter()

    async def look() -> None:
        ended = installation.fallen_part()
        if ended is None:
            return
        name, code = ended.name, ended.exit_code
        times[name] += 1
        if times[name] > _MOST:
            raise InstallationFailed(
                f"{name} ended with {code} and was started again {_MOST} times:\n{ended.last_words()}"
            )
        say(f"{name} ended with {code} and is started again. The end of {ended.log}:\n{ended.last_words()}")
        await asyncio.to_thread(installation.restart, name)

    await repeat(look, every=_LOOK_EVERY)
