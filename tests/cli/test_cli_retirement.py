"""`assets import` and `assets retire`, and how a plant is shown from which a machine has left."""

from pathlib import Path

import orjson
import pytest

from millwright.cli.assets import import_sentences
from millwright.storage.events.register import ImportReport
from tests.cli.conftest import Millwright, names
from tests.support.plant import MOTOR, PUMP

MACHINE = "machine-001"
RETIRE = ("assets", "retire", MACHINE, "--reason", "scrapped")
ON = "was retired on 2015-01-20 12:00 UTC"


@pytest.fixture
def plant(played: Millwright, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Millwright:
    """The plant at a fixed time."""
    clock = tmp_path / "clock"
    clock.write_text("2015-01-20T12:00:00Z")
    monkeypatch.setenv("MILLWRIGHT_CLOCK", f"file:{clock}")
    return played


def imported(*missing: str, returned: tuple[str, ...] = ()) -> list[str]:
    report = ImportReport(assets=5, aliases=7, observables=4, changed=0, missing=missing, returned=returned)
    return import_sentences(report)[1:]


def test_an_import_says_which_assets_it_lacks_and_what_to_do() -> None:
    fix = "if they have left the plant, retire them with `assets retire`."
    assert imported() == []
    assert imported("a") == [f"1 asset is not in this import: a; {fix}"]
    assert imported("a", "b") == [f"2 assets are not in this import: a, b; {fix}"]
    assert imported(returned=("c",)) == ["1 retired asset is in the register again: c."]


def test_an_import_that_lacks_much_names_ten_and_the_number_of_the_others() -> None:
    (told,) = imported(*(f"m-{number:02}" for number in range(25)))
    assert told.startswith("25 assets are not in this import: m-00, m-01,")
    assert "m-09 and 15 more (`--json` lists all); if they" in told
    assert "m-10" not in told


def test_a_machine_is_retired_with_its_components_and_its_open_case_is_called_off(plant: Millwright) -> None:
    (case,) = names(plant.json("case", "list"), "id")
    said = plant.says(*RETIRE)
    assert said == (
        f"3 assets are retired since 2015-01-20 12:00 UTC: {MACHINE}, {PUMP}, {MOTOR}.\n"
        f"1 open case is called off: {case}; see `millwright case list`.\n"
    )
    assert names(plant.json("assets", "list"), "id") == ["BEDFORD", "LINE-1"]
    assert f"called off: {PUMP} {ON} by local: scrapped" in plant.says("case", "show", case)


def test_a_retirement_is_told_as_json(plant: Millwright) -> None:
    told = plant.json("assets", "retire", MOTOR, "--reason", "replaced")
    assert told == {"at": "2015-01-20T12:00:00Z", "assets": [MOTOR], "cases": []}


@pytest.mark.parametrize(
    ("asset", "reason", "sentence"),
    [
        ("pump-7", "scrapped", "asset: there is no asset pump-7 (see `millwright assets list`)"),
        (MACHINE, " ", "reason: is empty (say why)"),
    ],
)
def test_a_refused_retirement_is_one_sentence(plant: Millwright, asset: str, reason: str, sentence: str) -> None:
    assert plant.refuses("assets", "retire", asset, "--reason", reason) == sentence


def test_what_names_a_retired_asset_says_so(plant: Millwright) -> None:
    plant.says(*RETIRE)
    assert f"{MACHINE} {ON}" in plant.refuses(*RETIRE)
    assert f"{MACHINE} {ON}" in plant.refuses("assets", "map", MACHINE, "cmms", "M-1")
    assert f"{PUMP} {ON}" in plant.refuses("policy", "show", "--asset", PUMP)
    assert f"{PUMP} {ON}" in plant.refuses("shelve", PUMP, "--for", "PT1H", "--reason", "noise")


def test_a_retirement_needs_an_asset_and_a_reason(plant: Millwright) -> None:
    assert plant("assets", "retire", "--reason", "scrapped").exit_code == 2
    assert plant("assets", "retire", MACHINE).exit_code == 2


def test_every_list_still_shows_what_was_of_the_machine(plant: Millwright) -> None:
    (case,) = names(plant.json("case", "list"), "id")
    plant.says(*RETIRE)
    assert names(plant.json("case", "list", "--asset", MACHINE), "asset") == [PUMP]
    assert plant.json("case", "show", case)["case"]["asset"]["name"] == "Machine 1 component 1"
    assert len(plant.json("events", "list", "--asset", MACHINE)) == 4
    assert "Machine 1 component 1 of Machine 1" in plant.says("why", case)
    parts = {check["part"]: check["ok"] for check in orjson.loads(plant("doctor", "--json").stdout)}
    assert all(parts[part] for part in ("register", "policies", "ledger", "holds", "lanes", "orders"))
    assert plant("audit", "verify").exit_code == 0
