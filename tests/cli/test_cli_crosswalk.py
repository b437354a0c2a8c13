"""`assets import-crosswalk`, and what it says of a file."""

from pathlib import Path

import pytest

from domain.crosswalk import MOST_NAMES, NewName
from millwright.asset_mapping.crosswalk_file import PlacedName
from millwright.cli.crosswalk import parts
from tests.cli.conftest import Millwright
from tests.support.plant import MOTOR, PUMP


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "names.csv"


def test_a_file_is_tried_then_stored_and_the_second_time_changes_nothing(played: Millwright, file: Path) -> None:
    file.write_text(f"asset;system;external_id;attributes\n{PUMP};cmms;P-7;siteid=BEDFORD\n{MOTOR};cmms;M-7;\n")
    tried = played.says("assets", "import-crosswalk", str(file), "--dry-run")
    assert tried == (
        f"{PUMP} is P-7, siteid=BEDFORD in cmms, valid from: always; it replaces M001-COMP1.\n"
        f"{MOTOR} is M-7 in cmms, valid from: always; it replaces M001-COMP2.\n"
        "Nothing was stored: 2 new or changed, 0 as they were.\n"
    )
    assert played.says("assets", "import-crosswalk", str(file)) == "2 new or changed, 0 as they were.\n"
    again = played.json("assets", "import-crosswalk", str(file))
    assert again == {"changed": [], "unchanged": 2, "refused": [], "stored": True}
    listed = played.json("assets", "list")
    assert {asset["names"].get("cmms") for asset in listed} == {None, "P-7", "M-7"}


def test_every_row_that_is_refused_is_named_by_its_line_and_nothing_is_stored(played: Millwright, file: Path) -> None:
    file.write_text(
        "asset,system,external_id,attributes,valid_from\n"
        f"{PUMP},cmms,P-7,,31.01.2026\n{MOTOR},cmms,M-7,,\n\npump-9,cmms,P-9,,\n"
    )
    refused = played("assets", "import-crosswalk", str(file))
    assert refused.exit_code == 1
    assert refused.stderr.splitlines() == [
        (
            "names.csv, line 2, valid_from: '31.01.2026' is no time with a time zone; a spreadsheet may have "
            "rewritten it (write it as 2026-01-31T12:00:00Z, in a column that is formatted as text)"
        ),
        "names.csv, line 5, asset: there is no asset pump-9 (import the register first)",
    ]
    assert refused.stdout.endswith("2 refused, so nothing was stored: 1 new or changed, 0 as they were.\n")
    assert "M-7" not in played.says("assets", "list")


def test_rows_of_two_parts_that_contradict_each_other_are_refused_and_nothing_is_stored(
    played: Millwright, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.crosswalk.MOST_NAMES", 2)
    file.write_text(
        "asset,system,external_id\n"
        f"{PUMP},cmms,P-7\n{MOTOR},device,M-7\n{PUMP},cmms,P-8\n{MOTOR},device,M-8\n{PUMP},device,M-7\n"
    )
    refused = played("assets", "import-crosswalk", str(file))
    assert refused.exit_code == 1, refused.output
    two_names = f"{PUMP} is given more than one name in cmms from the same time: P-7, P-8"
    two_owners = f"M-7 in device is given more than once from the same time, to {' and '.join(sorted((MOTOR, PUMP)))}"
    assert refused.stderr.splitlines() == [
        f"names.csv, line {line}, external_id: {problem} (keep one of these rows)"
        for line, problem in ((2, two_names), (3, two_owners), (4, two_names), (6, two_owners))
    ]
    assert refused.stdout.endswith("4 refused, so nothing was stored: 1 new or changed, 0 as they were.\n")
    assert "M-8" not in played.says("assets", "list")


def test_a_later_name_ends_an_earlier_one_that_stands_below_it_and_goes_in_another_request(
    played: Millwright, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.crosswalk.MOST_NAMES", 1)
    times = [f"2016-0{month}-01T00:00:00Z" for month in (3, 1, 2)]
    rows = [f"{PUMP},cmms,P-{place},{time}" for place, time in enumerate(times)]
    file.write_text("\n".join(["asset,system,external_id,valid_from", *rows]))
    assert played.says("assets", "import-crosswalk", str(file)) == "3 new or changed, 0 as they were.\n"
    assert {asset["names"].get("cmms") for asset in played.json("assets", "list")} >= {"P-0"}


def test_a_large_file_is_sent_in_parts_that_the_api_takes() -> None:
    short = NewName(asset="a", system="cmms", external_id="1")
    long = short.model_copy(update={"external_id": "9" * 400})
    names = [PlacedName("line 2", each) for each in [short] * (MOST_NAMES + 1) + [long] * 3000]
    found = list(parts(names))
    assert [name for part in found for name in part] == names
    assert max(len(part) for part in found) == MOST_NAMES
    assert max(sum(len(each.name.model_dump_json()) for each in part) for part in found) <= 700_000
