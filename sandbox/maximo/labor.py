"""The people a work order can book hours on (LABOR) and the spare parts it can use (ITEM)."""

from collections.abc import Mapping

from sandbox.maximo.mbo import Mbo
from sandbox.maximo.store import ITEMS, LABOR, Store

STANDARD_LABOR: Mapping[str, str] = {
    "ADAMS": "ELECT",
    "BENSON": "ELECT",
    "CORTEZ": "MECH",
    "DUBOIS": "MECH",
    "ERIKSEN": "MECH",
    "FUJITA": "INSTR",
}
STANDARD_ITEMS: Mapping[str, str] = {
    "PDM-COMP1": "Electrical supply unit",
    "PDM-COMP2": "Rotating drive unit",
    "PDM-COMP3": "Pressure unit",
    "PDM-COMP4": "Mounting set",
    "PDM-SENSOR": "Sensor, any signal",
}


class Labor:
    """Labor records: code and craft."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, crafts: Mapping[str, str]) -> None:
        """Add or change labor codes; `crafts` maps a labor code to its craft."""
        with self._store.transaction() as transaction:
            for code, craft in crafts.items():
                transaction.put(LABOR, code, Mbo({"laborcode": code, "craft": craft}))

    def craft(self, code: str) -> str | None:
        """The craft of a labor code, None where there is no such labor."""
        mbo = self._store.get(LABOR, code)
        return None if mbo is None else mbo.text("craft")

    def crafts(self) -> dict[str, str]:
        """Every labor code with its craft."""
        return {mbo.text("laborcode"): mbo.text("craft") for mbo in self._store.all(LABOR)}


class Items:
    """Item records: number and description."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, descriptions: Mapping[str, str]) -> None:
        """Add or change items; `descriptions` maps an item number to what the item is."""
        with self._store.transaction() as transaction:
            for number, description in descriptions.items():
                transaction.put(ITEMS, number, Mbo({"itemnum": number, "description": description}))

    def known(self, number: str) -> bool:
        """Whether there is such an item."""
        return self._store.get(ITEMS, number) is not None

    def descriptions(self) -> dict[str, str]:
        """Every item number with its description."""
        return {mbo.text("itemnum"): mbo.text("description") for mbo in self._store.all(ITEMS)}
