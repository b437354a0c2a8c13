"""Time from `POST /events` with an anomaly that asks for a hold to the question to production, and from production's
acceptance to the hold that the MES accepted.

Run as `python -m benchmarks.hold_latency`. Every machine is made one of criticality A and is proved by a walk-down.
Each fault is on another machine, alone, on a plant that does nothing else. The sandbox is the MES. A machine between
two jobs has nothing to hold, and is counted apart. Where a version lets a hold be placed unasked, both spans together
are what it takes: the step is the same one, without the question.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
import psycopg

from benchmarks.rig.faults import FaultTeller, body
from benchmarks.rig.machine import describe, percentile
from benchmarks.rig.plant import RunningPlant, Size, running_plant
from domain.assets import Asset, Criticality, PlantRegister
from millwright.demo.cast import kept_person
from millwright.demo.preparation import PRODUCTION
from millwright.demo.proving import prove_machines
from millwright.runtime.plant_clock import FileClock
from millwright.storage.database.engine import open_engine
from millwright.storage.events.register import RegisterStore

_LOOK_EVERY, _PATIENCE, _PAUSE = 0.002, 5.0, 0.3
_EVENTS = {"Content-Type": "application/cloudevents-batch+json"}
_ASKED = "SELECT id FROM cases WHERE asset = %s AND hold_proposal IS NOT NULL"
_HELD = (
    "SELECT h.key FROM holds h JOIN hold_placements p ON p.hold_key = h.key "
    "WHERE h.key = %s AND p.accepted_at IS NOT NULL"
)


def critical(register: PlantRegister) -> PlantRegister:
    """The register with every machine and component of criticality A."""
    assets = tuple(asset.model_copy(update={"criticality": Criticality.A}) for asset in register.assets)
    return register.model_copy(update={"assets": assets})


async def measure(options: argparse.Namespace) -> None:
    """All measurements, on one plant."""
    async with running_plant(Size(options.faults * 4, 10, engine=options.engine)) as plant:
        for line in describe(plant.database_url):
            print(line)
        register = critical(plant.register)
        engine = open_engine(plant.database_url)
        await RegisterStore(engine, FileClock(plant.home / "plant" / "clock")).keep(register, "benchmark")
        await engine.dispose()
        api = plant.apis[0]
        proved = await prove_machines(api.url, plant.home / "people", lambda: None)
        print(f"{proved} machines proved", flush=True)
        by_machine: dict[str, Asset] = {}
        for asset in plant.components:
            by_machine.setdefault(asset.machine or asset.id, asset)
        teller = FaultTeller(register, plant.began, "hold")
        asked, held = [], []
        async with await psycopg.AsyncConnection.connect(plant.database_url, autocommit=True) as connection:
            for asset in list(by_machine.values())[: options.faults]:
                question, hold = await one(plant, connection, teller, asset.id)
                asked.append(question * 1000)
                held += [] if hold is None else [hold * 1000]
                await asyncio.sleep(_PAUSE)
        for name, taken in (("POST to the question", asked), ("acceptance to the accepted hold", held)):
            figures = ", ".join(f"p{share:.0f} {percentile(taken, share / 100):.0f} ms" for share in (50, 90, 99))
            print(f"{name}, n {len(taken)}: {figures}")
        print(f"machines with nothing to hold: {len(asked) - len(held)}")


async def one(
    plant: RunningPlant, connection: psycopg.AsyncConnection[tuple[object, ...]], teller: FaultTeller, asset: str
) -> tuple[float, float | None]:
    """Seconds to the question about a fault, and from the answer to the hold; None if there was nothing to hold."""
    api = plant.apis[0]
    production = kept_person(plant.home / "people", PRODUCTION).api_key
    async with httpx.AsyncClient(base_url=api.url) as client:
        began = time.monotonic()
        sent = await client.post("/events", content=body(teller.signs(asset)), headers={**_EVENTS, **api.headers})
        sent.raise_for_status()
        question = await until(partial(first, connection, _ASKED, asset))
        if question is None:
            raise SystemExit(f"nobody was asked about {asset} within {_PATIENCE:.0f} s")
        case, asked_at = question
        answered = time.monotonic()
        headers = {"Authorization": f"Bearer {production}"}
        said = await client.post(f"/cases/{case}/hold-answer", json={"answer": "accept"}, headers=headers)
        said.raise_for_status()
        held = await until(partial(first, connection, _HELD, case))
    return asked_at - began, None if held is None else held[1] - answered


async def first(connection: psycopg.AsyncConnection[tuple[object, ...]], statement: str, value: str) -> str | None:
    """The first column of a query's first row."""
    row = await (await connection.execute(statement.encode(), (value,), prepare=True)).fetchone()
    return None if row is None else str(row[0])


async def until(look: Callable[[], Awaitable[str | None]]) -> tuple[str, float] | None:
    """What a query finds, once it finds something, and when; None if that is not soon."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = await look()
        if found is not None:
            return found, time.monotonic()
        if time.monotonic() > deadline:
            return None
        await asyncio.sleep(_LOOK_EVERY)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hold_latency", description=__doc__)
    parser.add_argument("--faults", type=int, default=60, help="faults, each on a machine of its own")
    parser.add_argument("--engine", choices=("development", "production"), default="production")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
