"""`policy diff`: the changes of another version, in its rules and in its decisions."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.output import Json, say, write_json
from millwright.cli.versions import version_named

if TYPE_CHECKING:
    from policies.checks.difference import Difference


def diff(
    context: typer.Context,
    before: Annotated[str, typer.Argument(metavar="A", help="A version, or a draft's file.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    seconds: Annotated[float, typer.Option(min=0.1, help="How long one question to the solver may take.")] = 20.0,
    json: Json = False,
) -> None:
    """Show the changes from A to B, and the situations that B decides differently; exits 0 only if there are none."""
    from policies.checks.difference import difference

    old, new = version_named(context, before), version_named(context, after)
    found = difference(old, new, round(seconds * 1000))
    if json:
        effects = [
            {**each.model_dump(exclude={"witness"}), "witness": _witness(each.witness)} for each in found.effects
        ]
        write_json({**found.model_dump(exclude={"effects"}), "effects": effects, "alike": found.alike})
    else:
        _tell(found)
    if not found.alike:
        raise typer.Exit(1)


def _witness(situation: object) -> object:
    from pydantic import BaseModel

    return situation.model_dump(mode="json", exclude_defaults=True) if isinstance(situation, BaseModel) else None


def _tell(found: "Difference") -> None:
    say(f"{found.before} → {found.after}")
    for change in found.changes:
        say(f"  {change.about}: {change.says}")
    if not found.changes:
        say("  Nothing that a version decides by is written otherwise.")
    say("Decided otherwise:")
    for effect in found.effects:
        say(f"  {effect.says}")
    if found.timing:
        say("  when the work happens may be chosen otherwise")
    if found.terms:
        say(
            "  how long an episode lasts, how late an event may be, when review is left out or which holds are "
            "released without a person is otherwise"
        )
    for unsettled in found.unsettled:
        say(f"  not settled: {unsettled}")
    if found.alike:
        say("  nothing: it is proved that both decide every situation alike")
    elif not found.unsettled:
        say("It is proved that nothing else is decided differently.")


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(diff)
