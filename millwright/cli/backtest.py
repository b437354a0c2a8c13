"""`policy backtest`: test a version on the stored events."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import MillwrightError, Rejected
from domain.loops import block_until
from millwright.cli.api_client import Api, api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey
from millwright.cli.output import Json, say, write_json, write_rich

if TYPE_CHECKING:
    from millwright.backtesting.backtest import Backtest, Question, Traced
    from millwright.backtesting.replaying import Progress
    from millwright.bootstrap import Storage
    from millwright.storage.reporting.studies import Study

_LOOK_EVERY = 0.5
_LARGEST_RESULT = 256 << 20
_UNJUDGED = 2
"""The exit code if the result cannot be judged, or after an error."""

Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Count decisions from this time on; default the first event.", show_default=False
    ),
]
Until = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Count decisions up to this time; default the last event.", show_default=False),
]
Failures = Annotated[
    Path | None,
    typer.Option(
        help="A failure register, CSV with datetime, machineID, failure; default the findings of our own orders.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]


def backtest(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A version's number or digest, or a draft's file.")],
    since: Since = None,
    until: Until = None,
    against: Annotated[
        str | None,
        typer.Option(help="The version, or draft's file, to compare with; default the active one.", show_default=False),
    ] = None,
    failures: Failures = None,
    crews: Annotated[int, typer.Option(min=1, help="The number of crews that share the orders.")] = 1,
    decision: Annotated[
        int | None, typer.Option(min=1, help="Show this changed decision with both traces.", show_default=False)
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write an HTML page with charts and traces.", dir_okay=False, show_default=False),
    ] = None,
    attached: Annotated[
        bool,
        typer.Option("--attach", help="Let the API do it and store the result with the version; needs --key."),
    ] = False,
    key: ApiKey = None,
    json: Json = False,
) -> None:
    """Judge the stored events again under a version; exits 0 if it is not worse, 1 if it is worse, 2 if unknown."""
    from millwright.backtesting.backtest import decision_of
    from millwright.backtesting.rendering import render, render_trace

    settings = settings_of(context)

    async def work() -> "tuple[Backtest, tuple[Traced, ...]]":
        from millwright.backtesting.backtest import run_backtest, trace
        from millwright.backtesting.page import TRACED

        async with opened(settings) as storage:
            question = await _question(storage, version, against, since, until, failures, crews)
            with progress_shown("judging the past") as progress:
                if attached:
                    found = await asyncio.to_thread(_attach, context, question, key, progress)
                else:
                    found = await run_backtest(storage.engine, question, progress)
            wanted = [decision_of(found, decision)] if decision else list(found.decisions[:TRACED] if report else ())
            return found, await trace(storage.engine, question, found.until, wanted)

    with _unjudged_on_error():
        found, traced = finish(work())
        if report is not None:
            _write(report, found, traced)
    if decision is not None:
        if json:
            write_json(traced[0])
        else:
            write_rich(render_trace(traced[0], found.against.name, found.candidate.name))
    elif json:
        write_json(found)
    else:
        write_rich(render(found))
        if attached:
            say(f"Attached to {found.candidate.policy} {found.candidate.version}.")
    raise typer.Exit(found.exit_code)


def _attach(context: typer.Context, question: "Question", api_key: str | None, progress: "Progress") -> "Backtest":
    """Lets the API do the backtest and store its result with the version: approvers rely on it, so it does not come
    from a person's machine.

    Raises:
        ActRejected: the API refuses it. Approvers need the whole change against the version in force.
        Rejected: the backtest failed.
    """
    from millwright.backtesting.backtest import Backtest
    from millwright.storage.reporting.studies import Study

    failures = question.failures.read_text(encoding="utf-8") if question.failures is not None else None
    asked = {
        "against": question.against.digest,
        "since": question.since,
        "until": question.until,
        "crews": question.crews,
        "failures": failures,
        "attach": True,
    }
    with api_of(context, api_key) as api:
        begun = api.act(("policies", question.candidate.digest, "backtests"), Study, asked)
        study = _ended(api, begun, progress)
        if study.state != "done":
            raise Rejected(study.problem or f"the backtest is {study.state}", field="attach", fix=study.fix)
        return api.read(("studies", str(study.number), "result"), Backtest, limit=_LARGEST_RESULT)


def _ended(api: Api, study: "Study", progress: "Progress") -> "Study":
    """The study when it runs no more."""
    from millwright.storage.reporting.studies import Study

    newest = study

    def ended() -> bool:
        nonlocal newest
        seen = api.read(("studies", str(study.number)), Study)
        if seen.total is not None:
            progress(seen.judged - newest.judged, seen.total)
        newest = seen
        return seen.state != "running"

    block_until(ended, every=_LOOK_EVERY)
    return newest


def moment(text: str, field: str) -> datetime:
    """A time from the command line; without a zone it is UTC.

    Raises:
        Rejected: it is no time.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected(f"{text!r} is no time", field=field, fix="write it as 2015-01-31T06:00Z or 2015-01-31") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


async def _question(
    storage: "Storage",
    version: str,
    against: str | None,
    since: str | None,
    until: str | None,
    failures: Path | None,
    crews: int,
) -> "Question":
    from millwright.backtesting.backtest import Question
    from millwright.backtesting.versions import active_version, named_version
    from millwright.storage.reporting.history import read_history

    stored = await storage.versions.versions()
    candidate = named_version(version, stored)
    if against is not None:
        other = named_version(against, stored)
    else:
        async with read_history(storage.engine) as history:
            other = await active_version(history, stored, storage.clock.now())
    return Question(
        candidate=candidate,
        against=other,
        since=None if since is None else moment(since, "since"),
        until=None if until is None else moment(until, "until"),
        failures=failures,
        crews=crews,
    )


@contextmanager
def progress_shown(words: str) -> "Iterator[Progress]":
    """A progress bar on stderr, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(words, total=None)

        def told(more: int, total: int) -> None:
            shown.update(task, total=total, advance=more)

        yield told


@contextmanager
def _unjudged_on_error() -> Iterator[None]:
    try:
        yield
    except MillwrightError as error:
        # Exit code 1 would mean for CI that the candidate is worse.
        say(str(error), err=True)
        raise typer.Exit(_UNJUDGED) from error


def _write(path: Path, found: "Backtest", traced: "tuple[Traced, ...]") -> None:
    from millwright.backtesting.page import write_page

    try:
        path.write_text(write_page(found, traced), encoding="utf-8")
    except OSError as error:
        raise Rejected(f"cannot be written: {error}", field="report", fix="name a file in a folder of yours") from error


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(backtest)
