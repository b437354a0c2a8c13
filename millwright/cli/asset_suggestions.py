"""`assets suggest`: which records of a CMMS may be the assets that have no name there. It maps nothing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from domain.assets import CMMS_SYSTEM, name_words, system_of
from domain.errors import Rejected
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from millwright.asset_mapping.suggesting import NameSuggestion
    from millwright.settings import Settings
    from millwright.storage.reporting.unmapped import UnmappedEvents

_MOST_REASONS: Final = 10


class _Suggested(NamedTuple):
    """What is suggested for one CMMS. `system` is its word in the crosswalk."""

    system: str
    suggestions: "list[NameSuggestion]"


class _Found(NamedTuple):
    waiting: "Sequence[UnmappedEvents]"
    suggested: list[_Suggested]
    without_list: list[str]


def suggest_names(
    context: typer.Context,
    system: Annotated[
        str | None, typer.Option(metavar="SYSTEM", help="Only of this CMMS: cmms, or one instance, as cmms:hamburg.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Write the clear suggestions to a table."),
    ] = None,
    json: Json = False,
) -> None:
    """Suggest names in the CMMS for assets that have none there. Nothing is mapped: a person imports what is right."""
    if write is not None and write.suffix.lower() != ".csv":
        raise Rejected(f"{write.name} is no table", field="--write", fix="give a name that ends with .csv")
    found = finish(_suggestions(settings_of(context), system))
    written = None if write is None else _write(write, found.suggested)
    if json:
        suggested = {each.system: each.suggestions for each in found.suggested}
        write_json({"unmapped_events": found.waiting, "suggestions": suggested, "without_list": found.without_list})
        return
    for reason in found.waiting:
        say(f"events that wait: {reason.events} ({reason.reason})")
    for name in found.without_list:
        say(f"The connector of {name} cannot list assets. Export them there, and import the names from a table.")
    for each in found.suggested:
        _tell(each)
    if written is not None:
        then = f"millwright assets import-crosswalk {write}"
        say(f"{written} clear suggestions are in {write}. Look at each, correct the table, then: {then}")


async def _suggestions(settings: "Settings", system: str | None) -> _Found:
    from domain.cmms_offers import AssetLister
    from millwright.asset_mapping.suggesting import suggest
    from millwright.asset_mapping.unnamed import names_in
    from millwright.runtime.connecting import open_all_cmms
    from millwright.runtime.plant_instances import plant_instances
    from millwright.storage.reporting.unmapped import unmapped_events

    async with opened(settings) as storage, open_all_cmms(settings, storage.clock) as (connectors, _):
        alone = len(connectors) == 1
        words = {CMMS_SYSTEM if alone else system_of(CMMS_SYSTEM, name): name for name in connectors}
        if system is not None:
            own = {system: words[system]} if system in words else {}
            own |= {word: name for word, name in words.items() if system_of(CMMS_SYSTEM, name) == system}
            if not own:
                known = ", ".join(sorted(words))
                raise Rejected(f"there is no CMMS {system!r}", field="--system", fix=f"one of {known}")
            words = own
        register = await storage.register.read()
        found = _Found(await unmapped_events(storage.engine, _MOST_REASONS), [], [])
        for word, name in words.items():
            connector = connectors[name]
            if not isinstance(connector, AssetLister):
                found.without_list.append(word)
                continue
            names = names_in(register, name, plant_instances(settings).cmms)
            listed = await connector.list_assets()
            found.suggested.append(_Suggested(word, suggest(names.unnamed, listed.assets, names.taken)))
    return found


def _write(file: Path, suggested: "Sequence[_Suggested]") -> int:
    """Writes the clear suggestions; gives their number."""
    from domain.crosswalk import NewName
    from millwright.asset_mapping.crosswalk_file import write_crosswalk

    names = [
        NewName(
            asset=suggestion.asset.id,
            system=each.system,
            external_id=suggestion.candidates[0].listed.external_id,
            attributes=suggestion.candidates[0].listed.attributes,
        )
        for each in suggested
        for suggestion in each.suggestions
        if suggestion.clear
    ]
    try:
        file.write_text(write_crosswalk(names), encoding="utf-8-sig")
    except OSError as error:
        raise Rejected(f"{file} cannot be written: {error}", field="--write") from error
    return len(names)


def _tell(suggested: _Suggested) -> None:
    rows = [
        (
            suggestion.asset.id if place == 0 else "",
            suggestion.asset.names[0] if place == 0 else "",
            name_words(candidate.listed.external_id, candidate.listed.attributes),
            candidate.listed.description or "-",
            f"{candidate.score}{' clear' if place == 0 and suggestion.clear else ''}",
            ", ".join(candidate.reasons),
        )
        for suggestion in suggested.suggestions
        for place, candidate in enumerate(suggestion.candidates)
    ]
    columns = ("asset", "name", suggested.system, "called there", "score", "reasons")
    write_table(columns, rows, f"There are no suggestions for {suggested.system}.")
    without = [suggestion.asset.id for suggestion in suggested.suggestions if not suggestion.candidates]
    if without:
        say(f"Nothing there is like {', '.join(without)}.")
