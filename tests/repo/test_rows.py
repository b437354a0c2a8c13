"""Rows that come from the database have types, and what is written by hand for speed stands in storage/database."""

import re
from pathlib import Path

import pytest

_STORAGE = Path(__file__).resolve().parents[2] / "millwright" / "storage"
_UNTYPED = re.compile(r"\bint\(str\(|\bstr\(row\b|\brow\[\d+\]")
_ALL_COLUMNS = re.compile(r"\bSELECT\s+(?:DISTINCT ON \([^)]*\)\s+)?(?:\w+\.)?\*(?!\s+FROM unnest)")
_BY_HAND = re.compile(r"\.pipeline\(|\.copy\(|^import struct\b|\bregister_dumper\(", re.MULTILINE)


@pytest.mark.parametrize("line", ["int(str(row[0]))", "str(row.name)", "seq = row[1]"])
def test_a_cast_of_a_row_is_known_as_one(line: str) -> None:
    assert _UNTYPED.search(line)


def test_no_row_is_read_by_its_place_or_by_a_cast() -> None:
    assert _found(_UNTYPED) == []


def test_pipelines_copy_and_binary_arrays_are_written_in_the_database_package_alone() -> None:
    found = _found(_BY_HAND)
    assert found != []
    assert {Path(name).parts[0] for name in found} == {"database"}


@pytest.mark.parametrize("words", ["SELECT * FROM cases", "SELECT c.*, d.at", "SELECT DISTINCT ON (a, b) *\n FROM x"])
def test_a_selection_of_all_columns_is_known_as_one(words: str) -> None:
    assert _ALL_COLUMNS.search(words)


def test_no_statement_selects_columns_that_it_does_not_name() -> None:
    assert _found(_ALL_COLUMNS) == []


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        path.relative_to(_STORAGE).as_posix()
        for path in sorted(_STORAGE.rglob("*.py"))
        if pattern.search(path.read_text(encoding="utf-8"))
    ]
