"""Lists what a machine made between the onset of its fault and its hold, for people of quality."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from temporalio import activity

from activities.instances import instance, serving
from activities.progress import CaseRef, Progress, lots_until, step, work_is_over
from domain.cases import CaseView
from domain.casework import CaseStore
from domain.clock import Clock
from domain.errors import ActionRequired, Refused, Unavailable
from domain.lots import MadeLot
from domain.ports import Mes
from domain.suspect_lots import LotsUntil, SuspectLots, SuspectLotStore, onset_of


class LotLists:
    """Asks the MES which lots are suspect, once for each case.

    Args:
        cases: the case store.
        lots: the lists of suspect lots.
        mes: the MES instances by id.
        clock: the plant's time.
    """

    def __init__(self, cases: CaseStore, lots: SuspectLotStore, mes: Mapping[str, Mes], clock: Clock) -> None:
        self._cases = cases
        self._lots = lots
        self._mes = mes
        self._clock = clock

    @activity.defn(name="list-suspect-lots")
    async def list_suspect_lots(self, ref: CaseRef) -> Progress:
        """Stores what the MES says that the machine made, once it is held or its work is done.

        The case never waits for this. If the MES does not answer while the machine is held, the next reading of the
        hold asks again; once the work is over, the list says why the lots are not known.
        """
        async with step(self._cases, self._clock, ref.case, "list-suspect-lots", last=False) as attempt:
            if (ended := lots_until(attempt.view)) is not None:
                await self._list(attempt.view, *ended)
        return attempt.progress

    async def _list(self, view: CaseView, until: LotsUntil, until_at: datetime) -> None:
        system = view.hold.system if view.hold is not None else serving(view.mes_system, "MES", view, "list-lots")
        equipment = view.hold.equipment if view.hold is not None else view.mes_equipment or ""
        from_at = onset_of(await self._cases.grounds(view.id), view.event_at)
        made: tuple[MadeLot, ...] | None = None
        not_known: str | None = None
        try:
            told = await self._ask(system, equipment, from_at, until_at)
        except Unavailable as error:
            if not work_is_over(view):
                activity.logger.warning("the suspect lots of case %s are not listed yet: %s", view.id, error)
                return
            not_known = f"{system} did not answer: {error.problem}"
        except (ActionRequired, Refused) as error:
            not_known = f"{system} did not say: {error.problem}"
        else:
            made = None if told is None else tuple(told)
            not_known = f"{system} does not say which lots a machine made" if told is None else None
        await self._lots.keep(
            view.id,
            SuspectLots(
                system=system,
                equipment=equipment,
                from_at=from_at,
                until_at=until_at,
                until=until,
                lots=made,
                not_known=not_known,
                listed_at=self._clock.now(),
            ),
        )

    async def _ask(
        self, system: str, equipment: str, from_at: datetime, until_at: datetime
    ) -> Sequence[MadeLot] | None:
        if from_at >= until_at:
            # The machine was held before the fault was seen, for another case.
            return ()
        return await instance(self._mes, system, "MES", "list-lots").lots_made(equipment, from_at, until_at)
