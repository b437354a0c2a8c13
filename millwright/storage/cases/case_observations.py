"""The observations around a case, for the files on its order."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Anomaly
from domain.cases import Observation
from millwright.storage.database.engine import unbound

_MOST: Final = 5000
"""How many observations a file has at most: the newest."""
_OBSERVED: Final = text(
    "SELECT e.anomaly FROM cases c JOIN events e ON e.asset = c.asset AND e.failure_mode = c.failure_mode "
    "WHERE c.id = :case AND e.at BETWEEN c.event_at - interval '7 days' AND c.last_event_at "
    "ORDER BY e.at DESC, e.id DESC LIMIT :most"
)


class CaseObservations:
    """The port `ObservationStore` on the database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of_case(self, case: str) -> Sequence[Observation]:
        async with unbound(self._engine) as connection:
            found = (await connection.execute(_OBSERVED, {"case": case, "most": _MOST})).scalars().all()
        anomalies = [Anomaly.model_validate(anomaly) for anomaly in reversed(found)]
        return [
            Observation.model_validate({name: getattr(anomaly, name) for name in Observation.model_fields})
            for anomaly in anomalies
        ]
