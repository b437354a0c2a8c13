"""One plant on FactorySemantics MES, on 127.0.0.1: HTTP for machines, the same changes for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from sandbox.clock import Clock
from sandbox.factorysemantics.changes import CHANGES
from sandbox.factorysemantics.misbehaviour import Misbehaviour
from sandbox.factorysemantics.records import Account
from sandbox.factorysemantics.routes import Routes
from sandbox.factorysemantics.sessions import Sessions, check
from sandbox.factorysemantics.store import Store, Transaction
from sandbox.faults import Faults
from sandbox.http_server import HttpServer

CONNECTOR: Final = "MILLWRIGHT"
ADMIN: Final = "ADMIN"
LEAD: Final = "FLOOR-SUP"
OPERATOR: Final = "SCOTT"
PEOPLE: Final[Mapping[str, tuple[str, str]]] = {
    ADMIN: ("Plant Admin", "admin"),
    LEAD: ("Floor Supervisor", "supervisor"),
    OPERATOR: ("Scott K", "operator"),
}
"""The name of each person, and the role, which is the password too."""


class FactorySemanticsServer:
    """See the module.

    Args:
        clock: plant time, by which tokens end too.
        password: of the connector's account, whose role may hold work orders and read who did so.
        committed: called after each change of a client.
        plant: the name of the plant.
        zone: its time zone.
    """

    def __init__(
        self,
        clock: Clock,
        password: str,
        faults: Faults | None = None,
        port: int = 0,
        *,
        committed: Callable[[], None] = lambda: None,
        plant: str = "sandbox",
        zone: str = "Etc/GMT+5",
    ) -> None:
        self.store = Store()
        self._clock = clock
        accounts = [Account(code, name, role, role) for code, (name, role) in PEOPLE.items()]
        self._sessions = Sessions([*accounts, Account(CONNECTOR, "Millwright", "holder", password)])
        self._routes = Routes(self.store, self._sessions, clock, plant, zone, committed)
        app = Misbehaviour(self._routes.app(), faults if faults is not None else Faults(), self._sessions)
        self._http = HttpServer(app, port)

    @property
    def port(self) -> int:
        """Where it answers."""
        return self._http.port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return self._http.url

    async def start(self) -> None:
        """Answer."""
        await self._http.start()

    async def stop(self) -> None:
        """Stop answering."""
        await self._http.stop()

    def commit(self) -> None:
        """Commits now what was answered and is not yet committed."""
        self._routes.commit_pending()

    def do(self, person: str, change_name: str, at: datetime | None = None, /, **given: object) -> dict[str, object]:
        """What a person does, by the same changes as a client. It is committed at once.

        Args:
            change_name: one of `CHANGES`.
            at: when; now if it is not given.
            given: the parts of the path and the values of the body.

        Raises:
            Problem: the server refuses it.
        """
        self.commit()
        change = next(each for each in CHANGES if each.name == change_name)
        check(self._sessions.account(person), change.needs)
        transaction = Transaction(self.store, person, at or self._clock.now())
        path = {each: str(given[each]) for each in ("code", "seq") if f"{{{each}" in change.path}
        answer = change.make(transaction, path, given)
        transaction.commit()
        return answer
