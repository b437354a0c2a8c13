"""`connector`: checks, tries, calls and begins a connector to a CMMS. It needs no home, database or engine."""

import asyncio
import shlex
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from domain.errors import ActionRequired, ConnectorError, Refused, Rejected, Unavailable
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from domain.cmms import CmmsCapabilities
    from millwright.connector_trial.running import TrialReport, TriedBehaviour
    from millwright.connector_trial.trial import LeftOver

app = typer.Typer(no_args_is_help=True, help="A connector to a CMMS: check it, try it on a live system, or begin one.")

T = TypeVar("T")

EXIT_CODES: Final = {Unavailable: 3, ActionRequired: 4, Refused: 5}
"""What a command exits with after an error of the connector."""
_LONGEST_SHOWN: Final = 120
"""Characters of a field in a preview."""
NO_ORDER: Final = 6
"""The exit code if no order has the key."""

ConnectorId = Annotated[str, typer.Argument(metavar="ID", help="The connector, such as atlas.", show_default=False)]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Address of the system; or MILLWRIGHT_<ID>_URL.", show_default=False),
]
Asset = Annotated[
    str | None,
    typer.Option("--asset", metavar="NAME", help="An asset of that system, by its name there.", show_default=False),
]
Attributes = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute", metavar="NAME=VALUE", help="An attribute of the asset: siteid=BEDFORD.", show_default=False
    ),
]


class DriveCall(StrEnum):
    """The calls of the port that `drive` makes."""

    FIND = "find"
    CREATE = "create"
    FOLLOW = "follow"
    FINDING = "finding"
    WITHDRAW = "withdraw"


class PreviewedRung(StrEnum):
    """The rungs for which an order is created; a hold makes no difference to it."""

    DRAFT = "draft"
    WORK_ORDER = "work_order"


@app.command()
def check(connector: ConnectorId, url: Url = None, json: Json = False) -> None:
    """Sign in, and say what answers, what it can do, and where the site differs from the settings. Nothing is changed
    there; exits 4 if something differs."""

    async def checked() -> "tuple[str, CmmsCapabilities, Sequence[str]]":
        from domain.cmms_offers import SchemaChecker
        from millwright.cli.connector_access import open_connector

        async with open_connector(connector, url) as access:
            line = await access.cmms.check()
            differences = await access.cmms.check_schema() if isinstance(access.cmms, SchemaChecker) else ()
            return line, access.cmms.capabilities, differences

    with errors_told({"connector": connector}, json):
        line, can, differences = _run(checked())
    if json:
        write_json({"connector": connector, "answers": line, "capabilities": can, "differences": differences})
    else:
        say(line)
        for words in _abilities(can):
            say(words)
        for words in differences:
            say(words, err=True)
    if differences:
        raise typer.Exit(EXIT_CODES[ActionRequired])


@app.command("try")
def try_(
    connector: ConnectorId,
    url: Url = None,
    asset: Asset = None,
    attribute: Attributes = None,
    json: Json = False,
) -> None:
    """Try every behaviour of a connector on a live system, also with faults on the way. Orders are made there, with a
    title that says so, and are withdrawn at the end."""
    from millwright.cli.connector_access import attributes_given

    def left_open(order: "LeftOver") -> None:
        named = f"order {order.number}" if order.number else "perhaps an order"
        later = withdraw_command(connector, order.key, url)
        words = f"Left open there: {named} with the key {order.key}: {order.reason}. Cancel it there, or: {later}"
        say(words, err=True)

    def seen(tried: "TriedBehaviour") -> None:
        _tell_tried(tried, err=json)

    with errors_told({"connector": connector}, json):
        report = _run(_trial(connector, url, asset, attributes_given(attribute or []), seen, left_open))
    if json:
        write_json(report)
    else:
        _tell_report(report)
    if not report.succeeded:
        raise typer.Exit(1)


def withdraw_command(connector: str, key: str, url: str | None) -> str:
    """The command that withdraws an order of a trial, with the address that the trial was given."""
    there = f" --url {shlex.quote(url)}" if url is not None else ""
    return f"millwright connector drive {connector} withdraw --key {key}{there}"


async def _trial(
    connector: str,
    url: str | None,
    named: str | None,
    attributes: dict[str, str],
    seen: "Callable[[TriedBehaviour], None]",
    left_open: "Callable[[LeftOver], None]",
) -> "TrialReport":
    import secrets

    from millwright.cli.connector_access import asset_of, open_connector
    from millwright.connector_trial.behaviours import BEHAVIOURS
    from millwright.connector_trial.running import run_trial
    from millwright.connector_trial.trial import TrialSystem

    async def waiting(time: timedelta, words: str) -> None:
        say(words, err=True)
        await asyncio.sleep(time.total_seconds())

    async with open_connector(connector, url) as first:
        say(await first.cmms.check(), err=True)
        asset = await asset_of(first, named, attributes)
    async with open_connector(connector, url, asset.settings) as access:
        changed = "".join(f", with the setting {name}={value}" for name, value in asset.settings.items())
        say(f"Orders are made for the asset {asset.external_id}{changed}.", err=True)
        system = TrialSystem(
            connect=access.over,
            client=access.http,
            host=access.host,
            asset=asset.external_id,
            asset_attributes=asset.attributes,
            run=secrets.token_hex(8),
            clock=access.clock,
            secrets=access.secrets,
            waiting=waiting,
        )
        return await run_trial(connector, system, BEHAVIOURS, seen, left_open)


@app.command()
def drive(
    connector: ConnectorId,
    call: Annotated[DriveCall, typer.Argument(metavar="CALL", help="find, create, follow, finding or withdraw.")],
    key: Annotated[str, typer.Option("--key", help="Our key of the order: MW and eight characters of A-Z and 2-7.")],
    url: Url = None,
    asset: Asset = None,
    attribute: Attributes = None,
    summary: Annotated[str, typer.Option("--summary", help="With create: the title.")] = "Order made by hand",
    priority: Annotated[int, typer.Option("--priority", min=1, max=4, help="With create: 1 (highest) to 4.")] = 3,
    released: Annotated[bool, typer.Option("--released", help="With create: do not wait for approval.")] = False,
    json: Json = False,
) -> None:
    """Make one call of the port, as a step of a case makes it."""
    from millwright.cli.connector_access import attributes_given
    from millwright.cli.connector_calls import OrderWanted, driven

    about = {"connector": connector, "call": call.value, "key": key}
    with errors_told(about, json):
        wanted = OrderWanted(asset, attributes_given(attribute or []), summary, priority, released)
        answer = _run(driven(connector, url, call.value, key, wanted))
        if answer is None:
            _tell_error(about, "no_order", f"no order there has the key {key}", json)
            raise typer.Exit(NO_ORDER)
        if json:
            write_json(about | answer.told)
        else:
            say(answer.words)


@app.command()
def preview(
    connector: ConnectorId,
    url: Url = None,
    asset: Asset = None,
    attribute: Attributes = None,
    mode: Annotated[str, typer.Option("--mode", help="The failure mode, a code of ISO 14224.")] = "OTH",
    rung: Annotated[PreviewedRung, typer.Option("--rung", help="draft or work_order.")] = PreviewedRung.DRAFT,
    summary: Annotated[str, typer.Option("--summary", help="The title.")] = "Order made by hand",
    priority: Annotated[int, typer.Option("--priority", min=1, max=4, help="1 (highest) to 4.")] = 3,
    due_in: Annotated[
        str | None, typer.Option("--due-in", metavar="DURATION", help="By when the work is due from now on: PT8H.")
    ] = None,
    json: Json = False,
) -> None:
    """Show where an order would land, with every field that would be sent. Nothing is created there."""
    from millwright.cli.connector_access import attributes_given
    from millwright.cli.connector_calls import OrderWanted, previewed
    from millwright.cli.durations import read_duration

    about = {"connector": connector}
    with errors_told(about, json):
        released = rung is PreviewedRung.WORK_ORDER
        due = None if due_in is None else read_duration(due_in, "--due-in", "write it as PT8H")
        wanted = OrderWanted(asset, attributes_given(attribute or []), summary, priority, released, mode, due)
        records = _run(previewed(connector, url, wanted))
        if json:
            write_json(about | {"records": records})
            return
        for record in records:
            say(f"{record.kind}, status {record.status}:")
            rows = [(field.meaning or "-", field.field, _short(field.value)) for field in record.fields]
            write_table(("meaning", "field", "value"), rows, "Nothing would be sent.")


@app.command()
def new(
    connector: ConnectorId,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder of the connectors to a CMMS.")] = Path(
        "connectors/cmms"
    ),
) -> None:
    """Write the folder of a new connector, in which every method says what is to be written."""
    from millwright.connector_skeleton import class_prefix, write_skeleton
    from millwright.runtime.connector_settings import CMMS_CONNECTORS, MES_CONNECTORS

    if connector in {*CMMS_CONNECTORS, *MES_CONNECTORS}:
        raise Rejected(f"there is a connector {connector} already", field="ID", fix="choose another id")
    for file in write_skeleton(connector, to):
        say(str(file))
    line = f'"{connector}": "{class_prefix(connector)}Settings",'
    say(f"Now add this line to CMMS_CONNECTORS in millwright/runtime/connector_settings.py: {line}")
    say(f"Then write its methods until `millwright connector try {connector}` passes: see docs/add-a-connector.md.")


def _short(text: str) -> str:
    """A text as one line that fits into a table."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[:_LONGEST_SHOWN]}…"


@contextmanager
def errors_told(about: dict[str, str], json: bool) -> Iterator[None]:
    """Tells an error of the connector or the settings, as JSON on stdout or in a sentence on stderr, and exits.

    Args:
        about: what the command was to do, for the JSON.
    """
    try:
        yield
    except Rejected as error:
        _tell_error(about, "rejected", str(error), json, field=error.field)
        raise typer.Exit(1) from None
    except ConnectorError as error:
        kind, code = _kind(error)
        wait = getattr(error, "retry_after", None)
        _tell_error(about, kind, str(error), json, field=getattr(error, "field", None), retry_after=wait)
        raise typer.Exit(code) from None


def _kind(error: ConnectorError) -> tuple[str, int]:
    names = {Unavailable: "unavailable", ActionRequired: "action_required", Refused: "refused"}
    return next((names[kind], code) for kind, code in EXIT_CODES.items() if isinstance(error, kind))


def _tell_error(
    about: dict[str, str],
    kind: str,
    sentence: str,
    json: bool,
    *,
    field: str | None = None,
    retry_after: timedelta | None = None,
) -> None:
    if not json:
        say(sentence, err=True)
        return
    write_json({**about, "error": {"kind": kind, "field": field, "sentence": sentence, "retry_after": retry_after}})


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Runs asynchronous work. SIGTERM ends it as Ctrl-C does, so that a trial cleans up."""

    async def ended_by_either() -> T:
        # A handler of its own: where a shell runs us in the background, SIGINT is ignored.
        loop = asyncio.get_running_loop()
        working = loop.create_task(work)
        loop.add_signal_handler(signal.SIGTERM, working.cancel)
        return await working

    try:
        return asyncio.run(ended_by_either())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _tell_tried(tried: "TriedBehaviour", *, err: bool) -> None:
    why = f" Reason: {tried.why}" if tried.why else ""
    outcome = tried.outcome.value.replace("_", " ")
    say(f"{outcome:14} {tried.behaviour}: {tried.sentence}{why}", err=err)


def _tell_report(report: "TrialReport") -> None:
    from millwright.connector_trial.running import TrialOutcome

    for tried in report.behaviours:
        if tried.outcome is TrialOutcome.NEEDS_A_PERSON:
            _tell_tried(tried, err=False)
    say(
        f"{report.passed} passed, {report.failed} failed, {report.not_applicable} not applicable, "
        f"{report.needs_a_person} not tried because they need people there; {report.requests} requests."
    )
    if not report.left_over:
        say("Everything that the trial made was withdrawn.")


def _abilities(can: "CmmsCapabilities") -> list[str]:
    """The capabilities, a sentence each."""
    from domain.cmms import ChangeFeed, Idempotency, OrderApproval, OrderCancellation

    twice = {
        Idempotency.ATOMIC: "It never makes a second order with the same key.",
        Idempotency.KEYED: f"It refuses a repeated request for {can.key_lifetime}; then orders are found by our key.",
        Idempotency.LOOK_UP: "Two requests at once make two orders, so one step at a time creates, under a lease.",
    }
    approval = {
        OrderApproval.STATE: "An order waits for approval in a state of its own.",
        OrderApproval.REQUEST: "An order waits for approval as a request, which becomes an order.",
        OrderApproval.NONE: "A new order is approved at once, so it is created only after a person accepted it here.",
    }
    cancelling = {
        OrderCancellation.STATE: "An order is cancelled by a state.",
        OrderCancellation.DO_NOT_EXECUTE: "An order is cancelled by a mark or by archiving it.",
        OrderCancellation.NONE: "Only its people can cancel an order.",
    }
    changes = {
        ChangeFeed.POLL: "Changes are polled.",
        ChangeFeed.PUSH: "It tells us of changes, and they are polled too.",
    }
    limits = [
        f"{name} {limit}"
        for name, limit in (("title", can.limits.summary), ("text", can.limits.description), ("note", can.limits.note))
        if limit is not None
    ]
    return [
        twice[can.idempotency],
        approval[can.approval],
        cancelling[can.cancellation],
        "It can be searched for our key." if can.search_by_key else "It is searched by asset and time for our key.",
        changes[can.changes] + (" They include deleted orders." if can.tombstones else ""),
        "Priorities 1 to 4 are " + ", ".join(can.priorities[own] for own in sorted(can.priorities)) + ".",
        "Longest texts: " + (", ".join(limits) or "no limits") + ".",
    ]
