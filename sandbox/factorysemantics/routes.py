"""Who may ask what, and when a change is seen.

The server answers a change before it commits it: until then others read the state of before. Changes are made one at a
time, so the next one waits for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clock import Clock
from sandbox.factorysemantics import checks
from sandbox.factorysemantics.changes import CHANGES, Change
from sandbox.factorysemantics.errors import Problem
from sandbox.factorysemantics.readings import READINGS, Asked, Reading
from sandbox.factorysemantics.sessions import Sessions, check
from sandbox.factorysemantics.store import ROLES, Store, Transaction
from sandbox.http_faults import LATE

_COMMIT_SECONDS: Final = 0.01
"""How long after its answer a change is committed."""
Endpoint = Callable[[Request], Awaitable[Response]]


class Routes:
    """Answers requests.

    Args:
        plant: the name of the plant.
        zone: its time zone.
        committed: called after each change.
    """

    def __init__(
        self, store: Store, sessions: Sessions, clock: Clock, plant: str, zone: str, committed: Callable[[], None]
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._plant = plant
        self._zone = zone
        self._committed = committed
        self._changing = asyncio.Lock()
        self._pending: Transaction | None = None

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/health", self._health, methods=["GET"]),
                Route("/auth/login", _refusing(self._log_in), methods=["POST"]),
                Route("/auth/me", _refusing(self._me), methods=["GET"]),
                *(Route(each.path, _refusing(self._reading(each)), methods=["GET"]) for each in READINGS),
                *(Route(each.path, _refusing(self._change(each)), methods=["POST"]) for each in CHANGES),
            ],
            exception_handlers={HTTPException: _no_route},
        )

    def commit_pending(self) -> None:
        """Commits now what was answered and is not yet committed."""
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.commit()
            self._committed()

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "shadow": False, "plant": self._plant, "instance_id": "0" * 32})

    async def _log_in(self, request: Request) -> Response:
        body = checks.body_of(await request.body())
        code, password = checks.text(body, "code"), checks.text(body, "password")
        account, token = self._sessions.sign_in(code, password, self._clock.now())
        return JSONResponse({"token": token, "code": account.code, "name": account.name, "role": account.role})

    async def _me(self, request: Request) -> Response:
        account = self._sessions.signed_in(request.headers.get("authorization", ""), self._clock.now())
        may = sorted(ROLES[account.role])
        return JSONResponse({"code": account.code, "role": account.role, "name": account.name, "capabilities": may})

    def _reading(self, reading: Reading) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            now = self._clock.now()
            check(self._sessions.signed_in(request.headers.get("authorization", ""), now), reading.needs)
            asked = Asked(self._store, request.path_params, request.query_params, self._zone, now)
            return JSONResponse(reading.read(asked))

        return endpoint

    def _change(self, change: Change) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            account = self._sessions.signed_in(request.headers.get("authorization", ""), self._clock.now())
            check(account, change.needs)
            body = checks.body_of(await request.body()) if change.has_body else {}
            await self._changing.acquire()
            try:
                transaction = Transaction(self._store, account.code, self._clock.now())
                path = {name: str(value) for name, value in request.path_params.items()}
                answer = change.make(transaction, path, body)
            except BaseException:
                self._changing.release()
                raise
            self._pending = transaction
            late = request.scope.get(LATE)
            delay = _COMMIT_SECONDS if late is None else float(late)
            return JSONResponse(answer, change.status, background=BackgroundTask(self._commit, delay))

        return endpoint

    async def _commit(self, delay: float) -> None:
        try:
            await asyncio.sleep(delay)
            self.commit_pending()
        finally:
            self._changing.release()


def _refusing(answer: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except Problem as problem:
            return problem.answer()

    return endpoint


async def _no_route(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"detail": error.detail if isinstance(error, HTTPException) else ""}, status)
