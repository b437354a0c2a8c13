"""What machines do, read one by one, where an MES has no request for many."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime

from domain.clock import Clock
from domain.errors import ActionRequired, Refused
from domain.operating import MachineState, OperatingState


async def read_each_state(
    equipment: Collection[str], clock: Clock, read: Callable[[str, datetime], Awaitable[OperatingState]]
) -> dict[str, OperatingState]:
    """What each machine does. A machine that cannot be read is unknown, and hides no other.

    Args:
        read: reads one machine at a time that it is given.

    Raises:
        Unavailable: the MES does not answer.
        ActionRequired: the MES refuses our sign-in. Only of a machine that it does not know the field is `equipment`.
    """

    async def one(name: str) -> OperatingState:
        read_at = clock.now()
        try:
            return await read(name, read_at)
        except ActionRequired as error:
            if error.field != "equipment":
                raise
            word = error.problem
        except Refused as error:
            word = error.problem
        return OperatingState(state=MachineState.UNKNOWN, word=word, read_at=read_at)

    names = sorted(equipment)
    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
