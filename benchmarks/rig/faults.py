"""True faults: the events of a plant when a component begins to fail, and the resulting orders."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
import psycopg

from domain.assets import Asset, Criticality, ObservableKind, PlantRegister

_LOOK_EVERY = 0.005
_SIGNS_APART = timedelta(milliseconds=1)


def faults_without_hold(components: Sequence[Asset]) -> list[Asset]:
    """Components whose confirmed fault asks for an order and for no hold."""
    return [asset for asset in components if asset.criticality in (Criticality.B, Criticality.C, Criticality.D)]


class FaultTeller:
    """Makes the events of a fault as the plant does: the component's error codes, then shifted readings of its signal.

    Args:
        register: the plant's register.
        began: the plant time; all events are before it.
        run: a prefix that makes the ids unique.
    """

    def __init__(self, register: PlantRegister, began: datetime, run: str) -> None:
        self._codes: dict[str, list[str]] = {}
        self._signal: dict[str, str] = {}
        self._machine: dict[str, str] = {asset.id: asset.machine or asset.id for asset in register.assets}
        for observable in register.observables:
            if observable.kind is ObservableKind.CODE:
                self._codes.setdefault(observable.asset, []).append(observable.name)
            else:
                self._signal[observable.asset] = observable.name
        self._mode = {observable.asset: observable.failure_mode for observable in register.observables}
        self._at = began - timedelta(minutes=30)
        self._run = run
        self._number = 0

    def signs(self, asset: str, shifts: int = 1) -> list[dict[str, object]]:
        """The codes of a component, then `shifts` shifted readings. The first of these causes an order."""
        return [*(self._code(asset, name) for name in self._codes[asset]), *self.shifts(asset, shifts)]

    def shifts(self, asset: str, count: int) -> list[dict[str, object]]:
        """Shifted readings of a component."""
        data = {
            "asset": asset,
            "failure_mode": self._mode[asset],
            "signal": self._signal[asset],
            "score": 6.5,
            "value": 190.0,
            "baseline": 170.0,
        }
        return [self._event("benchmark", "millwright.anomaly.v1", data) for _ in range(count)]

    def _code(self, asset: str, name: str) -> dict[str, object]:
        event = self._event(f"benchmark/{self._machine[asset]}", "microsoft.iot.telemetry", {"errorCode": name})
        event["data"] = {"errorCode": name, "timestamp": event["time"]}
        return event

    def _event(self, source: str, kind: str, data: dict[str, object]) -> dict[str, object]:
        self._number += 1
        at = (self._at + self._number * _SIGNS_APART).isoformat().replace("+00:00", "Z")
        return {
            "specversion": "1.0",
            "id": f"{self._run}-{self._number}",
            "source": source,
            "type": kind,
            "time": at,
            "data": data,
        }


def body(events: Sequence[dict[str, object]]) -> bytes:
    """The body of a request with these events."""
    return orjson.dumps(events)


class OrderWatch:
    """Records when the order of each case is stored in our database, which is shortly after the CMMS created it."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self.placed: dict[str, float] = {}

    async def run(self) -> None:
        """Queries the database until cancelled."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            while True:
                found = await connection.execute(
                    "SELECT c.asset FROM work_orders w JOIN cases c ON c.id = w.case_id "
                    "WHERE w.external_id IS NOT NULL",
                    prepare=True,
                )
                now = time.monotonic()
                for (asset,) in await found.fetchall():
                    self.placed.setdefault(str(asset), now)
                await asyncio.sleep(_LOOK_EVERY)

    async def until(self, assets: Sequence[str], patience: float) -> None:
        """Waits until each of these assets has its order."""
        deadline = time.monotonic() + patience
        while any(asset not in self.placed for asset in assets):
            if time.monotonic() > deadline:
                missing = [asset for asset in assets if asset not in self.placed]
                raise SystemExit(f"{len(missing)} of {len(assets)} faults have no order after {patience:.0f} s")
            await asyncio.sleep(0.02)
