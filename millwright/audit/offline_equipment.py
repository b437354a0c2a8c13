"""The offline verifier's check of what was held: each machine by the name that the register gave it in the MES. Uses
only standard Python.

The acts on the register are in the ledger from the first import of a build that records them on, and in no pack. What
was held before is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from millwright.audit.offline_signatures import OfflineFinding, Row

EQUIPMENT_KINDS = {
    "register-held",
    "asset-recorded",
    "alias-recorded",
    "case-opened",
    "case-closed",
    "work-proposed",
    "hold-intended",
    "hold-shared",
}
"""The kinds of acts that are followed."""
_A_STEP = timedelta(hours=1)
"""A step may have read a name shortly before it ended."""


class Equipment:
    """Follows the acts in the order of the ledger, and compares what is held with the register of then."""

    def __init__(self) -> None:
        self._held = False
        self._machines: dict[str, str] = {}
        """The machine of each asset."""
        self._names: dict[str, dict[tuple[str, str], str | None]] = {}
        """For each asset its names, as system and name, each with when it ended."""
        self._cases: dict[str, tuple[str, str | None]] = {}
        """For each open case its asset and the machine of that; None where the register was not recorded yet."""

    def follow(self, act: Row) -> Iterator[OfflineFinding]:
        """Compares one act."""
        kind, subject, detail = act["kind"], act["subject"], act["detail"]
        if kind == "register-held":
            self._held = True
        elif kind == "asset-recorded":
            self._machines[detail["id"]] = detail["machine"] or detail["id"]
        elif kind == "alias-recorded":
            if detail["system"].split(":")[0] == "mes":
                names = self._names.setdefault(detail["asset"], {})
                names[detail["system"], detail["external_id"]] = detail["valid_to"]
        elif kind == "case-opened":
            self._cases[subject] = detail["asset"], self._machines.get(detail["asset"])
        elif kind == "case-closed":
            self._cases.pop(subject, None)
        elif kind in ("hold-intended", "hold-shared"):
            # Builds before placements did not name the machine here.
            if "equipment" in detail:
                yield from self._compare(subject, detail["equipment"], detail.get("system"), act["at"], "is held")
        elif kind == "work-proposed" and detail["production"] is not None:
            yield from self._compare(subject, detail["production"]["equipment"], None, act["at"], "was asked for")

    def _compare(
        self, subject: str, equipment: str, instance: str | None, at: str, what: str
    ) -> Iterator[OfflineFinding]:
        if not self._held or subject not in self._cases:
            return
        systems = {system for names in self._names.values() for system, _ in names}
        if instance is not None:
            systems &= {"mes", f"mes:{instance}"}
        asset, machine = self._cases[subject]
        known = {
            name
            for named in (asset, machine or self._machines.get(asset, asset))
            for (system, name), ended in self._names.get(named, {}).items()
            if system in systems and (ended is None or _moment(at) - _moment(ended) <= _A_STEP)
        }
        if equipment not in known:
            words = ", ".join(sorted(known)) or "nothing"
            where = subject.replace("/", " ")
            yield OfflineFinding(
                "hold", where, f"{equipment} {what} for it, and its machine was called {words} in the MES"
            )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:-1] if text.endswith("Z") else text)
