"""Carries out a plan while the plant runs: kills and restarts parts, injects and clears faults."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import datetime

import httpx

from benchmarks.chaos.absence import Absence, absence
from benchmarks.chaos.plan import Blow, Mishap, Plan
from millwright.demo.installation import ENGINE, Installation

log = logging.getLogger(__name__)


class Tormentor:
    """Carries out a plan on an installation, each fault at its plant time.

    Args:
        plan: the faults.
        installation: the installation whose parts are killed.
        sandbox: the address of the sandbox's control API.
        end: the plant time at which all faults end.
    """

    def __init__(self, plan: Plan, installation: Installation, sandbox: str, end: datetime) -> None:
        self._blows = list(plan.blows)
        self._mishaps = list(plan.mishaps)
        self._standing: list[tuple[datetime, Mishap]] = []
        self._installation = installation
        self._http = httpx.AsyncClient(base_url=sandbox, timeout=30)
        self._end = end
        self._running: set[asyncio.Task[None]] = set()
        self._absence = plan.absence
        struck = {part for blow in plan.blows for part in blow.parts} | {ENGINE}
        self._using = {part: asyncio.Lock() for part in sorted(struck)}
        self.kills: Counter[str] = Counter()
        self.declared: Counter[str] = Counter()
        self.forgot = 0
        self.absence: Absence | None = None
        self._at_peace = False

    async def beat(self, now: datetime) -> None:
        """Starts everything that is planned up to `now`. Kills continue in the background while the plant runs."""
        for task in [task for task in self._running if task.done()]:
            self._running.discard(task)
            task.result()
        if self._absence is not None and self._absence.at <= now:
            self._begin(self._measure(self._absence))
            self._absence = None
        while self._blows and self._blows[0].at <= now:
            self._begin(self._strike(self._blows.pop(0)))
        for until, mishap in [entry for entry in self._standing if entry[0] <= now]:
            await self._clear(mishap)
            self._standing.remove((until, mishap))
        while self._mishaps and self._mishaps[0].at <= now:
            await self._declare(self._mishaps.pop(0))
        if now >= self._end and not self._at_peace:
            self._at_peace = True
            await self._make_peace()

    async def met(self) -> dict[str, int]:
        """How many requests each fault affected, by `<target> <kind>`."""
        found = (await self._http.get("/faults")).json()["met"]
        return {f"{fault['target']} {fault['kind']}": int(fault["times"]) for fault in found}

    async def close(self) -> None:
        """Waits until every killed part is restarted, and closes the connection to the sandbox."""
        await asyncio.gather(*self._running)
        await self._http.aclose()

    async def _make_peace(self) -> None:
        """After the last row: restarts every part and clears all faults, so that the plant can finish all work."""
        await asyncio.gather(*self._running)
        self._standing.clear()
        (await self._http.request("DELETE", "/faults")).raise_for_status()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._running.add(asyncio.create_task(work))

    async def _strike(self, blow: Blow) -> None:
        await asyncio.sleep(blow.delay)
        async with AsyncExitStack() as stack:
            # Locks are taken in sorted order, so that two blows at the same parts run one after the other.
            for part in sorted(blow.parts):
                await stack.enter_async_context(self._using[part])
            log.info("%s: kill -9 %s%s", blow.at, " and ".join(blow.parts), ", forgetting" if blow.forgetting else "")
            await asyncio.gather(*(asyncio.to_thread(self._installation.kill, part) for part in blow.parts))
            self.kills.update(blow.parts)
            if blow.forgetting:
                await asyncio.to_thread(self._installation.forget_engine)
                self.forgot += 1
            await asyncio.sleep(blow.away)
            await asyncio.gather(*(asyncio.to_thread(self._installation.restart, part) for part in blow.parts))

    async def _measure(self, blow: Blow) -> None:
        async with AsyncExitStack() as stack:
            for part in sorted(self._using):
                await stack.enter_async_context(self._using[part])
            log.info("%s: the engine is away for %g s", blow.at, blow.away)
            self.absence = await absence(self._installation, blow.away)
            self.kills.update(blow.parts)

    async def _declare(self, mishap: Mishap) -> None:
        log.info("%s: %s %s %s", mishap.at, mishap.target, mishap.operation, mishap.kind)
        body = {
            "target": mishap.target,
            "operation": mishap.operation,
            "kind": mishap.kind,
            "times": mishap.times,
            "params": dict(mishap.params),
        }
        (await self._http.post("/faults", json=body)).raise_for_status()
        self.declared[f"{mishap.target} {mishap.kind}"] += 1
        if mishap.lasts is not None:
            self._standing.append((mishap.at + mishap.lasts, mishap))
        if mishap.lasts_seconds is not None:
            self._begin(self._clear_after(mishap, mishap.lasts_seconds))

    async def _clear_after(self, mishap: Mishap, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._clear(mishap)

    async def _clear(self, mishap: Mishap) -> None:
        body = {"target": mishap.target, "kind": mishap.kind}
        (await self._http.request("DELETE", "/faults", json=body)).raise_for_status()
