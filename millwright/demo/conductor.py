"""The lock-step: publish due events, wait until Millwright is idle, let the people act, move the clock."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from domain.canonical import timestamp
from domain.errors import Rejected
from domain.loops import wait_until
from domain.sensors import INSTRUMENT_MODE
from domain.verdict import Rung
from millwright.demo.progress_watch import ProgressWatch

_IDLE_WAIT = 20
_AFTERMATH = timedelta(days=7)
"""Maximum plant time after the last reading, for finishing orders; cases that wait for a person are left."""
_PAUSE = 0.1


@dataclass(frozen=True)
class Tick:
    """The state of the plant after a step."""

    now: datetime
    first: datetime
    last: datetime
    published: int
    open_orders: int


class Conductor:
    """Runs a plant to its end.

    Args:
        sandbox: the address of the sandbox's control API.
        api: the address of Millwright's API.
        sign_in: signs the requests to that API.
        cmms: the CMMS connector's id, for the hint when people have changed an order.
        step: the maximum step of the clock.
        check: raises if a process has ended.
        told: called with the state of the plant after each step.
        production: the API key of the person who accepts each proposed hold; None if `sign_in` does.
        planner: the API key of the person who accepts each case of a suspected sensor; None if nobody does.
        accepts_orders: whether this person also accepts each case that asks for an order. If not, planners review the
            orders in the CMMS.
        beat: awaited at each step of the clock, before its events are published.
    """

    def __init__(
        self,
        sandbox: str,
        api: str,
        sign_in: httpx.Auth,
        cmms: str,
        step: timedelta,
        check: Callable[[], None],
        told: Callable[[Tick], None],
        production: str | None,
        beat: Callable[[datetime], Awaitable[None]] | None = None,
        planner: str | None = None,
        *,
        accepts_orders: bool = True,
    ) -> None:
        self._client = httpx.AsyncClient(timeout=_IDLE_WAIT + 10)
        self._sandbox = sandbox
        self._api = api
        self._sign_in = sign_in
        self._cmms = cmms
        self._step = step
        self._check = check
        self._told = told
        self._production = {} if production is None else _signed(production)
        self._planner = planner
        self._accepts_orders = accepts_orders
        self._beat = beat

    async def play(self) -> dict[str, Any]:
        """Runs until no event is left, every order is finished and no case is due; returns the plant's state.

        Raises:
            Stuck: Millwright made no progress.
        """
        async with self._client:
            state = await self._state()
            first = _moment(state["first"])
            now = _moment(state["clock"])
            while True:
                if self._beat is not None:
                    await self._beat(now)
                if (await self._post("/breakdowns", {}))["assets"]:
                    await self._hint()
                await self._post("/publish", {"until": timestamp(now)})
                coming = await self._play_out(now)
                if not coming:
                    # After a failed poll the last changes may still be in the CMMS.
                    await self._hint()
                    coming = await self._play_out(now)
                if not coming or min(coming) > _moment(state["last"]) + _AFTERMATH:
                    return await self._state()
                now = self._next(first, now, min(coming))
                await self._post("/clock", {"now": timestamp(now)})

    async def _play_out(self, now: datetime) -> list[datetime]:
        """Lets everything that is due be done; returns the times of the next events and acts."""
        due = await self._settle(now)
        while True:
            # A case with a proposed hold is due when the time to answer ends.
            if due is not None and await self._answer_holds():
                due = await self._settle(now)
            if await self._accept_cases():
                due = await self._settle(now)
            if not await self._people_act():
                break
            await self._hint()
            due = await self._settle(now)
        state = await self._state()
        self._tell(state, now)
        coming = [_moment(state[name]) for name in ("next_event_time", "next_act_time") if state[name]]
        return coming if due is None else [*coming, due]

    async def _people_act(self) -> bool:
        """Lets the people do everything that is due; false if there was nothing."""
        acts = 0
        while done := (await self._post("/act", {}))["acts"]:
            acts += int(done)
        return acts > 0

    async def _answer_holds(self) -> int:
        """Accepts each hold that is proposed to production; returns how many."""
        proposed = (await self._ask("GET", "/hold-proposals")).json()
        for each in proposed:
            path, said = f"/cases/{each['case']}/hold-answer", {"answer": "accept"}
            await self._ask("POST", path, json=said, answered=(httpx.codes.CONFLICT,), **self._production)
        return len(proposed)

    async def _accept_cases(self) -> int:
        """Accepts each case that waits for a person before its order is placed; returns how many. The planner then
        reviews the orders in the CMMS, as everywhere."""
        if self._planner is None:
            return 0
        found = (await self._ask("GET", "/cases", params={"state": "open", "lane": "review", "limit": "1000"})).json()
        # A case at `inspect` asks for no order, and is left to people in every run, unless it is of a sensor.
        waiting = [each for each in found if self._is_accepted(each)]
        for each in waiting:
            said = {"approved": True, "reason": "The planner reviews the order in the CMMS."}
            await self._ask("POST", f"/cases/{each['id']}/decision", json=said, **_signed(self._planner))
        return len(waiting)

    def _is_accepted(self, case: Mapping[str, Any]) -> bool:
        if case["failure_mode"] == INSTRUMENT_MODE:
            return True
        return self._accepts_orders and bool(case["rung"] != Rung.INSPECT.word)

    def _next(self, first: datetime, now: datetime, soonest: datetime) -> datetime:
        """The next step of the clock at or after the next event: steps are equally long, empty ones are skipped."""
        wanted = max(soonest, now + timedelta(microseconds=1))
        beats = -((first - wanted) // self._step)
        return first + beats * self._step

    async def _settle(self, now: datetime) -> datetime | None:
        """Waits until the bus is empty and nothing is due; returns when the next case is due, if any."""
        watch = ProgressWatch(self._check)

        async def drained() -> bool:
            state = await self._state()
            if not state["drained"]:
                watch.look(f"the bus to be drained: {state['bus']}")
            return bool(state["drained"])

        while True:
            await wait_until(drained, bool, every=0.003)
            idle = await self._get("/idle", {"until": timestamp(now), "wait": str(_IDLE_WAIT)})
            if idle["idle"] and (await self._state())["drained"]:
                return _moment(idle["next_case_due"]) if idle["next_case_due"] else None
            watch.look(f"{idle['waiting_on']}")

    async def _hint(self) -> None:
        await self._ask("POST", f"/hints/{self._cmms}")

    async def _state(self) -> dict[str, Any]:
        reply = await self._client.get(f"{self._sandbox}/state")
        reply.raise_for_status()
        state: dict[str, Any] = reply.json()
        return state

    async def _post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        reply = await self._client.post(f"{self._sandbox}{path}", json=body)
        reply.raise_for_status()
        answer: dict[str, Any] = reply.json()
        return answer

    async def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        answer: dict[str, Any] = (await self._ask("GET", path, params=query)).json()
        return answer

    async def _ask(self, method: str, path: str, *, answered: Sequence[int] = (), **request: Any) -> httpx.Response:
        """The answer of our API; waits while the API or its storage does not answer.

        Args:
            answered: errors that say that an earlier request, whose answer was lost, was carried out.
        """
        watch = ProgressWatch(self._check)

        async def ask() -> httpx.Response:
            try:
                auth = None if "headers" in request else self._sign_in
                reply = await self._client.request(method, f"{self._api}{path}", auth=auth, **request)
            except httpx.TransportError as error:
                watch.look(f"the API, which does not answer ({type(error).__name__})")
                return httpx.Response(httpx.codes.SERVICE_UNAVAILABLE)
            except Rejected as error:
                # An API that ends removes its token; `_watch` then tells why it ended.
                watch.look(f"the API: {error}")
                return httpx.Response(httpx.codes.SERVICE_UNAVAILABLE)
            if reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                watch.look("the API, whose storage is away")
            return reply

        reply = await wait_until(ask, lambda found: found.status_code != httpx.codes.SERVICE_UNAVAILABLE, every=_PAUSE)
        return reply if reply.status_code in answered else reply.raise_for_status()

    def _tell(self, state: dict[str, Any], now: datetime) -> None:
        self._told(
            Tick(
                now=now,
                first=_moment(state["first"]),
                last=_moment(state["last"]),
                published=int(state["published"]),
                open_orders=int(state["open_orders"]),
            )
        )


def _signed(api_key: str) -> dict[str, Any]:
    """A request in the name of the owner of a key."""
    return {"headers": {"Authorization": f"Bearer {api_key}"}}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
