"""What people say of doubtful work: whether something had failed. The ledger's act is the only record of it."""

import json
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.missed_failures import FailureStatement, WorkKey
from millwright.storage.ledger import ledger

FAILURE_STATED: Final = "failure-stated"
"""The kind of the act that records a person's word."""

_STATED = text("SELECT body FROM acts WHERE subject = ANY(:subjects) AND kind = :kind ORDER BY id")


class _ActRow(NamedTuple):
    body: str


async def statements_of(connection: AsyncConnection, systems: Collection[str]) -> Mapping[WorkKey, FailureStatement]:
    """The words of people on the work of these CMMS instances; of several on one work the first one stands."""
    asked = {"subjects": [subject_of(system) for system in systems], "kind": FAILURE_STATED}
    found: dict[WorkKey, FailureStatement] = {}
    for row in map(_ActRow._make, await connection.execute(_STATED, asked)):
        said = FailureStatement.model_validate(json.loads(row.body)["detail"]["statement"])
        found.setdefault(said.key, said)
    return found


def add_statement(said: FailureStatement, entry: ledger.Entry) -> None:
    """Records a person's word."""
    entry.add(ledger.act(FAILURE_STATED, subject_of(said.system), said.by, entry.at, {"statement": said}))


def subject_of(system: str) -> str:
    """The subject of the acts on the work of a CMMS instance."""
    return f"failures/{system}"
