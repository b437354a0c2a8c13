"""`policy price`: what the decided times for work cost by a version's prices."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, say, write_json
from millwright.cli.versions import version_named

if TYPE_CHECKING:
    from domain.cases import DecidedTime


def price(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A version's number or digest, or a draft's file; with prices.")],
    json: Json = False,
) -> None:
    """Compare the times for work that were decided by a version's prices: as decided, at the least cost, always now,
    always at the planned stop."""
    from millwright.explaining.timing_costs import timing_sentences
    from policies.evaluation.timing_costs import repriced_costs

    policy, settings = version_named(context, version), settings_of(context)

    async def read() -> "list[DecidedTime]":
        from millwright.storage.reporting.decided_times import decided_times

        async with opened(settings) as storage:
            return await decided_times(storage.engine)

    costs = repriced_costs(policy, finish(read()))
    if json:
        write_json(costs)
        return
    for sentence in timing_sentences(costs):
        say(sentence)


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(price)
