"""What somebody writes who has the database as the runtime role: rows, and acts with a consistent chain."""

from collections.abc import Mapping
from datetime import datetime

import psycopg

from domain.canonical import canonical, merkle_root, sha256, timestamp


def chain(
    connection: psycopg.Connection,
    kind: str,
    subject: str,
    actor: str,
    at: datetime,
    detail: Mapping[str, object],
) -> None:
    """Records an act, with its row of the ledger."""
    told = {"kind": kind, "subject": subject, "actor": actor, "at": timestamp(at), "detail": detail}
    body = canonical(told).decode()
    digest = sha256(body.encode())
    connection.execute(
        "INSERT INTO acts (kind, subject, actor, at, body, digest, ledger_seq, leaf) "
        "SELECT %s, %s, %s, %s, %s, %s, ledger_chain(%s::timestamptz, 1, %s::text, NULL::text), 0",
        (kind, subject, actor, at, body, digest, at, merkle_root([digest])),
    )
