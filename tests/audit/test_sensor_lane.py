"""The audit makes the checks of readings again, and holds each mask against the reading that failed."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from tests.audit.conftest import Hostile
from tests.support.judged_plant import Plant
from tests.support.plant import START, code
from tests.support.sensor_plant import measured, prepare_sensor


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    """A sensor that failed a check, a masked reading, and the end of the mask."""
    made = Plant(storage_engine)
    await prepare_sensor(made)
    made.clock.time = START + timedelta(hours=1)
    await made.take(measured(1, 9999.0))
    await made.take(code(2), measured(3, 190.0))
    made.clock.time = START + timedelta(hours=26)
    await SuppressionEnd(storage_engine, made.clock, StoredVersions(made.catalogue)).return_due()
    return made


async def test_a_record_with_a_masked_sensor_verifies_here_and_elsewhere(plant: Plant, tmp_path: Path) -> None:
    assert (await verify(plant.engine)).findings == ()
    await export(plant.engine, tmp_path / "export")
    assert list(offline_verify.verify(tmp_path / "export")) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            (
                "UPDATE events SET anomaly = jsonb_set(anomaly::jsonb, '{reading,limits,high}', '99999')::json "
                "WHERE asset LIKE '%volt'"
            ),
            "the checks of its reading, made again, say something else",
        ),
        (
            "UPDATE suppressions SET from_at = from_at + interval '1 minute'",
            "masks a sensor of which no reading failed a check before",
        ),
    ],
)
async def test_an_altered_check_or_mask_is_named(plant: Plant, statement: str, found: str) -> None:
    await Hostile(plant.engine).run(statement)
    assert found in {finding.what for finding in (await verify(plant.engine)).findings}
