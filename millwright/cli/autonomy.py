"""`policy autonomy`: which classes and modes act without review, and the approvers' decisions on that."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.act_scopes import reaches
from domain.errors import Rejected
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from domain.autonomy import AutonomyMove
    from millwright.policy_operations.autonomy import AutonomyProgress
    from millwright.settings import Settings

AssetClass = Annotated[str, typer.Argument(metavar="CLASS", help="The asset class.")]
FailureMode = Annotated[str, typer.Argument(metavar="MODE", help="The failure mode.")]
By = Annotated[str, typer.Option(help="Who decides; an approver.")]
Why = Annotated[str, typer.Option(help="Why; it is signed and recorded.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Their signing key; without it, HOME/people/NAME.key.",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]


def autonomy(context: typer.Context, json: Json = False) -> None:
    """Show which asset classes and failure modes act without review, and their measured precision."""
    settings = settings_of(context)

    async def work() -> "list[AutonomyProgress]":
        from millwright.policy_operations.autonomy import autonomy_progress

        async with opened(settings) as storage:
            return await autonomy_progress(storage.engine, storage.versions, storage.autonomy, storage.clock.now())

    found = finish(work())
    if json:
        write_json(found)
        return
    rows = [
        (
            progress.policy,
            progress.asset_class,
            progress.failure_mode,
            progress.state,
            progress.confirmed,
            progress.wrong,
            progress.lower_bound,
            f"{progress.target:g}, {progress.needed} confirmed",
            "yes" if progress.enforced else "no",
        )
        for progress in found
    ]
    heading = ("policy", "class", "mode", "state", "confirmed", "wrong", "at least", "target", "enforced")
    write_table(heading, rows, "There was no case yet.")


def promote(
    context: typer.Context,
    asset_class: AssetClass,
    failure_mode: FailureMode,
    by: By,
    reason: Why,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse the proposal; the count starts again.")] = False,
    key: KeyFile = None,
) -> None:
    """Sign that a class and failure mode that has earned it acts without review from now on."""
    from domain.autonomy import AutonomyMove

    move = AutonomyMove.REFUSED if refuse else AutonomyMove.PROMOTED
    machines = _sign(context, asset_class, failure_mode, move, by, reason, key)
    typer.echo(f"{by} {move.value} {asset_class} {failure_mode}. {reaches(machines)}")


def demote(
    context: typer.Context,
    asset_class: AssetClass,
    failure_mode: FailureMode,
    by: By,
    reason: Why,
    key: KeyFile = None,
) -> None:
    """Remove autonomy from a class and failure mode; the count starts again."""
    from domain.autonomy import AutonomyMove

    machines = _sign(context, asset_class, failure_mode, AutonomyMove.LOST, by, reason, key)
    typer.echo(
        f"{by} took autonomy from {asset_class} {failure_mode}; a planner reviews its orders from now on. "
        f"{reaches(machines)}"
    )


def _sign(
    context: typer.Context,
    asset_class: str,
    failure_mode: str,
    move: "AutonomyMove",
    by: str,
    reason: str,
    key: Path | None,
) -> int:
    settings = settings_of(context)
    if not reason.strip():
        raise Rejected("is empty", field="reason", fix="say why")
    return finish(_decide(settings, asset_class, failure_mode, move, by, reason, key))


async def _decide(
    settings: "Settings",
    asset_class: str,
    failure_mode: str,
    move: "AutonomyMove",
    by: str,
    reason: str,
    key: Path | None,
) -> int:
    from millwright.cli.credentials import asked_passphrase
    from millwright.people.persons import key_file, signing_key
    from millwright.policy_operations.autonomy import decide

    signed_with = signing_key(key or key_file(settings.home / "people", by), asked_passphrase)
    async with opened(settings) as storage:
        return await decide(
            storage.engine,
            storage.versions,
            storage.autonomy,
            now=storage.clock.now(),
            asset_class=asset_class,
            failure_mode=failure_mode,
            move=move,
            by=by,
            key=signed_with,
            reason=reason,
        )


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(autonomy)
    app.command()(promote)
    app.command()(demote)
