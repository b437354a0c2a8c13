"""The system instances that a case's calls go to, and the priority of the calls."""

from collections.abc import Sequence

from temporalio import activity

from activities.progress import CaseRef, priority_of
from domain.casework import CaseStore
from domain.model import Model


class CaseRoute(Model):
    """The instances that a case's calls go to, and the priority of the first of these, 1 (first) to 5 (last)."""

    cmms: str
    mes: str
    priority: int


class Routes:
    """Gives the system instances that the calls of cases go to.

    Args:
        cases: the case store.
        cmms: the ids of the CMMS instances, at least one.
        mes: the ids of the MES instances, at least one.
    """

    def __init__(self, cases: CaseStore, cmms: Sequence[str], mes: Sequence[str]) -> None:
        self._cases = cases
        self._cmms = cmms
        self._mes = mes

    @activity.defn(name="route-case")
    async def route_case(self, ref: CaseRef) -> CaseRoute:
        """The instances and the priority of a case.

        Raises:
            StorageUnavailable: the engine retries the activity.
        """
        view, _ = await self._cases.view(ref.case)
        mes = view.hold.system if view.hold is not None else view.mes_system
        return CaseRoute(
            cmms=_queue_of(view.cmms_system, self._cmms),
            mes=_queue_of(mes, self._mes),
            priority=priority_of(view),
        )


def _queue_of(instance: str | None, known: Sequence[str]) -> str:
    """The instance whose queue a case's calls use. If none serves its site, it is the first one: then the step calls
    nothing, and asks a person to act."""
    return instance if instance is not None and instance in known else known[0]
