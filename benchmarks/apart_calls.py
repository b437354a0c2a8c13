"""What a call to an MES costs more if the MES stands apart.

Run as `python -m benchmarks.apart_calls`. The sandbox's Job Control server, the workflow engine and the worker of the
plant zone are separate processes. A job is held, read and released again and again, in turns directly and through the
plant zone.
"""

import asyncio
import base64
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from benchmarks.job_list import told
from benchmarks.rig.machine import here
from domain.clock import WallClock
from domain.errors import ConnectorError
from domain.loops import wait_until
from domain.ports import Mes
from domain.production import PlaceResult
from millwright.plant_zone.connecting import connected_mes, open_mes
from millwright.runtime.embedded import temporal_server
from millwright.runtime.embedded.processes import Process, quiet_port
from millwright.runtime.home import settings_from
from millwright.settings import Settings
from millwright.workflow_engine.temporal import engine_client
from workflows.mes_call import MesCall
from workflows.queues import case_queue

RUNS = 50
_EQUIPMENT = "EQ-001"
_QUEUE = "benchmark"
_PATIENCE = 60.0

Milliseconds = dict[str, list[float]]


async def _begun(mes: Mes) -> None:
    async def answers() -> bool:
        try:
            await mes.check()
        except ConnectorError:
            return False
        return True

    if not await wait_until(answers, bool, every=0.2, timeout=_PATIENCE):
        raise TimeoutError("the plant zone does not answer")


async def _once(mes: Mes, taken: Milliseconds) -> None:
    """Holds, reads and releases a job, and notes how long each took."""

    async def timed(name: str, began: float) -> None:
        taken.setdefault(name, []).append((time.perf_counter() - began) * 1000)

    plan = await mes.plan_hold(_EQUIPMENT, "BENCHMARK")
    began = time.perf_counter()
    placed = await mes.place_hold(plan, "benchmark")
    await timed("place_hold", began)
    if placed is not PlaceResult.IN_EFFECT:
        raise RuntimeError(f"the job was not held: {placed}")
    began = time.perf_counter()
    await mes.read_hold(plan)
    await timed("read_hold", began)
    began = time.perf_counter()
    await mes.release_hold(plan, "benchmark")
    await timed("release_hold", began)


async def _measured(settings: Settings, address: str) -> tuple[Milliseconds, Milliseconds]:
    direct: Milliseconds = {}
    apart: Milliseconds = {}
    central = settings.model_copy(update={"mes_instances": {"mes": _without_own(settings)}})
    runner = UnsandboxedWorkflowRunner()
    async with (
        connected_mes(settings, "mes", WallClock()) as near,
        open_mes(central, WallClock()) as opened,
        engine_client(central, address) as client,
        Worker(client, task_queue=case_queue(_QUEUE), workflows=[MesCall], workflow_runner=runner),
    ):
        await _begun(opened["mes"])
        for _ in range(RUNS + 1):
            await _once(near, direct)
            await _once(opened["mes"], apart)
        del client
    return direct, apart


def _without_own(settings: Settings) -> object:
    named = settings.mes_instances["mes"]
    return type(named)(connector=named.connector, apart=True, payload_keys=named.payload_keys)


async def _play(home: Path) -> tuple[Milliseconds, Milliseconds]:
    keys, port = home / "keys", quiet_port()
    keys.write_bytes(base64.b64encode(os.urandom(32)))
    keys.chmod(0o600)
    engine = Process(
        "engine", temporal_server.command(temporal_server.find(print), home / "temporal.db", port), {}, home
    )
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.job_list", "--serve", stdout=asyncio.subprocess.PIPE
    )
    engine.start()
    zone: Process | None = None
    try:
        assert server.stdout is not None  # noqa: S101 - it was asked for
        variables = {
            "MILLWRIGHT_HOME": str(home),
            "MILLWRIGHT_TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
            "MILLWRIGHT_TASK_QUEUE": _QUEUE,
            "MILLWRIGHT_MES_INSTANCES__MES__CONNECTOR": "opcua_job_control",
            "MILLWRIGHT_MES_INSTANCES__MES__URL": (await server.stdout.readline()).decode().strip(),
            "MILLWRIGHT_MES_INSTANCES__MES__PAYLOAD_KEYS": str(keys),
        }
        command = [sys.executable, "-m", "millwright", "worker", "--plant-zone", "mes"]
        zone = Process("zone", command, variables, home)
        zone.start()
        await asyncio.sleep(1)
        return await _measured(settings_from(variables), f"127.0.0.1:{port}")
    finally:
        if zone is not None:
            zone.stop()
        engine.stop()
        server.kill()
        await server.wait()


def main() -> None:
    print(*here("temporalio"), sep="\n")
    with tempfile.TemporaryDirectory(prefix="millwright-apart-") as folder:
        direct, apart = asyncio.run(_play(Path(folder)))
    for name in direct:
        near, far = direct[name][1:], apart[name][1:]
        more = statistics.median(far) - statistics.median(near)
        print(f"{name}: direct {told(near)}, apart {told(far)}, {more:.1f} ms more; n {len(near)}")


if __name__ == "__main__":
    main()
