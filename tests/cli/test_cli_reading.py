"""Commands that look: cases, events, assets, policies."""

from pathlib import Path

import pytest

from tests.cli.conftest import Millwright, names
from tests.support.plant import PUMP


def test_the_open_case_is_listed_and_shown(played: Millwright) -> None:
    (case,) = played.json("case", "list")
    assert (case["asset"], case["failure_mode"], case["rung"]) == (PUMP, "PDE", "work_order")
    listed, shown = played.says("case", "list"), played.says("case", "show", case["id"])
    assert case["id"] in listed
    assert "rotating-equipment 1.1.0" in shown
    assert played.json("case", "show", case["id"])["case"]["id"] == case["id"]


@pytest.mark.parametrize("only", [("--lane", "operations"), ("--state", "closed"), ("--asset", "machine-009")])
def test_cases_can_be_narrowed_down(played: Millwright, only: tuple[str, str]) -> None:
    assert played.json("case", "list", *only) == []
    assert played.says("case", "list", *only) == "No such cases.\n"


def test_a_case_that_is_not_there_is_one_sentence(played: Millwright) -> None:
    assert played.refuses("case", "show", "MWNOTHERE0") == "case: there is no case MWNOTHERE0 (see `case list`)"


def test_events_are_listed_by_fate_with_the_field_that_failed(played: Millwright) -> None:
    assert set(names(played.json("events", "list"), "fate")) == {"decided", "quarantined"}
    (event,) = played.json("events", "list", "--fate", "quarantined")
    assert (event["field"], event["reason"]) == ("data.score", "is text")
    assert "data.score: is text" in played.says("events", "list", "--fate", "quarantined")


def test_an_event_still_unreadable_stays_where_it_is_and_says_why(played: Millwright) -> None:
    (event,) = played.json("events", "list", "--fate", "quarantined")
    found = played("events", "redrive", str(event["id"]))
    assert found.exit_code == 1
    assert found.stdout.startswith(f"Event {event['id']} is quarantined:")


def test_an_event_that_was_decided_is_not_driven_again(played: Millwright) -> None:
    (first, *_) = played.json("events", "list", "--fate", "decided")
    assert played.refuses("events", "redrive", str(first["id"])).endswith(
        "(only quarantined and unmapped events are re-driven)"
    )


def test_assets_are_listed_with_their_names_elsewhere(played: Millwright) -> None:
    assets = {asset["id"]: asset for asset in played.json("assets", "list")}
    assert assets[PUMP]["names"] == {"cmms": "M001-COMP1", "twin": PUMP}
    assert names(played.json("assets", "list", "--level", "line"), "id") == ["LINE-1"]
    assert "device PDM-001" in played.says("assets", "list")


def test_an_asset_gets_a_name_in_another_system(played: Millwright) -> None:
    played.says("assets", "map", "machine-001", "cmms", "M-1", "--attribute", "siteid=BEDFORD")
    (machine,) = [asset for asset in played.json("assets", "list") if asset["id"] == "machine-001"]
    assert machine["names"]["cmms"] == "M-1"


def test_an_attribute_without_a_value_is_a_wrong_command_line(played: Millwright) -> None:
    found = played("assets", "map", "machine-001", "cmms", "M-1", "--attribute", "siteid")
    assert found.exit_code == 2


def test_an_asset_that_is_not_there_gets_no_name(played: Millwright) -> None:
    assert "there is no asset pump-7" in played.refuses("assets", "map", "pump-7", "cmms", "P-7")
    assert "there is no system 'cmsm'" in played("assets", "map", "machine-001", "cmsm", "M-1").output
    assert "in cmms:hamburg" in played.says("assets", "map", "machine-001", "cmms:hamburg", "M-1")


def test_stored_policies_are_shown_with_where_they_judge(played: Millwright) -> None:
    assert {version["version"]: version["roles"] for version in played.json("policy", "show")} == {
        "1.0.0": ["shadow"],
        "1.1.0": ["active"],
    }
    assert "policy: rotating-equipment" in played.says("policy", "show", "1.1.0")


def test_a_version_is_shown_as_one_asset_meets_it(played: Millwright) -> None:
    told = played.json("policy", "show", "1.1.0", "--asset", PUMP, "--at", "2026-01-31T12:00:00Z")
    assert (told["version"], told["asset"], told["covered"], told["waivers"]) == ("1.1.0", PUMP, True, [])
    assert {rule["standing"] for rule in told["rules"]} == {"holds"}
    assert "critical-confirmed" in played.says("policy", "show", "--asset", PUMP)
    assert "no asset is called pump-7" in played.refuses("policy", "show", "--asset", "pump-7")
    assert "no instant" in played.refuses("policy", "show", "--asset", PUMP, "--at", "noon")


def test_an_asset_is_told_whether_a_hold_on_its_machine_waits_for_a_person(
    played: Millwright, project_root: Path, tmp_path: Path
) -> None:
    shipped = (project_root / "policies/published/rotating-equipment/1.1.0.yaml").read_text("utf-8")
    draft = tmp_path / "draft.yaml"
    draft.write_text(f"{shipped}holds: {{ release_unattended: [machine-001] }}\n", "utf-8")
    told = "A hold on machine-001 is released"
    assert f"{told} only when a person of production says so." in played.says("policy", "show", "--asset", PUMP)
    shown = ("policy", "show", str(draft), "--asset", PUMP)
    assert f"{told} once its work is completed, without a person saying so." in played.says(*shown)
    assert (played.json(*shown)["machine"], played.json(*shown)["releases_unattended"]) == ("machine-001", True)


def test_a_version_that_is_not_stored_is_one_sentence(played: Millwright) -> None:
    assert played.refuses("policy", "show", "9.9.9") == ("version: no version 9.9.9 is stored (there are 1.0.0, 1.1.0)")


def test_a_published_policy_passes_its_check(nowhere: Millwright, project_root: Path) -> None:
    path = project_root / "policies/published/rotating-equipment/1.1.0.yaml"
    assert "can be published" in nowhere.says("policy", "check", str(path))
    assert nowhere.json("policy", "check", str(path))["publishable"] is True


def test_a_folder_of_policies_is_checked_with_notes_on_what_stands_against_nothing(
    nowhere: Millwright, project_root: Path
) -> None:
    folder = str(project_root / "policies/published")
    told = nowhere.says("policy", "check", folder, "--notes")
    assert told.count("can be published") == 3
    assert "note: " in told
    assert "for example: " in told
    found = nowhere.json("policy", "check", folder)
    assert [report["publishable"] for report in found] == [True, True, True]
    overlaps = [each for report in found for each in report["findings"] if each["kind"] == "overlap"]
    assert all(each["witness"]["events"] and not each["blocks"] for each in overlaps)


def test_a_machine_that_starts_again_without_a_person_is_warned_of_unasked(
    nowhere: Millwright, project_root: Path, tmp_path: Path
) -> None:
    shipped = project_root / "policies/published/rotating-equipment"
    (tmp_path / "1.1.0-cases.yaml").write_text((shipped / "1.1.0-cases.yaml").read_text("utf-8"), "utf-8")
    path = tmp_path / "1.1.0.yaml"
    text = (shipped / "1.1.0.yaml").read_text("utf-8")
    path.write_text(f"{text}holds:\n  release_unattended: [machine-007, machine-012]\n", "utf-8")
    line = len(text.splitlines()) + 2
    told = nowhere.says("policy", "check", str(path))
    assert told.startswith(
        f"warning: {path}:{line}:23: holds.release_unattended: machine-007, machine-012: a machine in"
    )
    assert "without a person saying that people are clear (leave a machine out, and its hold waits for a person" in told
    assert "can be published" in told
    found = nowhere.json("policy", "check", str(path))
    (warning,) = [each for each in found["findings"] if each["kind"] == "unattended"]
    assert (warning["blocks"], found["publishable"]) == (False, True)


def test_a_folder_without_policies_is_told_so(nowhere: Millwright, tmp_path: Path) -> None:
    found = nowhere("policy", "check", str(tmp_path))
    assert (found.exit_code, found.stdout) == (1, f"{tmp_path} holds no policy document.\n")


def test_the_schema_is_printed_as_it_is_published(nowhere: Millwright, project_root: Path) -> None:
    assert nowhere.says("policy", "schema") == (project_root / "docs/policy.schema.json").read_text("utf-8")


def test_a_policy_with_a_mistake_is_named_with_its_line(nowhere: Millwright, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("policy: Wrong Name\n")
    found = nowhere("policy", "check", str(path))
    assert found.exit_code == 1
    assert f"{path}:1:" in found.stdout


def test_why_tells_of_a_case_and_of_an_event_that_led_to_nothing(played: Millwright) -> None:
    (case,) = played.json("case", "list")
    assert PUMP in played.says("why", case["id"])
    assert played.json("why", case["id"])["kind"] == "case"
    (stuck,) = played.json("events", "list", "--fate", "quarantined")
    assert "data.score" in played.says("why", stuck["external_id"])


def test_why_of_something_unknown_is_one_sentence(played: Millwright) -> None:
    assert "nothing is known by 'MWNOTHERE0'" in played.refuses("why", "MWNOTHERE0")
