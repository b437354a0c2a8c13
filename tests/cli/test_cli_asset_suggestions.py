"""`assets suggest`: from the list of a CMMS to a table that a person imports."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from domain.anomaly import Fate
from tests.cli.conftest import Millwright, on_plant
from tests.contract.conftest import MaximoPlant
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, START, deviation
from tests.support.served_plant import served


@pytest.fixture
def maximo(played: Millwright, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MaximoPlant]:
    with served(partial(MaximoPlant, tmp_path / "maximo")) as plant:
        monkeypatch.setenv("MILLWRIGHT_CMMS__CONNECTOR", "maximo")
        monkeypatch.setenv("MILLWRIGHT_CMMS__URL", plant.url)
        monkeypatch.setenv("MILLWRIGHT_CMMS__API_KEY", plant.secrets[0])
        yield plant


def test_a_machine_without_a_name_gets_a_suggestion_that_maps_nothing_until_it_is_imported(
    played: Millwright, maximo: MaximoPlant, database_url: str, tmp_path: Path
) -> None:
    reason = "no machine was known by the device PDM-099 at that time"
    lost = deviation(6, external_id="lost").model_copy(
        update={"anomaly": None, "line": None, "fate": Fate.UNMAPPED, "field": "data.DeviceId", "reason": reason}
    )

    async def store(plant: Plant) -> None:
        await plant.inbox.store([lost], START)

    on_plant(database_url, store)
    table = tmp_path / "names.csv"
    told = played.json("assets", "suggest", "--write", str(table))
    assert told["unmapped_events"] == [{"reason": reason, "events": 1}]
    [machine] = told["suggestions"]["cmms"]
    assert (machine["asset"]["id"], machine["clear"]) == ("machine-001", True)
    assert machine["candidates"][0]["listed"]["external_id"] == "M001"
    assert machine["candidates"][0]["reasons"] == ["name 100 % similar"]
    assert table.read_text(encoding="utf-8-sig").splitlines()[1:] == ["machine-001,cmms,M001,siteid=BEDFORD,"]
    assert "cmms M001," not in played.says("assets", "list")
    played.says("assets", "import-crosswalk", str(table))
    assert played.says("assets", "suggest") == f"events that wait: 1 ({reason})\nThere are no suggestions for cmms.\n"
    mapped = played.says("assets", "map", PUMP, "cmms", "M001-COMP1")
    assert mapped == f"{PUMP} is M001-COMP1 in cmms from now on.\n"


def test_a_system_that_is_none_and_a_file_that_is_no_table_are_refused(
    played: Millwright, maximo: MaximoPlant, tmp_path: Path
) -> None:
    refused = played.refuses("assets", "suggest", "--system", "cmms:hamburg")
    assert refused == "--system: there is no CMMS 'cmms:hamburg' (one of cmms)"
    assert played.json("assets", "suggest", "--system", "cmms:maximo")["suggestions"].keys() == {"cmms"}
    refused = played.refuses("assets", "suggest", "--write", str(tmp_path / "names.xlsx"))
    assert refused.startswith("--write: names.xlsx is no table")
