"""The shape of every answer: one sentence, rows that can be exported, and the ledger rows that prove them."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import SerializeAsAny

from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.model import Model, Moment
from millwright.storage.audit.questions import ledger_rows
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import ActRow, LedgerRow

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Asked(Model):
    """The parameters of a question; each question declares which of them it needs.

    `known_at` is the time of the knowledge that is asked for; `now` is the plant's time of the question.
    """

    now: Moment
    ref: str | None = None
    at: Moment | None = None
    known_at: Moment | None = None
    asset: str | None = None
    line: str | None = None
    since: Moment | None = None
    until: Moment | None = None

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The period; by default the whole past up to now.

        Raises:
            ActRejected: it ends before it begins.
        """
        since = self.since or datetime.fromisoformat("0001-01-01T00:00:00Z")
        until = self.until or self.now + timedelta(microseconds=1)
        if until < since:
            raise ActRejected("ends before it begins", field="until")
        return since, until

    @property
    def reference(self) -> str:
        """The reference.

        Raises:
            ActRejected: none was given.
        """
        if not self.ref or not self.ref.strip():
            raise ActRejected("name what is asked about", field="ref", fix="an event, an order, a case or a version")
        return self.ref.strip()


class Row(Model):
    """A row of an answer. `ledger` is its place in the ledger, row and leaf; `digest` is the leaf: the text's SHA-256.

    Both are None if a row is derived from others or has no act.
    """

    ledger: str | None = None
    digest: str | None = None


class Proof(Model):
    """A row of the ledger, in its hashed form, with the installation's attestation of it, if it has one."""

    seq: int
    at: Moment
    leaves: int
    root: str
    previous: str
    hash: str
    attestation: str | None


class Answer(Model):
    """An answer. `head` is the newest ledger row at that time, SEQ:HASH; the whole answer is of one moment.

    `columns` are the names of a row's values, its place in the ledger last.
    """

    question: str
    asked: dict[str, str]
    words: str
    head: str
    columns: tuple[str, ...]
    rows: tuple[SerializeAsAny[Row], ...]
    proofs: tuple[Proof, ...]

    def csv(self) -> str:
        """The rows as CSV (RFC 4180); a text that a spreadsheet would read as a formula begins with an apostrophe."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.columns)
        for row in self.rows:
            values = row.model_dump(mode="json")
            writer.writerow([_cell(values[name]) for name in self.columns])
        return out.getvalue()


class QuestionResult(NamedTuple):
    """The result of a question's module: a sentence and its rows."""

    words: str
    rows: tuple[Row, ...]


def columns_of(shape: type[Row]) -> tuple[str, ...]:
    """The names of a kind of row's values, its place in the ledger last."""
    return (*(name for name in shape.model_fields if name not in Row.model_fields), *Row.model_fields)


async def proofs_of(record: Record, rows: Iterable[Row]) -> tuple[Proof, ...]:
    """The ledger rows that an answer's rows are leaves of."""
    numbers = [int(row.ledger.split("/")[0]) for row in rows if row.ledger is not None]
    return tuple(_proof(row) for row in await ledger_rows(record, numbers))


def place_of(seq: int, leaf: int) -> str:
    """A place in the ledger: row and leaf."""
    return f"{seq}/{leaf}"


def detail_of(act: ActRow) -> dict[str, object]:
    """The further fields of an act; empty if its text is unreadable."""
    try:
        detail = json.loads(act.body)["detail"]
    except (ValueError, KeyError, TypeError):
        return {}
    return detail if isinstance(detail, dict) else {}


def said_in(detail: dict[str, object]) -> str:
    """The reason that the act has."""
    for name in ("meaning", "reason", "note"):
        if detail.get(name):
            return str(detail[name])
    return ""


def day(moment: datetime) -> str:
    """A time in the format of answers."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _proof(row: LedgerRow) -> Proof:
    return Proof.model_validate(row._asdict())


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, list):
        value = "; ".join(str(part) for part in value)
    if isinstance(value, datetime):
        return timestamp(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
