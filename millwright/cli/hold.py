"""`hold`: list held machines, and release them as a person of production."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ActRejected, Rejected
from domain.machine_test_runs import HOLD_AGAIN, READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD
from domain.production import ISOLATION_NOTICE, READY_TO_RUN
from millwright.cli.api_client import api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ApiKey, SigningKey, reason_given, signer
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from domain.machine_test_runs import MachineTestRun
    from millwright.cli.api_client import Api
    from millwright.storage.reporting.hold_lists import SeenHold

app = typer.Typer(no_args_is_help=True, help=f"Holds on machines. {ISOLATION_NOTICE}")

Ref = Annotated[
    str, typer.Argument(metavar="KEY", help="The hold's key (MW…), or the MES's id of the machine with one live hold.")
]
_LISTED = 200
_STATEMENTS = {
    READY_TO_RUN: "ready-to-run",
    READY_FOR_TEST_RUN: "ready-for-test-run",
    RUNS_AS_IT_SHOULD: "runs-as-it-should",
}
"""What a person states to release a hold, with the option that states it."""


@app.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    json: Json = False,
) -> None:
    """List the live holds, the newest first."""
    from domain.holds import HoldStatus
    from millwright.runtime.plant_instances import plant_instances
    from millwright.storage.reporting.hold_lists import hold_page
    from millwright.storage.reporting.walk_down_lists import machines, proving_words

    settings = settings_of(context)
    states = tuple(state for state in HoldStatus if everything or state.live)

    async def read() -> "tuple[list[SeenHold], str | None]":
        async with opened(settings) as storage:
            display = await storage.people.signature_display(storage.zone)
            page = await hold_page(storage.engine, states=states, limit=_LISTED)
            known = await machines(storage.engine, plant_instances(settings))
            return [hold.shown(display) for hold in page], proving_words(known) if known else None

    holds, proving = finish(read())
    if json:
        write_json(holds)
        return
    columns = ("hold", "equipment", "state", "how it stands", "waits for")
    rows = [(hold.key, hold.equipment, hold.state.value, hold.words, _waits_for(hold)) for hold in holds]
    write_table(columns, rows, "There are no holds." if everything else "No hold is live.")
    for notice in sorted({hold.notice for hold in holds if hold.notice is not None}):
        say(notice)
    if proving is not None:
        say(f"Machines that can be held: {proving}; see `millwright hold proofs`.")


@app.command()
def show(context: typer.Context, ref: Ref, json: Json = False) -> None:
    """Show one hold: its state, its placements, and the cases that ask for it."""
    from millwright.storage.reporting.hold_lists import hold_by

    settings = settings_of(context)

    async def read() -> "SeenHold":
        async with opened(settings) as storage:
            return (await hold_by(storage.engine, ref)).shown(await storage.people.signature_display(storage.zone))

    hold = finish(read())
    if json:
        write_json(hold)
        return
    say(f"{hold.key} on {hold.equipment} in {hold.system}: {hold.words}")
    if hold.notice is not None:
        say(hold.notice)
    if (waits_for := _waits_for(hold)) is not None:
        say(f"waits for {waits_for}")
    if hold.overruled_at is not None:
        say(f"a person started the machine in the MES; seen {hold.overruled_at:%Y-%m-%d %H:%M} UTC")
    if hold.release is not None:
        say(_released(hold))
    if hold.test_run is not None:
        say(_tested(hold.test_run))
    if hold.ended_at is not None:
        say(f"ended {hold.ended_at:%Y-%m-%d %H:%M} UTC{f': {hold.reason}' if hold.reason else ''}")
    say()
    write_table(
        ("case", "work", "done"),
        [(claim.case, "at work" if claim.working else "done", claim.ready_at) for claim in hold.cases],
        "No case asks for it.",
    )
    say()
    write_table(
        ("job", "receiver", "method", "state", "accepted", "first read as held", "read last"),
        [
            (
                placed.job,
                placed.receiver,
                placed.method.value,
                placed.state.value,
                placed.accepted_at,
                placed.in_effect_at,
                placed.read_at,
            )
            for placed in hold.placements
        ],
        "No job was held yet.",
    )


@app.command()
def release(
    context: typer.Context,
    ref: Ref,
    reason: Annotated[str, typer.Option(help="Why; it is recorded with your name.")],
    ready_to_run: Annotated[bool, typer.Option("--ready-to-run", help=f"You state: {READY_TO_RUN}.")] = False,
    for_test_run: Annotated[
        bool, typer.Option("--ready-for-test-run", help=f"You state: {READY_FOR_TEST_RUN}.")
    ] = False,
    for_good: Annotated[bool, typer.Option("--runs-as-it-should", help=f"You state: {RUNS_AS_IT_SHOULD}.")] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
    json: Json = False,
) -> None:
    """Release a hold whose work is done, as the person of production whose API key is given. It is signed.

    Where the policy asks for a test run, the machine is first released for that, and then for good.
    """
    from millwright.storage.reporting.hold_lists import SeenHold

    why = reason_given(reason)
    stated = [
        meaning for meaning, given in zip(_STATEMENTS, (ready_to_run, for_test_run, for_good), strict=True) if given
    ]
    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        held = api.read(("holds", _key_of(api, ref)), SeenHold)
        wanted = held.statement or (READY_TO_RUN if held.test_run is None else READY_FOR_TEST_RUN)
        if stated != [wanted]:
            raise Rejected(
                "a release needs the statement of the person who releases",
                field=_STATEMENTS[wanted],
                fix=f"when it is true at the machine, add --{_STATEMENTS[wanted]}, which states: {wanted}",
            )
        signed = person.sign_release(held.key, held.equipment, wanted, why)
        hold = api.act(("holds", held.key, "release"), SeenHold, {"meaning": wanted, "reason": why, **signed})
    if json:
        write_json(hold)
        return
    say(f"{hold.key} on {hold.equipment}: {_released(hold)}")
    if hold.state.live:
        say(f"The MES call that lets {hold.equipment} run follows; see `millwright hold show {hold.key}`.")


@app.command()
def again(
    context: typer.Context,
    ref: Ref,
    reason: Annotated[str, typer.Option(help="What is wrong; it is recorded with your name, and the order says it.")],
    did_not_help: Annotated[bool, typer.Option("--did-not-help", help=f"You state: {HOLD_AGAIN}.")] = False,
    key: ApiKey = None,
    signing_key: SigningKey = None,
    json: Json = False,
) -> None:
    """Have a machine held again that runs on test, as the person of production whose API key is given. It is signed.

    The hold is placed anew, and the rework gets an order of its own that names the one which did not help.
    """
    from domain.keys import HOLD_AGAIN as ACT
    from millwright.storage.reporting.hold_lists import SeenHold

    why = reason_given(reason)
    if not did_not_help:
        raise Rejected(
            "holding a machine again needs the statement of the person who asks",
            field="did-not-help",
            fix=f"when it is true at the machine, add --did-not-help, which states: {HOLD_AGAIN}",
        )
    with api_of(context, key) as api:
        person = signer(context, api, signing_key)
        held = api.read(("holds", _key_of(api, ref)), SeenHold)
        signed = person.sign_release(held.key, held.equipment, HOLD_AGAIN, why, ACT)
        hold = api.act(("holds", held.key, "again"), SeenHold, {"meaning": HOLD_AGAIN, "reason": why, **signed})
    if json:
        write_json(hold)
        return
    rework = ", ".join(claim.case for claim in hold.cases)
    say(f"{hold.key} on {hold.equipment} is asked for again; case {rework} is its rework.")


def _key_of(api: "Api", ref: str) -> str:
    """The key of the live hold on an equipment; what names no equipment with one is a key.

    Raises:
        ActRejected: several holds are live on the equipment.
    """
    from millwright.storage.reporting.hold_lists import SeenHold

    live = api.read(("holds",), list[SeenHold], equipment=ref)
    if len(live) > 1:
        keys = " and ".join(f"{hold.key} (in {hold.system})" for hold in live)
        raise ActRejected(f"several holds are on {ref}: {keys}", field="hold", fix="give the key of one of them")
    return live[0].key if live else ref


def _waits_for(hold: "SeenHold") -> str | None:
    """What a live hold waits for; None for one that has ended."""
    from domain.holds import HoldStatus

    if not hold.state.live:
        return None
    if hold.state is HoldStatus.TESTING:
        return "proof that the signal is back at its baseline, else for production to decide"
    if hold.releasable and hold.ready_at is not None:
        step = "" if hold.test_run is None else " for a test run"
        return f"production to release it{step}, since {hold.ready_at:%Y-%m-%d %H:%M} UTC"
    if hold.release is not None:
        return "the MES call that lets the machine run"
    at_work = [claim.case for claim in hold.cases if claim.working]
    return f"the work of case {', '.join(at_work)}" if at_work else "a case that answers for it"


def _released(hold: "SeenHold") -> str:
    said = hold.release
    if said is None:
        raise LookupError(f"hold {hold.key} has no release")
    if hold.signed is not None:
        return f"released, {hold.signed.words} (reason: {said.reason})"
    meaning = said.meaning or "no meaning is known"
    return f"released by {said.by} on {said.at:%Y-%m-%d %H:%M} UTC: {meaning} (reason: {said.reason})"


def _tested(run: "MachineTestRun") -> str:
    """What its test run must prove, or proved."""
    minutes = run.terms.steady / timedelta(minutes=1)
    wanted = f"{minutes:g} min at a score of at most {run.terms.score:g}"
    if run.proof is not None:
        told = "; ".join(
            f"{fault.failure_mode} of {fault.asset} by {fault.readings} readings from {fault.since:%Y-%m-%d %H:%M} to "
            f"{fault.until:%H:%M} UTC"
            for fault in run.proof.faults
        )
        return f"released for good by proof of {wanted}: {told}"
    if run.until is None:
        return f"it is to be released for a test run first, which must prove {wanted}"
    return f"its test run must prove {wanted} until {run.until:%Y-%m-%d %H:%M} UTC"
