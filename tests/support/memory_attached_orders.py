"""Orders of people that are attached to cases, in memory. `tests/storage/test_attached_orders.py` has the real ones."""

from collections.abc import Callable

from domain.attaching import DetachedOrder, OrderAttachment
from domain.cases import CaseView, Phase
from domain.clock import Clock
from domain.draft_findings import DraftCheck
from domain.errors import Unavailable
from domain.open_work import OpenWorkSeen
from domain.work_orders import WorkOrderDraft, WorkOrderRecord


class MemoryAttachedOrders:
    """See `attach_order` and `detach_order` of `domain.casework.CaseStore`.

    Args:
        cases: the cases of the store, by id.
        wake: makes a case due.
    """

    def __init__(self, clock: Clock, cases: dict[str, CaseView], wake: Callable[[str], None]) -> None:
        self._clock = clock
        self._cases = cases
        self._wake = wake
        self.case_of: dict[str, str] = {}
        """The case of each order of a person that is, or was, the order of a case."""

    def attach(
        self,
        case: str,
        draft: WorkOrderDraft,
        open_work: OpenWorkSeen,
        check: DraftCheck | None,
        attachment: OrderAttachment,
    ) -> bool:
        """Attaches the order of a person to a case, unless it is, or was, that of another."""
        record, view = attachment.record, self._cases[case]
        if view.order is not None and view.order.ref == record.ref:
            return True
        known = {each.order.ref.id for each in self._cases.values() if each.order is not None}
        if record.ref.id in known | self.case_of.keys():
            return False
        if view.draft is not None:
            raise Unavailable("written down meanwhile", system="record", operation="attach-order")
        self.case_of[record.ref.id] = case
        made = {
            "draft": draft,
            "open_work": open_work,
            "draft_check": check,
            "attached": attachment,
            "order": record,
            "phase": Phase.WORK,
        }
        self._cases[case] = view.model_copy(update={**made, "order_read_at": attachment.read_at})
        return True

    def detach(self, case: str, record: WorkOrderRecord, because: str) -> None:
        """Detaches the order of a person from its case, which is due then."""
        view = self._cases[case]
        if view.order is None or not view.order.of_a_person or not view.order.ref.same_record(record.ref):
            return
        gone = DetachedOrder(order=view.order.ref, because=because, at=self._clock.now())
        none = {
            "attached": None,
            "order": None,
            "draft": None,
            "open_work": None,
            "draft_check": None,
            "order_read_at": None,
        }
        more = {"detached": (*view.detached, gone), "order_notes": (), "phase": Phase.PLACE}
        self._cases[case] = view.model_copy(update={**none, **more})
        self._wake(case)


def of_another(known: WorkOrderRecord | None, record: WorkOrderRecord) -> bool:
    """Whether a reading is not of the order that a case has: one of the two is a person's, and the other is not."""
    if record.of_a_person:
        return known is None or not known.ref.same_record(record.ref)
    return known is not None and known.of_a_person
