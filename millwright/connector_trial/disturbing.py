"""How a connector behaves when something goes wrong between it and its system.

Each fault is made of the request that matters: the one that sends the title of a new order or the words of a note, the
first of a search, each of a poll, and of a release or a withdrawal the last that a reading does not make.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from domain.cmms import OrderQuery
from domain.errors import ActionRequired, ConnectorError, Unavailable
from domain.ports import Cmms
from domain.work_orders import ChangePage, WorkOrderRecord, WorkOrderStatus
from millwright.connector_trial.behaviour import Behaviour, behaviour
from millwright.connector_trial.creating import needs_approval
from millwright.connector_trial.following import needs_cancellation
from millwright.connector_trial.trial import (
    MARK,
    MEMO,
    BehaviourFailed,
    ConnectorTrial,
    NotApplicable,
    expect,
    kind_of,
    read_on,
)
from millwright.connector_trial.wire import Matching, carrying, every_request
from millwright.connector_trial.wire_faults import RETRY_AFTER, WireFault

_STORM: Final = 1_000
_ROWS: Final = 2


@dataclass(frozen=True)
class Meaning:
    """What a fault means to a connector.

    Args:
        words: the fault in words, as the end of a sentence.
        kinds: the errors that it may be, by their words; `no error` where the connector may succeed all the same.
    """

    words: str
    kinds: tuple[str, ...]


MEANINGS: Final[Mapping[WireFault, Meaning]] = {
    WireFault.REQUEST_LOST: Meaning("the request is lost on its way", ("unavailable",)),
    WireFault.ANSWER_LOST: Meaning("the answer is lost after the system did it", ("unavailable",)),
    WireFault.TIMED_OUT: Meaning("the system did it and no answer comes in time", ("unavailable",)),
    WireFault.PAGE: Meaning("an HTML page comes in the place of the answer", ("unavailable",)),
    WireFault.BAD_GATEWAY: Meaning("a proxy answers 502 after the system did it", ("unavailable",)),
    WireFault.CUT_SHORT: Meaning("the answer is cut off in the middle", ("refused", "unavailable", "no error")),
    WireFault.PLAIN_TEXT: Meaning("the answer is plain text of the wrong type", ("refused", "unavailable", "no error")),
    WireFault.FAILED: Meaning("the system answers 500", ("unavailable",)),
    WireFault.SLOW_DOWN: Meaning("the system answers 429 and asks us to wait", ("unavailable",)),
    WireFault.SIGNED_OUT: Meaning("the session or token has ended (401)", ("action required", "no error")),
}

_SEARCHED: Final = (
    WireFault.TIMED_OUT,
    WireFault.PAGE,
    WireFault.CUT_SHORT,
    WireFault.PLAIN_TEXT,
    WireFault.FAILED,
    WireFault.SLOW_DOWN,
    WireFault.SIGNED_OUT,
)
_MOVED: Final = (WireFault.REQUEST_LOST, WireFault.ANSWER_LOST)


async def _creates(fault: WireFault, trial: ConnectorTrial) -> None:
    cmms, draft = trial.connector(), trial.draft()
    made = trial.wire.disturb(fault, carrying(MARK))
    error = await trial.error_of(cmms.create_work_order(draft))
    expect(made.met == 1, "no request carried the title of the order")
    _expect_meaning(fault, error)
    if error is not None:
        expect(error.key == draft.key, f"the error does not name the case {draft.key}: {error}")
    record = await trial.other_process.create_work_order(draft)
    expect(record.ref.key == draft.key, f"the key is {record.ref.key}, not {draft.key}")
    found = await trial.orders(draft.key)
    expect(found == 1, f"{found} orders have the key {draft.key}")


async def _finds(fault: WireFault, trial: ConnectorTrial) -> None:
    created = await trial.standing()
    cmms, query = trial.connector(), OrderQuery(key=created.ref.key)
    # Whoever signs in does so here, so that the fault is one of the search.
    await cmms.find_work_orders(query)
    made = trial.wire.disturb(fault, every_request)
    found: list[WorkOrderRecord] = []

    async def search() -> None:
        found.extend(await cmms.find_work_orders(query))

    error = await trial.error_of(search())
    expect(made.met == 1, "the search made no request")
    _expect_meaning(fault, error)
    if error is None:
        expect([record.ref for record in found] == [created.ref], "the search says that there is no such order")
    again = await cmms.find_work_orders(query)
    expect(len(again) == 1, f"afterwards the search finds {len(again)} orders")


async def _adds_note(fault: WireFault, trial: ConnectorTrial) -> None:
    cmms, created = trial.connector(), await trial.created()
    words = f"Trial note {created.ref.key}"
    made = trial.wire.disturb(fault, carrying(words))
    error = await trial.error_of(cmms.add_note(created.ref, "note-1", f"{words} is lost once."))
    expect(made.met == 1, "no request carried the words of the note")
    _expect_meaning(fault, error)
    await trial.other_process.add_note(created.ref, "note-1", f"{words} is lost once.")
    sent = [request for request in trial.wire.delivered if carrying(words)(request)]
    expect(len(sent) == 1, f"the system took the note {len(sent)} times")


async def _releases(fault: WireFault, trial: ConnectorTrial) -> None:
    cmms = trial.connector()
    needs_approval(cmms)
    changing = await _changing(trial, cmms, "release", lambda record: cmms.release_work_order(record.ref, MEMO))
    created = await trial.created(cmms)
    made = trial.wire.disturb(fault, changing)
    error = await trial.error_of(cmms.release_work_order(created.ref, MEMO))
    expect(made.met == 1, "the release made no request that changes something")
    _expect_meaning(fault, error)
    after = await trial.other_process.release_work_order(created.ref, MEMO)
    expect(after.status is WorkOrderStatus.APPROVED, f"the status is {after.status} ({after.vendor_status})")
    expect(await trial.orders(created.ref.key) == 1, "the release made another order")


async def _withdraws(fault: WireFault, trial: ConnectorTrial) -> None:
    cmms = trial.connector()
    needs_cancellation(cmms)
    changing = await _changing(trial, cmms, "withdraw", lambda record: cmms.withdraw_work_order(record.ref, MEMO))
    created = await trial.created(cmms)
    made = trial.wire.disturb(fault, changing)
    error = await trial.error_of(cmms.withdraw_work_order(created.ref, MEMO))
    expect(made.met == 1, "the withdrawal made no request that changes something")
    _expect_meaning(fault, error)
    after = await trial.other_process.withdraw_work_order(created.ref, MEMO)
    expect(after.status.not_done, f"the status is {after.status} ({after.vendor_status}), touched: {after.touched}")


async def _changing(
    trial: ConnectorTrial, cmms: Cmms, name: str, change: Callable[[WorkOrderRecord], Awaitable[WorkOrderRecord]]
) -> Matching:
    """Which request of a change is the one that changes something: the last that a reading does not make.

    It is learned once in a trial, with an order that is changed undisturbed.
    """
    if name not in trial.learned:
        created = await trial.created(cmms)
        trial.wire.seen.clear()
        await cmms.read_work_order(created.ref)
        reading = {request.kind for request in trial.wire.seen}
        trial.wire.seen.clear()
        await change(created)
        own = [request.kind for request in trial.wire.seen if request.kind not in reading]
        if not own:
            raise BehaviourFailed("the call makes only the requests of a reading")
        trial.learned[name] = own[-1]
    kind = trial.learned[name]
    return lambda request: request.kind == kind


async def rows_given_twice_are_one_order(trial: ConnectorTrial) -> None:
    """A search whose answer has every record twice finds one order."""
    created = await trial.standing()
    cmms = trial.connector()
    made = trial.wire.disturb(WireFault.ROWS_DOUBLED, every_request, times=_STORM)
    found = await cmms.find_work_orders(OrderQuery(key=created.ref.key))
    if not made.met:
        raise NotApplicable("no answer of this system is a list of records in JSON")
    expect([record.ref for record in found] == [created.ref], f"found {len(found)} orders")


async def a_poll_that_fails_loses_no_change(trial: ConnectorTrial) -> None:
    """A poll that is cut off gives an error and not an empty page, and the next one has every change, also where a
    later request of the poll fails."""
    cmms = trial.connector()
    cursor = await trial.cursor(cmms)
    keys = {(await trial.created(cmms)).ref.key for _ in range(_ROWS)}
    trial.wire.clear()
    await cmms.changed_since(cursor)
    first, *later = dict.fromkeys(request.kind for request in trial.wire.seen)
    for fault, words in _DURING_POLL.items():
        page = await _polled(trial, cmms, cursor, fault, first)
        expect(page is None, f"although {words}, the poll succeeds")
    for kind in later:
        for fault in (WireFault.FAILED, WireFault.CUT_SHORT):
            page = await _polled(trial, cmms, cursor, fault, kind)
            if page is not None:
                # A connector may do without an answer that says only a little more, but the change itself must come.
                where = f"although {_DURING_POLL[fault]} only for {' '.join(kind)}, "
                await _expect_changes(cmms, page.cursor, keys - {record.ref.key for record in page.records}, where)
    await _expect_changes(cmms, cursor, keys)


_DURING_POLL: Final = {
    WireFault.ANSWER_LOST: "the answer was lost",
    WireFault.CUT_SHORT: "the answer was cut off",
    WireFault.PLAIN_TEXT: "the answer was plain text",
    WireFault.FAILED: "the system answered 500",
}


async def _polled(
    trial: ConnectorTrial, cmms: Cmms, cursor: str, fault: WireFault, kind: tuple[str, str]
) -> ChangePage | None:
    """The page of a poll of which one request is disturbed; None if it ends with an error."""
    pages: list[ChangePage] = []

    async def poll() -> None:
        pages.append(await cmms.changed_since(cursor))

    made = trial.wire.disturb(fault, lambda request: request.kind == kind)
    error = await trial.error_of(poll())
    expect(made.met == 1, f"the poll did not make the request {' '.join(kind)} again")
    trial.wire.clear()
    return None if error is not None else pages[0]


async def _expect_changes(cmms: Cmms, cursor: str, keys: Collection[str], where: str = "") -> None:
    records, _ = await read_on(cmms, cursor)
    missing = set(keys) - {record.ref.key for record in records}
    expect(not missing, f"{where}left out: {', '.join(sorted(missing))}")


async def a_check_asks_each_time(trial: ConnectorTrial) -> None:
    """While every request is answered 500, a check fails, also right after one that succeeded."""
    cmms = trial.connector()
    await cmms.check()
    made = trial.wire.disturb(WireFault.FAILED, every_request, times=_STORM)
    error = await trial.error_of(cmms.check())
    expect(made.met > 0, "the second check made no request")
    _expect_meaning(WireFault.FAILED, error)
    trial.wire.clear()
    await cmms.check()


async def a_storm_of_429_is_not_answered_with_requests(trial: ConnectorTrial) -> None:
    """While every request is answered 429, a call ends at the first one and passes on how long to wait."""
    created, cmms = await trial.standing(), trial.connector()
    await cmms.find_work_orders(OrderQuery(key=created.ref.key))
    storm = trial.wire.disturb(WireFault.SLOW_DOWN, every_request, times=_STORM)
    error = await trial.error_of(cmms.find_work_orders(OrderQuery(key=created.ref.key)))
    _expect_meaning(WireFault.SLOW_DOWN, error)
    expect(storm.after == 0, f"after the first 429 it made {storm.after} more requests")


def _expect_meaning(fault: WireFault, error: ConnectorError | None) -> None:
    meaning = MEANINGS[fault]
    kind = "no error" if error is None else kind_of(error)
    expect(kind in meaning.kinds, f"if {meaning.words}, the call ends with {kind}: {error}")
    if fault is WireFault.SLOW_DOWN and isinstance(error, Unavailable):
        wanted = timedelta(seconds=RETRY_AFTER)
        expect(error.retry_after == wanted, f"the wait passed on is {error.retry_after}, not {wanted}")
    if fault is WireFault.SIGNED_OUT and isinstance(error, ActionRequired):
        expect("credentials" in str(error) or "sign" in str(error), f"the error does not speak of the sign-in: {error}")


def _each(
    name: str, sentence: str, run: Callable[[WireFault, ConnectorTrial], Awaitable[None]], faults: tuple[WireFault, ...]
) -> tuple[Behaviour, ...]:
    return tuple(
        Behaviour(f"{name}_{fault}", sentence.format(MEANINGS[fault].words), partial(run, fault)) for fault in faults
    )


DISTURBING: Final = (
    *_each("creating", "If {} while an order is created, asking again gives one order.", _creates, tuple(MEANINGS)),
    *_each("searching", "If {} during a search, it never says that there is no order.", _finds, _SEARCHED),
    *_each("adding_a_note", "If {} while a note is added, asking again adds it once.", _adds_note, _MOVED),
    *_each("releasing", "If {} while an order is released, asking again finds it released.", _releases, _MOVED),
    *_each("withdrawing", "If {} while an order is withdrawn, asking again finds it withdrawn.", _withdraws, _MOVED),
    *(
        behaviour(run)
        for run in (
            rows_given_twice_are_one_order,
            a_poll_that_fails_loses_no_change,
            a_check_asks_each_time,
            a_storm_of_429_is_not_answered_with_requests,
        )
    ),
)
