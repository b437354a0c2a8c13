"""How a connector releases, withdraws and follows an order, and adds notes to it."""

from typing import Final

from domain.cmms import OrderCancellation, OrderQuery
from domain.errors import ConnectorError
from domain.ports import Cmms
from domain.work_orders import Escalation, Touched, WorkOrderRecord, WorkOrderStatus
from millwright.connector_trial.behaviour import behaviour
from millwright.connector_trial.creating import differences, needs_approval
from millwright.connector_trial.trial import (
    MEMO,
    ConnectorTrial,
    DisturbedCall,
    NotApplicable,
    expect,
    kind_of,
    read_on,
)
from millwright.connector_trial.wire import carrying

UNKNOWN_STATUS: Final = "ZZ-UNKNOWN-ZZ"
_MANY: Final = 4
_LOWEST: Final = 4
"""The priority of the drafts of a trial."""


async def releasing_twice_releases_once(trial: ConnectorTrial) -> None:
    """A waiting order is released, and releasing it again changes nothing."""
    cmms = trial.connector()
    needs_approval(cmms)
    created = await trial.created(cmms)
    released = await cmms.release_work_order(created.ref, MEMO)
    expect(released.status is WorkOrderStatus.APPROVED, f"the status is {released.status} ({released.vendor_status})")
    expect(released.touched is Touched.NO, f"touched is {released.touched}")
    again = await cmms.release_work_order(created.ref, MEMO)
    differing = differences(released, again)
    expect(not differing, f"the second call gives another record: {differing}")


async def an_untouched_order_is_withdrawn(trial: ConnectorTrial) -> None:
    """A waiting order that nobody touched is withdrawn, also with a note of ours, and also a second time."""
    cmms = trial.connector()
    needs_cancellation(cmms)
    created = await trial.created(cmms)
    await cmms.add_note(created.ref, "note-1", "Seen again.")
    await _withdrawn(cmms, created)
    await _withdrawn(cmms, created)


async def an_order_that_we_released_is_withdrawn(trial: ConnectorTrial) -> None:
    """An order that we released and nobody touched is withdrawn."""
    cmms = trial.connector()
    needs_cancellation(cmms)
    await _withdrawn(cmms, await trial.created(cmms, released=True))


async def a_withdrawn_order_is_not_released(trial: ConnectorTrial) -> None:
    """An order that was cancelled stays so when it is to be released."""
    cmms = trial.connector()
    needs_cancellation(cmms)
    created = await trial.created(cmms)
    await _withdrawn(cmms, created)
    after = await cmms.release_work_order(created.ref, MEMO)
    expect(after.status.not_done, f"the status is {after.status} ({after.vendor_status})")
    expect(after.report is None, "a cancelled order has a report of completed work")


async def a_note_is_added_once(trial: ConnectorTrial) -> None:
    """A note is added once for its key, and is not taken for somebody's change."""
    cmms, created = trial.connector(), await trial.created()
    words = f"Trial note {created.ref.key} <&> ünïcode."
    await cmms.add_note(created.ref, "note-1", words)
    await trial.other_process.add_note(created.ref, "note-1", words)
    sent = [request for request in trial.wire.delivered if carrying(f"Trial note {created.ref.key}")(request)]
    expect(len(sent) == 1, f"the note was sent {len(sent)} times")
    read = await cmms.read_work_order(created.ref)
    expect(read.touched is Touched.NO, f"touched is {read.touched}")


async def a_worse_fault_raises_its_order_in_place(trial: ConnectorTrial) -> None:
    """The priority of an open order rises where it is still ours, and is not taken for somebody's change."""
    cmms = trial.connector()
    if not cmms.capabilities.raises_priority:
        raise NotApplicable("the connector does not raise the priority of an open order")
    theirs = cmms.capabilities.priorities
    # A draft of a trial has the lowest priority. It is raised as little as can be seen: somebody may be called for it.
    higher = next((own for own in (3, 2, 1) if cmms.capabilities.own_priority(theirs[own]) == own), None)
    if higher is None or theirs[higher] == theirs[_LOWEST]:
        raise NotApplicable("the settings give it no priority that one of ours alone has")
    created = await trial.created(cmms)
    escalation = Escalation(priority=higher, was=_LOWEST)
    raised = await cmms.escalate_work_order(created.ref, escalation)
    expect(raised.priority == higher, f"the priority is {raised.priority}, and not {higher}")
    expect(raised.touched is Touched.NO, f"touched is {raised.touched}")
    again = await trial.other_process.escalate_work_order(created.ref, escalation)
    differing = differences(raised, again)
    expect(not differing, f"the second call gives another record: {differing}")
    lower = Escalation(priority=_LOWEST, was=higher)
    kept = await cmms.escalate_work_order(created.ref, lower)
    expect(kept.priority == higher, f"the priority was lowered to {kept.priority}")


async def changes_leave_none_out(trial: ConnectorTrial) -> None:
    """A poll gives every order that was made since the last one, oldest first, and then an empty page."""
    cmms = trial.connector()
    cursor = await trial.cursor(cmms)
    keys = {(await trial.created(cmms)).ref.key for _ in range(_MANY)}
    records, cursor = await read_on(cmms, cursor)
    missing = keys - {record.ref.key for record in records}
    expect(not missing, f"left out: {', '.join(sorted(missing))}")
    stamps = [record.changed_at for record in records]
    expect(stamps == sorted(stamps), "the changes are not ordered by their time")
    again, _ = await read_on(cmms, cursor)
    expect(not again, f"a second poll gives {len(again)} records again")


async def a_change_after_a_poll_is_in_the_next(trial: ConnectorTrial) -> None:
    """An order that changes right after a poll is in the next poll, in its new state."""
    cmms = trial.connector()
    needs_cancellation(cmms)
    created = await trial.created(cmms)
    cursor = await trial.cursor(cmms)
    trial.let_time_pass()
    await _withdrawn(cmms, created)
    records, _ = await read_on(cmms, cursor)
    found = [record.status for record in records if record.ref.same_record(created.ref)]
    expect(bool(found) and found[-1].not_done, f"the next poll shows it as {', '.join(found) or 'nothing'}")


async def an_unknown_status_ends_no_order(trial: ConnectorTrial) -> None:
    """A status without a known meaning is never taken for the end of an order."""
    cmms, created = trial.connector(), await trial.created(released=True)
    changed = trial.wire.rewrite(created.vendor_status, UNKNOWN_STATUS)
    read: WorkOrderRecord | None = None
    try:
        read = await cmms.read_work_order(created.ref)
        trial.told.append(DisturbedCall(kind=str(read.status)))
    except ConnectorError as error:
        trial.errors.append(error)
        trial.told.append(DisturbedCall(kind=kind_of(error), sentence=str(error)))
    if not changed.met:
        raise NotApplicable(f"the status {created.vendor_status!r} is not one word in the answers of this system")
    expect(read is None or not read.status.finished, f"the unknown status is read as {read and read.status}")


async def a_connector_signs_in_again_and_again(trial: ConnectorTrial) -> None:
    """A connector answers a check and a search several times in a row."""
    cmms, created = trial.connector(), await trial.standing()
    for _ in range(3):
        await cmms.check()
        found = await cmms.find_work_orders(OrderQuery(key=created.ref.key))
        expect(len(found) == 1, f"found {len(found)} orders")


def needs_cancellation(cmms: Cmms) -> None:
    """Skips a behaviour where we cannot cancel.

    Raises:
        NotApplicable: only people can.
    """
    if cmms.capabilities.cancellation is OrderCancellation.NONE:
        raise NotApplicable("only people can cancel an order there")


async def _withdrawn(cmms: Cmms, created: WorkOrderRecord) -> None:
    after = await cmms.withdraw_work_order(created.ref, MEMO)
    expect(after.status.not_done, f"the status is {after.status} ({after.vendor_status}), touched: {after.touched}")


FOLLOWING: Final = tuple(
    behaviour(run)
    for run in (
        releasing_twice_releases_once,
        an_untouched_order_is_withdrawn,
        an_order_that_we_released_is_withdrawn,
        a_withdrawn_order_is_not_released,
        a_note_is_added_once,
        a_worse_fault_raises_its_order_in_place,
        changes_leave_none_out,
        a_change_after_a_poll_is_in_the_next,
        an_unknown_status_ends_no_order,
        a_connector_signs_in_again_and_again,
    )
)
