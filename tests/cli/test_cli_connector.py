"""`connector` as somebody meets it who has a CMMS and nothing else of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from domain.keys import case_id
from domain.work_orders import WorkOrderStatus
from millwright.cli import app
from millwright.cli.connector import withdraw_command
from millwright.connector_trial.behaviours import BEHAVIOURS, NEEDS_PEOPLE
from tests.contract.atlas_plant import EMAIL, PASSWORD, AtlasPlant
from tests.contract.conftest import MaximoPlant
from tests.contract.sap_pm_plant import USER, SapPmPlant
from tests.support.served_plant import served

KEY = case_id("machine-1", "drive", "test", "1")
FINISHED = {status.value for status in WorkOrderStatus if status.finished}


def connector(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["connector", *arguments])


def told(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return orjson.loads(result.stdout)


@pytest.fixture
def atlas(monkeypatch: pytest.MonkeyPatch) -> Iterator[AtlasPlant]:
    """A served Atlas, whose credentials are in the environment."""
    with served(AtlasPlant) as plant:
        monkeypatch.setenv("MILLWRIGHT_ATLAS_URL", plant.server.url)
        monkeypatch.setenv("MILLWRIGHT_ATLAS_EMAIL", EMAIL)
        monkeypatch.setenv("MILLWRIGHT_ATLAS_PASSWORD", PASSWORD)
        monkeypatch.setenv("MILLWRIGHT_ATLAS_REQUESTS_A_MINUTE", "100000")
        yield plant


def test_a_check_says_who_answers_and_what_it_can_do(atlas: AtlasPlant) -> None:
    said = connector("check", "atlas").stdout
    assert said.startswith("Atlas CMMS at 127.0.0.1 answers")
    assert "An order waits for approval as a request" in said
    assert PASSWORD not in said
    answer = told(connector("check", "atlas", "--json"))
    assert answer["capabilities"]["idempotency"] == "look_up"


def test_a_trial_needs_an_address_and_credentials_and_leaves_nothing_open(atlas: AtlasPlant) -> None:
    result = connector("try", "atlas", "--json")
    report = told(result)
    assert (report["failed"], report["left_over"]) == (0, [])
    assert report["passed"] == len(BEHAVIOURS) - 1
    assert report["needs_a_person"] == len(NEEDS_PEOPLE)
    lost = next(each for each in report["behaviours"] if each["behaviour"] == "creating_answer_lost")
    assert [call["kind"] for call in lost["told"]] == ["unavailable"]
    assert "the connection was cut before an answer came" in lost["told"][0]["sentence"]
    assert "Orders are made for the asset M001-COMP1" in result.stderr
    assert PASSWORD not in result.output
    keys = [record.title.rpartition("[")[2].rstrip("]") for record in atlas.records()]
    assert len(keys) > len(BEHAVIOURS) / 2
    states = {told(connector("drive", "atlas", "find", "--key", key, "--json"))["orders"][0]["status"] for key in keys}
    assert states <= FINISHED


def test_a_check_names_a_status_that_the_site_calls_otherwise_and_exits_4(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MILLWRIGHT_MAXIMO_API_KEY", MaximoPlant.secrets[0])
    monkeypatch.setenv("MILLWRIGHT_MAXIMO_APPROVED_STATUS", "FREI")
    with served(lambda: MaximoPlant(tmp_path)) as plant:
        at = ("maximo", "--url", plant.url)
        assert told(connector("check", *at, "--json"))["differences"] == []
        asset = ("--asset", "M001-COMP1", "--attribute", "siteid=BEDFORD")
        told(connector("drive", *at[:1], "create", *at[1:], "--key", KEY, *asset, "--json"))
        differs = connector("check", *at)
    assert differs.exit_code == 4
    words = "the setting approved_status names 'FREI', which Maximo does not offer; its names for APPR are: APPR\n"
    assert differs.stderr == words


def test_a_preview_shows_every_field_that_would_be_sent_and_creates_nothing(atlas: AtlasPlant) -> None:
    arguments = ("preview", "atlas", "--summary", "Pump 3 vibrates", "--priority", "1", "--due-in", "PT8H")
    said = connector(*arguments).stdout
    assert said.startswith("request, status PENDING:\n")
    assert "Pump 3 vibrates [MW" in said
    (record,) = told(connector(*arguments, "--rung", "work_order", "--json"))["records"]
    fields = {field["field"]: (field["meaning"], field["value"]) for field in record["fields"]}
    assert (record["kind"], record["status"], fields["priority"]) == ("work order", "OPEN", ("priority", "HIGH"))
    assert fields["dueDate"][0] == "due"
    assert atlas.records() == []
    refused = told(connector("preview", "atlas", "--asset", "EQ-0", "--json"), 4)
    assert refused["error"]["kind"] == "action_required"


def test_a_trial_finds_an_asset_by_another_field_where_none_has_the_usual_one(atlas: AtlasPlant) -> None:
    for asset in atlas.assets.values():
        asset.barcode = ""
    created = connector("drive", "atlas", "create", "--key", KEY, "--json")
    assert told(created)["order"]["ref"]["key"] == KEY


@pytest.mark.parametrize(
    ("plant", "connector_id", "settings", "arguments"),
    [
        (
            MaximoPlant,
            "maximo",
            {"API_KEY": "maximo-secret-key", "TIME_ZONE": "Etc/GMT+5"},
            ("--asset", "M001-COMP1", "--attribute", "siteid=BEDFORD"),
        ),
        (
            SapPmPlant,
            "sap_pm",
            {"USER": USER, "PASSWORD": SapPmPlant.secrets[0], "SAP_CLIENT": "100", "PLANNING_PLANT": "1010"},
            ("--asset", "M001-COMP1"),
        ),
    ],
    ids=["maximo", "sap_pm"],
)
def test_every_connector_is_tried_by_the_same_command(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    plant: Any,
    connector_id: str,
    settings: dict[str, str],
    arguments: Sequence[str],
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"MILLWRIGHT_{connector_id.upper()}_{name}", value)
    with served(lambda: plant(tmp_path)) as running:
        report = told(connector("try", connector_id, "--url", running.url, *arguments, "--json"))
    assert (report["failed"], report["left_over"]) == (0, [])
    assert report["passed"] >= len(BEHAVIOURS) - 2


def test_a_trial_without_an_asset_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MILLWRIGHT_SAP_PM_USER", USER)
    monkeypatch.setenv("MILLWRIGHT_SAP_PM_PASSWORD", SapPmPlant.secrets[0])
    monkeypatch.setenv("MILLWRIGHT_SAP_PM_PLANNING_PLANT", "1010")
    with served(SapPmPlant) as running:
        result = connector("try", "sap_pm", "--url", running.url)
    assert result.exit_code == 1
    assert "--asset" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("ending", "started"),
    [
        (signal.SIGINT, ()),
        (signal.SIGTERM, ()),
        # A shell that runs a command in the background lets it ignore SIGINT.
        (signal.SIGTERM, ("sh", "-c", 'trap "" INT; exec "$@"', "sh")),
    ],
    ids=["SIGINT", "SIGTERM", "SIGTERM-in-the-background"],
)
def test_a_trial_that_is_interrupted_withdraws_its_orders(
    atlas: AtlasPlant, project_root: Path, ending: signal.Signals, started: Sequence[str]
) -> None:
    command = [*started, sys.executable, "-m", "millwright", "connector", "try", "atlas", "--json"]
    environment = os.environ | {"PYTHONPATH": str(project_root)}
    with subprocess.Popen(
        command, cwd=project_root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as trial:
        assert trial.stderr is not None
        for line in trial.stderr:
            if "creating_twice_makes_one_order" in line:
                break
        trial.send_signal(ending)
        said, told_last = trial.communicate(timeout=60)
    assert (trial.returncode, said) == (130, "")
    assert "Traceback" not in told_last
    assert "Left open" not in told_last
    keys = [record.title.rpartition("[")[2].rstrip("]") for record in atlas.records()]
    assert keys
    states = {told(connector("drive", "atlas", "find", "--key", key, "--json"))["orders"][0]["status"] for key in keys}
    assert states <= FINISHED


def test_an_order_is_driven_through_its_life(atlas: AtlasPlant) -> None:
    def drive(call: str, *more: str) -> Any:
        return told(connector("drive", "atlas", call, "--key", KEY, "--json", *more))

    assert drive("find")["orders"] == []
    made = drive("create", "--asset", "M001-COMP1", "--summary", "It <drips> & hisses", "--priority", "2")["order"]
    assert (made["status"], made["priority"], made["asset_external_id"]) == ("waiting_approval", 2, "M001-COMP1")
    assert drive("create", "--asset", "M001-COMP1")["order"] == made
    assert drive("find")["orders"] == [made]
    assert drive("follow")["order"] == made
    assert (drive("finding")["report"], drive("finding")["outcome"]) == (None, None)
    withdrawn = drive("withdraw")
    assert (withdrawn["withdrawn"], [order["ref"] for order in withdrawn["orders"]]) == (True, [made["ref"]])
    assert drive("follow")["order"]["status"] == "cancelled"


def test_of_two_orders_with_one_key_both_are_withdrawn_and_none_is_followed(atlas: AtlasPlant) -> None:
    other = case_id("machine-1", "drive", "test", "2")
    orders = [told(connector("drive", "atlas", "create", "--key", key, "--json"))["order"] for key in (KEY, other)]
    first, second = atlas.records()
    # Our user made it twice, so nobody has touched it.
    second.content = dict(first.content)
    error = told(connector("drive", "atlas", "follow", "--key", KEY, "--json"), 4)["error"]
    assert error["kind"] == "action_required"
    assert [order["ref"]["id"] in error["sentence"] for order in orders] == [True, True]
    atlas.misbehave("cancel", "status_500")
    assert told(connector("drive", "atlas", "withdraw", "--key", KEY, "--json"), 3)["error"]["kind"] == "unavailable"
    assert sorted(record.cancelled for record in atlas.records()) == [False, True]
    said = connector("drive", "atlas", "withdraw", "--key", KEY).stdout
    assert [line.partition(":")[2].split()[0] for line in said.splitlines()] == ["cancelled", "cancelled"]


def test_the_finding_of_completed_work_comes_with_its_class(atlas: AtlasPlant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "MILLWRIGHT_ATLAS_FINDING_FIELDS", '{"problem": "Problem", "cause": "Cause", "remedy": "Remedy"}'
    )
    connector("drive", "atlas", "create", "--key", KEY, "--released")
    (record,) = atlas.records()
    atlas.server.change_status(record, "COMPLETE", "Seal replaced.")
    answer = told(connector("drive", "atlas", "finding", "--key", KEY, "--json"))
    assert answer["status"] == "completed"
    assert answer["report"]["notes"] == ["Seal replaced."]
    assert answer["outcome"] == "unknown"


@pytest.mark.parametrize(
    ("url", "end"),
    [
        (None, f"--key {KEY}"),
        ("https://a.example/api", f"--key {KEY} --url https://a.example/api"),
        ("https://a.example/?a=1&b=2", f"--key {KEY} --url 'https://a.example/?a=1&b=2'"),
    ],
)
def test_the_command_that_withdraws_what_is_left_has_the_address_that_was_given(url: str | None, end: str) -> None:
    assert withdraw_command("atlas", KEY, url) == f"millwright connector drive atlas withdraw {end}"


@pytest.mark.parametrize("name", ["class", "import", "pass", "Acme", "2nd", "atlas", "odoo_mrp"])
def test_no_connector_is_begun_under_a_name_that_cannot_be_its_own(tmp_path: Path, name: str) -> None:
    result = connector("new", name, "--to", str(tmp_path))
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "ID: " in result.stderr


@pytest.mark.parametrize("name", ["acme", "acme_cloud", "match", "type", "none", "cmms2"])
def test_the_files_of_a_new_connector_can_be_read_by_python(tmp_path: Path, name: str) -> None:
    assert connector("new", name, "--to", str(tmp_path)).exit_code == 0
    for file in (tmp_path / name).glob("*.py"):
        compile(file.read_text(encoding="utf-8"), file.name, "exec")


def test_each_way_to_fail_has_its_exit_code(atlas: AtlasPlant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(code: int, *arguments: str) -> Any:
        error = told(connector(*arguments, "--json"), code)["error"]
        return error["kind"], error["field"]

    assert fails(6, "drive", "atlas", "follow", "--key", KEY) == ("no_order", None)
    assert fails(4, "drive", "atlas", "create", "--key", KEY, "--asset", "NOSUCH") == ("action_required", "barCode")
    assert fails(1, "drive", "atlas", "find", "--key", "K1") == ("rejected", "--key")
    assert fails(1, "drive", "nosuch", "find", "--key", KEY) == ("rejected", "ID")
    assert fails(3, "check", "atlas", "--url", "http://127.0.0.1:1") == ("unavailable", None)
    monkeypatch.setenv("MILLWRIGHT_ATLAS_PASSWORD", "wrong")
    assert fails(4, "check", "atlas")[0] == "action_required"
    assert fails(4, "try", "atlas")[0] == "action_required"
    monkeypatch.setenv("MILLWRIGHT_ATLAS_PASSWORD", PASSWORD)
    assert fails(4, "try", "atlas", "--asset", "NOSUCH") == ("action_required", "barCode")
    monkeypatch.delenv("MILLWRIGHT_ATLAS_PASSWORD")
    assert fails(1, "check", "atlas") == ("rejected", "MILLWRIGHT_ATLAS_PASSWORD")
    monkeypatch.setenv("MILLWRIGHT_ATLAS_PASSWORT", "wrong")
    sentence = connector("check", "atlas").stderr
    assert "MILLWRIGHT_ATLAS_PASSWORD: is not set; MILLWRIGHT_ATLAS_PASSWORT is no setting of atlas" in sentence


def test_a_secret_may_be_in_a_file(atlas: AtlasPlant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    monkeypatch.setenv("MILLWRIGHT_ATLAS_PASSWORD_FILE", str(tmp_path / "password"))
    assert "is set, and so is MILLWRIGHT_ATLAS_PASSWORD_FILE" in connector("check", "atlas").stderr
    monkeypatch.delenv("MILLWRIGHT_ATLAS_PASSWORD")
    assert connector("check", "atlas").exit_code == 0
    monkeypatch.setenv("MILLWRIGHT_ATLAS_PASSWORD_FILE", str(tmp_path / "nothing"))
    assert "MILLWRIGHT_ATLAS_PASSWORD_FILE: " in connector("check", "atlas").stderr
