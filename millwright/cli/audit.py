"""`audit`: verify the record, and export it for verification on another machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Rejected
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, say, say_again, write_json

if TYPE_CHECKING:
    from millwright.audit.exporting import Exported
    from millwright.audit.head import Published
    from millwright.audit.report import Report
    from millwright.settings import Settings
    from millwright.storage.ledger.ledger import Head

app = typer.Typer(no_args_is_help=True, help="The audit: verify the record, and reproduce every decision.")

LAST = "last"
"""For `--head`: the head that was published last under the home."""


@app.command()
def verify(
    context: typer.Context,
    head: Annotated[
        str | None,
        typer.Option(help=f"A head published earlier, SEQ:HASH, or `{LAST}` for the one in HOME/ledger-head.log."),
    ] = None,
    json: Json = False,
) -> None:
    """Check the chain and judge every stored verdict again; exits 1 and names the rows where anything differs. Works
    directly on the database."""
    settings = settings_of(context)
    published = _published(settings)
    head = head if head != LAST else _last(settings, published)
    # The head that this installation published itself is always held against the chain.
    against = head if head is not None or published is None else _text(published)
    report = finish(_verify(settings, against))
    if json:
        write_json({**report.model_dump(mode="json"), "verified": report.verified})
    else:
        for finding in report.findings:
            say(f"{finding.kind} at {finding.where}: {finding.what}")
        if report.found > len(report.findings):
            say(f"… and {report.found - len(report.findings)} more")
        say(
            f"{report.rows} ledger rows, {report.acts} acts, {report.verdicts.reproduced} of {report.verdicts.stored} "
            f"verdicts reproduced under {report.versions} policy versions; head {report.head}."
        )
        timed = report.timings
        say(
            f"{timed.reproduced} of {timed.decided} times for work decided again; {timed.undated} are of earlier "
            "builds, which did not record what they were decided from."
        )
        if report.local_acts:
            say(f"Acts by `local`: {report.local_acts}. Nobody signed in for them, so they name no person.")
        if report.unattested_acts:
            say(f"Acts of persons while no installation key was in force: {report.unattested_acts}, not attested.")
        if report.unshown_codes:
            say(f"Enrolments of earlier builds, which do not show the code that was used: {report.unshown_codes}.")
        if report.unsealed:
            say(
                f"Messages and receipts that are not sealed after 5 minutes: {report.unsealed}. They may have been "
                "altered unseen; see `millwright doctor`."
            )
        for made in report.made_by:
            again = "the same engine" if made.engine == report.engine else f"engine {report.engine[:12]}"
            same = "the same" if made.reproduced == made.stored else f"{made.stored - made.reproduced} DIFFER"
            say(f"{made.stored} verdicts made by {made.name}, made again by {again}: {same}.")
        for taken in report.settings:
            say(f"Settings of {taken.process}: on record from row {taken.first} on, the last of row {taken.last}.")
        if not report.settings:
            say("No settings are on record: a process records them when it starts.")
        say(_publication(report, published))
        if not report.register_held:
            say("The rows of the register are recorded from its next import on.")
        say("Everything agrees." if report.verified else f"{report.found} findings: the record does not agree.")
    if not report.verified:
        raise typer.Exit(1)


def _published(settings: "Settings") -> "Published | None":
    from millwright.audit.head import read_head

    return read_head(settings.home)


def _last(settings: "Settings", published: "Published | None") -> str:
    if published is None:
        raise Rejected(f"no head was published under {settings.home}", field="head", fix="`millwright audit head`")
    return _text(published)


def _text(published: "Published") -> str:
    from millwright.audit.head import head_text

    return head_text(published.head)


def _publication(report: "Report", published: "Published | None") -> str:
    if published is None:
        return (
            "No head was published under this home: that rows were removed from the end would not be found. "
            "The workers publish it once a minute."
        )
    newer = report.rows - published.head.seq
    rest = "no row is newer" if newer <= 0 else f"{newer} newer rows are not published yet"
    return f"The head was published last at {published.at}, as row {published.head.seq}; {rest}."


async def _verify(settings: "Settings", head: str | None) -> "Report":
    from millwright.audit.verifying import verify as verify_record
    from millwright.storage.ledger.seals import LATE

    def tell(done: int, total: int) -> None:
        say_again(f"{done} of {total} verdicts judged again", last=done >= total)

    async with opened(settings) as storage:
        # The sandbox's clock may run faster than the watch looks.
        late = storage.clock.now() - LATE if settings.clock == "wall" else None
        progress = tell if sys.stderr.isatty() else None
        return await verify_record(storage.engine, head=head, sealed_before=late, progress=progress)


@app.command()
def export(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.", file_okay=False)],
    json: Json = False,
) -> None:
    """Write the record and a stand-alone verifier that needs only Python. Works directly on the database."""
    try:
        exported = finish(_export(settings_of(context), directory))
    except OSError as error:
        raise Rejected(f"{directory} cannot be written: {error.strerror}", field="directory") from error
    if json:
        write_json(exported)
        return
    say(f"{sum(exported.lines.values())} lines were written to {directory}; the head is {exported.head}.")
    say(f"Check it anywhere: python {directory / 'offline_verify.py'} {directory} --head {exported.head}")


async def _export(settings: "Settings", directory: Path) -> "Exported":
    from millwright.audit.exporting import export as export_record

    async with opened(settings) as storage:
        return await export_record(storage.engine, directory)


@app.command()
def head(context: typer.Context, json: Json = False) -> None:
    """Publish the ledger's head: add it to HOME/ledger-head.log and print it. Keep a copy outside the database
    server. Works directly on the database."""
    found = finish(_head(settings_of(context)))
    if json:
        write_json({"seq": found.seq, "hash": found.hash})
        return
    say(f"{found.seq}:{found.hash}")


async def _head(settings: "Settings") -> "Head":
    from millwright.audit.head import publish_head

    async with opened(settings) as storage:
        return await publish_head(storage.engine, settings.home, storage.clock.now())
