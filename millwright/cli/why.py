"""`why`: why something was done or not done."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, write_json, write_rich

if TYPE_CHECKING:
    from domain.shown_signatures import SignatureDisplay
    from millwright.explaining.why import Why
    from millwright.settings import Settings


def why(
    context: typer.Context,
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="An event (its number, or its sender's id), a case, or a work order.")
    ],
    json: Json = False,
) -> None:
    """Explain why something was done or not done: the rule, the numbers, the people, and the consequences."""
    from millwright.explaining.rendering import render

    told, display = finish(_why(settings_of(context), ref))
    if json:
        write_json(told)
    else:
        write_rich(render(told, display))


async def _why(settings: "Settings", ref: str) -> "tuple[Why, SignatureDisplay]":
    from millwright.explaining.why import why as tell

    async with opened(settings) as storage:
        return await tell(storage.engine, storage.catalogue, ref), await storage.people.signature_display(storage.zone)


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(why)
