"""What the connector asks of a real FactorySemantics MES, and what it answers: recorded for the tests without a server.

`python -m tests.contract.foreign.factorysemantics_recordings` records it again: the scenes of our connector into
`tests/connectors/factorysemantics_recordings.json`, and further questions into
`tests/contract/factorysemantics_answers.json`. `test_foreign_factorysemantics_recordings.py` says when that is needed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from connectors.mes.factorysemantics import FactorySemanticsMes, FactorySemanticsSettings, connect
from domain.errors import ConnectorError
from tests.contract import factorysemantics_questions
from tests.contract.factorysemantics_questions import Answered
from tests.contract.foreign.factorysemantics_plant import FactorySemanticsPlant
from tests.contract.foreign.factorysemantics_server import ACCOUNT, PASSWORD, FactorySemanticsServer
from tests.contract.foreign.odoo_server import TRUST
from tests.support.plant import TestClock

FILE: Final = Path(__file__).parents[2] / "connectors" / "factorysemantics_recordings.json"
RECORDED_AT: Final = datetime(2026, 11, 30, tzinfo=UTC)
EQUIPMENT: Final = "PRESS-7"
ORDERS: Final = ("WO-PRESS-7-A", "WO-PRESS-7-B")
TOKEN: Final = "token-of-the-recording"
Recording = dict[str, list[dict[str, Any]]]


def _kept(path: str, answer: Any) -> Any:
    """An answer without what is of others, of the hour or of this run."""
    match path:
        case "/auth/login":
            return {**answer, "token": TOKEN} if "token" in answer else answer
        case "/health":
            return {"status": answer["status"], "plant": answer["plant"], "instance_id": "0" * 32}
        case "/scheduling/calendar":
            own = [day for day in answer["exceptions"] if day["equipment"] == EQUIPMENT]
            return {"timezone": answer["timezone"], "exceptions": own}
        case "/workorders":
            own = [order for order in answer["items"] if order["code"] in ORDERS]
            return {"items": own, "has_more": answer["has_more"]}
        case "/audit":
            return [{**row, "shift_code": None, "shift_day": None} for row in answer]
        case "/equipment/PRESS-7/oee":
            return {"oee": answer["oee"], "ledger": {"window_seconds": answer["ledger"]["window_seconds"]}}
        case _:
            return answer


class _Recorder(httpx.AsyncBaseTransport):
    """The way to the server, and what went over it. An answer to a change is passed on once it is committed, so that
    what is asked next does not depend on how fast that was."""

    def __init__(self) -> None:
        self.exchanges: list[dict[str, Any]] = []
        self._way = httpx.AsyncHTTPTransport(verify=TRUST)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await self._way.handle_async_request(request)
        content = await reply.aread()
        body: Any = json.loads(request.content) if request.content else None
        if request.url.path == "/auth/login":
            body = {"code": body["code"], "password": "password"}
        asked = {"ask": f"{request.method} {request.url.raw_path.decode()}", "body": body}
        if request.url.path.endswith(("/hold", "/resume")):
            headers = {"authorization": request.headers["authorization"]}
            await self._way.handle_async_request(
                httpx.Request("POST", request.url.copy_with(raw_path=b"/workorders/NOSUCH/resume"), headers=headers)
            )
        answer = _kept(request.url.path, json.loads(content))
        self.exchanges.append({**asked, "status": reply.status_code, "answer": answer})
        return httpx.Response(reply.status_code, headers={"content-type": "application/json"}, content=content)

    async def aclose(self) -> None:
        await self._way.aclose()


async def record(server: FactorySemanticsServer) -> Recording:
    """Each scene with its exchanges, at a machine of its own."""
    await FactorySemanticsPlant.make_machine(server, EQUIPMENT)
    plant = FactorySemanticsPlant(server, EQUIPMENT)
    for code in ORDERS:
        await plant.add_order(code=code)
    await plant.start_order()
    await plant.plan_work()
    scenes: Recording = {}

    async def play(name: str, act: Callable[[FactorySemanticsMes], Awaitable[object]], **settings: str) -> Any:
        recorder = _Recorder()
        async with httpx.AsyncClient(transport=recorder) as client:
            own = FactorySemanticsSettings.model_validate(
                {"url": server.url, "user": ACCOUNT, "password": PASSWORD, **settings}
            )
            done = None
            with suppress(ConnectorError):
                done = await act(connect(own, client, system="factorysemantics", clock=TestClock(RECORDED_AT)))
        scenes[name] = recorder.exchanges
        return done

    await play("check", lambda mes: mes.check())
    await play("production-running", lambda mes: mes.read_production(EQUIPMENT))
    plan = await play("plan", lambda mes: mes.plan_hold(EQUIPMENT, "MWABCDEFGH"))
    await play("place", lambda mes: mes.place_hold(plan, "Bearing wear"))
    await play("read-held", lambda mes: mes.read_hold(plan))
    await play("place-again", lambda mes: mes.place_hold(plan, "Bearing wear"))
    await plant.hold_by_hand(1)
    await play("production-held", lambda mes: mes.read_production(EQUIPMENT))
    await play("plan-of-another", lambda mes: mes.plan_hold(EQUIPMENT, "MWOTHER"))
    await play("release", lambda mes: mes.release_hold(plan, "Repaired"))
    await play("release-again", lambda mes: mes.release_hold(plan, "Repaired"))
    await play("plan-after-release", lambda mes: mes.plan_hold(EQUIPMENT, "MWABCDEFGH"))
    await play("unknown-equipment", lambda mes: mes.hold_target("NOSUCH"))
    await play("wrong-password", lambda mes: mes.check(), password="wrong")
    await plant.leave()
    return scenes


async def answers(server: FactorySemanticsServer) -> list[Answered]:
    """Each further question with its answer."""
    for person in factorysemantics_questions.PEOPLE:
        await server.ask(person, "GET", "/auth/me")
    return await factorysemantics_questions.asked(server.url, server.tokens)


async def _main() -> None:
    server = FactorySemanticsServer.start()
    try:
        for file, recorded in ((FILE, record), (factorysemantics_questions.FILE, answers)):
            file.write_text(json.dumps(await recorded(server), indent=1) + "\n", encoding="utf-8")
    finally:
        server.end()


if __name__ == "__main__":
    asyncio.run(_main())
