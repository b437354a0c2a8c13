"""A file of the crosswalk: what spreadsheets make of it is read, and what they spoil is refused in a sentence."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.crosswalk import NewName
from domain.errors import Rejected
from millwright.asset_mapping.crosswalk_file import CrosswalkContent, read_crosswalk, write_crosswalk

HEADER = "asset,system,external_id,attributes,valid_from\n"
PUMP = NewName(asset="pump-7", system="cmms", external_id="11430", attributes={"siteid": "BEDFORD"})
DATED = PUMP.model_copy(update={"valid_from": datetime(2026, 1, 31, 12, tzinfo=UTC)})


def read(folder: Path, content: str | bytes, name: str = "names.csv") -> CrosswalkContent:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_crosswalk(file)


def names(found: CrosswalkContent) -> Sequence[NewName]:
    assert found.refused == []
    return [placed.name for placed in found.names]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "pump-7,cmms,11430,siteid=BEDFORD,\n",
        "\ufeff" + HEADER + "pump-7,cmms,11430,siteid=BEDFORD,\r\n,,,,\r\n\r\n",
        'asset;system;external_id;attributes\n"pump-7";cmms;11430;"siteid=BEDFORD"\n',
        "external_id\tAttributes\tSYSTEM\tasset\n 11430 \tsiteid=BEDFORD\tcmms\tpump-7",
        HEADER + '"pump-7", cmms , "11430","siteid = BEDFORD; ",""\n',
    ],
)
def test_a_table_is_read_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    assert names(read(tmp_path, text)) == [PUMP]


def test_a_time_with_a_zone_and_several_attributes_are_read(tmp_path: Path) -> None:
    text = HEADER + 'pump-7,cmms:hamburg,P-7,"siteid=BEDFORD;orgid=EAGLENA",2026-01-31T13:00:00+01:00\n'
    attributes = {"siteid": "BEDFORD", "orgid": "EAGLENA"}
    told = {"system": "cmms:hamburg", "external_id": "P-7", "attributes": attributes}
    assert names(read(tmp_path, text)) == [DATED.model_copy(update=told)]


def test_json_is_a_list_of_objects(tmp_path: Path) -> None:
    text = (
        '[{"asset": "pump-7", "system": "cmms", "external_id": "11430", "attributes": {"siteid": "BEDFORD"}, '
        '"valid_from": "2026-01-31T12:00:00Z"}]'
    )
    assert names(read(tmp_path, text, "names.json")) == [DATED]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    whole = [PUMP, DATED.model_copy(update={"external_id": 'a "b", c;d'})]
    assert names(read(tmp_path, write_crosswalk(whole))) == whole


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ("pump-7,cmms,1.2E+10,,", "external_id", "'1.2E+10' is a number that a spreadsheet has shortened"),
        ("1E10,cmms,P-7,,", "asset", "'1E10' is a number that a spreadsheet has shortened"),
        ("pump-7,cmms,P-7,,31.01.2026 12:00", "valid_from", "'31.01.2026 12:00' is no time with a time zone"),
        ("pump-7,cmms,P-7,,2026-01-31", "valid_from", "'2026-01-31' is no time with a time zone"),
        ("pump-7,cmsm,P-7,,", "system", "there is no system 'cmsm'; there are: cmms, mes, twin, device"),
        ("pump-7,cmms,,,", "external_id", "is empty"),
        ("pump-7,cmms,P-7,BEDFORD,", "attributes", "'BEDFORD' is not a list of NAME=VALUE"),
        ("pump-7,cmms,P-7,,,BEDFORD", "row", "has more values than there are columns"),
        ('pump-7,cmms,"P-7\nP-8",,', "external_id", "'P-7\\nP-8' has a character that cannot be seen"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line_and_column_beside_those_that_can(
    tmp_path: Path, row: str, field: str, words: str
) -> None:
    found = read(tmp_path, f"{HEADER}{row}\npump-7,cmms,11430,siteid=BEDFORD,\n")
    assert [placed.name for placed in found.names] == [PUMP]
    [(place, error)] = found.refused
    assert (place, error.field) == (f"line {2 + row.count(chr(10))}", field)
    assert error.problem.startswith(words)
    assert error.fix


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("names.csv", "asset,system\n", "names.csv has no column external_id"),
        ("names.csv", "asset,system,external_id,external id\n", "names.csv has columns that are unknown: external id"),
        ("names.csv", "asset,system,external_id,asset\n", "names.csv has a column twice"),
        ("names.csv", "", "names.csv has no column asset, system, external_id"),
        ("names.csv", "asset,system,external_id\nPumpe-Süd,cmms,1".encode("latin-1"), "names.csv is not in UTF-8"),
        ("names.csv", HEADER + 'a,cmms,"b"c,\n', "names.csv cannot be read on in line 2"),
        ("names.json", "{}", "names.json is not a list"),
        ("names.json", "[", "names.json is not JSON"),
        ("names.xlsx", "", "names.xlsx is neither a table nor JSON"),
    ],
)
def test_a_file_that_is_no_crosswalk_is_refused(tmp_path: Path, name: str, content: str | bytes, words: str) -> None:
    with pytest.raises(Rejected) as refused:
        read(tmp_path, content, name)
    assert refused.value.problem.startswith(words)
