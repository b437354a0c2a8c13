"""`hold prove` and what belongs to it: two persons prove at a machine that a hold stops it."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ActRejected, Rejected
from domain.production import ISOLATION_NOTICE, READY_TO_RUN
from domain.walk_downs import MAY_BE_STOPPED, STANDS_STILL
from millwright.cli.api_client import api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, SigningKey, reason_given, signer
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.storage.reporting.walk_down_lists import SeenMachine

Key = Annotated[str, typer.Argument(metavar="KEY", help="The key of the walk-down (WD…).")]


def register(app: typer.Typer) -> None:
    """Adds the commands to `hold`."""
    app.command()(prove)
    app.command()(looked)
    app.command("let-run")(let_run)
    app.command()(proofs)
    app.command("withdraw-proof")(withdraw_proof)


def prove(
    context: typer.Context,
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Its id, or its name in the MES.")],
    may_be_stopped: Annotated[bool, typer.Option("--may-be-stopped", help=f"You state: {MAY_BE_STOPPED}.")] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
    json: Json = False,
) -> None:
    """Begin a walk-down at a machine, as a person of production. Its job is held at once. It is signed."""
    from millwright.storage.reporting.walk_down_lists import SeenMachine, SeenWalkDown

    _insist(may_be_stopped, "may-be-stopped", MAY_BE_STOPPED)
    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        found = _named(api.read(("walk-downs", "machines"), list[SeenMachine]), machine)
        signed = person.sign_begin(found.machine, found.system, found.equipment, MAY_BE_STOPPED)
        body = {"machine": found.machine, "equipment": found.equipment, "meaning": MAY_BE_STOPPED, **signed}
        begun = api.act(("walk-downs",), SeenWalkDown, body)
    if json:
        write_json(begun)
        return
    say(f"{begun.key} on {begun.equipment} in {begun.system}: its job is held now. {ISOLATION_NOTICE}")
    say(f"Within 30 minutes another person, of maintenance, looks: `millwright hold looked {begun.key}`.")


def looked(
    context: typer.Context,
    walk_down: Key,
    stands_still: Annotated[bool, typer.Option("--stands-still", help=f"You state: {STANDS_STILL}.")] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
    json: Json = False,
) -> None:
    """State what you saw at the machine of a walk-down, as a planner of maintenance. It is signed."""
    from millwright.storage.reporting.walk_down_lists import SeenWalkDown

    _insist(stands_still, "stands-still", STANDS_STILL)
    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        held = api.read(("walk-downs", walk_down), SeenWalkDown)
        signed = person.sign_look(held, STANDS_STILL)
        seen = api.act(("walk-downs", held.key, "look"), SeenWalkDown, {"meaning": STANDS_STILL, **signed})
    if json:
        write_json(seen)
        return
    say(f"{seen.key} on {seen.equipment}: {seen.signed[-1].words}")
    say(f"Production releases the machine: `millwright hold let-run {seen.key}`.")


def let_run(
    context: typer.Context,
    walk_down: Key,
    reason: Annotated[str, typer.Option(help="Why; it is recorded with your name.")] = "the walk-down is done",
    ready_to_run: Annotated[bool, typer.Option("--ready-to-run", help=f"You state: {READY_TO_RUN}.")] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
    json: Json = False,
) -> None:
    """Release the machine of a walk-down, as a person of production. It is signed."""
    from millwright.storage.reporting.walk_down_lists import SeenWalkDown

    why = reason_given(reason)
    _insist(ready_to_run, "ready-to-run", READY_TO_RUN)
    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        held = api.read(("walk-downs", walk_down), SeenWalkDown)
        signed = person.sign_release(held.key, held.equipment, READY_TO_RUN, why)
        body = {"meaning": READY_TO_RUN, "reason": why, **signed}
        released = api.act(("walk-downs", held.key, "release"), SeenWalkDown, body)
    if json:
        write_json(released)
        return
    say(f"{released.key} on {released.equipment}: {released.signed[-1].words}")
    say("The MES call that lets it run follows; see `millwright hold proofs`.")


def proofs(context: typer.Context, json: Json = False) -> None:
    """List the machines that an MES knows: proved, suspended or not proved, and the walk-downs that are under way."""
    from millwright.runtime.plant_instances import plant_instances
    from millwright.storage.reporting.walk_down_lists import machines

    settings = settings_of(context)

    async def read() -> "list[SeenMachine]":
        async with opened(settings) as storage:
            return await machines(storage.engine, plant_instances(settings))

    found = finish(read())
    if json:
        write_json(found)
        return
    columns = ("machine", "equipment", "in", "state", "proof", "proved", "walk-down", "how it stands")
    rows = [
        (
            each.machine,
            each.equipment,
            each.system,
            each.state.words,
            each.proof,
            each.proved_at,
            each.walk_down,
            each.how_it_stands,
        )
        for each in found
    ]
    write_table(columns, rows, "No MES knows a machine.")


def withdraw_proof(
    context: typer.Context,
    walk_down: Key,
    reason: Annotated[str, typer.Option(help="Why; it is recorded with your name.")],
    key: ApiKey = None,
    json: Json = False,
) -> None:
    """Withdraw a proof, as a person of production, a planner or an administrator: its machine is held no more."""
    from millwright.storage.reporting.walk_down_lists import SeenWalkDown

    why = reason_given(reason)
    with api_of(context, key) as api:
        withdrawn = api.act(("walk-downs", walk_down, "withdraw"), SeenWalkDown, {"reason": why})
    if json:
        write_json(withdrawn)
        return
    say(f"{withdrawn.key} on {withdrawn.equipment}: {withdrawn.how_it_stands}")


def _insist(stated: bool, option: str, words: str) -> None:
    if not stated:
        raise Rejected(
            "a walk-down needs the statement of the person at the machine",
            field=option,
            fix=f"when it is true at the machine, add --{option}, which states: {words}",
        )


def _named(found: "list[SeenMachine]", name: str) -> "SeenMachine":
    """The machine of this id, or with this name in an MES.

    Raises:
        ActRejected: there is none, or several.
    """
    named = [each for each in found if name in (each.machine, each.equipment)]
    if len(named) == 1:
        return named[0]
    if named:
        told = ", ".join(f"{each.machine} ({each.equipment} in {each.system})" for each in named)
        raise ActRejected(f"{name} names several machines: {told}", field="machine", fix="give the id of one of them")
    raise ActRejected(f"no MES knows a machine {name}", field="machine", fix="see `millwright hold proofs`")
