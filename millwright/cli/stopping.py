"""`policy stop`, `lift`, `stops`, `freeze`, `thaw`, `freezes`: kill switches and freeze windows."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.act_scopes import reaches
from domain.errors import Rejected
from millwright.cli.api_client import Answer, api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, Reason, moment, reason_given
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from domain.stops import Stop
    from millwright.settings import Settings
    from millwright.storage.policies.freezes import Freeze


class _Stopped(Answer):
    stop: int
    machines: int


class _Declared(Answer):
    freeze: int
    machines: int
    kept_out: int


def stop(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="order, hold or twin-write.")],
    reason: Reason,
    site: Annotated[str | None, typer.Option("--site", help="Only at this site.")] = None,
    asset_class: Annotated[str | None, typer.Option("--class", help="Only for assets of this class.")] = None,
    key: ApiKey = None,
) -> None:
    """Activate a kill switch: the action is no longer taken, while judging continues and cases wait."""
    from domain.stops import StoppableAction

    known = [stoppable.value for stoppable in StoppableAction]
    if action not in known:
        raise Rejected(f"{action!r} cannot be stopped", field="action", fix=f"one of {', '.join(known)}")
    asked = {"action": action, "site": site, "asset_class": asset_class, "reason": reason_given(reason)}
    with api_of(context, key) as api:
        stopped = api.act(("stops",), _Stopped, asked)
    number = stopped.stop
    say(f"Kill switch {number} is active; another person can lift it: millwright policy lift {number}")
    say(reaches(stopped.machines))


def lift(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="STOP", help="Its number; see `policy stops`.")],
    reason: Reason,
    key: ApiKey = None,
) -> None:
    """Lift a kill switch that another person activated; waiting cases continue."""
    with api_of(context, key) as api:
        api.act(("stops", str(number), "lift"), Answer, {"reason": reason_given(reason)})
    say(f"Stop {number} is lifted.")


def stops(context: typer.Context, json: Json = False) -> None:
    """List the kill switches, also lifted ones."""
    found = finish(_stops(settings_of(context)))
    if json:
        write_json(found)
        return
    rows = [(stored.id, stored.stopped_at, stored.words, stored.lifted_by or "stands") for stored in found]
    write_table(("stop", "since", "what", "lifted by"), rows, "Nothing was ever stopped.")


async def _stops(settings: "Settings") -> "list[Stop]":
    async with opened(settings) as storage:
        return await storage.policies.stops.stops()


def freeze(
    context: typer.Context,
    ends: Annotated[str, typer.Option("--to", help="Until when, ISO 8601 with zone.")],
    reason: Reason,
    begins: Annotated[str | None, typer.Option("--from", help="From when; default now.")] = None,
    key: ApiKey = None,
) -> None:
    """Declare a freeze window: versions come into force only by an emergency, or a rollback that asks for no more."""
    asked = {"begins_at": moment(begins, "from"), "ends_at": moment(ends, "to"), "reason": reason_given(reason)}
    with api_of(context, key) as api:
        declared = api.act(("freezes",), _Declared, asked)
    say(f"Freeze {declared.freeze} stands; another person can lift it: millwright policy thaw {declared.freeze}")
    say(reaches(declared.machines))
    if declared.kept_out:
        say(f"It keeps out {declared.kept_out} signed before, which must be signed again: millwright policy list")


def thaw(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="FREEZE", help="Its number; see `policy freezes`.")],
    reason: Reason,
    key: ApiKey = None,
) -> None:
    """Lift a freeze window that another person declared."""
    with api_of(context, key) as api:
        api.act(("freezes", str(number), "thaw"), Answer, {"reason": reason_given(reason)})
    say(f"Freeze {number} is lifted.")


def freezes(context: typer.Context, json: Json = False) -> None:
    """List the freeze windows, also lifted ones."""
    found = finish(_freezes(settings_of(context)))
    if json:
        write_json([declared._asdict() for declared in found])
        return
    rows = [
        (
            declared.id,
            declared.begins_at,
            declared.ends_at,
            declared.frozen_by,
            declared.reason,
            declared.thawed_by or "stands",
        )
        for declared in found
    ]
    write_table(("freeze", "from", "to", "by", "reason", "lifted by"), rows, "Nothing was ever frozen.")


async def _freezes(settings: "Settings") -> "list[Freeze]":
    async with opened(settings) as storage:
        return await storage.policies.freezes.freezes()


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (
        ("stop", stop),
        ("lift", lift),
        ("stops", stops),
        ("freeze", freeze),
        ("thaw", thaw),
        ("freezes", freezes),
    ):
        app.command(name)(command)
