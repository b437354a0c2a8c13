"""A process that judges the one line of the tests' plant, until it is killed: `python -m tests.support.judging_process
URL`."""

import asyncio
import sys

from domain.errors import StorageUnavailable
from millwright.storage.database.engine import open_engine
from tests.support.judged_plant import Plant, judge_to_rest


async def judge(url: str) -> None:
    """Judges pending events in a loop."""
    plant = Plant(open_engine(url))
    while True:
        try:
            await judge_to_rest(plant.judging)
        except StorageUnavailable:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.002)


if __name__ == "__main__":
    asyncio.run(judge(sys.argv[1]))
