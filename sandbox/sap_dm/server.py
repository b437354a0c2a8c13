"""One plant of SAP Digital Manufacturing, on 127.0.0.1: REST for machines, plain methods for the plant's people.

Written from SAP's own specifications (`sapdme_sfc` v1, `sapdme_sfc_v2`, `sapdme_plant_resource_v2`). What they do not
say is decided here so that a client that relies on it is caught: an unknown resource or SFC is 404; a hold of an SFC
that is on hold is 400 (or makes a second one, with `holds_twice`); an SFC on hold stays in work; a release ends every
hold of the SFC; no answer tells who holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.http_server import HttpServer
from sandbox.jobcontrol.holds import HoldRow
from sandbox.sap_dm.floor import Floor
from sandbox.sap_dm.holds import Holds
from sandbox.sap_dm.journal import Journal
from sandbox.sap_dm.misbehaviour import Misbehaviour
from sandbox.sap_dm.routes import Routes
from sandbox.sap_dm.tokens import Tokens

PLANT: Final = "BEDFRD"
CLIENTS: Final[Mapping[str, str]] = {"sb-millwright!b1|dmc-services": "sandbox-millwright-secret"}
_TWELVE_HOURS: Final = 43_199
_PANEL: Final = "panel"


class SapDmServer:
    """See the module.

    Args:
        directory: where `sap_dm.sqlite` is kept; None keeps nothing.
        clock: plant time.
        machines: (machine id, equipment id, line id) of every machine.
        port: 0 for any free one.
        faults: what to misbehave with.
        seed: of the schedule.
        clients: the secret of each client id.
        token_seconds: how long a token is valid, in wall time.
        enforces: whether an SFC cannot be started on a resource that is down or disabled.
        holds_twice: whether an SFC that is on hold can be put on hold again.

    Raises:
        ValueError: what is under `directory` was made with another seed.
    """

    def __init__(
        self,
        directory: Path | None,
        clock: Clock,
        machines: Sequence[tuple[int, str, str]],
        port: int = 0,
        faults: Faults | None = None,
        seed: int = 0,
        *,
        clients: Mapping[str, str] = CLIENTS,
        token_seconds: float = _TWELVE_HOURS,
        enforces: bool = True,
        holds_twice: bool = False,
    ) -> None:
        self.plant = PLANT
        self._clients = clients
        self._clock = clock
        self._open_journal = partial(Journal, directory, seed)
        self._journal: Journal | None = self._open_journal()
        self._holds = Holds(self._journal.holds())
        self.floor = Floor(machines, seed, self._holds, enforces=enforces, holds_twice=holds_twice)
        self.floor.take_up(clock.now(), self._journal.progress(), self._journal.statuses())
        self.tokens = Tokens(clients, token_seconds)
        self._routes = Routes(self.plant, self.floor, clock, self.tokens, self._save)
        self.app: ASGIApp = Misbehaviour(self._routes.app(), faults if faults is not None else Faults(), self.tokens)
        self._http = HttpServer(self.app, port)

    @property
    def port(self) -> int:
        """The port listened on, once started."""
        return self._http.port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return self._http.url

    @property
    def token_url(self) -> str:
        """Where a client gets a token."""
        return f"{self.url}/oauth/token"

    @property
    def name(self) -> str:
        """The name of the connector to it."""
        return "sap_dm"

    @property
    def access(self) -> Mapping[str, str]:
        """What a client needs beside the address."""
        client, secret = next(iter(self._clients.items()))
        return {
            "mes_token_url": self.token_url,
            "mes_client_id": client,
            "mes_client_secret": secret,
            "mes_plant": self.plant,
        }

    @property
    def comments(self) -> list[tuple[str, str]]:
        """What clients said with each hold, release and change of status: the object and the comment."""
        return self._routes.comments

    def holds(self) -> list[HoldRow]:
        """Every hold of an SFC and every block of a resource, oldest first."""
        return self._holds.rows()

    async def start(self) -> None:
        """Advance the plan to the clock's time and answer. May be called again after `stop`.

        Raises:
            OSError: the port is taken.
        """
        if self._journal is None:
            self._journal = self._open_journal()
        self.floor.advance(self._clock.now())
        self._save()
        await self._http.start()

    async def stop(self) -> None:
        """Stop answering; what is on disk stays."""
        self._routes.cancel()
        await self._http.stop()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    async def advance(self, now: datetime) -> None:
        """Advance the plan to `now`."""
        self.floor.advance(now)
        self._save()

    async def release_by_hand(self, hold: HoldRow) -> None:
        """Lift a hold on SAP's screen, as a shift lead does; one that is lifted already is left alone."""
        now, resource = self._clock.now(), self.floor.resources[hold.equipment]
        if not self._holds.open_on(hold.job):
            return
        if hold.job == resource.block:
            self.floor.change_status(resource, "ENABLED", "", now, by=_PANEL)
        else:
            self.floor.release([hold.job], now, by=_PANEL)
        self._save()

    def hold_by_hand(self, sfc: str, party: str) -> None:
        """Somebody else puts an SFC on hold; it may be on hold already."""
        now = self._clock.now()
        resource = self.floor.resources[self.floor.sfc(sfc, now).resource]
        self._holds.place(resource.station.machine, resource.name, sfc, now, party, _PANEL)
        self.floor.settle(resource, now)
        self._save()

    def set_status(self, resource: str, status: str) -> None:
        """Somebody changes the status of a resource on SAP's screen."""
        self.floor.change_status(self.floor.resources[resource], status, _PANEL, self._clock.now(), by=_PANEL)
        self._save()

    def _save(self) -> None:
        if self._journal is None:
            return
        changed = [self.floor.resources[name] for name in sorted(self.floor.changed)]
        self._journal.write(
            [(each.name, each.station.progress) for each in changed],
            [(each.name, each.status, each.modified) for each in changed],
            self._holds.unsaved(),
        )
        self.floor.changed.clear()
