"""`audit ask` and `audit evidence`: the auditor's questions, and the evidence for the answers."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Rejected
from millwright.cli.connections import finish, opened, settings_of
from millwright.cli.credentials import moment
from millwright.cli.output import Json, say, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from millwright.audit.evidence import Packed
    from millwright.audit.questions.answer import Answer
    from millwright.settings import Settings

_SHOWN = 40


class Name(StrEnum):
    """The names of the questions; `millwright.audit.questions.asking` has their texts."""

    DECIDED = "decided"
    SIGNED = "signed"
    IN_FORCE = "in-force"
    AFFECTED = "affected"
    CHANGED = "changed"
    REMADE = "remade"
    SUPPRESSED = "suppressed"
    DUTIES = "duties"
    NOT_DONE = "not-done"
    SETTINGS = "settings"


def ask(
    context: typer.Context,
    question: Annotated[Name, typer.Argument(metavar="QUESTION", help=f"One of {', '.join(Name)}.")],
    ref: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="An event, an order, a hold or a case; or a version.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="The instant asked about (in-force, settings), ISO 8601 with a zone.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="As it was known at this instant, besides as now (in-force).")
    ] = None,
    asset: Annotated[str | None, typer.Option(help="The asset asked about (in-force).")] = None,
    line: Annotated[str | None, typer.Option(help="The line asked about (in-force).")] = None,
    since: Annotated[str | None, typer.Option(help="From this instant on (affected, changed, suppressed).")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this instant; default now.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the rows to this file, as CSV.", dir_okay=False)] = None,
    json: Json = False,
) -> None:
    """Ask one of the auditor's questions; the answer comes with the ledger rows that prove it."""
    terms = {
        "ref": ref,
        "asset": asset,
        "line": line,
        "at": moment(at, "at"),
        "known_at": moment(known_at, "known_at"),
        "since": moment(since, "since"),
        "until": moment(until, "until"),
    }
    answer = finish(_ask(settings_of(context), question.value, terms))
    if csv is not None:
        try:
            csv.write_text(answer.csv(), encoding="utf-8", newline="")
        except OSError as error:
            raise Rejected(f"{csv} cannot be written: {error.strerror}", field="csv") from error
    if json:
        write_json(answer)
        return
    say(answer.words)
    if csv is not None:
        say(f"{len(answer.rows)} rows were written to {csv}; the ledger's head is {answer.head}.")
        return
    shown = [name for name in answer.columns if name != "digest"]
    plain = [row.model_dump(mode="json") for row in answer.rows[:_SHOWN]]
    write_table(shown, [[_cell(row[name]) for name in shown] for row in plain], "")
    if len(answer.rows) > _SHOWN:
        say(f"… and {len(answer.rows) - _SHOWN} more; `--csv FILE` writes all of them.")
    say(f"{len(answer.proofs)} ledger rows prove it; the head is {answer.head}.")


def _cell(value: object) -> object:
    return "; ".join(str(part) for part in value) or None if isinstance(value, list) else value


async def _ask(settings: "Settings", question: str, terms: "Mapping[str, object]") -> "Answer":
    from millwright.audit.questions.answer import Asked
    from millwright.audit.questions.asking import ask as answer

    async with opened(settings) as storage:
        asked = Asked.model_validate({"now": storage.clock.now(), **terms})
        return await answer(storage.engine, storage.catalogue, question, asked, storage.zone)


def evidence(
    context: typer.Context,
    ref: Annotated[
        str, typer.Argument(metavar="CASE|VERSION", help="A case, an order, a hold, an event; or a version.")
    ],
    out: Annotated[Path, typer.Option(help="A directory, or the file, .json or .html; both are written.")] = Path(),
    json: Json = False,
) -> None:
    """Write the evidence for a case, or for a version and its decisions: one page, one JSON file, and the verifier."""
    try:
        packed = finish(_evidence(settings_of(context), ref, out))
    except OSError as error:
        raise Rejected(f"{out} cannot be written: {error.strerror}", field="out") from error
    if json:
        write_json(packed)
        return
    say(f"{packed.cases} cases, {packed.verdicts} verdicts and {packed.acts} acts were written to {packed.json_file}")
    say(f"and to the page {packed.page}, which carries the same. SHA-256 {packed.sha256}.")
    say(f"Check it anywhere: python {packed.verifier} {packed.json_file} --head {packed.head}")


async def _evidence(settings: "Settings", ref: str, out: Path) -> "Packed":
    from millwright.audit.evidence import write_evidence

    async with opened(settings) as storage:
        now = storage.clock.now()
        return await write_evidence(storage.engine, storage.catalogue, ref, out, now, storage.zone)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(ask)
    app.command()(evidence)
