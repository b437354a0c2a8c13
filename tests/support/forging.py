"""What somebody writes who has the database as the runtime role: rows, and acts with a consistent chain."""

from collections.abc import Mapping
from datetime import datetime

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import canonical, merkle_root, sha256, timestamp
from domain.keys import case_workflow_id
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger

ForgedAct = tuple[str, str, dict[str, object]]
"""The kind, the actor and the detail of an act on a case."""


async def forge(engine: AsyncEngine, case: str, at: datetime, *acts: ForgedAct) -> None:
    """Chains acts on a case with a ledger row that agrees."""
    entry = ledger.Entry(at)
    for kind, actor, detail in acts:
        entry.add(ledger.act(kind, case_workflow_id(case), actor, at, detail))
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)


def chain(
    connection: psycopg.Connection,
    kind: str,
    subject: str,
    actor: str,
    at: datetime,
    detail: Mapping[str, object],
) -> None:
    """Chains one act, by the statements that the runtime role may use."""
    told = {"kind": kind, "subject": subject, "actor": actor, "at": timestamp(at), "detail": detail}
    body = canonical(told).decode()
    digest = sha256(body.encode())
    connection.execute(
        "INSERT INTO acts (kind, subject, actor, at, body, digest, ledger_seq, leaf) "
        "SELECT %s, %s, %s, %s, %s, %s, ledger_chain(%s::timestamptz, 1, %s::text, NULL::text), 0",
        (kind, subject, actor, at, body, digest, at, merkle_root([digest])),
    )
