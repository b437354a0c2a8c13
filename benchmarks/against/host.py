"""Runs one plant of a build until its input is closed. It is started in the worktree and `.venv` of the build.

This is the only code of `benchmarks.against` that runs inside the measured build. From that build it uses only `Size`,
`running_plant` and the attributes of `RunningPlant` in `benchmarks.rig.plant`, and `describe` in
`benchmarks.rig.machine`. It prints one line of JSON when the plant is ready; `hosting` reads it.
"""

import asyncio
import json
import sys

import millwright
from benchmarks.rig.machine import describe
from benchmarks.rig.plant import Size, running_plant


async def host(size: Size) -> None:
    """Starts the plant, prints its addresses, and ends it when the input is closed."""
    async with running_plant(size) as plant:
        facts = {
            "code": millwright.__file__,
            "described": describe(plant.database_url),
            "home": str(plant.home),
            "database_url": plant.database_url,
            "engine": plant.engine,
            "control_url": plant.control_url,
            "bus": plant.bus,
            "topic": plant.topic,
            "api_urls": plant.api_urls,
            "register": plant.register.model_dump_json(),
            "began": plant.began.isoformat(),
            "pids": plant.pids,
        }
        print(json.dumps(facts), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(host(Size(**json.loads(sys.argv[1]))))
