"""The port `Mes` for machines that tell their state by PackML."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from connectors.call import Call
from connectors.mes.packml import mapping
from connectors.mes.packml.client import PackMlClient
from connectors.mes.packml.settings import PackMlSettings
from domain.clock import Clock
from domain.errors import ActionRequired, Refused, Unavailable
from domain.operating import MachineState, OperatingState
from domain.production import (
    HoldEnforcement,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    MarkedHold,
    PlaceResult,
    ProductionContext,
)

READ_ONLY: Final = "this system is read only; the hold is not placed"
_NOTHING_HERE: Final = "this system is read only; no hold can be in it, and the hold is neither read nor released"


class PackMlMes:
    """The port `Mes` over OPC UA for PackML; see `domain.ports.Mes` for what each method promises.

    Only the state of production is read. A hold asks a person: PackML's commands Hold, Suspend and Stop command the
    machine itself, and nobody could tell whose they are.
    """

    def __init__(self, settings: PackMlSettings, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._client = PackMlClient(settings)

    async def close(self) -> None:
        """Ends the connection. The next call opens another."""
        await self._client.close()

    @property
    def enforcement(self) -> HoldEnforcement:
        """See the port. There are no holds here, so it is not known what one would be worth."""
        return HoldEnforcement.UNKNOWN

    async def check(self) -> str:
        count = await self._client.machines(Call(self._system, "check"))
        machines = "one machine" if count == 1 else f"{count} machines"
        return f"PackML at {self._settings.url} answers for {machines}; it is read only, and no hold is placed there"

    async def read_production(self, equipment: str) -> ProductionContext:
        call = Call(self._system, "read-production")
        now = self._clock.now()
        reading = await self._client.read(call, equipment)
        try:
            return mapping.production(equipment, reading, now)
        except ValueError as error:
            raise call.error(Unavailable, f"{equipment}: {error}") from None

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        """See the port. Each machine is a request of its own, over one connection."""
        return {name: await self._state(name) for name in sorted(equipment)}

    async def _state(self, equipment: str) -> OperatingState:
        read_at = self._clock.now()
        try:
            reading = await self._client.read(Call(self._system, "read-states"), equipment)
            return mapping.operating(reading, read_at)
        except ActionRequired as error:
            if error.field != "equipment":
                raise
            word = error.problem
        except Refused as error:
            word = error.problem
        except ValueError as error:
            word = str(error)
        return OperatingState(state=MachineState.UNKNOWN, word=word, read_at=read_at)

    async def hold_target(self, equipment: str) -> HoldTarget:
        del equipment
        raise Call(self._system, "read-hold-target").error(ActionRequired, READ_ONLY)

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        del equipment
        raise Call(self._system, "plan-hold", key).error(ActionRequired, READ_ONLY)

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        del reason
        raise Call(self._system, "place-hold", plan.key).error(ActionRequired, READ_ONLY)

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        raise Call(self._system, "read-hold", plan.key).error(ActionRequired, _NOTHING_HERE)

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        del reason
        raise Call(self._system, "release-hold", plan.key).error(ActionRequired, _NOTHING_HERE)

    async def marked_holds(self) -> Sequence[MarkedHold]:
        """See the port. No hold can be in it."""
        return ()

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> None:
        """See the port. PackML counts what was made, and knows no lots."""
