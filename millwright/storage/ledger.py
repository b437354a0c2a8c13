"""The ledger: one hash-chained row per transaction, over the Merkle root of all that the transaction recorded."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import EMPTY_ROOT, canonical, digest, merkle_root, sha256, timestamp
from domain.engines import TOOK_OVER, EngineMark
from millwright.storage.tables import acts, ledger_head

GENESIS = EMPTY_ROOT

# One statement, because everybody who writes waits for whoever is between the two.
_CHAIN = text(
    "WITH added AS (INSERT INTO ledger (seq, at, leaves, root, previous, hash) "
    "VALUES (:seq, :at, :leaves, :root, :previous, :hash)) UPDATE ledger_head SET seq = :seq, hash = :hash"
)


def row_hash(seq: int, at: datetime, leaves: int, root: str, previous: str) -> str:
    """The hash that chains a ledger row to the one before it."""
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


def act(kind: str, subject: str, actor: str, at: datetime, detail: dict[str, object]) -> Act:
    """An act ready to be recorded; its digest covers all of it."""
    body = canonical({"kind": kind, "subject": subject, "actor": actor, "at": timestamp(at), "detail": detail})
    return Act(kind, subject, actor, at, body.decode(), sha256(body))


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
        for one in new:
            self.acts.append((self.add_leaf(one.digest), one))


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row's number and hash. `engine` is the digest of the engine that gave the last verdicts."""

    seq: int
    hash: str
    engine: str | None = field(default=None, compare=False)


async def lock_head(connection: AsyncConnection) -> Head:
    """Locks the head until the transaction ends. Call it last: everyone who writes waits for this row."""
    asked = select(ledger_head.c.seq, ledger_head.c.hash, ledger_head.c.engine).with_for_update()
    row = (await connection.execute(asked)).one()
    return Head(row.seq, row.hash, row.engine)


async def take_over(connection: AsyncConnection, entry: Entry, head: Head, mark: EngineMark) -> None:
    """Tells in the entry that its verdicts are another engine's than those before it; costs nothing where they are not.

    From this ledger row to the next such act, every verdict is this engine's. Call it with the head locked.
    """
    if head.engine == mark.digest:
        return
    detail: dict[str, object] = {"build": mark.build, "python": mark.python, "before": head.engine}
    entry.add(act(TOOK_OVER, f"engine/{mark.digest}", "worker", entry.at, detail))
    await connection.execute(update(ledger_head).values(engine=mark.digest))


async def append(connection: AsyncConnection, entry: Entry, head: Head | None = None) -> Head | None:
    """Stores the entry's acts and chains its row; an empty entry adds nothing.

    Args:
        head: the head, if the caller had to lock it to learn the number its own rows carry.

    Returns:
        The new head, or None where nothing was recorded.
    """
    if not entry.leaves:
        return None
    old = head or await lock_head(connection)
    seq = old.seq + 1
    if entry.acts:
        await connection.execute(
            insert(acts),
            [
                {
                    "kind": one.kind,
                    "subject": one.subject,
                    "actor": one.actor,
                    "at": one.at,
                    "body": one.body,
                    "digest": one.digest,
                    "ledger_seq": seq,
                    "leaf": leaf,
                }
                for leaf, one in entry.acts
            ],
        )
    root = merkle_root(entry.leaves)
    new = Head(seq, row_hash(seq, entry.at, len(entry.leaves), root, old.hash))
    await connection.execute(
        _CHAIN,
        {
            "seq": seq,
            "at": entry.at,
            "leaves": len(entry.leaves),
            "root": root,
            "previous": old.hash,
            "hash": new.hash,
        },
    )
    return new


async def read_head(connection: AsyncConnection) -> Head:
    """The head as it is, without locking it."""
    row = (await connection.execute(select(ledger_head.c.seq, ledger_head.c.hash))).one()
    return Head(row.seq, row.hash)
