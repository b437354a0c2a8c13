"""How a connector signs in, creates orders and finds them."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Final

from domain.cmms import CmmsCapabilities, Idempotency, OrderApproval, OrderQuery
from domain.errors import ActionRequired
from domain.open_work import OpenWorkQuery
from domain.ports import Cmms
from domain.work_orders import Touched, WorkOrderDraft, WorkOrderRecord, WorkOrderStatus
from millwright.connector_trial.behaviour import behaviour
from millwright.connector_trial.secret_forms import forms_of
from millwright.connector_trial.trial import MARK, ConnectorTrial, NotApplicable, as_new, expect, refused
from millwright.connector_trial.wire import carrying, every_request
from millwright.connector_trial.wire_faults import WireFault

WORKERS: Final = 8
NO_ORDER: Final = "MW77777777"
"""A key that no case has but by an improbable chance."""
NO_ASSET: Final = "NO-SUCH-ONE"
_AWKWARD: Final = "<b>Größe & Maß</b> > 5 µm “quoted” 'single' \\ / 漢字 Ωμέγα 🛠 "
_LONG_TITLE: Final = 300
_MANY: Final = 1_000


async def check_names_host_and_user(trial: ConnectorTrial) -> None:
    """A check answers in one line that names the host."""
    line = await trial.connector().check()
    expect("\n" not in line, f"the answer has more than one line: {line!r}")
    expect(trial.system.host in line, f"the answer does not name {trial.system.host}: {line}")


async def capabilities_agree_with_each_other(trial: ConnectorTrial) -> None:
    """The declared capabilities have a priority for each of ours, a key lifetime where it counts, and usable limits."""
    can = trial.connector().capabilities
    expect(set(can.priorities) == {1, 2, 3, 4}, f"priorities are declared for {sorted(can.priorities)}, not for 1 to 4")
    keyed = can.idempotency is Idempotency.KEYED
    expect((can.key_lifetime is not None) == keyed, "key_lifetime belongs to the idempotency `keyed`, and only to it")
    expect(all(limit > 0 for limit in _limits(can)), f"a limit of a text is not above 0: {can.limits}")


def _limits(can: CmmsCapabilities) -> list[int]:
    return [limit for limit in (can.limits.summary, can.limits.description, can.limits.note) if limit is not None]


async def wrong_credentials_need_a_person(trial: ConnectorTrial) -> None:
    """A wrong password or key is an error for a person, in the check and in a creation."""
    cmms = trial.connector(wrong_secret=True)
    await refused(trial, cmms.check(), ActionRequired)
    draft = trial.draft()
    await refused(trial, cmms.create_work_order(draft), ActionRequired)
    expect(await trial.orders(draft.key) == 0, "an order was created with wrong credentials")


async def an_order_is_read_back_as_created(trial: ConnectorTrial) -> None:
    """A new order has our key, asset and priority, waits if orders wait there, and nobody has touched it."""
    cmms, draft = trial.connector(), trial.draft()
    record = await cmms.create_work_order(draft)
    expect(record.ref.key == draft.key, f"the key is {record.ref.key}, not {draft.key}")
    expect(record.status is as_new(cmms), f"the status is {record.status} ({record.vendor_status})")
    expect(record.touched is Touched.NO, f"touched is {record.touched}")
    expect(record.asset_external_id == draft.asset_external_id, f"the asset is {record.asset_external_id}")
    wanted = cmms.capabilities.own_priority(cmms.capabilities.priorities[draft.priority])
    expect(record.priority == wanted, f"the priority is {record.priority}, not {wanted}")
    read = await cmms.read_work_order(record.ref)
    differing = differences(record, read)
    expect(not differing, f"reading it gives another record: {differing}")


async def an_order_is_found_by_its_key(trial: ConnectorTrial) -> None:
    """An order is found by its key alone, also by another process, and a key without an order finds nothing."""
    cmms, created = trial.connector(), await trial.standing()
    found = await cmms.find_work_orders(OrderQuery(key=created.ref.key))
    expect([record.ref for record in found] == [created.ref], f"found {[record.ref.id for record in found]}")
    none = await cmms.find_work_orders(OrderQuery(key=NO_ORDER))
    expect(not none, f"the key {NO_ORDER}, which no order has, finds {[record.ref.id for record in none]}")


async def an_order_is_found_by_its_asset_and_time(trial: ConnectorTrial) -> None:
    """An order is found by its asset and the time of its creation."""
    created = await trial.standing()
    query = OrderQuery(
        asset_external_id=trial.system.asset,
        asset_attributes=dict(trial.system.asset_attributes),
        since=created.changed_at - timedelta(days=1),
        open_only=True,
    )
    found = await trial.other_process.find_work_orders(query)
    expect(created.ref.key in {record.ref.key for record in found}, f"not among the {len(found)} orders found")


async def an_order_is_open_work_on_its_asset(trial: ConnectorTrial) -> None:
    """An order that is open is told with its key as open work on its asset, so that people can compare it."""
    created = await trial.standing()
    query = OpenWorkQuery(
        asset_external_id=trial.system.asset,
        asset_attributes=dict(trial.system.asset_attributes),
        since=created.changed_at - timedelta(days=1),
    )
    found = await trial.other_process.find_open_work(query)
    told = {order.ref.key for order in found.orders}
    expect(created.ref.key in told, f"not among the {len(told)} open orders told, {len(found.unreadable)} unreadable")
    ended = [order.ref.id for order in found.orders if order.status.finished]
    expect(not ended, f"told as open, though finished: {ended}")


async def creating_twice_makes_one_order(trial: ConnectorTrial) -> None:
    """Creating from one draft again, also from another process, gives the same order."""
    draft = trial.draft()
    first = await trial.connector().create_work_order(draft)
    second = await trial.other_process.create_work_order(draft)
    differing = differences(first, second)
    expect(not differing, f"the second call gives another record: {differing}")
    await _one_order(trial, draft)


async def two_drafts_make_two_orders(trial: ConnectorTrial) -> None:
    """Drafts of two cases for one asset become two orders."""
    first, other = await trial.standing(), await trial.created()
    expect(not first.ref.same_record(other.ref), f"both are {first.ref.id}")


async def eight_workers_make_one_order(trial: ConnectorTrial) -> None:
    """Eight processes that create from one draft at once make one order, with a lease if the connector needs it."""
    draft = trial.draft()
    connectors = [trial.connector() for _ in range(WORKERS)]
    looks_up = connectors[0].capabilities.idempotency is Idempotency.LOOK_UP
    lease: AbstractAsyncContextManager[object] = asyncio.Lock() if looks_up else nullcontext()

    async def created(cmms: Cmms) -> WorkOrderRecord:
        async with lease:
            return await cmms.create_work_order(draft)

    # All of them end before the first error is raised, so that none is under way while the trial cleans up.
    ended = await asyncio.gather(*(created(cmms) for cmms in connectors), return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException):
            raise result
    numbers = sorted({record.ref.id for record in ended if isinstance(record, WorkOrderRecord)})
    expect(len(numbers) == 1, f"the processes got several orders: {', '.join(numbers)}")
    await _one_order(trial, draft)


async def an_unknown_asset_needs_a_person(trial: ConnectorTrial) -> None:
    """An asset that the system does not know is an error for a person that names a field, and nothing is created."""
    draft = trial.draft(asset=NO_ASSET)
    error = await refused(trial, trial.connector().create_work_order(draft), ActionRequired)
    expect(getattr(error, "field", None) is not None, f"the error names no field: {error}")
    expect(await trial.orders(draft.key) == 0, "an order was created for an asset that is not known")


async def a_title_of_300_characters_is_taken(trial: ConnectorTrial) -> None:
    """A title of 300 characters with <, >, &, quotes and letters of several scripts makes one order."""
    start = trial.draft().summary
    filling = (_AWKWARD * _LONG_TITLE)[: _LONG_TITLE - len(start) - 1]
    draft = trial.draft(summary=filling)
    expect(len(draft.summary) == _LONG_TITLE, "the title of this trial has another length")
    await trial.connector().create_work_order(draft.model_copy(update={"paragraphs": (_AWKWARD * 20,)}))
    await trial.other_process.create_work_order(draft)
    await _one_order(trial, draft)


async def texts_beyond_every_limit_are_shortened(trial: ConnectorTrial) -> None:
    """Texts longer than any field are shortened, and the key is kept."""
    draft = trial.draft(summary="word " * 2_000).model_copy(update={"paragraphs": ("word " * 20_000,)})
    record = await trial.connector().create_work_order(draft)
    expect(record.ref.key == draft.key, f"the key is {record.ref.key}, not {draft.key}")
    await _one_order(trial, draft)


async def a_request_sent_twice_makes_one_order(trial: ConnectorTrial) -> None:
    """A creating request that a proxy sends twice makes one order."""
    cmms, draft = trial.connector(), trial.draft()
    if cmms.capabilities.idempotency is Idempotency.LOOK_UP:
        raise NotApplicable("this system itself makes a second record of a second request, so the connector looks up")
    sent = trial.wire.disturb(WireFault.SENT_TWICE, carrying(MARK))
    await trial.error_of(cmms.create_work_order(draft))
    expect(sent.met == 1, "no request carried the title of the order")
    await trial.other_process.create_work_order(draft)
    await _one_order(trial, draft)


async def a_released_draft_does_not_wait(trial: ConnectorTrial) -> None:
    """An order of a released draft is approved at once, and does not count as touched."""
    cmms, draft = trial.connector(), trial.draft(released=True)
    record = await cmms.create_work_order(draft)
    expect(record.status is WorkOrderStatus.APPROVED, f"the status is {record.status} ({record.vendor_status})")
    again = await cmms.create_work_order(draft)
    expect(again.status is WorkOrderStatus.APPROVED, f"read again, the status is {again.status}")
    expect(again.touched is Touched.NO, f"touched is {again.touched}")


async def no_secret_is_told(trial: ConnectorTrial) -> None:
    """No password and no key is in an error or in the log, whatever goes wrong, also where an answer repeats it."""
    signed_in, draft = trial.connector(), trial.draft()
    with _listening() as records:
        said = [await signed_in.check()]
        await signed_in.find_work_orders(OrderQuery(key=NO_ORDER))
        for fault in _TEMPTING:
            # The one tells what it signs in with, and the other what it was given then.
            for cmms in (trial.connector(), signed_in):
                trial.wire.clear()
                made = trial.wire.disturb(fault, every_request, times=_MANY)
                await trial.error_of(cmms.find_work_orders(OrderQuery(key=NO_ORDER)))
                if not fault.done:
                    await trial.error_of(cmms.create_work_order(draft))
                expect(made.met > 0, "the search made no request")
    # As a log is written: with the traceback of an exception.
    said += [logging.Formatter().format(record) for record in records]
    for error in trial.errors:
        said += [f"{error!r} {vars(error)}", *traceback.format_exception(error)]
    forms = forms_of(trial.secrets)
    expect(not any(form in words for form in forms for words in said), "a secret is in an error or in the log")


_TEMPTING: Final = (
    WireFault.ECHOED,
    WireFault.ECHOED_WITHIN,
    WireFault.FAILED,
    WireFault.PAGE,
    WireFault.REQUEST_LOST,
    WireFault.SIGNED_OUT,
)


@contextmanager
def _listening() -> Iterator[list[logging.LogRecord]]:
    """Everything that is logged within the block."""
    records: list[logging.LogRecord] = []
    listening, log = _Listening(records), logging.getLogger()
    before = log.level
    log.addHandler(listening)
    log.setLevel(logging.DEBUG)
    try:
        yield records
    finally:
        log.removeHandler(listening)
        log.setLevel(before)


class _Listening(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


async def _one_order(trial: ConnectorTrial, draft: WorkOrderDraft) -> None:
    found = await trial.orders(draft.key)
    expect(found == 1, f"{found} orders have the key {draft.key}")


def differences(first: WorkOrderRecord, other: WorkOrderRecord) -> str:
    """The fields in which two readings of one order differ. A live system may stamp it in between by itself."""
    told, told_other = (each.model_dump(mode="json", exclude={"changed_at"}) for each in (first, other))
    return "; ".join(f"{name}: {told[name]} and {told_other[name]}" for name in told if told[name] != told_other[name])


def needs_approval(cmms: Cmms) -> None:
    """Skips a behaviour where no order waits.

    Raises:
        NotApplicable: none does.
    """
    if cmms.capabilities.approval is OrderApproval.NONE:
        raise NotApplicable("no order waits there: a new one is approved at once")


CREATING: Final = tuple(
    behaviour(run)
    for run in (
        check_names_host_and_user,
        capabilities_agree_with_each_other,
        wrong_credentials_need_a_person,
        an_order_is_read_back_as_created,
        an_order_is_found_by_its_key,
        an_order_is_found_by_its_asset_and_time,
        an_order_is_open_work_on_its_asset,
        creating_twice_makes_one_order,
        two_drafts_make_two_orders,
        eight_workers_make_one_order,
        an_unknown_asset_needs_a_person,
        a_title_of_300_characters_is_taken,
        texts_beyond_every_limit_are_shortened,
        a_request_sent_twice_makes_one_order,
        a_released_draft_does_not_wait,
        no_secret_is_told,
    )
)
