"""The watch of the ledger: seals what was received, and publishes the head where the database cannot reach it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from connectors.head_anchor import HeadAnchor
from domain.canonical import timestamp
from domain.errors import ConnectorError
from domain.keys import TWIN_AUTHOR
from domain.loops import Outage, repeat, retry
from domain.ports import TwinGraph
from millwright.audit.head import HistoryRewritten, head_text, publish_head
from millwright.bootstrap import Storage
from millwright.settings import Settings
from millwright.storage.ledger.ledger import Head
from millwright.storage.ledger.seals import LATE, Seals

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds of wall time between two looks."""
_AWAY = 5.0
"""Seconds to wait after a failure of the database."""

Place = Callable[[str, datetime], Awaitable[None]]
"""Keeps a head, as `SEQ:HASH`, and its time."""


class LedgerWatch:
    """Seals and publishes once a minute. Several may run: the same row is sealed once, and a head is kept again.

    The head goes to the file of the home and to the log, and to each further place that the settings name. A place
    that does not answer gets the next head. Once the head published last is no row of the ledger any more, nothing is
    published, to none of the places.

    Args:
        storage: the stores.
        home: has the file.
        places: the further places, by name.
    """

    def __init__(self, storage: Storage, home: Path, places: Mapping[str, Place]) -> None:
        self._storage = storage
        self._seals = Seals(storage.engine, storage.clock)
        self._home = home
        self._places = places
        self._kept: dict[str, Head] = {}
        self._outages = {
            name: Outage(log, f"the ledger's head is not kept by {name}", f"{name} keeps the ledger's head again")
            for name in places
        }
        self._outage = Outage(
            log,
            "nothing is sealed or no head is published",
            "what was received is sealed, and the head published, again",
        )

    async def run(self, every: float = EVERY) -> None:
        """Watches until cancelled."""
        await retry(
            lambda: repeat(self.look, every=every),
            on=(Exception,),  # The outermost loop: its end would end the whole worker.
            outage=self._outage,
            first=_AWAY,
        )

    async def look(self) -> None:
        """Seals what was there at the last look, and publishes the head.

        Raises:
            StorageUnavailable: the database does not answer.
            OSError: the file cannot be written.
        """
        await self._seals.seal()
        if self._seals.held_back > LATE:
            log.error(
                "for %d minutes nothing that was received could be sealed, and it can be altered unseen: a transaction "
                "has not ended, or somebody has the lock of the seals; see pg_stat_activity and pg_locks",
                self._seals.held_back / timedelta(minutes=1),
            )
        now = self._storage.clock.now()
        try:
            head = await publish_head(self._storage.engine, self._home, now)
        except HistoryRewritten as error:
            # No place gets a newer head: each would take it for one that follows the head before.
            log.error("%s", error)  # noqa: TRY400 the sentence says all, and it comes once a minute
            return
        finally:
            self._outage.is_over()
        for name, place in self._places.items():
            if self._kept.get(name) == head:
                continue
            try:
                await place(head_text(head), now)
            except ConnectorError as error:
                self._outages[name].begins(error)
            else:
                self._kept[name] = head
                self._outages[name].is_over()


def head_places(settings: Settings, twins: TwinGraph | None) -> dict[str, Place]:
    """The places that the settings name."""
    places: dict[str, Place] = {}
    if settings.head_anchor is not None:
        places["the anchor"] = HeadAnchor(settings.head_anchor).keep
    if settings.head_twin is not None and twins is not None:
        twin, graph = settings.head_twin, twins

        async def patch(head: str, at: datetime) -> None:
            told = {"ledgerHead": head, "ledgerHeadAt": timestamp(at), "updatedBy": TWIN_AUTHOR}
            await graph.patch_twin(twin, told)

        places[f"twin {twin}"] = patch
    return places
