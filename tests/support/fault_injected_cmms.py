"""A CMMS that keeps its port's promises to the letter; every call of it may be interrupted."""

from collections.abc import Sequence
from datetime import timedelta

from domain.cmms import CmmsCapabilities, Idempotency, OrderQuery
from domain.errors import ActionRequired, ConnectorError, Unavailable
from domain.open_work import OpenWork, OpenWorkQuery
from domain.work_orders import ChangePage, Escalation, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from tests.support.cmms import ABLE, reported
from tests.support.fault_injection import vendor_call
from tests.support.order_book import OrderBook
from tests.support.plant import TestClock


class FaultInjectedCmms:
    """Orders in memory; the outcome of every call is chosen by the test."""

    def __init__(self, clock: TestClock, book: OrderBook | None = None) -> None:
        self._clock = clock
        self.book = book or OrderBook(clock)
        self.can = ABLE
        self.queries: list[OrderQuery] = []
        self.looks: list[OpenWorkQuery] = []
        self.closed: ConnectorError | None = None
        """Raised when it is asked for open work, or for its name."""
        self.takes_no_note: ConnectorError | None = None
        """Raised instead of a note."""
        self.searches = True
        """Whether it answers when it is asked for open work. Everything else is not affected."""
        self.demands: str | None = None
        """A field that a site's rules ask for and we have not."""
        self.asks_for: timedelta | None = None
        """How long it wants to be left alone."""

    @property
    def orders(self) -> dict[str, WorkOrderRecord]:
        return self.book.orders

    @property
    def made(self) -> list[str]:
        return self.book.made

    @property
    def notes(self) -> dict[str, str]:
        return self.book.notes

    async def check(self) -> str:
        self._open()
        return "fake"

    @property
    def capabilities(self) -> CmmsCapabilities:
        return self.can

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        self.queries.append(query)
        return await vendor_call(lambda: self.book.find(query))

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        self.looks.append(query)
        self._open()
        if not self.searches:
            raise Unavailable("no answer within 20 seconds", system="fake", operation="find-open-work")
        return await vendor_call(lambda: self.book.open_work(query))

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        if self.can.idempotency is not Idempotency.LOOK_UP:
            return await vendor_call(lambda: self._create(draft))
        found: WorkOrderRecord | None = await vendor_call(lambda: self.orders.get(draft.key))
        return found if found is not None else await vendor_call(lambda: self.book.create_another(draft))

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        return await vendor_call(lambda: self.book.read(ref))

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return await vendor_call(lambda: self.book.move(ref, WorkOrderStatus.APPROVED))

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return await vendor_call(lambda: self.book.move(ref, WorkOrderStatus.CANCELLED))

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        return await vendor_call(lambda: self.book.escalate(ref, escalation))

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        await vendor_call(lambda: self._note(ref, note_key, text))

    async def changed_since(self, cursor: str | None) -> ChangePage:
        return await vendor_call(lambda: self.book.page(int(cursor or 0)))

    def people_move(self, key: str, status: WorkOrderStatus, problem: str | None = None) -> None:
        """Somebody there changes an order that is not finished."""
        if key in self.orders and not self.orders[key].status.finished:
            report = reported(problem).model_copy(update={"finished_at": self._clock.now()}) if problem else None
            self.book.people_change(self.orders[key].ref, status, report)

    def reopen(self, key: str) -> None:
        """Somebody there opens a finished order again."""
        self.book.people_change(self.orders[key].ref, WorkOrderStatus.IN_PROGRESS)

    def _note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        if self.takes_no_note is not None:
            raise self.takes_no_note
        self.book.note(ref, note_key, text)

    def _open(self) -> None:
        if self.closed is not None:
            raise self.closed

    def _create(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        if self.asks_for is not None:
            raise Unavailable("429", system="fake", operation="create-work-order", retry_after=self.asks_for)
        if self.demands is not None:
            raise ActionRequired("is required", system="fake", operation="create-work-order", field=self.demands)
        return self.book.create(draft)
