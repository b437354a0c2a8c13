"""Answers one of the auditor's questions from one snapshot of the record."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActRejected
from domain.shown_signatures import SignatureDisplay
from millwright.audit.head import head_text
from millwright.audit.questions.affected import AffectedRow, affected
from millwright.audit.questions.answer import Answer, Asked, QuestionResult, Row, columns_of, proofs_of
from millwright.audit.questions.changed import ChangedRow, changed
from millwright.audit.questions.decided import DecidedRow, decided
from millwright.audit.questions.duties import DutyRow, duties
from millwright.audit.questions.in_force import InForceRow, in_force
from millwright.audit.questions.not_done import NotDoneRow, not_done
from millwright.audit.questions.remade import RemadeRow, remade
from millwright.audit.questions.settings import SettingRow, settings
from millwright.audit.questions.signed import SignedRow, signed
from millwright.audit.questions.suppressed import SuppressedRow, suppressed
from millwright.storage.audit.person_record import printed_names
from millwright.storage.audit.record import Record, read_record
from millwright.storage.policies.version_states import VersionStates
from policies.engine.catalogue import Catalogue


@dataclass(frozen=True)
class Sources:
    """The sources of answers: the snapshot, its database, the catalogue of compiled versions, and how signatures are
    shown."""

    record: Record
    engine: AsyncEngine
    catalogue: Catalogue
    display: SignatureDisplay


@dataclass(frozen=True)
class Question:
    """A question in an auditor's words, its parameters of `Asked`, the type of its rows, and its function."""

    words: str
    takes: tuple[str, ...]
    row: type[Row]
    answer: Callable[[Sources, Asked], Awaitable[QuestionResult]]


QUESTIONS: dict[str, Question] = {
    "decided": Question(
        "Which rule decided this event, order or case?",
        ("ref",),
        DecidedRow,
        lambda s, a: decided(s.record, s.catalogue, a),
    ),
    "signed": Question(
        "Who wrote, approved and activated this version, when and why?",
        ("ref",),
        SignedRow,
        lambda s, a: signed(s.record, s.display, a),
    ),
    "in-force": Question(
        "What was in force at an instant, as known then and as known now?",
        ("at", "known_at", "asset", "line"),
        InForceRow,
        lambda s, a: in_force(s.record, VersionStates(s.engine), a),
    ),
    "affected": Question(
        "Which events, orders and holds did this version decide?",
        ("ref", "since", "until"),
        AffectedRow,
        lambda s, a: affected(s.record, a),
    ),
    "changed": Question(
        "What changed between two dates?", ("since", "until"), ChangedRow, lambda s, a: changed(s.record, s.display, a)
    ),
    "remade": Question(
        "Can this decision be made again, bit for bit?", ("ref",), RemadeRow, lambda s, a: remade(s.record, a)
    ),
    "suppressed": Question(
        "What was suppressed, shelved or given up, and by whom?",
        ("since", "until"),
        SuppressedRow,
        lambda s, a: suppressed(s.record, a),
    ),
    "duties": Question("Who has both author and approver rights?", (), DutyRow, lambda s, a: duties(s.record, a)),
    "not-done": Question(
        "Why was there no work order?", ("ref",), NotDoneRow, lambda s, a: not_done(s.record, s.engine, s.catalogue, a)
    ),
    "settings": Question(
        "Which settings steered this verdict, order, hold or decision, or were in force at an instant?",
        ("ref", "at"),
        SettingRow,
        lambda s, a: settings(s.record, a),
    ),
}
"""Every question by its name on the command line and in the API."""


async def ask(engine: AsyncEngine, catalogue: Catalogue, question: str, asked: Asked, zone: ZoneInfo) -> Answer:
    """Answers a question.

    Args:
        zone: the site's time zone.

    Raises:
        ActRejected: there is no such question, a parameter is wrong or missing, or the reference is unknown.
        StorageUnavailable: the database does not answer.
    """
    found = QUESTIONS.get(question)
    if found is None:
        raise ActRejected(f"there is no question {question!r}", field="question", fix=f"ask {', '.join(QUESTIONS)}")
    given = {name: str(value) for name, value in asked.model_dump(mode="json").items() if value is not None}
    for name in given.keys() - {"now", *found.takes}:
        raise ActRejected(
            f"the question {question} takes none", field=name, fix=f"it takes {', '.join(found.takes) or 'nothing'}"
        )
    async with read_record(engine) as record:
        display = SignatureDisplay(await printed_names(record), zone)
        told = await found.answer(Sources(record, engine, catalogue, display), asked)
        head = await record.head()
        proofs = await proofs_of(record, told.rows)
    return Answer(
        question=question,
        asked=given,
        words=told.words,
        head=head_text(head),
        columns=columns_of(found.row),
        rows=told.rows,
        proofs=proofs,
    )
