"""`case`: show cases, and record a person's decision or word on what the work found."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.cases import Lane
from domain.errors import Rejected
from domain.outcomes import OutcomeClass
from domain.production import hold_notice
from domain.return_to_normal import VerificationState
from millwright.cli.api_client import Answer, api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey, reason_given
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.cases import Rework
    from domain.freshness import SeenWatch
    from domain.hold_proposals import HoldProposal
    from domain.verdict import UrgencyDecision
    from millwright.storage.reporting.case_lists import SeenCase, WholeCase
    from millwright.storage.reporting.unknown_codes import UnknownCode

app = typer.Typer(no_args_is_help=True, help="Cases: one episode of one fault each.")

Ref = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, as on the work order (MW…).")]


_VERIFIED = {
    VerificationState.VERIFIED: "verified",
    VerificationState.NOT_VERIFIED: "not verified",
    VerificationState.DID_NOT_HELP: "shown not to have helped",
}


class _Recorded(Answer):
    by: str


class _Corrected(Answer):
    by: str
    changes: list[str]


class _Retried(Answer):
    waits_for: str


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[
        str,
        typer.Option(
            help="`open`, `closed`, `all`, or a phase: propose, review, place, work, learn, awaiting_release."
        ),
    ] = "open",
    lane: Annotated[Lane | None, typer.Option(help="Only cases that wait in this lane.")] = None,
    asset: Annotated[str | None, typer.Option(help="Only of this component or machine.")] = None,
    line: Annotated[str | None, typer.Option(help="Only of this line.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    json: Json = False,
) -> None:
    """List cases, the newest first."""
    from millwright.storage.reporting.case_lists import case_page

    settings = settings_of(context)

    async def read() -> "list[SeenCase]":
        async with opened(settings) as storage:
            return await case_page(
                storage.engine,
                state=None if state == "all" else state,
                lane=lane.value if lane else None,
                asset=asset,
                line=line,
                after=None,
                limit=limit,
            )

    cases = finish(read())
    if json:
        write_json(cases)
        return
    rows = [
        (case.id, case.asset, case.failure_mode, case.rung, case.phase, case.opened_at, case.work_order, _state(case))
        for case in cases
    ]
    columns = ("case", "asset", "mode", "rung", "phase", "opened", "order", "state")
    write_table(columns, rows, "No such cases.")


def _state(case: "SeenCase") -> str:
    if case.closed_at is not None and case.lane is None:
        return case.closed_as or "closed"
    waits = f"waits for {case.waiting_for}" if case.waiting_for else case.work_order_status or "-"
    return f"[{case.lane}] {waits}" if case.lane else waits


@app.command()
def show(context: typer.Context, case: Ref, json: Json = False) -> None:
    """Show one case: what was seen, what was decided, and everything that was done."""
    from millwright.runtime.plant_instances import plant_instances
    from millwright.storage.reporting.case_lists import whole_case
    from millwright.storage.reporting.freshness_lists import watches

    settings = settings_of(context)

    async def read() -> "tuple[WholeCase, list[SeenWatch]]":
        async with opened(settings) as storage:
            whole = await whole_case(storage.engine, case, plant_instances(settings))
            now, every, of = storage.clock.now(), settings.operating_interval, whole.case.machine.id
            seen = await watches(storage.engine, settings.heartbeats, now, every, under=of)
            return whole.shown(await storage.people.signature_display(storage.zone)), seen

    whole, seen = finish(read())
    if json:
        write_json(whole)
        return
    view = whole.case
    policy = f"{view.verdict.policy} {view.verdict.version}, rule {view.verdict.rule}"
    say(f"{view.id}: {view.failure_mode} on {view.asset.name} ({view.asset.id}), {view.rung.word}, {view.phase}")
    say(f"decided by {policy}; `millwright why {view.id}` tells why")
    if view.urgency is not None:
        _say_urgency(view.urgency)
    if view.withdraw is not None:
        say(f"called off: {view.withdraw}")
    if view.rework is not None:
        say(_reworked(view.rework))
    if view.normal is not None:
        say(f"the fault has returned to normal: its signal was {view.normal.words}")
    for each in seen:
        if each.unseen_words is not None:
            say(each.unseen_words)
    for detached in view.detached:
        say(detached.words)
    if view.open_work is not None:
        say(view.open_work.words)
    if view.draft_check is not None:
        say(view.draft_check.words)
    for words in view.correction_words:
        say(words)
    if view.order is not None:
        of = "of a person " if view.attached is not None else ""
        say(f"order {of}{view.order.ref.id} in {view.order.ref.system}: {view.order.vendor_status}")
        if view.order.put_off_until is not None:
            say(f"put off there until {view.order.put_off_until:%Y-%m-%d %H:%M} UTC")
        if view.order.rejection is not None:
            say(f"rejected there: {view.order.rejection.words}")
    if whole.hold is None and view.hold_proposal is not None:
        say(_proposed(view.machine.name, view.hold_proposal))
        say(hold_notice(view.production.enforcement if view.production is not None else None))
    if whole.hold is not None:
        say(f"hold {whole.hold.key} on {whole.hold.equipment}: {whole.hold.words}")
        if whole.hold.signed is not None:
            say(f"release of the hold {whole.hold.signed.words}")
        if whole.hold.notice is not None:
            say(whole.hold.notice)
    if view.waiting_for is not None:
        until = f", until {view.waiting_until:%Y-%m-%d %H:%M} UTC" if view.waiting_until else ""
        say(f"waits for {view.waiting_for}{until}")
    if view.closed_as is not None:
        ended = "closed" if view.phase == "closed" else "work ended"
        say(f"{ended} as {view.closed_as}, outcome {view.outcome or 'none'}")
    if view.verification is not None:
        rework = f"; case {view.verification.rework} is the rework" if view.verification.rework else ""
        say(f"the work is {_VERIFIED[view.verification.state]}: {view.verification.found}{rework}")
    if view.stated is not None:
        by, at = view.stated.by, view.stated.at
        say(f"outcome {view.outcome} stated by {by} on {at:%Y-%m-%d %H:%M} UTC: {view.stated.reason}")
        if view.stated.suggestion is not None:
            say(f"taken from the notes: {view.stated.suggestion.words}")
    if view.iso14224 is not None:
        say(f"found, by ISO 14224: {view.iso14224.words}")
    for suggested in whole.suggestions:
        say(f"the notes suggest {suggested.words}: --suggestion {suggested.name}")
    if view.twin_write is not None:
        for words in view.twin_write.words:
            say(words)
    say()
    write_table(
        ("at", "event", "evidence", "rung", "how"),
        [
            (event.at, event.event, f"{event.source} {event.external_id}", event.rung, event.how)
            for event in whole.evidence
        ],
        "No evidence.",
    )
    say()
    write_table(("at", "who", "what"), [(act.at, act.actor, act.kind) for act in whole.story], "Nothing was done yet.")


@app.command("unknown-codes")
def unknown_codes_(context: typer.Context, json: Json = False) -> None:
    """List the codes on completed orders that no table has, those for which most cases wait first."""
    settings = settings_of(context)

    async def read() -> "Sequence[UnknownCode]":
        from millwright.storage.reporting.unknown_codes import unknown_codes

        async with opened(settings) as storage:
            return await unknown_codes(storage.engine)

    found = finish(read())
    if json:
        write_json(found)
        return
    rows = [
        (
            each.system,
            each.role,
            each.group,
            each.code,
            each.orders,
            each.waiting,
            each.first_at,
            each.last_at,
            ", ".join(each.newest),
            ", ".join(suggested.name for suggested in each.suggestions) or None,
        )
        for each in found
    ]
    columns = ("system", "role", "group", "code", "orders", "cases wait", "first", "last", "newest", "notes suggest")
    write_table(columns, rows, "Every code is known.")


def _reworked(said: "Rework") -> str:
    earlier = f"case {said.case}" + (f" (order {said.order})" if said.order else "")
    held = "" if said.by is None else f"{said.by} had the machine held again, {said.reason}; "
    return f"rework of {earlier}: {held}{said.found}"


def _proposed(machine: str, proposal: "HoldProposal") -> str:
    answer = proposal.answer
    asked = f"hold of {machine} from {proposal.hold_at:%Y-%m-%d %H:%M} UTC proposed to production"
    if answer is None:
        return f"{asked}, to be answered by {proposal.answer_by:%Y-%m-%d %H:%M} UTC"
    if answer.hold_at is None:
        return f"{asked}, refused by {answer.by}: {answer.reason}"
    return f"{asked}, accepted by {answer.by} from {answer.hold_at:%Y-%m-%d %H:%M} UTC"


def _say_urgency(urgency: "UrgencyDecision") -> None:
    say(f"work {urgency.urgency}, {urgency.work_at:%Y-%m-%d %H:%M} UTC (rule {urgency.rule}): {urgency.because}")
    for sentence in (*urgency.explained, *urgency.depends):
        say(sentence)
    prices = urgency.prices
    if prices is None:
        return
    say(f"in {prices.currency}:")
    parts = ("failure", "lost_production", "changeover", "scrap", "crew", "derating", "total")
    write_table(
        ("time", "at", "probability", *(part.replace("_", " ") for part in parts)),
        [(each.time, each.at, each.probability, *(getattr(each, part) for part in parts)) for each in prices.times],
        "No time was priced.",
    )
    say()
    write_table(
        ("input", "value", "unit", "another choice below", "another choice above"),
        [
            (each.input, each.value, each.unit, _times(each.falls_to), _times(each.rises_to))
            for each in prices.sensitivity
        ],
        "No input was used.",
    )
    say()


def _times(factor: str | None) -> str:
    return "-" if factor is None else f"{factor} times"


@app.command()
def decide(
    context: typer.Context,
    case: Ref,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="Approve or reject the case's proposal.")],
    reason: Annotated[str, typer.Option(help="The reason; it is recorded.")],
    key: ActorKey = None,
) -> None:
    """Approve or reject a case's proposal, as the person whose API key is given."""
    with api_of(context, key) as api:
        asked = {"approved": approve, "reason": reason_given(reason)}
        told = api.act(("cases", case, "decision"), _Recorded, asked)
    say(f"{told.by} {'approved' if approve else 'rejected'} {case}.")


@app.command()
def retry(context: typer.Context, case: Ref, key: ActorKey = None) -> None:
    """Have a case try again now, after you have corrected what it waits for in another system."""
    with api_of(context, key) as api:
        told = api.act(("cases", case, "retry"), _Retried, {})
    say(f"{case} tries again now. It waited for {told.waits_for}.")


@app.command()
def correct(
    context: typer.Context,
    case: Ref,
    changes: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="summary, priority (1 to 4), due_at (a time, or none), job_plan=none, asset_name=mapped.",
        ),
    ],
    reason: Annotated[str, typer.Option(help="The reason; it is recorded.")],
    key: ActorKey = None,
) -> None:
    """Correct the draft of an order that the CMMS refused, as the person whose API key is given. It is tried again."""
    values = dict(_value_given(change) for change in changes)
    with api_of(context, key) as api:
        asked = {"changes": values, "reason": reason_given(reason)}
        told = api.act(("cases", case, "corrections"), _Corrected, asked)
    say(f"{told.by} corrected the draft of {case}: {'; '.join(told.changes)}. It is tried again.")


def _value_given(change: str) -> tuple[str, str | int | None]:
    """A field and its value.

    Raises:
        Rejected: there is no equals sign, or a priority is no number.
    """
    field, equals, value = change.partition("=")
    if not equals:
        raise Rejected(f"{change!r} has no value", field="--set", fix="write FIELD=VALUE, such as priority=3")
    if field == "priority":
        if not (value.isascii() and value.isdigit() and len(value) == 1):
            raise Rejected(f"{value!r} is no priority", field="--set", fix="a number from 1 (highest) to 4")
        return field, int(value)
    return field, None if value == "none" and field in ("due_at", "job_plan") else value


@app.command()
def outcome(
    context: typer.Context,
    case: Ref,
    found: Annotated[OutcomeClass, typer.Argument(metavar="CLASS", help="What the work found.")],
    reason: Annotated[str, typer.Option(help="The reason; it is recorded.")],
    suggestion: Annotated[
        str | None, typer.Option(metavar="ROLE:CODE", help="The suggested code that you take, as `case show` names it.")
    ] = None,
    key: ActorKey = None,
) -> None:
    """State what completed work found if its codes do not say it, as the person whose API key is given."""
    with api_of(context, key) as api:
        asked = {"outcome": found, "reason": reason_given(reason), "suggestion": suggestion}
        told = api.act(("cases", case, "outcome"), _Recorded, asked)
    say(f"{told.by} stated {found.value} for {case}.")
