"""`hold proposals`, `hold accept` and `hold refuse`: production says whether a machine may be held."""

from typing import TYPE_CHECKING, Annotated

import typer

from domain.hold_proposals import HoldAnswer, OnSilence
from millwright.cli.api_client import api_of
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import ActorKey, reason_given
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from millwright.storage.reporting.hold_proposal_lists import SeenProposal

Case = Annotated[str, typer.Argument(metavar="CASE", help="The id of the case that asks for the hold (MW…).")]
_LISTED = 200


def register(app: typer.Typer) -> None:
    """Adds the commands to `hold`."""
    app.command()(proposals)
    app.command()(accept)
    app.command()(refuse)


def proposals(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are answered and not placed.")] = False,
    json: Json = False,
) -> None:
    """List the holds that are proposed to production, the first due first."""
    from millwright.storage.reporting.hold_proposal_lists import proposal_page

    settings = settings_of(context)

    async def read() -> "list[SeenProposal]":
        async with opened(settings) as storage:
            return await proposal_page(storage.engine, answered=everything, limit=_LISTED)

    found = finish(read())
    if json:
        write_json(found)
        return
    rows = [
        (
            each.case,
            each.machine_name or each.machine,
            each.failure_mode,
            each.severity,
            each.proposal.hold_at,
            each.proposal.answer_by,
            _stands(each),
        )
        for each in found
    ]
    columns = ("case", "machine", "mode", "severity", "hold from (UTC)", "answer by (UTC)", "how it stands")
    write_table(columns, rows, "No hold is proposed.")
    for notice in sorted({each.notice for each in found}):
        say(notice)


def accept(
    context: typer.Context,
    case: Case,
    from_: Annotated[
        str | None, typer.Option("--from", help="From when, ISO 8601 with zone; default the proposed time.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="What else is to be recorded.")] = None,
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Accept a proposed hold, as the person of production whose API key is given. It is placed when it is due."""
    _answer(context, case, {"answer": "accept", "hold_at": from_, "reason": reason}, key, json=json)


def refuse(
    context: typer.Context,
    case: Case,
    reason: Annotated[str, typer.Option(help="Why production cannot spare the machine; it is recorded.")],
    key: ActorKey = None,
    json: Json = False,
) -> None:
    """Refuse a proposed hold, as the person of production whose API key is given. Nothing is held for the case."""
    _answer(context, case, {"answer": "refuse", "reason": reason_given(reason)}, key, json=json)


def _answer(context: typer.Context, case: str, body: dict[str, str | None], key: str | None, *, json: bool) -> None:
    with api_of(context, key) as api:
        told = api.act(("cases", case, "hold-answer"), HoldAnswer, body)
    if json:
        write_json(told)
    elif told.hold_at is None:
        say(f"{told.by} refused the hold for {case}. Nothing is held, and the order is noted.")
    else:
        say(f"{told.by} accepted the hold for {case} from {told.hold_at:%Y-%m-%d %H:%M} UTC.")


def _stands(seen: "SeenProposal") -> str:
    answer = seen.proposal.answer
    if answer is None:
        follows = "it is placed" if seen.proposal.on_silence is OnSilence.PLACE else "nothing is placed"
        return f"not answered; without an answer {follows}"
    if answer.hold_at is None:
        return f"refused by {answer.by}: {answer.reason}"
    return f"accepted by {answer.by} from {answer.hold_at:%Y-%m-%d %H:%M} UTC"
