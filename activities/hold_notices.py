"""Writes the state of a hold to the twin of its machine."""

from collections.abc import Sequence

from temporalio import activity

from domain.canonical import Json, timestamp
from domain.cases import CaseView
from domain.casework import CaseStore
from domain.clock import Clock
from domain.errors import ConnectorError
from domain.hold_store import HoldStore
from domain.holds import HoldStatus, HoldView, PlacementState
from domain.keys import TWIN_AUTHOR
from domain.ports import TwinGraph
from domain.production import HoldEnforcement, hold_notice
from domain.stops import StoppableAction


class HoldNotices:
    """Writes the states of holds to twins.

    Args:
        cases: the case store, which knows whether twins may be written to.
        holds: the hold store, which knows what was last written to a twin.
        twins: the twin graph.
        clock: the plant's time.
    """

    def __init__(self, cases: CaseStore, holds: HoldStore, twins: TwinGraph, clock: Clock) -> None:
        self._cases = cases
        self._holds = holds
        self._twins = twins
        self._clock = clock

    async def tell_end(self, view: CaseView) -> None:
        """Writes to the machine's twin that the hold of a case has ended, however it did; nothing while it is live.

        Raises:
            ActionRequired: as `tell_twin`.
        """
        ended = await self._holds.read(view.id)
        if ended is not None and not ended.state.live:
            await self.tell_twin(view, ended, HoldEnforcement.UNKNOWN)

    async def tell_twin(self, view: CaseView, hold: HoldView, enforcement: HoldEnforcement) -> None:
        """Writes the state of the hold to the machine's twin. If that fails, it is only logged.

        Raises:
            ActionRequired: the twin is not the machine's in the ledger.
        """
        says, now = _standing(hold), self._clock.now()
        if view.machine_twin is None or hold.twin_told == says:
            return
        intended = [each for each in hold.live_placements if each.state is PlacementState.INTENDED]
        if any(not each.placeable_by(view.id, now) for each in intended):
            # Another case of this hold is calling the MES, and will write the result.
            return
        if await self._cases.stop_reason(view.id, StoppableAction.TWIN_WRITE) is not None:
            return
        await self._cases.check_names(view)
        properties: dict[str, Json] = {
            "holdState": says,
            "holdStateAt": timestamp(now),
            "holdNotice": hold_notice(enforcement) if hold.state.live else "",
            "updatedBy": TWIN_AUTHOR,
        }
        try:
            await self._twins.patch_twin(view.machine_twin, properties)
        except ConnectorError as error:
            activity.logger.warning("the twin of %s does not show its hold yet: %s", view.machine.id, error)
            return
        await self._holds.record_twin_update(hold.key, says)


def _standing(hold: HoldView) -> str:
    """The state of a hold in one word for the twin; `held` only if a reading showed it."""
    if not hold.state.live or hold.state is HoldStatus.TESTING:
        return hold.state.value
    states: Sequence[PlacementState] = [each.state for each in hold.live_placements]
    if PlacementState.UNPROVEN in states:
        return "unproven"
    if PlacementState.ACCEPTED in states:
        return "accepted"
    if hold.jobs_not_held:
        return "partial"
    if PlacementState.IN_EFFECT in states:
        return "awaiting_release" if hold.releasable else "held"
    return "asked"
