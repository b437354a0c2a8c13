"""What storage must have of a case before it is closed."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.cases import ClosedAs
from domain.errors import ActRejected
from domain.outcomes import OutcomeClass

_AT_CLOSE = text(
    "SELECT EXISTS (SELECT FROM hold_claims WHERE case_id = c.id AND dropped_at IS NULL) AS held, "
    "EXISTS (SELECT FROM labels WHERE case_id = c.id) AS labelled, "
    "(SELECT outcome FROM outcomes WHERE case_id = c.id AND NOT cancelled) AS found, "
    "EXISTS (SELECT FROM outcomes WHERE case_id = c.id) AS ended, "
    "c.withdraw IS NOT NULL AS withdrawn, "
    "coalesce((c.decision->>'approved')::boolean = false, false) AS rejected FROM cases c WHERE c.id = :case"
)


class ClosingRows(NamedTuple):
    """What is stored of a case: whether a machine is held for it, its label, its outcome, and why no work is wanted."""

    held: bool
    labelled: bool
    found: str | None
    ended: bool
    withdrawn: bool
    rejected: bool

    @property
    def unlearnt(self) -> bool:
        """Whether completed work has an outcome that is still to become a label, or to be classified again."""
        if self.found is None or self.labelled:
            return False
        return self.unknown or OutcomeClass(self.found).finding

    @property
    def unknown(self) -> bool:
        """Whether nobody can read yet what the work found."""
        return self.found == OutcomeClass.UNKNOWN


async def closing_rows(connection: AsyncConnection, case: str, how: ClosedAs) -> ClosingRows:
    """Reads them under the lock on the case, so that a person's statement of the outcome is seen, or waits.

    Raises:
        ActRejected: the rows for this way of closing are missing. Nothing but storage says that work has ended.
    """
    known = ClosingRows._make((await connection.execute(_AT_CLOSE, {"case": case})).one())
    there, wanted = {
        ClosedAs.DONE: (known.ended, "an outcome"),
        ClosedAs.CANCELLED: (known.ended, "an outcome"),
        ClosedAs.WITHDRAWN: (known.withdrawn, "a reason to withdraw it"),
        ClosedAs.REJECTED: (known.rejected, "a person's rejection"),
    }[how]
    if not there:
        raise ActRejected(f"case {case} is not closed as {how}: it has not {wanted}")
    return known
