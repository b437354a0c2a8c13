"""How long the figures on alert quality take: `python -m benchmarks.alert_quality [VERDICTS]`.

The record has ten verdicts of each case, and each case has an order, an outcome and a label; it is made by SQL on a
separate PostgreSQL, spread over a year, 500 assets of five classes. Measured are: the figures when nothing is new; the
figures when a hundredth of the ledger is new; and the full recompute, in which both tables are empty. The last figure
is its ratio to the figures when nothing is new. At the end the tables are compared with a recompute of everything.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.rig.machine import spread
from benchmarks.rig.own_database import own_database
from millwright.alert_quality.report import read_quality
from millwright.storage.audit.record import read_record
from millwright.storage.database.engine import open_engine
from millwright.storage.quality.keeping import DIFFERENCES, AlteredRow

VERDICTS = 1_000_000
_EACH = 10
"""Verdicts of each case."""
_RUNS = 5
_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
_BEGIN = "timestamptz '2026-01-01 00:00Z'"
_CASE = (
    "SELECT n, 'MW' || lpad(n::text, 8, '0') AS id, 'machine-' || mod(n, 500) AS asset, "
    "n * interval '5 minutes' AS past"
)
_CLASSES = (
    "(ARRAY['confirmed','confirmed','confirmed','nothing_found','prevented','unknown','sensor_fault'])[1 + n % 7]"
)
_FILL = f"""
CREATE TEMP TABLE made AS {_CASE} FROM generate_series(%(first)s::bigint, %(last)s::bigint) n;
INSERT INTO ledger (seq, at, leaves, root, previous, hash)
    SELECT n, {_BEGIN} + past, 11, 'root', 'previous', 'hash' FROM made;
INSERT INTO events (id, ingress, sequence, source, external_id, received_at, raw, at, asset, failure_mode, line, fate,
        natural_key, "position", anomaly)
    OVERRIDING SYSTEM VALUE
    SELECT n * {_EACH} + e, 'bus', n * {_EACH} + e, 'adx', (n * {_EACH} + e)::text, {_BEGIN} + past, '',
        {_BEGIN} + past, asset, 'VIB', 'L', 'decided', (n * {_EACH} + e)::text, 'p',
        json_build_object('detector', 'd' || n % 3, 'model_version', 'm' || n % 2, 'confidence', (n % 100) / 100.0)
    FROM made, generate_series(0, {_EACH - 1}) e;
INSERT INTO verdicts (event_id, version, revision, role, asset, failure_mode, "position", at, rung, body, digest,
        memory, ledger_seq, leaf)
    SELECT n * {_EACH} + e, 'v' || n % 2, 0, 'active', asset, 'VIB', 'p', {_BEGIN} + past, 1 + e % 3,
        json_build_object('context', 'c' || n % 5, 'severity', 'S' || 1 + e % 4)::text, 'd', '', n, e
    FROM made, generate_series(0, {_EACH - 1}) e;
INSERT INTO acts (kind, subject, actor, at, body, digest, ledger_seq, leaf)
    SELECT 'label-made', 'case/' || id, 'millwright', {_BEGIN} + past, '{{}}', 'd', n, 10 FROM made;
INSERT INTO cases (id, asset, failure_mode, machine, line, site, opened_by, opened_at, event_at, last_event_at, version,
        verdict, rung, phase, closed_at, closed_as)
    SELECT id, asset, 'VIB', asset, 'L', 'S' || n % 4, n * {_EACH}, {_BEGIN} + past, {_BEGIN} + past, {_BEGIN} + past,
        'v' || n % 2, jsonb_build_object('rule', 'r' || n % 8, 'policy', 'p', 'version', '1.' || n % 2), 4, 'closed',
        {_BEGIN} + past, 'completed' FROM made;
INSERT INTO evidence (case_id, event_id, revision, rung, at, how)
    SELECT id, n * {_EACH} + e, 0, 3, {_BEGIN} + past, 'opened' FROM made, generate_series(0, 1) e;
INSERT INTO work_orders (case_id, system, intended_at, draft, external_id, placed_at, status, record)
    SELECT id, 'maximo', {_BEGIN} + past, '{{}}', n::text, {_BEGIN} + past, 'completed',
        jsonb_build_object('ref', jsonb_build_object('key', id)) FROM made;
INSERT INTO outcomes (case_id, outcome, cancelled, found_at, body)
    SELECT id, {_CLASSES}, false, {_BEGIN} + past + (n % 90) * interval '1 hour', jsonb_build_object('report',
        jsonb_build_object('labor', jsonb_build_array(jsonb_build_object('code', 'M', 'hours', 1.5)), 'parts',
        jsonb_build_array(jsonb_build_object('item', 'P' || n % 20, 'quantity', 1)))) FROM made;
INSERT INTO labels (case_id, revision, outcome, body, made_at)
    SELECT id, 1, {_CLASSES}, '{{}}', {_BEGIN} + past + interval '4 days' FROM made;
DROP TABLE made;
"""
_CONTEXTS = (
    "INSERT INTO contexts SELECT 'c' || n, json_build_object('asset_class', 'class-' || n) FROM generate_series(0, 4) n"
)
_EMPTY = "TRUNCATE alert_facts, verdict_counts; UPDATE quality_progress SET ledger_seq = 0"


def fill(url: str, first: int, last: int) -> None:
    """Adds cases with everything that belongs to them, a row of the ledger for each."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _FILL.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode(), {"first": first, "last": last} if "%(" in statement else None)
        connection.execute("VACUUM ANALYZE")


async def seconds(engine: AsyncEngine) -> float:
    """How long the figures take now."""
    began = time.perf_counter()
    await read_quality(engine, *_EVER)
    return time.perf_counter() - began


async def run(url: str, verdicts: int) -> None:
    cases = verdicts // _EACH
    old = cases - cases // 100
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_CONTEXTS)
    fill(url, 1, old)
    engine = open_engine(url)
    await seconds(engine)
    fill(url, old + 1, cases)
    added = await seconds(engine)
    usual = [await seconds(engine) for _ in range(_RUNS)]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_EMPTY)
    whole = await seconds(engine)
    async with read_record(engine) as record:
        wrong = [row for statement in DIFFERENCES for row in await record.rows(statement, AlteredRow._make)]
    await engine.dispose()
    usually = sorted(usual)[len(usual) // 2]
    print(f"{verdicts:,} verdicts, {cases:,} cases with labels")
    print(f"figures, nothing new: {spread(usual, '{:.2f}')} s")
    print(f"figures, {cases // 100:,} cases with {verdicts // 100:,} verdicts new: {added:.2f} s")
    print(f"figures with a full recompute: {whole:.1f} s, {whole / usually:.0f} times as long")
    print(f"rows that differ from a recompute of everything: {len(wrong)}")


def main() -> None:
    verdicts = int(sys.argv[1]) if sys.argv[1:] else VERDICTS
    with own_database() as (url, _):
        asyncio.run(run(url, verdicts))


if __name__ == "__main__":
    main()
