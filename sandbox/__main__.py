"""`python -m sandbox`: serve the sandbox plant, or write a generated plant's data as files."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import uvloop

from sandbox import cmms, mes
from sandbox.plant.dataset import Dataset, read_dataset
from sandbox.plant.generator import generate, write_dataset
from sandbox.plant.tables import DatasetError
from sandbox.server import SandboxPlant

DATA_VARIABLE: Final = "MILLWRIGHT_DATA"
_PUBLISHED_DATA: Final = Path("../shared/data/azure-pdm")
_PROJECT: Final = Path(__file__).resolve().parents[1]

logger = logging.getLogger("sandbox")


def open_dataset(data: Path | None, seed: int) -> Dataset:
    """The data in `data`, else where MILLWRIGHT_DATA says, else beside the project, else generated.

    Raises:
        DatasetError: a folder that was named cannot be read.
    """
    named = data or (Path(os.environ[DATA_VARIABLE]) if os.environ.get(DATA_VARIABLE) else None)
    if named is not None:
        return read_dataset(named)
    published = _PROJECT / _PUBLISHED_DATA
    return read_dataset(published) if published.is_dir() else generate(seed)


async def serve(plant: SandboxPlant, label: str) -> None:
    """Run the plant until it is told to stop, by signal or by its control API.

    Args:
        label: what its data are called.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, plant.stopping.set)
    await plant.start()
    logger.info("the sandbox plant (%s) is up: %s", label, plant.control_url)
    await plant.stopping.wait()
    await plant.stop()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run bus, twin service, CMMS, MES and the plant behind them")
    serving.add_argument("--directory", type=Path, default=Path("var/run/plant"), help="where everything is kept")
    serving.add_argument("--data", type=Path, help=f"folder of the data; else ${DATA_VARIABLE}, {_PUBLISHED_DATA}")
    serving.add_argument("--seed", type=int, default=1, help="of all chances")
    serving.add_argument("--detector-interval-hours", type=int, default=3, help="plant hours between two queries")
    serving.add_argument("--bus-lock-seconds", type=float, default=30, help="how long a receiver may keep a message")
    serving.add_argument("--mes", choices=mes.NAMES, default=mes.OPCUA_JOB_CONTROL, help="which MES the plant has")
    serving.add_argument("--cmms", choices=cmms.NAMES, default=cmms.MAXIMO, help="which CMMS it has")
    serving.add_argument("--port", type=int, default=0, help="of the control API, 0 for any")
    making = commands.add_parser("generate", help="write a generated plant as files of the data's format")
    making.add_argument("--seed", type=int, default=1)
    making.add_argument("--machines", type=int, default=20)
    making.add_argument("--days", type=int, default=90)
    making.add_argument("--startup-artefacts", action="store_true", help="failures at the start, without a record")
    making.add_argument("--out", type=Path, required=True, help="the folder to write into")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 1 after one sentence that says what is wrong."""
    given = _arguments().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for library in ("asyncua", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        if given.command == "generate":
            generated = generate(given.seed, given.machines, given.days, startup_artefacts=given.startup_artefacts)
            write_dataset(generated, given.out)
            logger.info("wrote %d machines over %d days to %s", given.machines, given.days, given.out)
        else:
            dataset = open_dataset(given.data, given.seed)
            interval = timedelta(hours=given.detector_interval_hours)
            lock = timedelta(seconds=given.bus_lock_seconds)
            plant = SandboxPlant(
                given.directory, dataset, given.seed, interval, given.port, lock, given.mes, given.cmms
            )
            uvloop.run(serve(plant, dataset.label))
    except (DatasetError, OSError, ValueError) as error:
        logger.error("%s", error)  # noqa: TRY400 a sentence for a person, no traceback
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
