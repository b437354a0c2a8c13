"""One Odoo on 127.0.0.1 with the apps Maintenance and Manufacturing: JSON-2 and XML-RPC for machines, the same methods
for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.http_server import HttpServer
from sandbox.odoo import methods
from sandbox.odoo.declarations import COMPANY, USERS
from sandbox.odoo.manufacturing import CALENDAR, IN_USE, LOSS, LOSSES
from sandbox.odoo.misbehaviour import Misbehaviour
from sandbox.odoo.production_records import STANDARD_HOURS
from sandbox.odoo.records import Records
from sandbox.odoo.routes import Routes
from sandbox.odoo.schema import EQUIPMENT, REQUEST, STAGE, SUBTYPE
from sandbox.odoo.session import (
    EQUIPMENT_MANAGER,
    PRODUCT_MANAGER,
    PRODUCTION_MANAGER,
    PRODUCTION_USER,
    STOCK_USER,
    SYSTEM,
)
from sandbox.odoo.store import ExternalId, Store, User, Values
from sandbox.odoo.xml_rpc import XmlRpcFront

DATABASE: Final = "plant"
APPROVED: Final = "Approved"
"""The name of the site's own stage for approved requests."""
NEW, IN_PROGRESS, REPAIRED, SCRAP = 1, 2, 3, 4
"""The stages that Odoo brings, by their ids."""
_STOCK_STAGES: Final = (
    ("New Request", "maintenance.stage_0", False),
    ("In Progress", "maintenance.stage_1", False),
    ("Repaired", "maintenance.stage_3", True),
    ("Scrap", "maintenance.stage_4", True),
)
_MAINTENANCE: Final = frozenset({EQUIPMENT_MANAGER})
_WORKING: Final = frozenset({PRODUCTION_USER, STOCK_USER})
"""Who may work in manufacturing may work in the stock too."""
_MANAGING: Final = _WORKING | {PRODUCTION_MANAGER, PRODUCT_MANAGER, SYSTEM}
_USERS: Final[Mapping[str, tuple[int, frozenset[str]]]] = {
    "millwright": (5, _WORKING),
    "operator": (6, _WORKING),
    "manager": (7, _MANAGING),
    "cmms": (8, _MAINTENANCE),
    "planner": (9, _MAINTENANCE),
    "technician": (10, _MAINTENANCE),
}
"""The id and the groups of each person."""


class OdooServer:
    """See the module. A connector is `cmms` in maintenance and `millwright` in manufacturing. Who is not in the group
    Equipment Manager, such as `operator`, sees own requests only.

    Args:
        clock: plant time.
        key: the API key of the connector.
        faults: what to misbehave with.
        approving: whether the site has a stage for approved requests.
        connector: the login of the connector, `cmms` or `millwright`.
    """

    def __init__(
        self,
        clock: Clock,
        key: str,
        faults: Faults | None = None,
        port: int = 0,
        *,
        approving: bool = True,
        connector: str = "cmms",
    ) -> None:
        self.store = Store(clock.now)
        routes = Routes(self.store, DATABASE)
        self._session = routes.session
        self._users: dict[str, User] = {}
        app = Misbehaviour(routes, faults if faults is not None else Faults())
        self._http = HttpServer(XmlRpcFront(app, self.store, DATABASE), port)
        self._furnish(connector, key, approving=approving)

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

    def do(self, person: str, model: str, method: str, ids: Sequence[int] = (), **named: Any) -> Any:
        """What a person does in Odoo, by the same methods as a client.

        Raises:
            Problem: Odoo refuses it.
        """
        session = self._session(self._users[person], {})
        with self.store.transaction():
            return methods.by_names(methods.method_of(model, method), Records(session, model, ids), named)

    def user_id(self, person: str) -> int:
        """The id of a person."""
        return self._users[person].id

    def key_of(self, person: str) -> str:
        """The API key of a person."""
        return self._users[person].key

    def add_equipment(self, serial_number: str) -> int:
        """A planner adds an equipment, and gets its id."""
        row = {"name": f"Machine {serial_number}", "serial_no": serial_number}
        return int(self.do("planner", EQUIPMENT, "create", vals_list=[row])[0])

    def requests(self) -> list[Values]:
        """Every request as it is stored."""
        return [*self.store.records[REQUEST].values()]

    def stage(self, name: str) -> int:
        """The id of a stage by its name."""
        return next(number for number, row in self.store.records[STAGE].items() if row["name"] == name)

    def _furnish(self, connector: str, key: str, *, approving: bool) -> None:
        self.store.insert(COMPANY, {"name": "My Company"})
        note = self.store.insert(SUBTYPE, {"name": "Note"})
        self.store.name("mail.mt_note", ExternalId(SUBTYPE, note, fixed=True))
        for login, (number, groups) in _USERS.items():
            own = key if login == connector else f"key-of-{login}"
            self._users[login] = user = User(number, login, own, groups)
            self.store.users[number] = user
            self.store.put(USERS, number, {"name": login, "login": login})
        for sequence, (name, external_id, done) in enumerate(_STOCK_STAGES, start=1):
            number = self._add_stage(name, sequence, done=done)
            self.store.name(external_id, ExternalId(STAGE, number, fixed=True))
        if approving:
            self._add_stage(APPROVED, 2, done=False)
        self.store.put(CALENDAR, STANDARD_HOURS, {"name": "Standard 40 hours/week"})
        for number, external_id, name, category, sequence in LOSSES:
            kept = {"name": name, "loss_type": category, "sequence": sequence, "manual": category not in IN_USE}
            self.store.put(LOSS, number, kept)
            self.store.name(external_id, ExternalId(LOSS, number, fixed=True))

    def _add_stage(self, name: str, sequence: int, *, done: bool) -> int:
        session = self._session(self._users["planner"], {})
        row = {"name": name, "sequence": sequence, "fold": done, "done": done}
        return methods.create(Records(session, STAGE), [row])[0]
