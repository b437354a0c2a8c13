"""A trial finds what a connector does wrong, waits where it is asked to, and cleans up whatever happens."""

import asyncio
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from domain.clock import WallClock
from domain.errors import ActionRequired, Unavailable
from domain.ports import Cmms
from millwright.connector_trial.behaviour import Behaviour, behaviour
from millwright.connector_trial.behaviours import BEHAVIOURS, NEEDS_PEOPLE
from millwright.connector_trial.running import TrialOutcome, TrialReport, TriedBehaviour, run_trial
from millwright.connector_trial.secret_forms import masked
from millwright.connector_trial.trial import MOST_PAGES, TITLE, ConnectorTrial, LeftOver, TrialSystem
from millwright.connector_trial.wire import SeenRequest
from millwright.connector_trial.wire_faults import doubled
from tests.support.broken_cmms import (
    AddsEachNoteAgain,
    AsksAgainByItself,
    Breaks,
    BreaksWhereItSearches,
    BreaksWhereItWithdraws,
    EndsWhatItDoesNotKnow,
    FindsNothingAfterAnError,
    ForgetsToSignIn,
    LeavesOneOut,
    LogsATraceback,
    LogsItsSignIn,
    MakesTwo,
    MasksNothing,
    NeverEndsItsPolls,
    ReadsDetails,
    RemembersItsCheck,
    SaysNothingOfAWithdrawal,
    SendsNoTitle,
    SkipsWhatFails,
    SkipsWhatItCannotRead,
    TakesOwnWorkForOthers,
    TellsItsSecret,
    WithdrawsNothing,
)
from tests.support.small_cmms import ASSET, TOKEN, SmallCmms, SmallServer

BY_ID = {each.id: each for each in BEHAVIOURS}


class Waits:
    """Remembers what it was to wait for, and lets no time pass."""

    def __init__(self) -> None:
        self.times: list[timedelta] = []

    async def __call__(self, time: timedelta, words: str) -> None:
        self.times.append(time)


class Ground:
    """A server, and trials of connectors to it."""

    def __init__(self) -> None:
        self.server = SmallServer()
        self.waits = Waits()
        self.open: list[LeftOver] = []
        self.http = self.server.client()

    def system(self, made: type[SmallCmms] = SmallCmms) -> TrialSystem:
        def connect(http: httpx.AsyncClient, *, wrong_secret: bool = False) -> Cmms:
            return made(http, "wrong" if wrong_secret else TOKEN)

        return TrialSystem(
            connect=connect,
            client=self.http,
            host="small.example",
            asset=ASSET,
            asset_attributes={},
            run="unit",
            clock=WallClock(),
            secrets=(TOKEN,),
            waiting=self.waits,
        )

    async def report(self, made: type[SmallCmms], behaviours: Sequence[Behaviour] = BEHAVIOURS) -> TrialReport:
        return await run_trial("small", self.system(made), behaviours, lambda tried: None, self.open.append)

    async def outcome(self, made: type[SmallCmms], name: str) -> TriedBehaviour:
        return (await self.report(made, [BY_ID[name]])).behaviours[0]


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    made = Ground()
    yield made
    await made.http.aclose()


async def test_a_connector_that_keeps_its_promises_passes_and_nothing_is_left(ground: Ground) -> None:
    report = await ground.report(SmallCmms)
    assert [(each.behaviour, each.why) for each in report.behaviours if each.outcome is TrialOutcome.FAILED] == []
    assert (report.passed, report.needs_a_person) == (len(BEHAVIOURS), len(NEEDS_PEOPLE))
    assert report.succeeded
    assert ground.server.open_orders() == []
    assert {order["title"].startswith(TITLE) for order in ground.server.orders} == {True}


async def test_a_poll_of_several_requests_is_disturbed_at_each(ground: Ground) -> None:
    tried = await ground.outcome(ReadsDetails, "a_poll_that_fails_loses_no_change")
    assert (tried.outcome, tried.why) == (TrialOutcome.PASSED, None)
    assert [call.kind for call in tried.told][-2:] == ["unavailable", "refused"]


@pytest.mark.parametrize(
    ("made", "name", "why"),
    [
        (MakesTwo, "creating_twice_makes_one_order", "2 orders have the key"),
        (FindsNothingAfterAnError, "searching_page", "the call ends with no error"),
        (AsksAgainByItself, "a_storm_of_429_is_not_answered_with_requests", "after the first 429 it made 1 more"),
        (TellsItsSecret, "no_secret_is_told", "a secret is in an error"),
        (LogsItsSignIn, "no_secret_is_told", "a secret is in an error or in the log"),
        (LogsATraceback, "no_secret_is_told", "a secret is in an error or in the log"),
        (MasksNothing, "no_secret_is_told", "a secret is in an error"),
        (LeavesOneOut, "changes_leave_none_out", "left out: MW"),
        (RemembersItsCheck, "a_check_asks_each_time", "the second check made no request"),
        (
            SkipsWhatItCannotRead,
            "a_poll_that_fails_loses_no_change",
            "the answer was cut off only for GET /details, left out",
        ),
        (
            SkipsWhatFails,
            "a_poll_that_fails_loses_no_change",
            "the system answered 500 only for GET /details, left out",
        ),
        (NeverEndsItsPolls, "changes_leave_none_out", f"does not end: after {MOST_PAGES} pages"),
        (EndsWhatItDoesNotKnow, "an_unknown_status_ends_no_order", "read as completed"),
        (TakesOwnWorkForOthers, "an_order_is_read_back_as_created", "touched is yes"),
        (SendsNoTitle, "creating_answer_lost", "no request carried the title"),
        (AddsEachNoteAgain, "adding_a_note_answer_lost", "the system took the note 2 times"),
        (ForgetsToSignIn, "wrong_credentials_need_a_person", "expected action required, and the call succeeded"),
        (Breaks, "an_order_is_found_by_its_key", "the connector raised KeyError, which the port does not allow"),
    ],
)
async def test_a_connector_that_breaks_a_promise_fails_its_behaviour(
    ground: Ground, made: type[SmallCmms], name: str, why: str
) -> None:
    tried = await ground.outcome(made, name)
    assert tried.outcome is TrialOutcome.FAILED
    assert why in (tried.why or "")
    assert TOKEN not in tried.model_dump_json()


async def test_what_a_connector_was_given_to_sign_in_with_is_a_secret_too(ground: Ground) -> None:
    system = replace(ground.system(MasksNothing), secrets=())
    report = await run_trial("small", system, [BY_ID["no_secret_is_told"]], lambda tried: None, ground.open.append)
    assert report.behaviours[0].why == "a secret is in an error or in the log"
    assert TOKEN not in report.model_dump_json()


@pytest.mark.parametrize(
    "words",
    [
        'key pass/wörd+1"',
        "url?key=pass%2Fw%C3%B6rd%2B1%22&n=1",
        json.dumps({"key": 'pass/wörd+1"'}),
        *(b64encode(f'{"u" * size}:pass/wörd+1"'.encode()).decode() for size in range(1, 4)),
        urlsafe_b64encode('u:pass/wörd+1"'.encode()).decode(),
    ],
)
def test_a_secret_is_masked_in_each_form(words: str) -> None:
    assert "[secret]" in masked(words, ['pass/wörd+1"', ""])
    assert masked(words, [""]) == words


async def test_what_cannot_be_withdrawn_is_told_with_its_number(ground: Ground) -> None:
    report = await ground.report(WithdrawsNothing, [BY_ID["two_drafts_make_two_orders"]])
    assert [order.number for order in report.left_over] == ["1", "2"]
    assert list(report.left_over) == ground.open
    assert "our user may not cancel" in report.left_over[0].reason
    assert not report.succeeded


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (BreaksWhereItWithdraws, "the connector raised KeyError, which the port does not allow: 'status'"),
        (BreaksWhereItSearches, "the connector raised KeyError, which the port does not allow: 'rows'"),
        (SaysNothingOfAWithdrawal, "the connector raised AttributeError, which the port does not allow"),
    ],
)
async def test_a_connector_that_breaks_while_cleaning_up_ends_no_trial(
    ground: Ground, made: type[SmallCmms], reason: str
) -> None:
    names = ["an_order_is_found_by_its_key", "an_order_that_we_released_is_withdrawn", "two_drafts_make_two_orders"]
    report = await ground.report(made, [BY_ID[name] for name in names])
    assert [tried.behaviour for tried in report.behaviours[: len(names)]] == names
    assert {order.key for order in report.left_over} == set(ground.server.open_orders())
    assert list(report.left_over) == ground.open
    assert any(reason in order.reason for order in report.left_over)


async def test_a_trial_that_is_interrupted_cleans_up(ground: Ground) -> None:
    begun = asyncio.Event()

    async def endless(trial: ConnectorTrial) -> None:
        """It never ends."""
        await trial.created()
        begun.set()
        await asyncio.Event().wait()

    trying = asyncio.create_task(ground.report(SmallCmms, [behaviour(endless)]))
    await begun.wait()
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert len(ground.server.orders) == 2
    assert ground.server.open_orders() == []


async def test_a_wait_that_the_system_itself_asks_for_is_waited_and_the_call_made_again(ground: Ground) -> None:
    ground.server.throttles = 2
    report = await ground.report(SmallCmms, [BY_ID["an_order_is_read_back_as_created"]])
    assert report.succeeded
    assert ground.waits.times == [timedelta(seconds=15), timedelta(seconds=30)]


@pytest.mark.parametrize("each", [7, 11])
async def test_a_system_that_asks_us_to_wait_now_and_then_is_tried_all_the_same(ground: Ground, each: int) -> None:
    ground.server.throttles_each = each
    report = await ground.report(SmallCmms)
    assert [(tried.behaviour, tried.why) for tried in report.behaviours if tried.outcome is TrialOutcome.FAILED] == []
    assert report.succeeded
    assert ground.server.open_orders() == []


async def test_a_system_that_never_stops_asking_us_to_wait_is_given_up(ground: Ground) -> None:
    ground.server.throttles = 10_000
    with pytest.raises(Unavailable):
        await ground.report(SmallCmms)
    assert timedelta(minutes=4) < sum(ground.waits.times, timedelta()) <= timedelta(minutes=5)


async def test_a_limit_that_is_reached_in_the_middle_ends_the_trial_and_tells_what_is_open(ground: Ground) -> None:
    async def reaches_the_limit(trial: ConnectorTrial) -> None:
        """It reaches the limit of an hour."""
        await trial.created()
        ground.server.throttles = 10_000
        await trial.created()

    report = await ground.report(SmallCmms, [behaviour(reaches_the_limit), BY_ID["two_drafts_make_two_orders"]])
    first, second = report.behaviours[:2]
    assert (first.outcome, second.outcome) == (TrialOutcome.FAILED, TrialOutcome.FAILED)
    assert "it asks us to slow down" in (first.why or "")
    assert "try again later" in (second.why or "")
    assert sum(ground.waits.times, timedelta()) <= timedelta(minutes=5)
    assert len(ground.open) == 3


async def test_a_trial_does_not_begin_where_the_sign_in_fails(ground: Ground) -> None:
    class Unwelcome(SmallCmms):
        def __init__(self, http: httpx.AsyncClient, token: str) -> None:
            super().__init__(http, "wrong")

    with pytest.raises(ActionRequired):
        await ground.report(Unwelcome)
    assert ground.server.orders == []


def test_requests_of_one_kind_have_one_path_whatever_record_they_name() -> None:
    requests = [
        SeenRequest.of(httpx.Request("POST", f"https://cmms.example/os/order/{number}/release?a=b%20c"))
        for number in ("12", "_QkVE", "3f2a-9")
    ]
    assert {request.kind for request in requests} == {("POST", "/os/order/#/release")}
    assert requests[0].words.startswith("a=b c")


@pytest.mark.parametrize(
    ("content", "twice"),
    [
        (b'{"member": [{"a": [{"b": 1}]}], "n": 1}', b'{"member": [{"a": [{"b": 1}]}, {"a": [{"b": 1}]}], "n": 1}'),
        (b'{"ids": [1, 2]}', b'{"ids": [1, 2]}'),
        (b"no json", b"no json"),
    ],
)
def test_records_are_doubled_and_other_lists_are_not(content: bytes, twice: bytes) -> None:
    assert doubled(content) == twice
