"""`quality`: how good the alerts were, and the load of operators and planners."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncEngine

    from millwright.alert_quality.blaming import BlameReport
    from millwright.alert_quality.boards import AlarmBoard, LoadBoard
    from millwright.alert_quality.report import AlertQuality
    from policies.evaluation.scoring import FailureRegister
    from policies.statistics.alert_quality import Quality, ShownShare

_T = TypeVar("_T")

app = typer.Typer(
    no_args_is_help=True,
    help="How good the alerts were, what caused false ones, and the load of operators and planners.",
)

Days = Annotated[float, typer.Option(min=0, help="How far to look back, in days of the plant's time.")]
_SOON = timedelta(seconds=1)


def _read(
    context: typer.Context, days: float, read: "Callable[[AsyncEngine, datetime, datetime], Awaitable[_T]]"
) -> _T:
    settings = settings_of(context)

    async def reading() -> _T:
        async with opened(settings) as storage:
            # What happened this very moment counts.
            until = storage.clock.now() + _SOON
            return await read(storage.engine, until - timedelta(days=days), until)

    return finish(reading())


@app.command("show")
def show(
    context: typer.Context,
    days: Days = 90.0,
    failures: Annotated[
        Path | None, typer.Option(help="A register of failures (CSV), from which recall is computed.")
    ] = None,
    json: Json = False,
) -> None:
    """Show precision, lead time and the cost of false alarms, for the plant and by class, rule and version."""
    from millwright.alert_quality.report import read_quality

    async def read(engine: "AsyncEngine", since: datetime, until: datetime) -> "AlertQuality":
        known = None if failures is None else await _register(engine, failures, since, until)
        return await read_quality(engine, since, until, known)

    told = _read(context, days, read)
    if json:
        write_json(told)
        return
    _say_quality(told)


async def _register(engine: "AsyncEngine", path: Path, since: datetime, until: datetime) -> "FailureRegister":
    from millwright.backtesting.failures import read_failures
    from millwright.storage.reporting.history import read_history
    from policies.evaluation.scoring import FailureRegister, Period

    async with read_history(engine) as history:
        components = await history.components()
    return FailureRegister(read_failures(path, components), Period(since, until))


def _say_quality(told: "AlertQuality") -> None:
    write_table(
        _COLUMNS,
        [("all", "", *_figures(told.all))]
        + [
            (dimension, name, *_figures(each)) for dimension, groups in told.by.items() for name, each in groups.items()
        ],
        "No alerts.",
    )
    if told.recall is None:
        say("Recall is not known: name a register of failures with --failures.")
    else:
        say(f"Recall: {told.recall.part} of {told.recall.whole} failures had an alert before them.")
    for name, change in (("Precision", told.changes.precision), ("Lead time", told.changes.lead_time)):
        if change is not None and change.alarm_after is not None:
            say(f"{name} is worse than in the period before: noticed after {change.alarm_after} findings.")
    cost = told.all.false_alarms
    money = [f"{each.amount} {each.currency}" for each in cost.money]
    if cost.unpriced_hours:
        money.append(f"{cost.unpriced_hours} h by versions that state no price of an hour")
    say(
        f"{cost.orders} false alarms; {cost.with_labor} of their orders report hours, {cost.crew_hours} in all"
        + (f": {', '.join(money)}." if money else ".")
    )
    rows = [(stage.stage, stage.count, stage.hours) for stage in told.funnel]
    write_table(("stage", "number", "hours since the stage before (median)"), rows, "Nothing was judged.")


_COLUMNS = (
    "by", "value", "alerts", "right", "wrong", "prevented", "other defect", "unlabelled", "precision", "bounds",
    "lead (h)", "too short",
)  # fmt: skip


def _figures(each: "Quality") -> tuple[object, ...]:
    least, most = each.bounds.least, each.bounds.most
    return (
        each.alerts,
        each.right,
        each.wrong,
        each.prevented,
        each.other_defects,
        each.unlabelled,
        _share(each.precision),
        "-" if least is None else f"{least:.2f} to {most:.2f}",
        each.lead_hours.median,
        _share(each.too_short),
    )


def _share(told: "ShownShare") -> str:
    if told.share is None:
        return f"hidden, n = {told.whole}"
    return f"{told.share:.2f} ({told.low:.2f} to {told.high:.2f}), n = {told.whole}"


@app.command("alarms")
def alarms(context: typer.Context, days: Days = 30.0, json: Json = False) -> None:
    """Show the alarms of operators by line (ISA-18.2), and the faults with the most alarms."""
    from millwright.alert_quality.boards import read_alarm_board

    told = _read(context, days, read_alarm_board)
    if json:
        write_json(told)
        return
    _say_alarms(told)


def _say_alarms(told: "AlarmBoard") -> None:
    rows = [
        (
            each.position,
            each.alarms,
            each.per_ten_minutes,
            each.floods,
            f"{each.in_floods:.2%}",
            len(each.standing),
            len(each.chattering),
            ", ".join("-" if one.share is None else f"{one.priority} {one.share:.0%}" for one in each.priorities),
        )
        for each in told.positions
    ]
    columns = (
        "line", "alarms", "in 10 min", "floods", "time in floods", "standing", "chattering", "priorities (80/15/5)",
    )  # fmt: skip
    write_table(columns, rows, "No alarms.")
    for actor in told.bad_actors:
        fault = actor.fault
        say(
            f"{fault.asset} {fault.failure_mode}: {fault.alarms} alarms ({fault.share:.1%}), {actor.alerts} alerts, "
            f"{actor.right} right, {actor.wrong} wrong"
        )
        if actor.sheet is not None:
            sheet = actor.sheet
            say(f"  {sheet.version}, rule {sheet.rule}: {sheet.cause} Consequence: {sheet.consequence}.")
            say(f"  Respond: {sheet.response} Within: {sheet.respond_within or 'no time is stated'}.")


@app.command("load")
def load(context: typer.Context, days: Days = 90.0, json: Json = False) -> None:
    """Show the new drafts of planners by site and shift, against the capacity of its crews."""
    from millwright.alert_quality.boards import read_load_board

    told = _read(context, days, read_load_board)
    if json:
        write_json(told)
        return
    _say_load(told)


def _say_load(told: "LoadBoard") -> None:
    rows = [
        (
            each.site or "-",
            each.drafts,
            each.a_shift,
            each.most,
            each.fullest_at,
            "no bound" if each.capacity_a_shift is None else each.capacity_a_shift,
            each.above,
        )
        for each in told.sites
    ]
    columns = (
        "site",
        "drafts",
        "a shift",
        "most in a shift",
        "that shift (UTC)",
        "capacity a shift",
        "shifts above it",
    )
    write_table(columns, rows, "No drafts.")


@app.command("blame")
def blame(context: typer.Context, days: Days = 90.0, json: Json = False) -> None:
    """List the false alerts, each with the stage that caused it and the evidence, or undetermined."""
    from millwright.alert_quality.blaming import read_blame

    told = _read(context, days, read_blame)
    if json:
        write_json(told)
        return
    _say_blame(told)


def _say_blame(told: "BlameReport") -> None:
    rows = [(each.stage, each.alerts, "-" if each.share is None else f"{each.share:.0%}") for each in told.stages]
    write_table(("stage", "false alerts", "share"), rows, "No false alerts.")
    listed = [(each.case, each.stage, each.why, ", ".join(each.evidence) or "-") for each in told.alerts]
    if listed:
        write_table(("case", "stage", "why", "evidence"), listed, "")
