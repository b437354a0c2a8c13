"""Compares the names of a case's machine elsewhere with the register in the ledger, before anything is done by them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assets import MES_SYSTEM, TWIN_SYSTEM, Asset, system_of
from domain.canonical import Json
from domain.cases import CaseView
from domain.errors import ActionRequired
from domain.instances import PlantInstances
from domain.keys import case_workflow_id
from millwright.storage.database.asset_rows import REGISTER_HELD

_RECORDED = text(
    "SELECT kind, body FROM acts WHERE (subject = ANY(:assets) AND kind IN ('asset-recorded', 'asset-retired', "
    "'alias-recorded')) OR (subject = :case AND kind = 'case-opened') ORDER BY id"
)
_HELD = text(f"SELECT EXISTS (SELECT FROM acts WHERE subject = 'register' AND kind = '{REGISTER_HELD}')")


class _ActRow(NamedTuple):
    kind: str
    body: str


async def check_names(connection: AsyncConnection, view: CaseView, instances: PlantInstances) -> None:
    """See `domain.casework.CaseStore.check_names`."""
    # Earlier builds did not record the register.
    if not await connection.scalar(_HELD):
        return
    subjects = [f"asset/{asset.id}" for asset in (view.asset, view.machine)]
    values = {"assets": subjects, "case": case_workflow_id(view.id)}
    recorded = _RecordedNames()
    for row in map(_ActRow._make, await connection.execute(_RECORDED, values)):
        recorded.follow(row.kind, orjson.loads(row.body))
    wrong = next(recorded.faults(view, instances), None)
    if wrong is not None:
        raise ActionRequired(
            f"{wrong}; nothing is told to the MES or the twins: run `millwright audit verify`, and find out who "
            "changed it",
            system="record",
            operation="name-machine",
            key=view.id,
            field="asset",
        )


class _RecordedNames:
    """An asset and its machine, with their names elsewhere, rebuilt from the acts."""

    def __init__(self) -> None:
        self._opened: tuple[str, datetime] | None = None
        """The asset that the case was opened on, and when."""
        self._assets: dict[str, dict[datetime, dict[str, Json]]] = {}
        """The rows of each asset, by their beginnings."""
        self._names: dict[tuple[Json, ...], dict[str, Json]] = {}

    def follow(self, kind: str, act: Mapping[str, Json]) -> None:
        detail = act["detail"]
        if not isinstance(detail, dict):
            return
        if kind == "case-opened":
            self._opened = str(detail["asset"]), datetime.fromisoformat(str(act["at"]))
        elif kind == "asset-recorded":
            begins = datetime.fromisoformat(str(detail["valid_from"]))
            self._assets.setdefault(str(detail["id"]), {})[begins] = detail
        elif kind == "asset-retired":
            # A row that began only at this instant was deleted, because it was never in force.
            asset, retired_at = str(act["subject"]).removeprefix("asset/"), datetime.fromisoformat(str(act["at"]))
            rows = self._assets.get(asset, {})
            self._assets[asset] = {begins: row for begins, row in rows.items() if begins < retired_at}
        else:
            self._names[detail["system"], detail["external_id"], detail["valid_from"]] = detail

    def faults(self, view: CaseView, instances: PlantInstances) -> Iterator[str]:
        """What differs, as sentences."""
        asset, machine = view.asset.id, view.machine.id
        if self._opened is None or self._opened[0] != asset:
            yield f"the case is on another asset in the record than {asset}"
            return
        for each in (view.asset, view.machine):
            told = self._newest(each.id)
            if told is None or Asset.model_validate({name: told[name] for name in Asset.model_fields}) != each:
                yield f"{each.id} is not in the record as it is in the register"
        then = _of_time(self._assets.get(asset, {}), self._opened[1])
        if then is not None and (then["machine"] or asset) != machine:
            yield f"{asset} was not part of {machine} in the record when the case was opened"
        if then is not None and view.mes_system != instances.mes.serving(
            None if then["site"] is None else str(then["site"])
        ):
            yield f"another MES than {view.mes_system} serves the site of {asset} in the record"
        for where, called, known in (
            ("the MES", view.mes_equipment, self._called(MES_SYSTEM, view.mes_system, (asset, machine))),
            ("the twins", view.twin, self._called(TWIN_SYSTEM, None, (asset,))),
            ("the twins", view.machine_twin, self._called(TWIN_SYSTEM, None, (machine,))),
        ):
            if called not in known and (known or called is not None):
                words = ", ".join(sorted(known)) or "nothing"
                yield f"{where} is told of {called}, and in the record the name there is {words}"

    def _newest(self, asset: str) -> dict[str, Json] | None:
        rows = self._assets.get(asset, {})
        return rows[max(rows)] if rows else None

    def _called(self, kind: str, instance: str | None, assets: Sequence[str]) -> set[str]:
        """The names of the first of some assets that has one: for the instance, else for the kind of system."""
        systems = (*((system_of(kind, instance),) if instance is not None else ()), kind)
        for asset in assets:
            row = self._newest(asset) or {"valid_to": None}
            for system in systems:
                known = {
                    str(name["external_id"])
                    for name in self._names.values()
                    # Those of a retired asset ended with it.
                    if (name["system"], name["asset"], name["valid_to"]) == (system, asset, row["valid_to"])
                }
                if known:
                    return known
        return set()


def _of_time(rows: Mapping[datetime, dict[str, Json]], at: datetime) -> dict[str, Json] | None:
    begun = [begins for begins in rows if begins <= at]
    return rows[max(begun)] if begun else None
