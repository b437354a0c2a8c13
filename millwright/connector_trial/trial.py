"""What a behaviour works with: connectors, drafts with keys of their own, faults, and what it found."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

import httpx

from domain.clock import Clock
from domain.cmms import OrderApproval, OrderCancellation, OrderQuery
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.keys import case_id
from domain.model import Model
from domain.ports import Cmms
from domain.work_orders import WorkOrderDraft, WorkOrderRecord, WorkOrderStatus
from millwright.connector_trial.patience import PatientCmms, Waiting, really_wait
from millwright.connector_trial.wire import TrialWire

TITLE: Final = "Millwright connector trial: please ignore"
"""How the title of everything begins that a trial makes."""
MARK: Final = "connector trial: please"
"""Words that the request which creates an order of a trial sends, and no other: also where a title is cut to 40."""
MEMO: Final = "Made by a connector trial of Millwright, and not needed any more."

MOST_PAGES: Final = 1_000
"""After so many pages a poll counts as one without an end. A page has the changes of our own orders only."""


class BehaviourFailed(Exception):
    """The connector does not do what the port promises."""


class NotApplicable(Exception):
    """The system cannot do what the behaviour is about. The words say why."""


class Connecting(Protocol):
    """Makes the connector under trial over a client, as production does."""

    def __call__(self, http: httpx.AsyncClient, *, wrong_secret: bool = False) -> Cmms: ...


@dataclass(frozen=True)
class TrialSystem:
    """The system that a connector is tried on.

    Args:
        connect: makes the connector.
        client: the client that sends its requests.
        host: the host of the system, which the line of `check` must name.
        asset: the name of an asset there.
        asset_attributes: the crosswalk's attributes of that asset.
        run: what distinguishes the keys of this trial from those of every other one.
        clock: by which drafts are dated.
        secrets: what must never be in a message.
        waiting: waits where the system asks for it.
        time_passes: lets a minute pass in a system whose clock stands still.
        orders_of: the number of orders with a key as the system itself knows it; None asks the connector.
    """

    connect: Connecting
    client: httpx.AsyncClient
    host: str
    asset: str
    asset_attributes: Mapping[str, str]
    run: str
    clock: Clock
    secrets: Collection[str]
    waiting: Waiting = really_wait
    time_passes: Callable[[], None] | None = None
    orders_of: Callable[[str], int] | None = None


class DisturbedCall(Model):
    """How a call ended that was disturbed.

    Args:
        kind: the kind of its error, `no error`, or the status that was read.
        sentence: what the error says.
    """

    kind: str
    sentence: str | None = None


class LeftOver(Model):
    """An order of a trial that is still open there, and why.

    Args:
        number: by which people find it; None if it is not known whether there is one.
    """

    key: str
    number: str | None
    reason: str


@dataclass
class ConnectorTrial:
    """One trial of one connector.

    Args:
        told: how the calls of the behaviour ended that were disturbed.
        errors: every error that the connector raised when it was disturbed.
        learned: by the name of a change, the kind of the request that makes it.
    """

    system: TrialSystem
    wire: TrialWire = field(init=False)
    told: list[DisturbedCall] = field(default_factory=list)
    errors: list[ConnectorError] = field(default_factory=list)
    learned: dict[str, tuple[str, str]] = field(default_factory=dict)
    _open: dict[str, WorkOrderRecord | None] = field(default_factory=dict)
    """By the keys of the drafts that may have become orders, the order as it was last seen."""
    _clients: list[httpx.AsyncClient] = field(default_factory=list)
    _drafts: int = 0
    _other: Cmms | None = None
    _standing: WorkOrderRecord | None = None
    _cursor: str | None = None

    def __post_init__(self) -> None:
        self.wire = TrialWire(self.system.client)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be in a message: the secrets of the settings, and what the system gave to sign in with."""
        return (*self.system.secrets, *self.wire.credentials)

    def connector(self, *, wrong_secret: bool = False) -> Cmms:
        """Another connector to the system, as another process has it."""
        http = httpx.AsyncClient(transport=self.wire, follow_redirects=False)
        self._clients.append(http)
        cmms = self.system.connect(http, wrong_secret=wrong_secret)
        return PatientCmms(cmms, self.wire, self.system.waiting, self._know)

    @property
    def other_process(self) -> Cmms:
        """A connector that is the same in the whole trial: it has nothing to do with what was disturbed."""
        if self._other is None:
            self._other = self.connector()
        return self._other

    def draft(self, *, released: bool = False, summary: str = "", asset: str | None = None) -> WorkOrderDraft:
        """A draft with a key of its own, of the lowest priority. What is made of it is withdrawn in the end."""
        self._drafts += 1
        now = self.system.clock.now()
        key = case_id(self.system.asset, "trial", f"connector-trial/{self.system.run}", str(self._drafts))
        self._open[key] = None
        return WorkOrderDraft(
            key=key,
            asset=self.system.asset,
            asset_attributes=dict(self.system.asset_attributes),
            asset_external_id=asset or self.system.asset,
            summary=f"{TITLE} {summary}".strip(),
            paragraphs=("Nothing is wrong with this machine. Somebody tries the connector. Please ignore this order.",),
            failure_mode="ELF",
            priority=4,
            released=released,
            reported_at=now,
            due_at=now + timedelta(days=30),
        )

    async def created(self, cmms: Cmms | None = None, *, released: bool = False) -> WorkOrderRecord:
        """An order made of a draft."""
        return await (cmms or self.other_process).create_work_order(self.draft(released=released))

    async def standing(self) -> WorkOrderRecord:
        """An order that behaviours only read: all of them share it."""
        if self._standing is None:
            self._standing = await self.created(self.other_process)
        return self._standing

    async def orders(self, key: str) -> int:
        """How many orders have a key."""
        if self.system.orders_of is not None:
            return self.system.orders_of(key)
        return len(await self.other_process.find_work_orders(OrderQuery(key=key)))

    async def cursor(self, cmms: Cmms) -> str:
        """A cursor behind all changes so far. A site's older orders are read once only."""
        self._cursor = (await read_on(cmms, self._cursor))[1]
        return self._cursor

    def let_time_pass(self) -> None:
        """Makes the next change one of a later moment. In a live system it is so by itself."""
        if self.system.time_passes is not None:
            self.system.time_passes()

    async def error_of(self, call: Awaitable[object]) -> ConnectorError | None:
        """The error that a call ends with; None if it succeeds."""
        try:
            await call
        except ConnectorError as error:
            self.errors.append(error)
            self.told.append(DisturbedCall(kind=kind_of(error), sentence=str(error)))
            return error
        self.told.append(DisturbedCall(kind="no error"))
        return None

    async def clean_up(self, *, last: bool = False, failed: bool = False) -> tuple[LeftOver, ...]:
        """Withdraws what was made since the last time; what could not be withdrawn.

        Args:
            last: also the order that behaviours share.
            failed: looks for every order with each key, because there may be more than the one that was seen.
        """
        self.wire.clear()
        kept = self._standing.ref.key if self._standing is not None and not last else None
        left = []
        for key in [key for key in self._open if key != kept]:
            found = await self._left(key, None if failed else self._open[key])
            left += found
            if not found:
                self._open.pop(key)
        return tuple(left)

    async def close(self) -> None:
        """Closes what the connectors sent their requests with, but not the system's own client."""
        for http in self._clients:
            # The transport is the trial's wire, which has nothing to close.
            await http.aclose()

    def _know(self, record: WorkOrderRecord) -> None:
        if record.ref.key in self._open:
            self._open[record.ref.key] = record

    async def _left(self, key: str, known: WorkOrderRecord | None) -> list[LeftOver]:
        cmms = self.other_process
        try:
            found = [known] if known is not None else await cmms.find_work_orders(OrderQuery(key=key))
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, the other orders are withdrawn too
            return [LeftOver(key=key, number=None, reason=words_of(error))]
        return [left for record in found if (left := await self._withdrawn(cmms, record)) is not None]

    async def _withdrawn(self, cmms: Cmms, record: WorkOrderRecord) -> LeftOver | None:
        if record.status.finished:
            return None
        number = (record.order or record.ref).id
        try:
            if cmms.capabilities.cancellation is OrderCancellation.NONE:
                reason = "this system lets only its own people cancel an order"
            else:
                after = await cmms.withdraw_work_order(record.ref, MEMO)
                if after.status.finished:
                    return None
                reason = f"it is still {after.vendor_status}, and touched: {after.touched}"
        except Exception as error:  # noqa: BLE001 - whatever a connector raises, the other orders are withdrawn too
            reason = words_of(error)
        return LeftOver(key=record.ref.key, number=number, reason=reason)


def expect(holds: bool, words: str) -> None:
    """Fails a behaviour unless something holds.

    Raises:
        BehaviourFailed: it does not. The words say what was expected and what was found.
    """
    if not holds:
        raise BehaviourFailed(words)


async def refused(trial: ConnectorTrial, call: Awaitable[object], wanted: type[ConnectorError]) -> ConnectorError:
    """The error of a call that must fail in one way.

    Raises:
        BehaviourFailed: it succeeds, or fails in another way.
    """
    error = await trial.error_of(call)
    if error is None:
        raise BehaviourFailed(f"expected {_KINDS[wanted]}, and the call succeeded")
    expect(isinstance(error, wanted), f"expected {_KINDS[wanted]}, not {kind_of(error)}: {error}")
    return error


async def read_on(cmms: Cmms, cursor: str | None) -> tuple[list[WorkOrderRecord], str]:
    """The records of every page until an empty one, and the cursor behind them.

    Raises:
        BehaviourFailed: no page of the first thousand is empty.
    """
    records: list[WorkOrderRecord] = []
    for _ in range(MOST_PAGES):
        page = await cmms.changed_since(cursor)
        ended = (not page.records and not page.unreadable) or page.cursor == cursor
        cursor = page.cursor
        if ended:
            return records, cursor
        records += page.records
    raise BehaviourFailed(f"the poll does not end: after {MOST_PAGES} pages there are still changes and another cursor")


def as_new(cmms: Cmms) -> WorkOrderStatus:
    """The state of a new order that nobody has released: where none can wait, it counts as approved."""
    waits = cmms.capabilities.approval is not OrderApproval.NONE
    return WorkOrderStatus.WAITING_APPROVAL if waits else WorkOrderStatus.APPROVED


def words_of(error: Exception) -> str:
    """What an error says, and of one that the port does not allow also its name."""
    if isinstance(error, ConnectorError):
        return str(error)
    return f"the connector raised {type(error).__name__}, which the port does not allow: {error}"


def kind_of(error: ConnectorError) -> str:
    """What an error means, in a word."""
    return next(words for kind, words in _KINDS.items() if isinstance(error, kind))


_KINDS: Final[Mapping[type[ConnectorError], str]] = {
    Unavailable: "unavailable",
    ActionRequired: "action required",
    Refused: "refused",
}
