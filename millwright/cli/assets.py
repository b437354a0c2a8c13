"""`assets`: the equipment hierarchy, and the names of assets in other systems."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.assets import SYSTEMS, Level
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from domain.assets import PlantRegister
    from millwright.settings import Settings
    from millwright.storage.events.register import ImportReport

app = typer.Typer(no_args_is_help=True, help="Assets: the equipment hierarchy and its crosswalk.")


@app.command("import")
def import_(context: typer.Context, json: Json = False) -> None:
    """Read the register from the twin graph. Changes are valid from now on; nothing is deleted."""
    report = finish(_import(settings_of(context)))
    if json:
        write_json(report)
        return
    read = f"{report.assets} assets, {report.aliases} aliases, {report.observables} observables"
    typer.echo(f"{read}; {report.changed} new or changed.")


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
