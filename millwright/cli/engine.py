"""`engine`: the workflow engine's server, built, checked or run."""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Unavailable
from domain.loops import repeat, wait_until
from millwright.cli.connections import finish, settings_of
from millwright.cli.lifetime import stopping
from millwright.cli.output import say

if TYPE_CHECKING:
    from millwright.runtime.embedded.engines import EmbeddedEngine

_LOOK_EVERY = 0.5


def engine(
    context: typer.Context,
    production: Annotated[bool, typer.Option("--production", help="Production's server, on PostgreSQL.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Set it up under the home and run it until interrupted.")] = (
        False
    ),
    port: Annotated[int, typer.Option(help="Where it listens on loopback, with --serve.")] = 7233,
) -> None:
    """Print the path of the workflow engine's checked server, and build it first if there is none."""
    from millwright.runtime.embedded import production_engine, temporal_server
    from millwright.runtime.embedded.engines import DevelopmentEngine
    from millwright.runtime.embedded.production_engine import ProductionEngine

    if serve:
        home = settings_of(context, logging.INFO, anew=True).home
        finish(_run(ProductionEngine(home, port) if production else DevelopmentEngine(home, port), home))
    else:
        say(str(production_engine.find(_say).server if production else temporal_server.find(_say)))


async def _run(engine: "EmbeddedEngine", home: Path) -> None:
    from millwright.runtime.embedded.keeper import kept
    from millwright.runtime.embedded.processes import Process

    stop = stopping()
    command = await asyncio.to_thread(engine.command, _say)
    # A shared lock, because workers and the API may use the same home.
    keeping = kept(home, alone=False)
    process = Process("engine", command, {}, home / "logs", inherits=(keeping.descriptor,))
    try:
        await asyncio.to_thread(engine.before_start)
        process.start()

        async def look() -> None:
            if process.exit_code is not None:
                words = f"it ended with {process.exit_code}: {process.last_words()}"
                raise Unavailable(words, system="temporal", operation="serve")

        async def serves() -> bool:
            await look()
            return stop.is_set() or await asyncio.to_thread(engine.serves)

        await wait_until(serves, bool, every=_LOOK_EVERY)
        _say(f"The workflow engine serves at {engine.address}; end it with Ctrl-C.")
        await repeat(look, every=_LOOK_EVERY, stop=stop)
    finally:
        await asyncio.to_thread(process.stop)
        await asyncio.to_thread(engine.stop_database)
        keeping.release()


def _say(words: str) -> None:
    say(words, err=True)


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(engine)
