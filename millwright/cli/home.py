"""`home`: the folder in which the embedded parts keep their files."""

from typing import Annotated

import typer

from millwright.cli.connections import settings_of
from millwright.cli.output import say

app = typer.Typer(no_args_is_help=True, help="The home: where the embedded parts keep their files.")


@app.command()
def remove(
    context: typer.Context,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Also if people acted in the home; their acts are lost.")
    ] = False,
) -> None:
    """Remove a home that nobody uses, with all its data; files that are not ours are kept."""
    from millwright.demo import clearing
    from millwright.runtime.embedded.marking import locked

    home = settings_of(context, anew=True).home.resolve()
    if not home.exists():
        say(f"There is no home at {home}.")
        return
    with locked(home, alone=True):
        left = clearing.remove(home, fresh=fresh)
    say(f"{home} was emptied, but for {', '.join(left)}." if left else f"{home} was removed.")
