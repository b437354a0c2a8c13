"""`labels`: the training dataset from completed work."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import moment
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.labels.comparing import LabelComparison
    from millwright.labels.manifest import DatasetManifest

app = typer.Typer(no_args_is_help=True, help="Labels: training data from completed work.")

Dataset = Annotated[str, typer.Argument(help="A folder, or abfs://CONTAINER/FOLDER.")]


@app.command("export")
def export(
    context: typer.Context,
    destination: Annotated[
        str, typer.Argument(help="A folder, or abfs://CONTAINER/FOLDER; a dataset in it is continued.")
    ],
    as_of: Annotated[str | None, typer.Option("--as-of", help="Only what was known at this time (ISO 8601).")] = None,
) -> None:
    """Add to a training dataset the labels, and the spans without a finding, that the record has learnt since."""
    settings = settings_of(context)
    known_at = moment(as_of, "as-of")

    async def write() -> "DatasetManifest | None":
        from importlib.metadata import version

        from millwright.labels.exporting import export as add
        from millwright.labels.place import open_place
        from millwright.storage.reporting.labels import open_training_rows

        place = open_place(destination)
        async with opened(settings) as storage, open_training_rows(storage.engine) as record:
            return await add(place, record, known_at, storage.clock.now(), f"millwright {version('millwright')}")

    manifest = finish(write())
    if manifest is None:
        say(f"Nothing is new: {destination} already says all that was known.")
        return
    added = {
        name: sum(file.rows for file in table.files if file.manifest == manifest.number)
        for name, table in manifest.tables.items()
    }
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in added.items())
    say(f"Manifest {manifest.number} of {destination} adds {told}, up to ledger row {manifest.ledger.seq}.")


@app.command("verify")
def verify(dataset: Dataset, *, as_json: Json = False) -> None:
    """Read a dataset back and compare it with its manifests. Exit code 1 if something differs."""
    from millwright.labels.place import open_place
    from millwright.labels.verifying import verify as check

    found = check(open_place(dataset))
    if as_json:
        write_json(
            {
                "manifest": found.number,
                "findings": found.findings,
                "rows": found.rows,
                "in_force": found.in_force,
                "left_over": found.left_over,
            }
        )
    else:
        rows = [(name, count, found.in_force[name]) for name, count in found.rows.items()]
        write_table(("table", "rows", "of these count"), rows, "There is no table.")
        for sentence in found.findings:
            say(sentence)
        if found.left_over:
            say(f"{len(found.left_over)} files are in no manifest: an interrupted export left them.")
        say(f"Manifest {found.number}: {len(found.findings) or 'no'} findings.")
    if found.findings:
        raise typer.Exit(1)


@app.command("compare")
def compare(
    dataset: Dataset,
    before: Annotated[
        int | None, typer.Option("--from", help="The earlier manifest; the one before the later.")
    ] = None,
    after: Annotated[int | None, typer.Option("--to", help="The later manifest; the one in force.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Name the labels that changed from one manifest to another, and the counts by class that moved."""
    from millwright.labels.comparing import compare as look
    from millwright.labels.place import open_place

    found = look(open_place(dataset), before, after)
    if as_json:
        write_json(_plain(found))
        return
    changed = [
        (
            label.case,
            label.asset,
            label.failure_mode,
            f"{label.revisions[0]} -> {label.revisions[1]}",
            "; ".join(f"{name}: {_said(old)} -> {_said(new)}" for name, (old, new) in label.fields.items()),
        )
        for label in found.changed
    ]
    columns = ("case", "asset", "failure mode", "revision", "what changed")
    write_table(columns, changed, "No label changed.")
    moved = [(name, old, new, f"{new - old:+d}") for name, (old, new) in found.moved.items()]
    write_table(("class", f"manifest {found.before}", f"manifest {found.after}", "moved"), moved, "No count moved.")
    say(f"{found.new} cases have their first label since manifest {found.before}.")


def _plain(found: "LabelComparison") -> dict[str, object]:
    return {
        "from": found.before,
        "to": found.after,
        "new": found.new,
        "changed": [
            {
                "case": label.case,
                "asset": label.asset,
                "failure_mode": label.failure_mode,
                "revisions": label.revisions,
                "fields": label.fields,
            }
            for label in found.changed
        ],
        "counts": found.counts,
    }


def _said(value: object) -> str:
    return "-" if value is None else str(value)
