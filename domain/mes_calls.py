"""A call to an MES that stands apart: what crosses between the steps of a case and the worker in the plant's zone."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from domain.errors import ActionRequired, ConnectorError, NotProved, Refused, Unavailable
from domain.model import Duration, Model, Moment
from domain.operating import OperatingState
from domain.ports import Mes
from domain.production import HoldEnforcement, HoldPlan, HoldReading, ProductionContext

CLOCKS_DIFFER: Final = timedelta(seconds=10)
"""By how much the clocks of the two zones may differ. Beyond that a call is not carried out."""

ErrorKind = Literal["Unavailable", "ActionRequired", "NotProved", "Refused"]


class Check(Model):
    """See `domain.ports.Mes.check`."""

    method: Literal["check"] = "check"

    async def carry_out(self, mes: Mes) -> object:
        return await mes.check()


class ReadProduction(Model):
    """See `domain.ports.Mes.read_production`."""

    method: Literal["read-production"] = "read-production"
    equipment: str

    async def carry_out(self, mes: Mes) -> object:
        return await mes.read_production(self.equipment)


class ReadMachines(Model):
    """See `domain.ports.Mes.read_states`."""

    method: Literal["read-states"] = "read-states"
    equipment: tuple[str, ...]

    async def carry_out(self, mes: Mes) -> object:
        return dict(await mes.read_states(self.equipment))


class ReadTarget(Model):
    """See `domain.ports.Mes.hold_target`."""

    method: Literal["read-hold-target"] = "read-hold-target"
    equipment: str

    async def carry_out(self, mes: Mes) -> object:
        return await mes.hold_target(self.equipment)


class PlanHold(Model):
    """See `domain.ports.Mes.plan_hold`."""

    method: Literal["plan-hold"] = "plan-hold"
    equipment: str
    key: str

    async def carry_out(self, mes: Mes) -> object:
        return await mes.plan_hold(self.equipment, self.key)


class PlaceHold(Model):
    """See `domain.ports.Mes.place_hold`."""

    method: Literal["place-hold"] = "place-hold"
    plan: HoldPlan
    reason: str

    async def carry_out(self, mes: Mes) -> object:
        return await mes.place_hold(self.plan, self.reason)


class ReadHold(Model):
    """See `domain.ports.Mes.read_hold`."""

    method: Literal["read-hold"] = "read-hold"
    plan: HoldPlan

    async def carry_out(self, mes: Mes) -> object:
        return await mes.read_hold(self.plan)


class HoldRelease(Model):
    """See `domain.ports.Mes.release_hold`."""

    method: Literal["release-hold"] = "release-hold"
    plan: HoldPlan
    reason: str

    async def carry_out(self, mes: Mes) -> object:
        return await mes.release_hold(self.plan, self.reason)


class ListHolds(Model):
    """See `domain.ports.Mes.marked_holds`."""

    method: Literal["list-holds"] = "list-holds"

    async def carry_out(self, mes: Mes) -> object:
        return await mes.marked_holds()


class ReadLots(Model):
    """See `domain.ports.Mes.lots_made`."""

    method: Literal["read-lots"] = "read-lots"
    equipment: str
    from_at: Moment
    until_at: Moment

    async def carry_out(self, mes: Mes) -> object:
        return await mes.lots_made(self.equipment, self.from_at, self.until_at)


AboutPlan = PlaceHold | ReadHold | HoldRelease
"""What is asked about one planned hold. Such calls about one plan are made one after another."""
Acting = PlaceHold | HoldRelease
"""What may change the state of a job."""
Asked = (
    Check
    | ReadProduction
    | ReadMachines
    | ReadTarget
    | PlanHold
    | PlaceHold
    | ReadHold
    | HoldRelease
    | ListHolds
    | ReadLots
)


class MesRequest(Model):
    """What is asked of the worker in the plant's zone, as it is encrypted and sent.

    Args:
        workflow: the id of the workflow that carries it. A request that arrives in another one was copied.
        system: the MES instance.
        asked_at: when it was asked, by the caller's wall clock.
        until: after this time it is not carried out any more.
        plant_time: the caller's plant time when it asked. Readings get their times from it.
    """

    workflow: str
    system: str
    asked_at: Moment
    until: Moment
    plant_time: Moment
    asked: Annotated[Asked, Field(discriminator="method")]

    def untimely(self, now: datetime) -> "CallError | None":
        """Why a worker whose wall clock says `now` does not carry the call out; None if it does."""
        behind = self.asked_at - now
        if behind > CLOCKS_DIFFER:
            return CallError(kind="ActionRequired", problem=_clock_words(behind, "behind"), field="clock")
        if now > self.until:
            return CallError(
                kind="Unavailable", problem="the call reached the worker of the plant zone too late; it was not made"
            )
        return None

    def in_callers_time(self, result: object, began_at: datetime) -> object:
        """A result with the times of its readings in the caller's plant time.

        The age of a reading is measured with the one clock that made it. What was read during the call gets the time at
        which the call was asked, so that no reading counts as newer than it is.

        Args:
            began_at: when the call began, by the plant time of the worker that made it.
        """

        def shifted(read_at: datetime) -> datetime:
            return self.plant_time + min(timedelta(), read_at - began_at)

        if isinstance(result, HoldReading):
            return result.model_copy(update={"read_at": shifted(result.read_at)})
        if isinstance(result, OperatingState):
            return result.model_copy(update={"read_at": shifted(result.read_at)})
        if isinstance(result, ProductionContext):
            operating = self.in_callers_time(result.operating, began_at)
            return result.model_copy(update={"read_at": shifted(result.read_at), "operating": operating})
        if isinstance(result, dict):
            return {machine: self.in_callers_time(state, began_at) for machine, state in result.items()}
        return result


class CallError(Model):
    """One of the three errors of a port, with all its fields."""

    kind: ErrorKind
    problem: str
    operation: str | None = None
    """None stands for the method of the call."""
    key: str | None = None
    retry_after: Duration | None = None
    field: str | None = None

    @classmethod
    def of(cls, error: ConnectorError) -> "CallError":
        told = {"problem": error.problem, "operation": error.operation, "key": error.key}
        match error:
            case Unavailable():
                return cls(kind="Unavailable", retry_after=error.retry_after, **told)
            case NotProved():
                return cls(kind="NotProved", field=error.field, **told)
            case ActionRequired():
                return cls(kind="ActionRequired", field=error.field, **told)
            case _:
                return cls(kind="Refused", **told)

    def error(self, system: str, method: str) -> ConnectorError:
        """The error itself.

        Args:
            system: the MES instance.
            method: that of the call.
        """
        operation, key = self.operation or method, self.key
        match self.kind:
            case "Unavailable":
                return Unavailable(
                    self.problem, system=system, operation=operation, key=key, retry_after=self.retry_after
                )
            case "NotProved":
                return NotProved(self.problem, system=system, operation=operation, key=key, field=self.field)
            case "ActionRequired":
                return ActionRequired(self.problem, system=system, operation=operation, key=key, field=self.field)
            case "Refused":
                return Refused(self.problem, system=system, operation=operation, key=key)


class MesAnswer(Model):
    """What a call gave, as it is encrypted and sent back.

    Args:
        run: the run of the workflow that carried the call. The answer of another run is refused.
        method: what was asked.
        began_at: when the worker began, by its own wall clock.
        enforcement: whether this MES enforces a hold.
        result: the result as JSON text; None if there is an error.
    """

    run: str
    method: str
    began_at: Moment
    enforcement: HoldEnforcement
    result: str | None = None
    error: CallError | None = None

    def clock_ahead(self, received_at: datetime) -> CallError | None:
        """The error of a worker whose clock is ahead, by the caller's wall clock; None if the clocks agree."""
        ahead = self.began_at - received_at
        if ahead <= CLOCKS_DIFFER:
            return None
        return CallError(kind="ActionRequired", problem=_clock_words(ahead, "ahead"), field="clock")


def _clock_words(by: timedelta, where: str) -> str:
    return (
        f"the clock of the plant zone's worker is at least {by.total_seconds():.0f} seconds {where}, so the call was "
        "not made: correct the clock of its host, or of ours"
    )
