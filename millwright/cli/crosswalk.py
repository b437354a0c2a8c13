"""`assets import-crosswalk`: the names of many assets in other systems, from a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from domain.assets import name_words
from domain.clock import WallClock
from domain.errors import MillwrightError, Rejected
from millwright.cli.api_client import Api, api_of
from millwright.cli.credentials import ActorKey
from millwright.cli.output import Json, say, write_json

if TYPE_CHECKING:
    from domain.crosswalk import ChangedName, CrosswalkReport, RefusedName
    from millwright.asset_mapping.crosswalk_file import PlacedName, RefusedRow

_LARGEST_PART: Final = 700_000
"""Bytes of the names in one request, below what the API takes."""


def import_crosswalk(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A table (.csv), or JSON (.json).")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and store nothing.")] = False,
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Give many assets their names in other systems. The whole file is checked before anything is stored; exits 1 if
    a row is refused. The same file again changes nothing."""
    from millwright.asset_mapping.crosswalk_file import read_crosswalk

    found = read_crosswalk(file)
    refused, names = list(found.refused), in_order_of_time(found.names)
    contradicting = _contradicting(names)
    refused += [_refused(names, row) for row in contradicting.values()]
    reports: list[CrosswalkReport] = []
    with api_of(context, key) as api:
        for part in parts([name for row, name in enumerate(names) if row not in contradicting]):
            report = _sent(api, part, dry_run=True)
            reports.append(report)
            refused += [_refused(part, row) for row in report.refused]
        if not refused and not dry_run:
            reports = _stored(api, names)
    changed = [change for report in reports for change in report.changed]
    unchanged = sum(report.unchanged for report in reports)
    stored = not refused and not dry_run
    if json:
        told = [
            {"place": place, "field": error.field, "problem": error.problem, "fix": error.fix}
            for place, error in refused
        ]
        write_json({"changed": changed, "unchanged": unchanged, "refused": told, "stored": stored})
    else:
        for place, error in refused:
            say(f"{file.name}, {place}, {error}", err=True)
        for change in changed if dry_run or refused else ():
            say(_change_words(change))
        say(_summary(len(changed), unchanged, len(refused), stored=stored))
    if refused:
        raise typer.Exit(1)


def in_order_of_time(names: "Sequence[PlacedName]") -> "list[PlacedName]":
    """Names by the time since which they hold, in the order of the file where that is the same. A later name ends an
    earlier one, also if they go in different requests."""
    now = WallClock().now()
    return sorted(names, key=lambda placed: placed.name.valid_from or now)


def parts(names: "Sequence[PlacedName]") -> "Iterator[list[PlacedName]]":
    """The names in parts that the API takes in one request each."""
    from domain.crosswalk import MOST_NAMES

    part: list[PlacedName] = []
    size = 0
    for name in names:
        length = len(name.name.model_dump_json().encode())
        if part and (len(part) == MOST_NAMES or size + length > _LARGEST_PART):
            yield part
            part, size = [], 0
        part.append(name)
        size += length
    if part:
        yield part


def _contradicting(names: "Sequence[PlacedName]") -> "dict[int, RefusedName]":
    """The rows that contradict another one, by their places. The API sees each part alone, so it cannot tell."""
    from domain.crosswalk import contradictions

    found = contradictions([placed.name for placed in names], WallClock().now())
    by_row = {refusal.row: refusal for refusal in found}
    return {row: by_row[row] for row in sorted(by_row)}


def _refused(names: "Sequence[PlacedName]", row: "RefusedName") -> "RefusedRow":
    from millwright.asset_mapping.crosswalk_file import RefusedRow

    return RefusedRow(names[row.row].place, Rejected(row.problem, field=row.field, fix=row.fix))


def _stored(api: Api, names: "Sequence[PlacedName]") -> "list[CrosswalkReport]":
    """Stores the parts one after another.

    Raises:
        ActRejected: a part is refused, because the register has changed since the check.
    """
    reports: list[CrosswalkReport] = []
    stored = 0
    for part in parts(names):
        try:
            reports.append(_sent(api, part, dry_run=False))
        except MillwrightError:
            if stored:
                say(f"{stored} of {len(names)} rows are stored. Import the file again for the others.", err=True)
            raise
        stored += len(part)
    return reports


def _sent(api: Api, part: "Sequence[PlacedName]", *, dry_run: bool) -> "CrosswalkReport":
    from domain.crosswalk import CrosswalkReport

    asked = {"names": [placed.name for placed in part], "dry_run": dry_run}
    return api.act(("assets", "crosswalk"), CrosswalkReport, asked)


def _change_words(change: "ChangedName") -> str:
    since = "always" if change.valid_from.year == 1970 else f"{change.valid_from:%Y-%m-%dT%H:%M:%SZ}"
    name = name_words(change.external_id, change.attributes)
    words = f"{change.asset} is {name} in {change.system}, valid from: {since}"
    if change.was == change.asset:
        before = ", ".join(f"{name}={value}" for name, value in sorted(change.attributes_before.items()))
        words += f"; its attributes were: {before or 'none'}"
    elif change.was is not None:
        words += f"; until then it was the name of {change.was}"
    if change.replaces:
        words += f"; it replaces {', '.join(change.replaces)}"
    return f"{words}."


def _summary(changed: int, unchanged: int, refused: int, *, stored: bool) -> str:
    counts = f"{changed} new or changed, {unchanged} as they were"
    if refused:
        return f"{refused} refused, so nothing was stored: {counts}."
    return f"{counts}." if stored else f"Nothing was stored: {counts}."
