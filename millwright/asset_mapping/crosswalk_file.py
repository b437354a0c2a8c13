"""Reads a file of the crosswalk: the names of assets in other systems, as a table or as JSON."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError

from domain.crosswalk import NewName
from domain.errors import Rejected

COLUMNS: Final = ("asset", "system", "external_id", "attributes", "valid_from")
_REQUIRED: Final = COLUMNS[:3]
_DELIMITERS: Final = ",;\t"
_AS_A_NUMBER: Final = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+")
"""How a spreadsheet shows a long number, with most of its digits gone."""
_SAVE_FIX: Final = "save it as `CSV UTF-8`"


class PlacedName(NamedTuple):
    """A name, and where it stands in the file, such as `line 4`."""

    place: str
    name: NewName


class RefusedRow(NamedTuple):
    """A row that is refused, and where it stands in the file."""

    place: str
    error: Rejected


class CrosswalkContent(NamedTuple):
    """What is in a file of the crosswalk.

    Attributes:
        names: those that can be read.
        refused: the other rows.
    """

    names: list[PlacedName]
    refused: list[RefusedRow]


def read_crosswalk(file: Path) -> CrosswalkContent:
    """Reads a file by its ending.

    `.csv` is a table as spreadsheets write it: UTF-8 with or without a byte order mark, with commas, semicolons or
    tabs, and empty lines. The columns are `asset`, `system`, `external_id`, and where they are needed `attributes`
    (`siteid=BEDFORD;orgid=EAGLENA`) and `valid_from` (ISO 8601 with a time zone). `.json` is a list of objects with
    these fields, in which `attributes` is an object.

    Raises:
        Rejected: the file cannot be read at all.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Rejected(f"{file} cannot be read: {error}", field="file") from error
    except UnicodeDecodeError as error:
        raise Rejected(f"{file.name} is not in UTF-8", field="file", fix=_SAVE_FIX) from error
    match file.suffix.lower():
        case ".csv":
            rows = _of_table(text, file.name)
        case ".json":
            rows = _of_json(text, file.name)
        case _:
            raise Rejected(f"{file.name} is neither a table nor JSON", field="file", fix="give a .csv or a .json")
    found = CrosswalkContent([], [])
    for place, row in rows:
        read = row if isinstance(row, Rejected) else _name(row)
        if isinstance(read, Rejected):
            found.refused.append(RefusedRow(place, read))
        else:
            found.names.append(PlacedName(place, read))
    return found


def write_crosswalk(names: Sequence[NewName]) -> str:
    """The text of a table that `read_crosswalk` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name in names:
        attributes = ";".join(f"{key}={value}" for key, value in sorted(name.attributes.items()))
        since = "" if name.valid_from is None else name.valid_from.isoformat()
        writer.writerow((name.asset, name.system, name.external_id, attributes, since))
    return text.getvalue()


_Row = Mapping[str, object]


def _of_table(text: str, file: str) -> Iterator[tuple[str, _Row | Rejected]]:
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        columns = [cell.strip().lower() for cell in next(rows, [])]
        _check_columns([column for column in columns if column], file)
        for cells in rows:
            place = f"line {rows.line_num}"
            values = [cell.strip() for cell in cells]
            if any(values):
                yield place, _of_line(columns, values)
    except csv.Error as error:
        problem = f"{file} cannot be read on in line {rows.line_num} ({error})"
        raise Rejected(problem, field="file", fix="correct the quotes there, or export it again") from error


def _check_columns(columns: Sequence[str], file: str) -> None:
    fix = f"the first line has {', '.join(_REQUIRED)}, and where they are needed attributes and valid_from"
    missing = [column for column in _REQUIRED if column not in columns]
    if missing:
        raise Rejected(f"{file} has no column {', '.join(missing)}", field="file", fix=fix)
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown:
        raise Rejected(f"{file} has columns that are unknown: {', '.join(unknown)}", field="file", fix=fix)
    if len(set(columns)) < len(columns):
        raise Rejected(f"{file} has a column twice", field="file", fix=fix)


def _of_line(columns: Sequence[str], values: Sequence[str]) -> _Row | Rejected:
    if any(values[len(columns) :]):
        fix = "put a value with a comma or a semicolon in quotes"
        return Rejected("has more values than there are columns", field="row", fix=fix)
    row: dict[str, object] = {column: value for column, value in zip(columns, values, strict=False) if column and value}
    for column in ("asset", "external_id"):
        if _AS_A_NUMBER.fullmatch(str(row.get(column, ""))):
            problem = f"{row[column]!r} is a number that a spreadsheet has shortened"
            return Rejected(problem, field=column, fix="format the column as text, and enter the whole name again")
    written = str(row.pop("attributes", ""))
    attributes = [pair.partition("=") for pair in written.split(";") if pair.strip()]
    if any(not name.strip() or not sign for name, sign, _ in attributes):
        problem = f"{written!r} is not a list of NAME=VALUE"
        return Rejected(problem, field="attributes", fix="write it as siteid=BEDFORD;orgid=EAGLENA")
    return row | {"attributes": {name.strip(): value.strip() for name, _, value in attributes}}


def _of_json(text: str, file: str) -> Iterator[tuple[str, _Row | Rejected]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"{file} is not JSON: {error}", field="file", fix="give a list of objects") from error
    if not isinstance(rows, list):
        raise Rejected(f"{file} is not a list", field="file", fix="give a list of objects, one for each name")
    for number, row in enumerate(rows, 1):
        place = f"entry {number}"
        if isinstance(row, dict):
            yield place, row
        else:
            yield place, Rejected("is not an object", field="row", fix="write it as {...}")


def _name(row: _Row) -> NewName | Rejected:
    since = row.get("valid_from")
    if since is not None and not _is_time(since):
        problem = f"{since!r} is no time with a time zone; a spreadsheet may have rewritten it"
        fix = "write it as 2026-01-31T12:00:00Z, in a column that is formatted as text"
        return Rejected(problem, field="valid_from", fix=fix)
    missing = next((column for column in _REQUIRED if not row.get(column)), None)
    if missing is not None:
        return Rejected("is empty", field=missing, fix="give it, or delete the row")
    odd = next((column for column in _REQUIRED if not str(row[column]).isprintable()), None)
    if odd is not None:
        return Rejected(f"{row[odd]!r} has a character that cannot be seen", field=odd, fix="remove it")
    try:
        return NewName.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "row"
        return Rejected(first["msg"].removeprefix("Value error, "), field=field, fix="correct it")


def _is_time(written: object) -> bool:
    try:
        return datetime.fromisoformat(str(written)).tzinfo is not None
    except ValueError:
        return False
