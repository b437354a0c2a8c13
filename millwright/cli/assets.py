"""`assets`: the equipment hierarchy, and the names of assets in other systems."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from domain.assets import SYSTEMS, Level
from millwright.cli.api_client import Answer, api_of
from millwright.cli.asset_suggestions import suggest_names
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey, reason_given
from millwright.cli.crosswalk import import_crosswalk
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from domain.assets import PlantRegister
    from millwright.settings import Settings
    from millwright.storage.events.register import ImportReport

_NAMED = 10
"""Maximum number of ids in a sentence."""

app = typer.Typer(no_args_is_help=True, help="Assets: the equipment hierarchy and its crosswalk.")


@app.command("import")
def import_(context: typer.Context, key: ActorKey = None, json: Json = False) -> None:
    """Let the API read the register from the twin graph. Changes are valid from now on; nothing is deleted or
    retired."""
    from millwright.storage.events.register import ImportReport

    with api_of(context, key) as api:
        report = api.act(("assets", "imports"), ImportReport, {})
    if json:
        write_json(report)
        return
    for sentence in import_sentences(report):
        say(sentence)


app.command("import-crosswalk")(import_crosswalk)
app.command("suggest")(suggest_names)


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
    key: ActorKey = None,
) -> None:
    """Give an asset its name in another system, from now on. Unmapped events can be re-driven afterwards."""
    if system.partition(":")[0] not in SYSTEMS:
        raise typer.BadParameter(f"there is no system {system!r}; there are: {', '.join(SYSTEMS)}", param_hint="SYSTEM")
    asked = {
        "asset": asset,
        "system": system,
        "external_id": external_id,
        "attributes": dict(_pair(pair) for pair in attribute or []),
    }
    with api_of(context, key) as api:
        api.act(("assets", "aliases"), Answer, asked)
    say(f"{asset} is {external_id} in {system} from now on.")


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--attribute")
    return name, value


@app.command()
def retire(
    context: typer.Context,
    assets: Annotated[
        list[str], typer.Argument(metavar="ASSET", help="The ids of assets; all assets below them are retired too.")
    ],
    reason: Annotated[str, typer.Option(help="The reason; it is recorded, and shown on the cases.")],
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Retire assets that have left the plant, from now on. Their open work is withdrawn if nobody has touched it."""
    from millwright.storage.events.retirement import RetirementReport

    with api_of(context, key) as api:
        asked = {"assets": assets, "reason": reason_given(reason)}
        report = api.act(("assets", "retirements"), RetirementReport, asked)
    if json:
        write_json(report)
        return
    are = _counted(report.assets, "asset is", "assets are")
    say(f"{are} retired since {report.at:%Y-%m-%d %H:%M} UTC: {_some(report.assets)}.")
    if report.cases:
        are = _counted(report.cases, "open case is", "open cases are")
        say(f"{are} called off: {_some(report.cases)}; see `millwright case list`.")


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
