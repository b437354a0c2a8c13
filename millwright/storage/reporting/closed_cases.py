"""What outcome, label and ledger say of each closed case, to compare them with the twins."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import TWIN_SYSTEM
from domain.outcomes import OutcomeClass
from millwright.storage.database.engine import transaction

_CLOSED = text("""
SELECT c.id, x.external_id AS twin, o.outcome, l.outcome AS label, a.outcome AS ledger
FROM cases c LEFT JOIN outcomes o ON o.case_id = c.id
LEFT JOIN LATERAL (SELECT outcome FROM labels WHERE case_id = c.id ORDER BY revision DESC LIMIT 1) l ON TRUE
LEFT JOIN LATERAL (SELECT body::json -> 'detail' -> 'outcome' ->> 'outcome' AS outcome FROM acts
    WHERE subject = 'case/' || c.id AND kind IN ('outcome-found', 'outcome-reclassified', 'outcome-stated')
    ORDER BY id DESC LIMIT 1) a ON TRUE
LEFT JOIN LATERAL (SELECT external_id FROM crosswalk WHERE asset = c.asset AND system = :twins AND valid_to IS NULL
    ORDER BY external_id LIMIT 1) x ON TRUE
WHERE c.closed_at IS NOT NULL ORDER BY c.closed_at, c.id
""")


class ClosedCase(NamedTuple):
    """A closed case.

    Attributes:
        twin: the id of the asset's twin; None if it has none.
        outcome: the class that the case has; None if no work was finished.
        label: the class of its newest label; None if it has none.
        ledger: the class of the newest act on its outcome; None if there is none.
    """

    id: str
    twin: str | None
    outcome: str | None
    label: str | None
    ledger: str | None

    @property
    def recorded_alike(self) -> bool:
        """Whether label and ledger say the outcome, and there is a label only where its class makes one."""
        labelled = self.outcome is not None and OutcomeClass(self.outcome).finding
        return self.ledger == self.outcome and self.label == (self.outcome if labelled else None)


async def closed_cases(engine: AsyncEngine) -> Sequence[ClosedCase]:
    """All closed cases, those that were closed first first."""
    async with transaction(engine) as connection:
        return [ClosedCase._make(row) for row in await connection.execute(_CLOSED, {"twins": TWIN_SYSTEM})]
