"""A CMMS that keeps its port's promises to the letter; every call of it may be interrupted."""

from collections.abc import Sequence
from datetime import timedelta

from domain.cmms import CmmsCapabilities, Idempotency, OrderQuery
from domain.errors import ActionRequired, Unavailable
from domain.work_orders import (
    ChangePage,
    CompletionReport,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)
from tests.support.cmms import ABLE, reported
from tests.support.fault_injection import vendor_call
from tests.support.plant import TestClock

_PAGE = 2


class FaultInjectedCmms:
    """Orders by key, and a log of their changes that pages are read from."""

    def __init__(self, clock: TestClock) -> None:
        self._clock = clock
        self.can = ABLE
        self.orders: dict[str, WorkOrderRecord] = {}
        self.made: list[str] = []
        self.queries: list[OrderQuery] = []
        self.notes: dict[str, str] = {}
        self.demands: str | None = None
        """A field that a site's rules ask for and we have not."""
        self.asks_for: timedelta | None = None
        """How long it wants to be left alone."""
        self._log: list[str] = []

    async def check(self) -> str:
        return "fake"

    @property
    def capabilities(self) -> CmmsCapabilities:
        return self.can

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        self.queries.append(query)
        return await vendor_call(lambda: [order for key, order in self.orders.items() if key == query.key])

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        if self.can.idempotency is not Idempotency.LOOK_UP:
            return await vendor_call(lambda: self._create(draft))
        found: WorkOrderRecord | None = await vendor_call(lambda: self.orders.get(draft.key))
        return found if found is not None else await vendor_call(lambda: self._make(draft))

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        return await vendor_call(lambda: self.orders[ref.key])

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return await vendor_call(lambda: self._leave_waiting(ref.key, WorkOrderStatus.APPROVED))

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return await vendor_call(lambda: self._leave_waiting(ref.key, WorkOrderStatus.CANCELLED))

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        await vendor_call(lambda: self.notes.setdefault(note_key, text))

    async def changed_since(self, cursor: str | None) -> ChangePage:
        return await vendor_call(lambda: self._page(int(cursor or 0)))

    def people_move(self, key: str, status: WorkOrderStatus, problem: str | None = None) -> None:
        """Somebody there changes an order that is not finished."""
        if key in self.orders and not self.orders[key].status.finished:
            report = reported(problem).model_copy(update={"finished_at": self._clock.now()}) if problem else None
            self._put(self.orders[key].ref, status, touched=Touched.YES, report=report)

    def reopen(self, key: str) -> None:
        """Somebody there opens a finished order again."""
        self._put(self.orders[key].ref, WorkOrderStatus.IN_PROGRESS, touched=Touched.YES)

    def _create(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        if self.asks_for is not None:
            raise Unavailable("429", system="fake", operation="create-work-order", retry_after=self.asks_for)
        if self.demands is not None:
            raise ActionRequired("is required", system="fake", operation="create-work-order", field=self.demands)
        return self.orders[draft.key] if draft.key in self.orders else self._make(draft)

    def _make(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        self.made.append(draft.key)
        status = WorkOrderStatus.APPROVED if draft.released else WorkOrderStatus.WAITING_APPROVAL
        self._put(WorkOrderRef(system="fake", id=str(999 + len(self.made)), key=draft.key), status)
        return self.orders[draft.key]

    def _leave_waiting(self, key: str, status: WorkOrderStatus) -> WorkOrderRecord:
        order = self.orders[key]
        waiting = order.status is WorkOrderStatus.WAITING_APPROVAL
        released = order.status is WorkOrderStatus.APPROVED
        if (waiting and status is WorkOrderStatus.APPROVED) or (
            (waiting or released) and status is WorkOrderStatus.CANCELLED and order.touched is Touched.NO
        ):
            self._put(order.ref, status, touched=order.touched)
        return self.orders[key]

    def _page(self, start: int) -> ChangePage:
        keys = self._log[start : start + _PAGE]
        return ChangePage(records=tuple(self.orders[key] for key in keys), cursor=str(start + len(keys)))

    def _put(
        self,
        ref: WorkOrderRef,
        status: WorkOrderStatus,
        *,
        touched: Touched = Touched.NO,
        report: CompletionReport | None = None,
    ) -> None:
        self.orders[ref.key] = WorkOrderRecord(
            ref=ref,
            status=status,
            vendor_status=status.value,
            changed_at=self._clock.now(),
            touched=touched,
            report=report,
        )
        self._log.append(ref.key)
