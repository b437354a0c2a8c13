"""The plant's assets: machines with a location and four components each, and their downtime."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from sandbox import naming
from sandbox.maximo.child_rows import apply_rows
from sandbox.maximo.errors import MaximoError, raise_first
from sandbox.maximo.failure_codes import CLASS_OF_COMPONENT
from sandbox.maximo.mbo import Json, Mbo
from sandbox.maximo.payloads import check_rowstamp, missing, read_payload
from sandbox.maximo.store import ASSETS, Store, Transaction
from sandbox.maximo.structures import ASSET

_DOWNTIME_CODES = frozenset({"BRKDWN"})


@dataclass(frozen=True)
class Machine:
    """A machine to register: its number in the data, what it is, and where it stands (`BAY-017` if not said)."""

    number: int
    description: str = ""
    location: str = ""


class Assets:
    """Asset records of one site."""

    def __init__(self, store: Store, siteid: str, orgid: str, zone: tzinfo) -> None:
        self._store = store
        self._siteid = siteid
        self._orgid = orgid
        self._zone = zone

    def register(self, machines: Iterable[Machine]) -> None:
        """Add machines with their components; an asset that is there stays as it is."""
        with self._store.transaction() as transaction:
            for machine in machines:
                location = machine.location or f"BAY-{machine.number:03d}"
                number = naming.assetnum(machine.number)
                description = machine.description or f"Machine {machine.number}"
                self._add(transaction, number, description, location, {})
                for component in naming.COMPONENTS:
                    self._add(
                        transaction,
                        naming.component_assetnum(machine.number, component),
                        f"{description}, {component}"[:100],
                        location,
                        {"parent": number, "failurecode": CLASS_OF_COMPONENT[component]},
                    )

    def _add(
        self, transaction: Transaction, number: str, description: str, location: str, more: Mapping[str, str]
    ) -> None:
        key = f"{number}/{self._siteid}"
        if transaction.get(ASSETS, key) is not None:
            return
        attributes = {
            "assetnum": number,
            "siteid": self._siteid,
            "orgid": self._orgid,
            "description": description,
            "location": location,
            "status": "OPERATING",
        }
        transaction.put(ASSETS, key, Mbo({**attributes, **more}, rowstamp=transaction.draw("rowstamp")))

    def get(self, number: str, siteid: str) -> Mbo | None:
        return self._store.get(ASSETS, f"{number}/{siteid}")

    def set_status(self, number: str, status: str) -> None:
        """Take an asset out of operation (`DECOMMISSIONED`, …) or back (`OPERATING`).

        Raises:
            KeyError: there is no such asset.
        """
        current = self.get(number, self._siteid)
        if current is None:
            raise KeyError(number)
        with self._store.transaction() as transaction:
            asset = current.copy()
            asset.set("status", status)
            asset.rowstamp = transaction.draw("rowstamp")
            transaction.put(ASSETS, ASSET.key(asset), asset)

    def has_location(self, location: str) -> bool:
        """Whether any asset stands there."""
        return any(asset.text("location") == location for asset in self._store.all(ASSETS))

    def update(self, transaction: Transaction, current: Mbo, body: Mapping[str, Json], *, merge: bool) -> Mbo:
        """Write a payload to an asset: its description, and downtime that was reported.

        Raises:
            MaximoError: 400 naming what is wrong, 412 where the payload is stale.
        """
        check_rowstamp(body, current, "asset")
        payload = read_payload(body, ASSET, self._zone, current)
        raise_first(payload.errors)
        asset = current.copy()
        for name, value in payload.attributes.items():
            asset.set(name, value)
        apply_rows(
            asset, payload, ASSET, merge=merge, complete=lambda _, row: self._complete_downtime(row, transaction)
        )
        asset.rowstamp = transaction.draw("rowstamp")
        transaction.put(ASSETS, ASSET.key(current), asset)
        return asset

    def _complete_downtime(self, row: Mbo, transaction: Transaction) -> None:
        raise_first(missing(row.attributes, ASSET.children["downtimereport"]))
        row.rowstamp = transaction.draw("rowstamp")
        if row.text("code") not in _DOWNTIME_CODES:
            raise _downtime_refused("code", row, "is not a downtime code")
        if row.attributes["isdowntimereport"] is not True:
            raise _downtime_refused("isdowntimereport", row, "is not the mark of a downtime report")
        if row.text("startdate") >= row.text("enddate"):
            raise _downtime_refused("enddate", row, "is not after the start")


def _downtime_refused(attribute: str, row: Mbo, why: str) -> MaximoError:
    return ASSET.children["downtimereport"].attributes[attribute].refusal(row.text(attribute), "downtimereport", why)
