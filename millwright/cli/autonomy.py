"""`policy autonomy`: which classes and modes act without review, and the approvers' decisions on that."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.act_scopes import reaches
from domain.autonomy import AutonomyMove
from domain.errors import ActRejected
from millwright.cli.api_client import Answer, api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, Reason, SigningKey, reason_given, signer
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.policy_operations.autonomy import AutonomyProgress

AssetClass = Annotated[str, typer.Argument(metavar="CLASS", help="The asset class.")]
FailureMode = Annotated[str, typer.Argument(metavar="MODE", help="The failure mode.")]


class _Record(Answer):
    asset_class: str
    failure_mode: str
    digest: str


class _Moved(Answer):
    stored: AutonomyMove
    machines: int


def autonomy(context: typer.Context, json: Json = False) -> None:
    """Show which asset classes and failure modes act without review, and their measured precision."""
    settings = settings_of(context)

    async def work() -> "list[AutonomyProgress]":
        from millwright.policy_operations.autonomy import autonomy_progress

        async with opened(settings) as storage:
            display, now = await storage.people.signature_display(storage.zone), storage.clock.now()
            return await autonomy_progress(storage.engine, storage.versions, storage.autonomy, now, display)

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
            progress.other_defects,
            progress.lower_bound,
            f"{progress.target:g}, {progress.needed} confirmed",
            "yes" if progress.enforced else "no",
        )
        for progress in found
    ]
    heading = (
        "policy",
        "class",
        "mode",
        "state",
        "confirmed",
        "wrong",
        "other defect",
        "at least",
        "target",
        "enforced",
    )
    write_table(heading, rows, "There was no case yet.")
    for progress in found:
        if progress.approval is not None:
            say(f"{progress.asset_class} {progress.failure_mode}, the first of two: {progress.approval.words}")


def promote(
    context: typer.Context,
    asset_class: AssetClass,
    failure_mode: FailureMode,
    reason: Reason,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse the proposal; the count starts again.")] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Sign that a class and failure mode that has earned it acts without review. It takes two approvers."""
    move = AutonomyMove.REFUSED if refuse else AutonomyMove.PROMOTED
    by, moved = _decide(context, asset_class, failure_mode, move, reason, key, signing_key)
    say(f"{by} {moved.stored.value} {asset_class} {failure_mode}. {reaches(moved.machines)}")
    if moved.stored is AutonomyMove.APPROVED:
        say("It acts without review when another approver signs it too: the same command, before a new finding.")


def demote(
    context: typer.Context,
    asset_class: AssetClass,
    failure_mode: FailureMode,
    reason: Reason,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Remove autonomy from a class and failure mode; the count starts again."""
    by, moved = _decide(context, asset_class, failure_mode, AutonomyMove.LOST, reason, key, signing_key)
    say(
        f"{by} took autonomy from {asset_class} {failure_mode}; a planner reviews its orders from now on. "
        f"{reaches(moved.machines)}"
    )


def _decide(
    context: typer.Context,
    asset_class: str,
    failure_mode: str,
    move: AutonomyMove,
    reason: str,
    key: str | None,
    file: Path | None,
) -> tuple[str, _Moved]:
    """Signs the move over the record as the API has it; returns the person, and what became of it."""
    from domain.approvals import one_line
    from millwright.storage.policies.autonomy import act_of

    meaning = one_line(reason_given(reason))
    with api_of(context, key) as api:
        person = signer(context, api, file)
        records = api.read(("autonomy",), list[_Record])
        named = [
            record for record in records if (record.asset_class, record.failure_mode) == (asset_class, failure_mode)
        ]
        if not named:
            problem = f"there was no case of {asset_class} {failure_mode} yet"
            raise ActRejected(problem, field="failure_mode", fix="see `millwright policy autonomy`")
        signed = person.sign(named[0].digest, act_of(move), meaning)
        path = ("autonomy", asset_class, failure_mode, "moves")
        moved = api.act(path, _Moved, {"move": move, "meaning": meaning, **signed})
    return person.name, moved


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(autonomy)
    app.command()(promote)
    app.command()(demote)
