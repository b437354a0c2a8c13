"""A bare loop in one process, which only stores events and judges them. Millwright's rates are compared with its rate.

Each part of the record can be left out, so that its cost can be measured.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

import orjson
import psycopg

from domain.anomaly import Anomaly, AnomalyKind
from domain.assets import Criticality
from domain.verdict import Context, Memory
from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy, judge

_TABLES = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.events (id bigserial PRIMARY KEY, source text, external_id text, asset text, mode text,
    at timestamptz, anomaly text, raw bytea, line int, fate text);
CREATE INDEX ON bare.events (line, id) WHERE fate IS NULL;
CREATE TABLE bare.verdicts (event bigint, rule text, rung int, digest text, body text, memory text);
CREATE TABLE bare.memories (asset text, mode text, body text, PRIMARY KEY (asset, mode));
CREATE TABLE bare.ledger (seq bigserial PRIMARY KEY, root text, hash text);
"""
_UNIQUE = "CREATE UNIQUE INDEX ON bare.events (source, external_id)"
_STAGE = (
    "CREATE TEMP TABLE IF NOT EXISTS bare_stage (source text, external_id text, asset text, mode text, at timestamptz, "
    "anomaly text, raw bytea, line int) ON COMMIT DELETE ROWS"
)
_COLUMNS = "source, external_id, asset, mode, at, anomaly, raw, line"
_LINES = 10
_LIMIT = 2000


@dataclass(frozen=True)
class Record:
    """The parts of the record that are kept."""

    unique: bool = True
    """A unique key on events, and a staging table, so that no event is stored twice."""
    raw: bool = True
    """The message as it was sent."""
    digests: bool = True
    """The verdict's canonical body, and the SHA-256 of it, of the anomaly, and of the memory before and after."""
    memory: bool = True
    """The memory after each verdict, as text."""
    chain: bool = True
    """The hash chain over the Merkle roots of transactions."""


LESS: dict[str, Record] = {
    "everything": Record(),
    "without what was sent": replace(Record(), raw=False),
    "without the unique key": replace(Record(), unique=False),
    "without the memory after each verdict": replace(Record(), memory=False),
    "without digests and canonical bodies": replace(Record(), digests=False, chain=False),
    "without the chain": replace(Record(), chain=False),
    "without any of it": Record(unique=False, raw=False, digests=False, memory=False, chain=False),
}


def bare_rate(database_url: str, bodies: Sequence[bytes], record: Record | None = None) -> float:
    """Events a second, from request bodies (CloudEvents in our own envelope) to stored verdicts."""
    kept = record or Record()
    policy = Catalogue.published().find("rotating-equipment", "1.2.0")
    with psycopg.connect(database_url) as connection:
        connection.execute(_TABLES)
        if kept.unique:
            connection.execute(_UNIQUE)
        connection.commit()
        began = time.perf_counter()
        stored = 0
        for body in bodies:
            stored += _store(connection, body, kept)
        decided = 0
        while True:
            done = sum(_judge_line(connection, line, policy, kept) for line in range(_LINES))
            decided += done
            if not done:
                break
        seconds = time.perf_counter() - began
        connection.execute("DROP SCHEMA bare CASCADE")
        if decided != stored:
            raise SystemExit(f"the bare loop stored {stored} events and judged {decided}")
    return stored / seconds


def _store(connection: psycopg.Connection, body: bytes, kept: Record) -> int:
    rows = []
    for event in orjson.loads(body):
        said = event["data"]
        anomaly = Anomaly(
            kind=AnomalyKind.DEVIATION,
            asset=said["asset"],
            failure_mode=said["failure_mode"],
            at=datetime.fromisoformat(event["time"]),
            detector=said["detector"],
            signal=said["signal"],
            value=said["value"],
            score=said["score"],
            baseline=said["baseline"],
            confidence=said["confidence"],
        )
        raw = orjson.dumps(event) if kept.raw else None
        line = hash(anomaly.asset) % _LINES
        text = anomaly.model_dump_json(exclude_none=True)
        rows.append((event["source"], event["id"], anomaly.asset, anomaly.failure_mode, anomaly.at, text, raw, line))
    with connection.cursor() as cursor:
        into = "bare.events"
        if kept.unique:
            cursor.execute(_STAGE)
            into = "bare_stage"
        with cursor.copy(f"COPY {into} ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        if kept.unique:
            cursor.execute(
                f"INSERT INTO bare.events ({_COLUMNS}) SELECT {_COLUMNS} FROM bare_stage ON CONFLICT DO NOTHING"
            )
    connection.commit()
    return len(rows)


def _judge_line(connection: psycopg.Connection, line: int, policy: CompiledPolicy, kept: Record) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, asset, mode, anomaly FROM bare.events WHERE line = %s AND fate IS NULL ORDER BY id LIMIT %s",
            (line, _LIMIT),
        )
        rows = cursor.fetchall()
        if not rows:
            connection.rollback()
            return 0
        cursor.execute("SELECT asset, mode, body FROM bare.memories WHERE asset = ANY(%s)", ([row[1] for row in rows],))
        memories = {(row[0], row[1]): Memory.model_validate_json(row[2]) for row in cursor.fetchall()}
        verdicts = _verdicts(rows, memories, policy, kept)
        with cursor.copy("COPY bare.verdicts FROM STDIN") as copy:
            for verdict in verdicts:
                copy.write_row(verdict)
        cursor.execute("UPDATE bare.events SET fate = 'decided' WHERE id = ANY(%s)", ([row[0] for row in rows],))
        cursor.executemany(
            "INSERT INTO bare.memories VALUES (%s, %s, %s) ON CONFLICT (asset, mode) DO UPDATE SET "
            "body = excluded.body",
            [(asset, mode, memory.model_dump_json()) for (asset, mode), memory in memories.items()],
        )
        if kept.chain:
            root = _root([str(verdict[3]) for verdict in verdicts])
            cursor.execute(
                "INSERT INTO bare.ledger (root, hash) SELECT %s, encode(sha256((%s || coalesce((SELECT hash FROM "
                "bare.ledger ORDER BY seq DESC LIMIT 1), ''))::bytea), 'hex')",
                (root, root),
            )
    connection.commit()
    return len(rows)


def _verdicts(
    rows: Sequence[tuple[int, str, str, str]],
    memories: dict[tuple[str, str], Memory],
    policy: CompiledPolicy,
    kept: Record,
) -> list[tuple[object, ...]]:
    verdicts: list[tuple[object, ...]] = []
    for (asset, mode), group in groupby(sorted(rows, key=lambda row: (row[1], row[2], row[0])), lambda row: row[1:3]):
        context = Context(
            asset=asset, asset_class="pump", criticality=Criticality.B, machine=asset, line="LINE-1", codes=2
        )
        memory = memories.get((asset, mode), Memory())
        text = orjson.dumps(memory.__dict__)
        before = hashlib.sha256(text).hexdigest()
        for number, _, _, said in group:
            verdict, memory = judge(policy, memory, Anomaly.model_validate_json(said), context)
            digest = body = None
            if kept.digests or kept.memory:
                text = orjson.dumps(memory.__dict__)
            if kept.digests:
                after = hashlib.sha256(text).hexdigest()
                seen = hashlib.sha256(said.encode()).hexdigest()
                body = orjson.dumps(
                    {
                        "event": number,
                        "anomaly": seen,
                        "before": before,
                        "after": after,
                        "version": verdict.digest,
                        "rule": verdict.rule,
                        "rung": int(verdict.rung),
                        "at": datetime.now(UTC),
                    }
                )
                digest, before = hashlib.sha256(body).hexdigest(), after
            verdicts.append(
                (
                    number,
                    verdict.rule,
                    int(verdict.rung),
                    digest,
                    body.decode() if body else None,
                    text.decode() if kept.memory else None,
                )
            )
        memories[asset, mode] = memory
    return verdicts


def _root(leaves: Sequence[str]) -> str:
    level = [hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest() for leaf in leaves]
    while len(level) > 1:
        paired = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0].hex()
