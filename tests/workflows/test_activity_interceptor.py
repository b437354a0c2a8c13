"""A worker's activities: a sign of life while they run, and one attempt of a step at a time."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio.activity import Info
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from millwright.worker.activity_interceptor import ActivityInterceptor

Work = Callable[[], Awaitable[None]]


class _Step(ActivityInboundInterceptor):
    """The innermost of the chain: the activity itself."""

    def __init__(self, work: Work) -> None:
        super().__init__(self)
        self._work = work

    async def execute_activity(self, input: ExecuteActivityInput) -> None:  # noqa: A002 - the SDK's name
        del input
        await self._work()


def _attempt(
    interceptor: ActivityInterceptor, work: Work, *, workflow: str = "case/MW1", beat: timedelta | None = None
) -> tuple[ActivityEnvironment, Awaitable[None]]:
    environment = ActivityEnvironment()
    environment.info = _info(environment.info, workflow, beat)
    inbound = interceptor.intercept_activity(_Step(work))
    given = ExecuteActivityInput(fn=work, args=(), executor=None, headers={})
    return environment, environment.run(inbound.execute_activity, given)


def _info(info: Info, workflow: str, beat: timedelta | None) -> Info:
    return dataclasses.replace(info, workflow_id=workflow, activity_type="ensure-order", heartbeat_timeout=beat)


async def test_a_second_attempt_of_a_step_waits_for_the_first() -> None:
    interceptor, told, may_end = ActivityInterceptor(), list[str](), asyncio.Event()

    async def first() -> None:
        told.append("first begins")
        await may_end.wait()
        told.append("first ends")

    async def second() -> None:
        told.append("second begins")

    first_attempt = asyncio.ensure_future(_attempt(interceptor, first)[1])
    await asyncio.sleep(0)
    second_attempt = asyncio.ensure_future(_attempt(interceptor, second)[1])
    for _ in range(5):
        await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(first_attempt, second_attempt)
    assert told == ["first begins", "first ends", "second begins"]


async def test_a_first_attempt_that_is_cancelled_lets_the_second_go_on() -> None:
    interceptor, told = ActivityInterceptor(), list[str]()

    async def stuck() -> None:
        await asyncio.Event().wait()

    async def second() -> None:
        told.append("second begins")

    environment, running = _attempt(interceptor, stuck)
    first_attempt = asyncio.ensure_future(running)
    await asyncio.sleep(0)
    second_attempt = asyncio.ensure_future(_attempt(interceptor, second)[1])
    await asyncio.sleep(0)
    environment.cancel()
    await asyncio.gather(first_attempt, return_exceptions=True)
    await second_attempt
    assert told == ["second begins"]


async def test_cases_do_not_wait_for_each_other() -> None:
    interceptor, met = ActivityInterceptor(), asyncio.Barrier(2)

    async def both() -> None:
        await met.wait()

    others = (_attempt(interceptor, both, workflow=name)[1] for name in ("case/MW1", "case/MW2"))
    async with asyncio.timeout(10):
        await asyncio.gather(*others)


async def test_a_long_step_gives_signs_of_life() -> None:
    beats = asyncio.Semaphore(0)

    async def long() -> None:
        for _ in range(3):
            await beats.acquire()

    environment, running = _attempt(ActivityInterceptor(), long, beat=timedelta(seconds=0.04))
    environment.on_heartbeat = lambda *_: beats.release()
    async with asyncio.timeout(10):
        await running
