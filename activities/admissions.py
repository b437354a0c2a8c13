"""Whether the order of a case is among the new orders that its crew gets, or waits for its turn."""

from datetime import datetime
from typing import NamedTuple

from domain.admission import AdmissionStore, CrewBounds, exemption
from domain.cases import CaseView


class AwaitedTurn(NamedTuple):
    """What a case waits for, and when it asks again."""

    words: str
    until: datetime


class Admissions:
    """Asks for a case whether its order may go out.

    Args:
        bounds: what the versions say of crews.
        store: the new orders of crews.
    """

    def __init__(self, bounds: CrewBounds, store: AdmissionStore) -> None:
        self._bounds = bounds
        self._store = store

    async def awaited(self, view: CaseView) -> AwaitedTurn | None:
        """What a case whose work was timed has to wait for before its order is drafted; None if for nothing."""
        if view.urgency is None:
            return None
        bound = self._bounds.crew_bound(view.version, view.context.asset_class, view.urgency)
        if bound is None:
            return None
        until = await self._store.ask(view.id, bound, exemption(view, bound))
        return None if until is None else AwaitedTurn(bound.words, until)
