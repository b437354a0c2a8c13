"""Calls to an MES that stands apart: their errors, their times, and when they are not made."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.testing import ActivityEnvironment

from activities.mes_calls import MesCalls
from domain.errors import ActionRequired, ConnectorError, NotProved, Refused, Unavailable
from domain.mes_calls import CLOCKS_DIFFER, CallError, MesAnswer, MesRequest, PlaceHold, ReadProduction
from domain.operating import MachineState, OperatingState
from domain.ports import Mes
from domain.production import (
    HoldEnforcement,
    HoldMethod,
    HoldPlan,
    HoldReading,
    HoldState,
    JobState,
    PlaceResult,
    ProductionContext,
)
from tests.support.plant import START, TestClock

PLAN = HoldPlan(
    key="MWKEY", equipment="EQ-1", receiver="R1", job="J1", prior_state=JobState.RUNNING, method=HoldMethod.PAUSE
)
NAMED = {"system": "mes", "operation": "place-hold", "key": "MWKEY"}
ERRORS: list[ConnectorError] = [
    Unavailable("503", system="mes", operation="read-hold"),
    Unavailable("busy", system="mes", operation="place-hold", key="MWKEY", retry_after=timedelta(seconds=90)),
    ActionRequired("unknown", system="mes", operation="plan-hold", key="MWKEY", field="equipment"),
    NotProved("another server", system="mes", operation="place-hold", key="MWKEY", field="target"),
    Refused("unreadable", system="mes", operation="check"),
]


class SlowMes:
    """Holds when it is let, and says so."""

    enforcement = HoldEnforcement.ADVISORY

    def __init__(self) -> None:
        self.asked = 0
        self.held = 0
        self.answers = asyncio.Event()

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        del plan, reason
        self.asked += 1
        await self.answers.wait()
        self.held += 1
        return PlaceResult.IN_EFFECT


def request(at: datetime = START, lasts: timedelta = timedelta(seconds=40)) -> MesRequest:
    # As the testing environment names the workflow.
    return MesRequest(
        workflow="test",
        system="mes",
        asked_at=at,
        until=at + lasts,
        plant_time=at,
        asked=PlaceHold(plan=PLAN, reason="the bearing is worn"),
    )


async def called(mes: SlowMes, asked: MesRequest, wall: datetime = START) -> MesAnswer:
    calls = MesCalls(cast("Mes", mes), "mes", TestClock(START), TestClock(wall))
    return cast("MesAnswer", await cast("Any", ActivityEnvironment().run(calls.call_mes, asked)))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{type(error).__name__}-{error.operation}")
def test_an_error_comes_back_as_it_was_raised(error: ConnectorError) -> None:
    sent = CallError.of(error).model_dump_json()
    back = CallError.model_validate_json(sent).error("mes", "another")
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


async def test_the_answer_has_the_result_and_what_a_hold_is_worth_there() -> None:
    mes = SlowMes()
    mes.answers.set()
    answer = await called(mes, request())
    assert (answer.result, answer.error) == ('"in_effect"', None)
    assert (answer.enforcement, answer.method) == (HoldEnforcement.ADVISORY, "place-hold")


async def test_a_call_that_does_not_end_in_time_is_ended_before_it_has_an_effect() -> None:
    mes = SlowMes()
    answer = await called(mes, request(lasts=timedelta(milliseconds=50)))
    assert answer.error is not None
    assert (answer.error.kind, "not known" in answer.error.problem) == ("Unavailable", True)
    mes.answers.set()
    await asyncio.sleep(0)
    assert (mes.asked, mes.held) == (1, 0)


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"workflow": "mes-call/another/mes"}, "Refused"),
        ({"system": "another"}, "Refused"),
        ({"until": START - timedelta(seconds=1)}, "Unavailable"),
        ({"asked_at": START + CLOCKS_DIFFER + timedelta(seconds=1)}, "ActionRequired"),
    ],
    ids=["copied", "of another instance", "late", "clock behind"],
)
async def test_a_call_that_was_copied_or_comes_at_another_time_is_not_made(
    changed: dict[str, object], kind: str
) -> None:
    mes = SlowMes()
    answer = await called(mes, request().model_copy(update=changed))
    assert answer.error is not None
    assert (answer.error.kind, mes.asked) == (kind, 0)


@pytest.mark.parametrize(("ahead", "seen"), [(timedelta(seconds=9), False), (timedelta(minutes=3), True)])
def test_a_clock_that_is_ahead_is_named_with_its_difference(ahead: timedelta, seen: bool) -> None:
    answer = MesAnswer(run="r", method="check", began_at=START + ahead, enforcement=HoldEnforcement.UNKNOWN)
    found = answer.clock_ahead(START)
    assert (found is not None) is seen
    assert found is None or "at least 180 seconds ahead" in found.problem


@given(
    skew=st.timedeltas(timedelta(days=-1), timedelta(days=1)),
    queued=st.timedeltas(timedelta(), timedelta(seconds=10)),
    read_after=st.timedeltas(timedelta(seconds=-15), timedelta(seconds=25)),
)
def test_no_reading_counts_as_newer_than_it_is_whatever_the_clock_of_the_zone_says(
    skew: timedelta, queued: timedelta, read_after: timedelta
) -> None:
    truly_read_at = START + queued + read_after
    began_by_its_clock, read_by_its_clock = START + queued + skew, truly_read_at + skew
    reading = HoldReading(state=HoldState.HELD, read_at=read_by_its_clock)
    shifted = request().in_callers_time(reading, began_by_its_clock)
    assert isinstance(shifted, HoldReading)
    assert shifted.read_at <= truly_read_at
    assert truly_read_at - shifted.read_at <= queued + max(timedelta(), read_after)


def test_the_state_of_a_machine_gets_its_time_in_the_same_way() -> None:
    asked = request().model_copy(update={"asked": ReadProduction(equipment="EQ-1")})
    began_at = START + timedelta(hours=5)
    read_at = began_at - timedelta(seconds=12)
    operating = OperatingState(state=MachineState.RUNNING, word="RUN", read_at=read_at)
    shifted = asked.in_callers_time(ProductionContext(equipment="EQ-1", read_at=read_at, operating=operating), began_at)
    assert isinstance(shifted, ProductionContext)
    assert shifted.operating is not None
    assert {shifted.read_at, shifted.operating.read_at} == {START - timedelta(seconds=12)}
