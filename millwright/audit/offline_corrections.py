"""The offline verifier's check of what people corrected of drafts that a CMMS refused. Uses only standard Python.

Acts are the bodies of the acts on one case, oldest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from millwright.audit.offline_attached_orders import READINGS
from millwright.audit.offline_signatures import OfflineFinding, Row

_CORRECTED_FIELDS = ("summary", "priority", "due_at", "job_plan", "asset_name")
"""The fields that a person may correct, as in `domain.corrections`."""
_PRIORITIES = (1, 2, 3, 4)

NamesBefore = Callable[[Any, int], Any]
"""The names of the asset in a system that were in force before an act, with their attributes; None if not recorded."""


def correction_findings(case: Row, acts: Sequence[Row], names: NamesBefore) -> Iterator[OfflineFinding]:
    """Finds corrections that were not for a person to make, or not of the draft as it was.

    Args:
        names: by the CMMS and the number of the act.
    """
    where = f"work order of case {case['id']}"
    draft: dict[str, Any] | None = None
    system, placed = None, False
    for act in acts:
        kind, detail = act["kind"], act["detail"]
        if kind == "order-intended":
            draft, system, placed = dict(detail["draft"]), detail.get("system"), False
        elif kind in READINGS:
            placed = True
        elif kind == "order-detached":
            draft = None
        elif kind == "order-corrected":
            correction = detail["correction"]
            if correction["by"] != act["actor"]:
                yield OfflineFinding("order", where, "its draft was not corrected by the person who is named")
            if draft is None or placed:
                yield OfflineFinding("order", where, "a draft was corrected that did not wait to be sent")
                continue
            yield from _change_findings(where, draft, correction, names(system, act["number"]))


def _change_findings(where: str, draft: dict[str, Any], correction: Row, names: Any) -> Iterator[OfflineFinding]:
    """Compares each change with the draft, which has it afterwards."""
    for change in correction["changes"]:
        field, after = change["field"], change["after"]
        if field not in _CORRECTED_FIELDS:
            yield OfflineFinding("order", where, f"{field} of its draft was corrected, which no person may")
            continue
        if change["before"] != _value(draft, field):
            yield OfflineFinding("order", where, f"{field} of its draft was not as the correction says")
        if field == "priority" and after not in _PRIORITIES:
            yield OfflineFinding("order", where, "its draft was given a priority that there is not")
        if field != "asset_name":
            draft[field] = after
            continue
        if names is not None and (after["external_id"], after["attributes"]) not in names:
            what = f"its draft was given the name {after['external_id']}, which was not the asset's, or not so"
            yield OfflineFinding("order", where, what)
        draft["asset_external_id"], draft["asset_attributes"] = after["external_id"], after["attributes"]


def _value(draft: dict[str, Any], field: str) -> Any:
    if field == "asset_name":
        return {"external_id": draft["asset_external_id"], "attributes": draft["asset_attributes"]}
    return draft.get(field)
