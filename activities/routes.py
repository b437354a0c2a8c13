"""The system instances that a case's calls go to, and the priority of the calls."""

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
        cmms: the CMMS connector's id.
        mes: the MES connector's id.
    """

    def __init__(self, cases: CaseStore, cmms: str, mes: str) -> None:
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
        return CaseRoute(cmms=self._cmms, mes=self._mes, priority=priority_of(view))
