"""`policy activate`, `shadow`, `canary`, `rollback`, `in-force`: where a version judges, and from when."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.act_scopes import reaches
from domain.assigning import Scope
from domain.errors import Rejected
from millwright.cli.api_client import Answer, api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, Reason, SigningKey, moment, signer
from millwright.cli.drafting import Named
from millwright.cli.output import Json, say, write_json
from millwright.cli.stored_versions import stored_version

if TYPE_CHECKING:
    from millwright.cli.api_client import Api
    from millwright.settings import Settings
    from millwright.storage.policies.version_states import InForce
    from policies.statistics.canary import Band

Line = Annotated[str | None, typer.Option("--line", help="Only this line.")]
Site = Annotated[str | None, typer.Option("--site", help="Only this site.")]
Class = Annotated[str | None, typer.Option("--class", help="Only assets of this class.")]
Percent = Annotated[float | None, typer.Option("--percent", help="Only this share of the machines, always the same.")]
From = Annotated[str | None, typer.Option("--from", help="From when, ISO 8601 with zone; default now.")]
Until = Annotated[str | None, typer.Option("--to", help="Until when; default without end.")]


class _Placed(Answer):
    machines: int


class _RollbackTerms(Answer):
    scopes: list[Scope]


def _scope(line: str | None, site: str | None, asset_class: str | None, percent: float | None) -> Scope:
    named = [value for value in (line, site, asset_class, percent) if value is not None]
    if len(named) > 1:
        raise Rejected("more than one scope is named", field="line", fix="one of --line, --site, --class, --percent")
    return Scope(line=line, site=site, asset_class=asset_class, percent=percent)


def activate(
    context: typer.Context,
    version: Named,
    reason: Reason,
    begins: From = None,
    ends: Until = None,
    line: Line = None,
    site: Site = None,
    asset_class: Class = None,
    percent: Percent = None,
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Emergency: without approval, or in a freeze; ends after PT8H.")
    ] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Put an approved version in force, now or from a date."""
    from domain.approvals import ACTIVATE, EMERGENCY

    act = EMERGENCY if emergency else ACTIVATE
    scope = _scope(line, site, asset_class, percent)
    _place(context, version, act, scope, begins, ends, reason, key, signing_key)


def shadow(
    context: typer.Context,
    version: Named,
    reason: Reason,
    begins: From = None,
    ends: Until = None,
    line: Line = None,
    site: Site = None,
    asset_class: Class = None,
    percent: Percent = None,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Let an approved version judge beside the active one, without acting."""
    from domain.approvals import SHADOW

    scope = _scope(line, site, asset_class, percent)
    _place(context, version, SHADOW, scope, begins, ends, reason, key, signing_key)


def canary(
    context: typer.Context,
    version: Named,
    reason: Reason,
    begins: From = None,
    ends: Until = None,
    line: Line = None,
    site: Site = None,
    asset_class: Class = None,
    percent: Percent = None,
    precision: Annotated[float | None, typer.Option(help="The minimum share of finished work with a finding.")] = None,
    orders: Annotated[float | None, typer.Option(help="The maximum of work orders per machine and day.")] = None,
    orders_from: Annotated[float | None, typer.Option(help="The minimum of work orders per machine and day.")] = None,
    floods: Annotated[float | None, typer.Option(help="The maximum of alarm floods per line and day.")] = None,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Let an approved version act on a part of the plant; it is halted automatically when it leaves its band."""
    from domain.approvals import CANARY

    scope = _scope(line, site, asset_class, percent)
    asked = {"precision": precision, "orders_to": orders, "orders_from": orders_from, "floods_to": floods}
    band = {name: value for name, value in asked.items() if value is not None}
    _place(context, version, CANARY, scope, begins, ends, reason, key, signing_key, band)


def _place(
    context: typer.Context,
    version: str,
    act: str,
    scope: Scope,
    begins: str | None,
    ends: str | None,
    reason: str,
    key: str | None,
    file: Path | None,
    limits: dict[str, float] | None = None,
) -> None:
    from domain.approvals import one_line, placing_meaning
    from domain.canonical import canonical

    why, since, until = one_line(reason), moment(begins, "from"), moment(ends, "to")
    with api_of(context, key) as api:
        person = signer(context, api, file)
        found = stored_version(api, version)
        since = since or person.at
        band = None if limits is None else _band(api, scope, limits)
        signed_band = None if band is None else canonical(band).decode()
        meaning = placing_meaning(act, (scope,), since, until, why, band=signed_band)
        asked = {"act": act, "scope": scope, "effective_from": since, "effective_to": until, "band": band}
        signed = person.sign(found.digest, act, meaning)
        placed = api.act(("policies", found.digest, "assignments"), _Placed, {**asked, "reason": why, **signed})
    say(f"{found.policy} {found.version}: {meaning}\n{reaches(placed.machines)}")


def _band(api: "Api", scope: Scope, limits: dict[str, float]) -> "Band":
    """The usual band of a scope, with the limits that were given."""
    from policies.statistics.canary import Band

    return api.read(("policies", "usual-band"), Band, **scope.model_dump()).model_copy(update=limits)


def rollback(
    context: typer.Context,
    version: Named,
    to: Annotated[str, typer.Option("--to", help="The version that replaces it.")],
    reason: Reason,
    key: ApiKey = None,
    signing_key: SigningKey = None,
) -> None:
    """Replace an active version by an older one, wherever it is active; its canaries end too."""
    from domain.approvals import ROLLBACK, one_line, placing_meaning

    why = one_line(reason)
    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        found, old = stored_version(api, version), stored_version(api, to)
        scopes = api.read(("policies", found.digest, "rollback-terms"), _RollbackTerms, to=old.digest).scopes
        meaning = placing_meaning(ROLLBACK, scopes, person.at, None, why, replaces=found.digest)
        signed = person.sign(old.digest, ROLLBACK, meaning)
        asked = {"to": old.digest, "reason": why, **signed}
        placed = api.act(("policies", found.digest, "rollback"), _Placed, asked)
    say(f"{old.policy} {old.version}: {meaning}\n{reaches(placed.machines)}")


def in_force(
    context: typer.Context,
    at: Annotated[str | None, typer.Option("--at", help="When; now where left out.")] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="As it was known then; now where left out.")
    ] = None,
    asset: Annotated[str | None, typer.Option("--asset", help="For this asset.")] = None,
    line: Annotated[str | None, typer.Option("--line", help="For this line.")] = None,
    json: Json = False,
) -> None:
    """Show which version was in force for an asset or a line at an instant, as it was known at another."""
    found = finish(_in_force(settings_of(context), at, known_at, asset, line))
    if json:
        names = found.__slots__
        write_json({name: getattr(found, name) for name in names})
        return
    if found.version is None:
        say(f"Nothing was in force at {found.at:%Y-%m-%d %H:%M} UTC.")
        return
    until = f" until {found.until:%Y-%m-%d %H:%M} UTC" if found.until is not None else ""
    since = f"since {found.since:%Y-%m-%d %H:%M} UTC{until}"
    say(f"{found.version} ({str(found.active)[:12]}), {found.role} for {found.scope} {since}")
    say(f"assigned by {found.assigned_by}: {found.reason}")
    if found.shadows:
        say(f"beside it, without acting: {', '.join(found.shadows)}")


async def _in_force(
    settings: "Settings", at: str | None, known_at: str | None, asset: str | None, line: str | None
) -> "InForce":
    async with opened(settings) as storage:
        now = storage.clock.now()
        when, known = moment(at, "at") or now, moment(known_at, "known-at") or now
        return await storage.policies.states.in_force(when, known, asset=asset, line=line)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (
        ("activate", activate),
        ("shadow", shadow),
        ("canary", canary),
        ("rollback", rollback),
        ("in-force", in_force),
    ):
        app.command(name)(command)
