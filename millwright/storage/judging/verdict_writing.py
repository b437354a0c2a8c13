"""What a judging transaction writes when it ends well: cases, memories, and last the verdicts with the ledger's row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.canonical import canonical
from domain.judging import FaultKey, Judged, JudgedContext, MemoryState, Spoiled
from millwright.storage.database.arrays import Array, bigints, smallints, texts
from millwright.storage.database.engine import Cursor, Statement
from millwright.storage.ledger import ledger

# Two in one, because each statement is waited for once more. Arrays go in binary: written as text, every quote in them
# is escaped, and memories are full of quotes.
_DECIDE = """
WITH decided AS (DELETE FROM pending WHERE line = %s AND event_id = ANY(%b::bigint[]))
INSERT INTO memories (version, asset, failure_mode, "position", body)
SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
ON CONFLICT (version, asset, failure_mode) DO UPDATE SET "position" = excluded."position", body = excluded.body
"""
# One statement with the ledger's row: all of it is with the database before the head is locked. A COPY would be waited
# for with the head held.
_ADD_VERDICTS = f"""
INSERT INTO verdicts (event_id, version, revision, role, asset, failure_mode, "position", at, rung, body, digest,
    memory, ledger_seq, leaf)
SELECT v.event_id, v.version, v.revision, v.role, v.asset, v.failure_mode, v."position",
    (split_part(v."position", '|', 1) || 'Z')::timestamptz, v.rung, v.body, v.digest, v.memory, h.seq, v.place - 1
FROM {ledger.CHAIN} AS h(seq),
    unnest(%b::bigint[], %b::text[], %b::smallint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::smallint[],
    %b::text[], %b::text[], %b::text[])
    WITH ORDINALITY AS v(event_id, version, revision, role, asset, failure_mode, "position", rung, body, digest, memory,
    place) ORDER BY v.place
"""
_SPOIL = "UPDATE events SET fate = %s, reason = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class LastWrites:
    """What is written when the judging transaction ends well.

    `verdicts` are the columns of `verdict_columns`, None where there are none; `done` the events that wait no longer.
    """

    entry: ledger.Entry
    cases: Sequence[Statement]
    verdicts: tuple[Array, ...] | None
    memories: Mapping[tuple[str, FaultKey], MemoryState]
    contexts: Mapping[str, JudgedContext]
    spoiled: Sequence[Spoiled]
    done: Sequence[int]


def verdict_columns(judged: Sequence[Judged], records: Sequence[bytes], digests: Sequence[str]) -> tuple[Array, ...]:
    """Verdicts in the columns of `_ADD_VERDICTS`; their order is that of their leaves."""
    events = [judgement.event for judgement in judged]
    return (
        bigints([event.id for event in events]),
        texts([judgement.assignment.digest.encode() for judgement in judged]),
        smallints([judgement.revision for judgement in judged]),
        texts([judgement.assignment.role.encode() for judgement in judged]),
        texts([event.asset.encode() for event in events]),
        texts([event.failure_mode.encode() for event in events]),
        # A position is led by the event's instant, in UTC.
        texts([event.position.encode() for event in events]),
        smallints([judgement.verdict.rung.value for judgement in judged]),
        texts(records),
        texts([digest.encode() for digest in digests]),
        texts([b"" if judgement.too_late else judgement.memory_text for judgement in judged]),
    )


def memory_columns(memories: Mapping[tuple[str, FaultKey], MemoryState]) -> tuple[list[str], ...]:
    """Memories in the columns of `_DECIDE`."""
    return (
        [version for version, _ in memories],
        [asset for _, (asset, _) in memories],
        [mode for _, (_, mode) in memories],
        [state.position for state in memories.values()],
        [canonical(state.memory).decode() for state in memories.values()],
    )


async def decide(
    cursor: Cursor, line: str, done: Sequence[int], memories: tuple[list[str], ...], spoiled: Sequence[Spoiled]
) -> None:
    """Takes events from those that wait, keeps the memories that they left, and sets aside those not judged."""
    await cursor.execute(_DECIDE, (line, done, *memories))
    for bad in spoiled:
        await cursor.execute(_SPOIL, (bad.fate.value, bad.reason, bad.event_id))


async def add_verdicts(
    cursor: Cursor, entry: ledger.Entry, verdicts: tuple[Array, ...] | None, engine: str | None
) -> None:
    """Chains the ledger's row, with its verdicts and acts: from here on everybody who writes waits for the commit.

    Args:
        engine: see `millwright.storage.ledger.ledger.append_by`.
    """
    if verdicts is None:
        await ledger.append_by(cursor, entry, engine)
    else:
        await cursor.execute(_ADD_VERDICTS, (*ledger.chain_values(entry, engine), *verdicts))
        await ledger.add_acts(cursor, entry)
