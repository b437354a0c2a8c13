"""What `why` says of an event that ordered no work is made again, and is the same whenever and wherever it is."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.explaining.why import why
from policies.engine.catalogue import Catalogue

SEEDS = ("1", "4711")


def asked_anew(engine: AsyncEngine, home: Path, ref: str, seed: str) -> bytes:
    """What the command says in a process of its own, whose sets are in another order."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    own = {"MILLWRIGHT_DATABASE_URL": url, "MILLWRIGHT_HOME": str(home), "PYTHONHASHSEED": seed}
    command = [sys.executable, "-m", "millwright", "why", ref, "--json"]
    return subprocess.run(command, env=os.environ | own, capture_output=True, check=True, timeout=120).stdout


@pytest.mark.parametrize(("ref", "rung"), [("weak", "ignore"), ("first", "watch")])
async def test_what_would_have_ordered_work_is_made_again_alike_in_every_process(
    recorded: AsyncEngine, tmp_path: Path, ref: str, rung: str
) -> None:
    told = await why(recorded, Catalogue(), ref)
    assert (told.decisions[0].rung, told.decisions[0].acts, told.remade) == (rung, True, True)
    first, other = (asked_anew(recorded, tmp_path, ref, seed) for seed in SEEDS)
    assert first == other
    assert orjson.loads(first) == told.model_dump(mode="json")


async def test_every_input_that_a_rule_asks_for_has_its_nearest_change_or_has_none(recorded: AsyncEngine) -> None:
    catalogue = Catalogue()
    decision = (await why(recorded, catalogue, "first")).decisions[0]
    assert decision.changes is not None
    asked = set(catalogue.version(decision.digest).chain.names)
    assert {change.variable for change in decision.changes.inputs} == asked
    nearest = [change for change in decision.changes.inputs if change.nearest is not None]
    assert {"anomaly.kind", "anomaly.score", "memory.codes"} <= {change.variable for change in nearest}
    assert all(change.nearest.rung != decision.rung and change.nearest.words for change in nearest if change.nearest)
