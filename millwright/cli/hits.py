"""`policy hits`: how often each rule decided."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.backtest import Since, Until, moment
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from policies.engine.judging import CompiledPolicy
    from policies.statistics.hits import RuleHits

_FLAGS = {"never_hit": "never hit", "always_hit": "always hit: no rule below it is evaluated"}


def hits(
    context: typer.Context,
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION]", help="A version's number or digest; without it, the active one."),
    ] = None,
    since: Since = None,
    until: Until = None,
    json: Json = False,
) -> None:
    """Show how often each rule decided, counting the newest verdicts, and which rules never or always decide."""
    settings = settings_of(context)

    async def work() -> "tuple[CompiledPolicy, tuple[RuleHits, ...]]":
        from millwright.backtesting.hits import read_hits
        from millwright.backtesting.versions import active_version, named_version
        from millwright.storage.reporting.history import read_history

        async with opened(settings) as storage:
            stored = await storage.versions.versions()
            async with read_history(storage.engine) as history:
                policy = (
                    named_version(version, stored)
                    if version is not None
                    else await active_version(history, stored, storage.clock.now())
                )
                first = None if since is None else moment(since, "since")
                last = None if until is None else moment(until, "until")
                return policy, await read_hits(history, policy, first, last)

    policy, found = finish(work())
    if json:
        write_json({"version": policy.document.version, "digest": policy.digest, "rules": found})
        return
    rows = [
        (hit.rule, hit.hits, f"{hit.share:.1%}", f"{hit.per_day:g}", hit.days, _FLAGS[hit.flag] if hit.flag else "")
        for hit in found
    ]
    write_table(("rule", "verdicts", "share", "a day", "on days", ""), rows, "The version has no rules.")


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(hits)
