"""The verdicts that opened or raised cases: their inputs, and their counterfactuals."""

from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.anomaly import Anomaly
from domain.canonical import canonical, sha256
from domain.counterfactuals import Grounds, VerdictCounterfactuals
from domain.verdict import Context, Memory

# The evidence that last set the rung of the case. An earlier verdict on the fault has the memory before it.
_GROUNDS = text(
    """
    SELECT v.id, v.version, v.body, e.anomaly::text AS anomaly, x.body AS context, (
        SELECT p.memory FROM verdicts p WHERE p.version = v.version AND p.asset = v.asset
            AND p.failure_mode = v.failure_mode AND p.at <= v.at AND p."position" < v."position" AND p.memory <> ''
            AND (p.ledger_seq, p.leaf) < (v.ledger_seq, v.leaf)
            AND encode(sha256(convert_to(p.memory, 'UTF8')), 'hex') = v.body::json->>'before'
        ORDER BY p.at DESC, p."position" DESC, p.revision DESC LIMIT 1) AS memory
    FROM cases c JOIN evidence d ON d.case_id = c.id AND d.how IN ('opened', 'raised')
    JOIN verdicts v ON v.event_id = d.event_id AND v.version = c.version AND v.revision = d.revision
    JOIN events e ON e.id = v.event_id JOIN contexts x ON x.digest = v.body::json->>'context'
    WHERE c.id = :case ORDER BY d.id DESC LIMIT 1
    """
)
_KEEP = text(
    "INSERT INTO explanations (verdict_id, case_id, body, digest) VALUES (:verdict, :case, :body, :digest) "
    "ON CONFLICT DO NOTHING RETURNING verdict_id"
)
_NOTHING = sha256(canonical(Memory()))


class _GroundsRow(NamedTuple):
    verdict: int
    version: str
    body: str
    anomaly: str
    context: str
    memory: str | None


async def read_grounds(connection: AsyncConnection, case: str) -> Grounds | None:
    """The inputs of the verdict that opened a case or raised it last; None if the memory before it is missing."""
    row = (await connection.execute(_GROUNDS, {"case": case})).one_or_none()
    if row is None:
        return None
    found = _GroundsRow._make(row)
    if orjson.loads(found.body)["before"] == _NOTHING:
        memory = Memory()
    elif found.memory is not None:
        memory = Memory.model_validate_json(found.memory)
    else:
        return None
    return Grounds(
        verdict=found.verdict,
        version=found.version,
        memory=memory,
        anomaly=Anomaly.model_validate_json(found.anomaly),
        context=Context.model_validate_json(found.context),
    )


async def keep_explanation(connection: AsyncConnection, case: str, explanation: VerdictCounterfactuals) -> str | None:
    """Stores the counterfactuals of a verdict; returns their digest, or None if they were already stored."""
    body = canonical(explanation.changes)
    digest = sha256(body)
    values = {"verdict": explanation.verdict, "case": case, "body": body.decode(), "digest": digest}
    kept = (await connection.execute(_KEEP, values)).one_or_none()
    return None if kept is None else digest
