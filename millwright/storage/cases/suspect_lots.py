"""The lists of suspect lots in PostgreSQL; see `domain.suspect_lots`."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.clock import Clock
from domain.errors import ActRejected
from domain.keys import case_workflow_id
from domain.suspect_lots import LotReview, SuspectLots
from millwright.storage.database.case_tables import cases
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger


class SuspectLotStore:
    """The lists of suspect lots.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def keep(self, case: str, lots: SuspectLots) -> None:
        """See `domain.suspect_lots.SuspectLotStore`."""
        async with transaction(self._engine) as connection:
            if await _locked(connection, case) is not None:
                return
            entry = ledger.Entry(self._clock.now())
            entry.add(ledger.act("suspect-lots-listed", case_workflow_id(case), "millwright", entry.at, {"lots": lots}))
            await _store(connection, case, lots)
            await ledger.append(connection, entry)

    async def review(self, case: str, by: str, note: str) -> SuspectLots:
        """Stores what a person of quality says about the lots of a case; the first word stays.

        Raises:
            ActRejected: there is no such case, no lots are listed for it, or another person has answered.
        """
        async with transaction(self._engine) as connection:
            lots = await _locked(connection, case)
            if lots is None:
                raise ActRejected(f"no suspect lots are listed for case {case}", field="case", fix="see `lots list`")
            if lots.review is not None:
                if (lots.review.by, lots.review.note) == (by, note):
                    return lots
                raise ActRejected(
                    f"the lots of case {case} were reviewed by {lots.review.by} on {lots.review.at:%Y-%m-%d %H:%M} UTC",
                    field="case",
                )
            entry = ledger.Entry(self._clock.now())
            review = LotReview(by=by, note=note, at=entry.at)
            reviewed = lots.model_copy(update={"review": review})
            entry.add(ledger.act("suspect-lots-reviewed", case_workflow_id(case), by, entry.at, {"review": review}))
            await _store(connection, case, reviewed)
            await ledger.append(connection, entry)
            return reviewed


async def _locked(connection: AsyncConnection, case: str) -> SuspectLots | None:
    found = await connection.execute(select(cases.c.suspect_lots).where(cases.c.id == case).with_for_update())
    row = found.one_or_none()
    if row is None:
        raise ActRejected(f"there is no case {case}", field="case", fix="see `case list`")
    return None if row.suspect_lots is None else SuspectLots.model_validate(row.suspect_lots)


async def _store(connection: AsyncConnection, case: str, lots: SuspectLots) -> None:
    values = {"suspect_lots": lots.model_dump(mode="json")}
    await connection.execute(update(cases).where(cases.c.id == case).values(**values))
