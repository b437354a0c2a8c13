"""The conductor keeps the plant's time while parts of the plant are away."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from millwright.demo.conductor import Conductor
from millwright.demo.local_sign_in import LocalSignIn
from millwright.demo.progress_watch import Stuck
from millwright.runtime.local_mode import local_token
from sandbox.http_server import HttpServer, drop_connection

FIRST = datetime(2015, 1, 1, 6, tzinfo=UTC)
STEP = timedelta(hours=3)


class Plant:
    """A plant with nothing to do until a set time, and an API of which some answers fail first."""

    def __init__(self, until: datetime) -> None:
        self.clock = FIRST
        self.until = until
        self.failing: list[str] = []
        self.moves: list[datetime] = []
        self.hints = 0
        self.waiting: list[str] = []
        self.rung, self.failure_mode = "draft", "PDE"
        self.accepted: list[tuple[str, str]] = []
        routes = [
            Route("/state", self.state),
            Route("/publish", self.nothing, methods=["POST"]),
            Route("/breakdowns", self.break_down, methods=["POST"]),
            Route("/act", self.act, methods=["POST"]),
            Route("/clock", self.move, methods=["POST"]),
            Route("/idle", self.idle),
            Route("/hints/maximo", self.hint, methods=["POST"]),
            Route("/cases", self.cases),
            Route("/cases/{case}/decision", self.decide, methods=["POST"]),
        ]
        self.server = HttpServer(Starlette(routes=routes), 0)

    async def state(self, _: Request) -> JSONResponse:
        coming = (self.clock + timedelta(hours=1)).isoformat() if self.clock < self.until else None
        state: dict[str, Any] = {
            "clock": self.clock.isoformat(),
            "first": FIRST.isoformat(),
            "last": self.until.isoformat(),
            "published": 0,
            "open_orders": 0,
            "bus": {},
            "drained": True,
            "next_event_time": coming,
            "next_act_time": None,
        }
        return JSONResponse(state)

    async def nothing(self, _: Request) -> JSONResponse:
        return JSONResponse({"published": 0})

    async def break_down(self, _: Request) -> JSONResponse:
        return JSONResponse({"assets": []})

    async def act(self, _: Request) -> JSONResponse:
        return JSONResponse({"acts": 0})

    async def move(self, request: Request) -> JSONResponse:
        self.clock = datetime.fromisoformat((await request.json())["now"])
        self.moves.append(self.clock)
        return JSONResponse({"clock": self.clock.isoformat()})

    async def idle(self, request: Request) -> JSONResponse:
        return await self._answer(request, {"idle": True, "waiting_on": {}, "next_case_due": None})

    async def hint(self, request: Request) -> JSONResponse:
        self.hints += 1
        return await self._answer(request, {})

    async def cases(self, request: Request) -> JSONResponse:
        assert (request.query_params["state"], request.query_params["lane"]) == ("open", "review")
        waiting = [{"id": case, "rung": self.rung, "failure_mode": self.failure_mode} for case in self.waiting]
        return JSONResponse([*waiting, {"id": "MWINSPECT0", "rung": "inspect", "failure_mode": "PDE"}])

    async def decide(self, request: Request) -> JSONResponse:
        assert (await request.json())["approved"] is True
        self.waiting.remove(request.path_params["case"])
        key = request.headers["authorization"].removeprefix("Bearer ")
        self.accepted.append((request.path_params["case"], key))
        return JSONResponse({})

    async def _answer(self, request: Request, body: dict[str, Any]) -> JSONResponse:
        match self.failing.pop(0) if self.failing else "":
            case "cut":
                await drop_connection(request.scope)
            case "503":
                return JSONResponse({}, 503)
            case "500":
                return JSONResponse({}, 500)
        return JSONResponse(body)

    def conductor(
        self,
        check: Any = None,
        beat: Any = None,
        sign_in: httpx.Auth | None = None,
        planner: str | None = None,
        *,
        accepts_orders: bool = True,
    ) -> Conductor:
        url, told = self.server.url, check or (lambda: None)
        signing = sign_in or httpx.Auth()
        return Conductor(
            url, url, signing, "maximo", STEP, told, lambda _: None, "key", beat, planner, accepts_orders=accepts_orders
        )


@pytest.fixture
async def plant() -> AsyncIterator[Plant]:
    made = Plant(FIRST + 2 * STEP)
    await made.server.start()
    yield made
    await made.server.stop()


async def test_an_api_that_is_away_or_without_its_storage_is_waited_for(plant: Plant) -> None:
    plant.failing = ["cut", "503", "503", "", "cut"]
    async with asyncio.timeout(30):
        await plant.conductor().play()
    assert plant.moves == [FIRST + STEP, FIRST + 2 * STEP]


async def test_what_fell_by_itself_ends_the_waiting(plant: Plant) -> None:
    def check() -> None:
        raise Stuck("the worker has fallen")

    plant.failing = ["503"]
    with pytest.raises(Stuck, match="fallen"):
        await plant.conductor(check).play()


async def test_what_fell_is_told_also_if_its_token_is_gone(plant: Plant, tmp_path: Path) -> None:
    def check() -> None:
        raise Stuck("the API has fallen")

    with pytest.raises(Stuck, match="the API has fallen"):
        await plant.conductor(check, sign_in=LocalSignIn(tmp_path)).play()


async def test_an_api_that_has_not_written_its_token_yet_is_waited_for(plant: Plant, tmp_path: Path) -> None:
    async with asyncio.timeout(30):
        playing = asyncio.create_task(plant.conductor(sign_in=LocalSignIn(tmp_path)).play())
        await asyncio.sleep(0.3)
        assert plant.moves == []
        with local_token(tmp_path):
            await playing
    assert plant.moves == [FIRST + STEP, FIRST + 2 * STEP]


async def test_before_the_end_the_cmms_is_asked_once_more(plant: Plant) -> None:
    await plant.conductor().play()
    assert plant.hints == 1


async def test_every_stand_of_the_clock_is_told_before_its_events_leave(plant: Plant) -> None:
    told: list[datetime] = []

    async def beat(now: datetime) -> None:
        told.append(now)

    await plant.conductor(beat=beat).play()
    assert told == [FIRST, FIRST + STEP, FIRST + 2 * STEP]


@pytest.mark.parametrize("planner", [None, "planner-key"])
async def test_cases_whose_order_cannot_wait_are_accepted_if_a_planner_is_named(
    plant: Plant, planner: str | None
) -> None:
    plant.waiting = ["MW00000001", "MW00000002"]
    await plant.conductor(planner=planner).play()
    accepted = [] if planner is None else [("MW00000001", "planner-key"), ("MW00000002", "planner-key")]
    assert plant.accepted == accepted


@pytest.mark.parametrize(
    ("rung", "failure_mode", "accepted"),
    [("draft", "PDE", []), ("inspect", "PDE", []), ("inspect", "AIR", [("MW00000001", "planner-key")])],
)
async def test_of_the_cases_that_ask_for_no_order_only_those_of_sensors_are_accepted(
    plant: Plant, rung: str, failure_mode: str, accepted: list[tuple[str, str]]
) -> None:
    plant.waiting, plant.rung, plant.failure_mode = ["MW00000001"], rung, failure_mode
    await plant.conductor(planner="planner-key", accepts_orders=False).play()
    assert plant.accepted == accepted
