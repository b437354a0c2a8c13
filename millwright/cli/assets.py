"""`assets`: the equipment hierarchy, and the names of assets in other systems."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from domain.assets import SYSTEMS, Level
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from domain.assets import PlantRegister
    from millwright.settings import Settings
    from millwright.storage.events.register import ImportReport
    from millwright.storage.events.retirement import RetirementReport

_NAMED = 10
"""Maximum number of ids in a sentence."""

app = typer.Typer(no_args_is_help=True, help="Assets: the equipment hierarchy and its crosswalk.")


@app.command("import")
def import_(context: typer.Context, json: Json = False) -> None:
    """Read the register from the twin graph. Changes are valid from now on; nothing is deleted or retired."""
    report = finish(_import(settings_of(context)))
    if json:
        write_json(report)
        return
    for sentence in import_sentences(report):
        typer.echo(sentence)


def import_sentences(report: "ImportReport") -> list[str]:
    """What an import did, and what to do about the assets that it lacks."""
    read = f"{report.assets} assets, {report.aliases} aliases, {report.observables} observables"
    told = [f"{read}; {report.changed} new or changed."]
    if report.returned:
        are = _counted(report.returned, "retired asset is", "retired assets are")
        told.append(f"{are} in the register again: {_some(report.returned)}.")
    if report.missing:
        are = _counted(report.missing, "asset is", "assets are")
        fix = "if they have left the plant, retire them with `assets retire`"
        told.append(f"{are} not in this import: {_some(report.missing)}; {fix}.")
    told += [f"{record.system}: {record.words}." for record in report.unreadable]
    return told


def _counted(ids: Sequence[str], one: str, several: str) -> str:
    return f"{len(ids)} {one if len(ids) == 1 else several}"


def _some(ids: Sequence[str]) -> str:
    """The first ids, and how many more there are."""
    more = f" and {len(ids) - _NAMED} more (`--json` lists all)" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more


async def _import(settings: "Settings") -> "ImportReport":
    from millwright.bootstrap import open_systems

    async with opened(settings) as storage, open_systems(settings, storage.clock) as systems:
        return await storage.register.keep(await systems.twins.read_register(storage.clock.now()), "operations")


@app.command("map")
def map_(
    context: typer.Context,
    asset: Annotated[str, typer.Argument(help="The asset's id.")],
    system: Annotated[str, typer.Argument(help="cmms, mes, twin or device; or one instance, as cmms:hamburg.")],
    external_id: Annotated[str, typer.Argument(help="Its name there.")],
    attribute: Annotated[
        list[str] | None,
        typer.Option(help="A further attribute that the system needs, as NAME=VALUE (siteid=BEDFORD)."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who says so.")] = "operations",
) -> None:
    """Give an asset its name in another system, from now on. Unmapped events can be re-driven afterwards."""
    if system.partition(":")[0] not in SYSTEMS:
        raise typer.BadParameter(f"there is no system {system!r}; there are: {', '.join(SYSTEMS)}", param_hint="SYSTEM")
    attributes = dict(_pair(pair) for pair in attribute or [])
    finish(_map(settings_of(context), asset, system, external_id, attributes, by))
    typer.echo(f"{asset} is {external_id} in {system} from now on.")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--attribute")
    return name, value


async def _map(
    settings: "Settings", asset: str, system: str, external_id: str, attributes: dict[str, str], by: str
) -> None:
    from domain.assets import Alias

    async with opened(settings) as storage:
        now = storage.clock.now()
        alias = Alias(
            system=system, external_id=external_id, asset=asset, valid_from=now, owner=by, attributes=attributes
        )
        await storage.register.map_alias(alias, by)


@app.command()
def retire(
    context: typer.Context,
    assets: Annotated[
        list[str], typer.Argument(metavar="ASSET", help="The ids of assets; all assets below them are retired too.")
    ],
    by: Annotated[str, typer.Option(help="Who retires them.")],
    reason: Annotated[str, typer.Option(help="The reason; it is recorded, and shown on the cases.")],
    json: Json = False,
) -> None:
    """Retire assets that have left the plant, from now on. Their open work is withdrawn if nobody has touched it."""
    report = finish(_retire(settings_of(context), assets, by, reason))
    if json:
        write_json(report)
        return
    are = _counted(report.assets, "asset is", "assets are")
    typer.echo(f"{are} retired since {report.at:%Y-%m-%d %H:%M} UTC: {_some(report.assets)}.")
    if report.cases:
        are = _counted(report.cases, "open case is", "open cases are")
        typer.echo(f"{are} called off: {_some(report.cases)}; see `millwright case list`.")


async def _retire(settings: "Settings", assets: Sequence[str], by: str, reason: str) -> "RetirementReport":
    async with opened(settings) as storage:
        return await storage.register.retire(assets, by, reason)


@app.command("list")
def list_(
    context: typer.Context,
    level: Annotated[Level | None, typer.Option(help="Only of this level.")] = None,
    line: Annotated[str | None, typer.Option(help="Only of this line.")] = None,
    json: Json = False,
) -> None:
    """List assets, with their present names in other systems."""
    register = finish(_read(settings_of(context)))
    names: dict[str, dict[str, str]] = {}
    for alias in register.aliases:
        if alias.valid_to is None:
            names.setdefault(alias.asset, {})[alias.system] = alias.external_id
    assets = [
        listed
        for listed in sorted(register.assets, key=lambda asset: asset.id)
        if (level is None or listed.level is level) and (line is None or listed.line == line)
    ]
    if json:
        write_json([listed.model_dump(mode="json") | {"names": names.get(listed.id, {})} for listed in assets])
        return
    rows = [
        (listed.id, listed.level.value, listed.name, listed.line, listed.criticality, _names(names.get(listed.id, {})))
        for listed in assets
    ]
    write_table(("asset", "level", "name", "line", "criticality", "elsewhere"), rows, "There are no such assets.")


def _names(names: dict[str, str]) -> str:
    return ", ".join(f"{system} {name}" for system, name in sorted(names.items())) or "-"


async def _read(settings: "Settings") -> "PlantRegister":
    async with opened(settings) as storage:
        return await storage.register.read()
