"""`missed`: the failures that no alert preceded, and the work of which a person must say whether something failed."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.api_client import api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey, reason_given
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from typer import Context

    from millwright.storage.reporting.missed_failures import MissedFailures

app = typer.Typer(no_args_is_help=True, help="Failures that no alert preceded, by the orders of people in the CMMS.")

System = Annotated[str, typer.Argument(metavar="SYSTEM", help="The CMMS instance.")]
Record = Annotated[str, typer.Argument(metavar="ORDER", help="The number of the order.")]
Reason = Annotated[str, typer.Option(help="The reason; it is recorded.")]
_LISTED = 1000


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Show recall and coverage over the last year, the blind spots, and each failure, newest first."""
    found = _read(context)
    if json:
        write_json(found)
        return
    say(
        f"Since {found.since:%Y-%m-%d} people and cases saw {found.failures} failures; {found.monitored} of them were "
        f"monitored (coverage {_share(found.coverage)})."
    )
    say(
        f"An alert preceded {found.alerted} of the {found.monitored} (recall {_share(found.recall)}); {found.missed} "
        f"were missed, and people had rejected the alerts of {found.rejected}."
    )
    if found.doubtful:
        say(f"Of {found.doubtful} orders nobody knows yet whether something had failed: see `missed doubtful`.")
    if found.unread_assets:
        say(f"The work on {found.unread_assets} machines and parts is not known; their failures are missing here.")
    say()
    write_table(
        ("blind spot", "mode", "failures", "last (UTC)"),
        [(spot.asset, spot.failure_mode, spot.failures, spot.last_at) for spot in found.blind_spots],
        "No failure was a blind spot.",
    )
    say()
    rows = [
        (
            each.at,
            each.asset,
            each.failure_mode,
            each.found_by,
            each.detection if each.monitored else "not monitored",
            each.alert,
            f"{each.system} {each.record}",
        )
        for each in found.listed
    ]
    write_table(("ended (UTC)", "asset", "mode", "found by", "alert", "case", "order"), rows, "No failure is known.")


@app.command()
def doubtful(context: typer.Context, json: Json = False) -> None:
    """List the work of which a person must say whether something had failed, newest first."""
    found = _read(context).doubtful_work
    if json:
        write_json(found)
        return
    rows = [
        (each.system, each.record, each.at, each.kind, each.failure_mode, ", ".join(each.assets), each.why)
        for each in found
    ]
    columns = ("system", "order", "ended (UTC)", "kind", "mode", "assets", "not known")
    write_table(columns, rows, "No work is doubtful.")


@app.command()
def confirm(
    context: typer.Context,
    system: System,
    record: Record,
    asset: Annotated[str, typer.Option(help="What had failed, as `missed doubtful` names it.")],
    mode: Annotated[str, typer.Option(help="How it had failed: the failure mode by ISO 14224.")],
    reason: Reason,
    on_round: Annotated[
        bool, typer.Option("--round", help="An inspection round found it, before it broke down.")
    ] = False,
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Confirm that something had failed, as the person whose API key is given."""
    asked: dict[str, object] = {"asset": asset, "failure_mode": mode, "found_by": "round" if on_round else "breakdown"}
    _say_of(context, system, record, {**asked, "failed": True, "reason": reason_given(reason)}, key, json=json)


@app.command()
def deny(
    context: typer.Context,
    system: System,
    record: Record,
    reason: Reason,
    asset: Annotated[
        str | None, typer.Option(help="What it was on; needed only where two orders have this number.")
    ] = None,
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Say that nothing had failed, as the person whose API key is given."""
    asked: dict[str, object] = {"asset": asset, "failed": False, "reason": reason_given(reason)}
    _say_of(context, system, record, asked, key, json=json)


def _say_of(
    context: "Context", system: str, record: str, asked: dict[str, object], key: str | None, *, json: bool
) -> None:
    from domain.missed_failures import FailureStatement

    with api_of(context, key) as api:
        told = api.act(("missed-failures",), FailureStatement, {"system": system, "record": record, **asked})
    if json:
        write_json(told)
        return
    what = f"{told.failure_mode} of {told.asset}" if told.failed else "no failure"
    say(f"{told.by} said of order {told.record}: {what}.")


def _read(context: "Context") -> "MissedFailures":
    from millwright.storage.reporting.missed_failures import missed_failures

    settings = settings_of(context)

    async def read() -> "MissedFailures":
        async with opened(settings) as storage:
            return await missed_failures(storage.engine, storage.clock.now(), _LISTED)

    return finish(read())


def _share(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.2f}"
