"""The ledger: one hash-chained row per transaction, over the Merkle root of all that the transaction recorded."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import EMPTY_ROOT, canonical, digest, merkle_root, sha256, timestamp
from domain.engines import TOOK_OVER, EngineMark
from millwright.storage.database.engine import Cursor, raw
from millwright.storage.database.pipelines import committing_pipeline
from millwright.storage.ledger.acting_person import check_actors
from millwright.storage.ledger.attesting import add_attestation, attest

GENESIS = EMPTY_ROOT

CHAIN = "ledger_chain(%s::timestamptz, %s::integer, %s::text, %s::text)"
"""Locks the head, chains a row and gives its number: of an entry's `chain_values`."""
# The head is this transaction's own by now, and its number that of the row that was chained.
_ADD_ACTS = """
INSERT INTO acts (kind, subject, actor, at, body, digest, ledger_seq, leaf)
SELECT a.kind, a.subject, a.actor, a.at, a.body, a.digest, h.seq, a.leaf
FROM ledger_head h, unnest(%b::text[], %b::text[], %b::text[], %b::timestamptz[], %b::text[], %b::text[], %b::int[])
    WITH ORDINALITY AS a(kind, subject, actor, at, body, digest, leaf, place) ORDER BY a.place
"""
_ENGINE = text("SELECT engine FROM ledger_head FOR UPDATE")
_TAKE_OVER = text("UPDATE ledger_head SET engine = :engine")
_HEAD = text("SELECT seq, hash FROM ledger_head")


class _EngineRow(NamedTuple):
    engine: str | None


def row_hash(seq: int, at: datetime, leaves: int, root: str, previous: str) -> str:
    """The hash that chains a ledger row to the one before it: what the database's `ledger_chain` makes, made again."""
    return digest({"seq": seq, "at": timestamp(at), "leaves": leaves, "root": root, "previous": previous})


@dataclass(frozen=True, slots=True)
class Act:
    """Something done or decided: `kind` in the past tense, `subject` as in the due table, `body` its canonical JSON."""

    kind: str
    subject: str
    actor: str
    at: datetime
    body: str
    digest: str
    reported: bool = False
    """Whether another system told of it, in its own name. It is nobody's act here."""


def act(kind: str, subject: str, actor: str, at: datetime, detail: dict[str, object], *, reported: bool = False) -> Act:
    """An act ready to be recorded; its digest covers all of it."""
    body = canonical({"kind": kind, "subject": subject, "actor": actor, "at": timestamp(at), "detail": detail})
    return Act(kind, subject, actor, at, body.decode(), sha256(body), reported)


@dataclass(slots=True)
class Entry:
    """What one transaction adds to the ledger. Leaves keep the order in which they were added."""

    at: datetime
    leaves: list[str] = field(default_factory=list)
    acts: list[tuple[int, Act]] = field(default_factory=list)

    def add_leaf(self, leaf: str) -> int:
        """Adds the digest of a row stored elsewhere; gives its place among the leaves."""
        self.leaves.append(leaf)
        return len(self.leaves) - 1

    def add(self, *new: Act) -> None:
        """Adds acts, which `append` stores."""
        for added in new:
            self.acts.append((self.add_leaf(added.digest), added))


class Head(NamedTuple):
    """The newest row's number and hash."""

    seq: int
    hash: str


async def take_over(connection: AsyncConnection, entry: Entry, mark: EngineMark) -> None:
    """Tells in the entry that its verdicts are another engine's than those before it; adds nothing where they are not.

    From this ledger row to the next such act, every verdict is this engine's. It locks the head until the transaction
    ends: everyone who writes waits.
    """
    before = _EngineRow._make((await connection.execute(_ENGINE)).one()).engine
    if before == mark.digest:
        return
    detail: dict[str, object] = {
        "build": mark.build,
        "python": mark.python,
        "libraries": mark.libraries,
        "before": before,
    }
    entry.add(act(TOOK_OVER, f"engine/{mark.digest}", "worker", entry.at, detail))
    await connection.execute(_TAKE_OVER, {"engine": mark.digest})


async def append(connection: AsyncConnection, entry: Entry) -> None:
    """Stores the entry's acts, chains its row and ends the transaction; an empty entry does nothing.

    Call it last: the transaction is committed with the row, on one way to the database and back, for everyone who
    writes waits for the head from the row on until the commit.

    Raises:
        ActRejected: a person in whose name an act is recorded is not registered, or has not the role for it; or the
            act is to be attested, and this process has not the installation's key.
    """
    if not entry.leaves:
        return
    told = [(added.kind, added.actor) for _, added in entry.acts if not added.reported]
    await check_actors(connection, told)
    attestation = await attest(connection, entry.at, entry.leaves, told)
    driver = await raw(connection)
    async with committing_pipeline(driver), driver.cursor() as cursor:
        await append_by(cursor, entry)
        if attestation is not None:
            await add_attestation(cursor, attestation)


async def append_by(cursor: Cursor, entry: Entry, engine: str | None = None) -> None:
    """As `append`, on the driver's own cursor and within its pipeline, for those whose own rows carry the number:
    from here on it is the head's, until they commit.

    Args:
        engine: the digest of the engine whose verdicts are in the entry; where another one has taken over meanwhile,
            the database asks for the transaction to be tried again.
    """
    if not entry.leaves:
        return
    await cursor.execute(f"SELECT {CHAIN}", chain_values(entry, engine))
    await add_acts(cursor, entry)


def chain_values(entry: Entry, engine: str | None) -> tuple[object, ...]:
    """The values of `CHAIN`; see `append_by`."""
    return entry.at, len(entry.leaves), merkle_root(entry.leaves), engine


async def add_acts(cursor: Cursor, entry: Entry) -> None:
    """Stores the entry's acts, its row being chained by this transaction."""
    if entry.acts:
        added = [added_act for _, added_act in entry.acts]
        await cursor.execute(
            _ADD_ACTS,
            (
                [added_act.kind for added_act in added],
                [added_act.subject for added_act in added],
                [added_act.actor for added_act in added],
                [added_act.at for added_act in added],
                [added_act.body for added_act in added],
                [added_act.digest for added_act in added],
                [leaf for leaf, _ in entry.acts],
            ),
        )


async def read_head(connection: AsyncConnection) -> Head:
    """The head as it is, without locking it."""
    return Head._make((await connection.execute(_HEAD)).one())
