"""The offline verifier's check of orders of people that were attached to cases. Uses only standard Python.

Acts are the bodies of the acts on one case, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from millwright.audit.offline_signatures import OfflineFinding, Row

READINGS = ("order-placed", "order-changed", "order-attached")
"""The acts that tell of an order as it was read."""
_FINISHED_STATUSES = ("completed", "cancelled", "skipped", "deleted")


def acts_on_its_order(acts: Sequence[Row]) -> Sequence[Row]:
    """The acts since the last order of a person was detached: those on the order that the case has now."""
    detached = [number for number, act in enumerate(acts) if act["kind"] == "order-detached"]
    return acts[detached[-1] + 1 :] if detached else acts


def is_attached(acts: Sequence[Row]) -> bool:
    """Whether the order that the case has now is one of a person."""
    return any(act["kind"] == "order-attached" for act in acts_on_its_order(acts))


def attached_order_findings(case: Row, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Makes again why each order of a person was the order of the case, and compares its row with the acts."""
    where = f"work order of case {case['id']}"
    live: Row | None = None
    has_order = off = False
    told: list[Row] = []
    for act in acts:
        kind, detail = act["kind"], act["detail"]
        if kind in ("case-unsupported", "case-called-off", "case-not-needed", "case-supported"):
            off = kind != "case-supported"
        elif kind == "case-decided":
            off = not detail["approved"]
        elif kind == "order-attached":
            yield from _attachment_findings(where, case, detail, had_one=has_order)
            live = {
                **_names(detail["record"]),
                "attachment": dict(detail),
                "attached_at": act["at"],
                "detached_at": None,
                "because": None,
            }
            told.append(live)
        elif kind == "order-detached":
            if live is None or _names(detail["record"]) != {name: live[name] for name in _NAMES}:
                yield OfflineFinding("order", where, "an order was detached that it did not have")
                continue
            modes = live["attachment"]["failure_modes"]
            still = _mode(detail["record"].get("codes", ()), modes) == case["failure_mode"]
            if detail["record"]["status"] not in _FINISHED_STATUSES and still and not off:
                what = "an order of a person was detached that was open, with the code of its fault"
                yield OfflineFinding("order", where, what)
            live.update(detached_at=act["at"], because=detail["because"])
            live = None
        elif kind in READINGS and detail["record"]["ref"]["key"] != ("" if live is not None else case["id"]):
            yield OfflineFinding("order", where, "it has an order of its own and one of a person at the same time")
        has_order = kind in READINGS or (has_order and kind != "order-detached")
    # Packs of earlier builds do not have them.
    if "attached_orders" in case and case["attached_orders"] != told:
        yield OfflineFinding("order", where, "the orders of people that it has, or had, are not as recorded")


_NAMES = ("system", "kind", "external_id")


def _names(record: Row) -> dict[str, Any]:
    ref = record["ref"]
    return {"system": ref["system"], "kind": ref["kind"], "external_id": ref["id"]}


def _attachment_findings(where: str, case: Row, detail: Row, *, had_one: bool) -> Iterator[OfflineFinding]:
    record = detail["record"]
    if had_one:
        yield OfflineFinding("order", where, "an order of a person was attached to it, and it had one already")
    if record["ref"]["key"]:
        yield OfflineFinding(
            "order", where, f"{record['ref']['id']} was attached as one of a person, and has a key of ours"
        )
    if record["status"] in _FINISHED_STATUSES:
        yield OfflineFinding("order", where, f"{record['ref']['id']} was attached, and was {record['status']} then")
    if _mode(record.get("codes", ()), detail["failure_modes"]) != case["failure_mode"]:
        what = f"{record['ref']['id']} was attached, and its codes did not name {case['failure_mode']}"
        yield OfflineFinding("order", where, what)


def _mode(codes: Sequence[Row], failure_modes: Mapping[str, str]) -> str | None:
    """The failure mode that all problem codes name, as `domain.attaching.mode_named` has it."""
    table = {code.casefold(): mode for code, mode in failure_modes.items()}
    named = set()
    for chosen in codes:
        if chosen["role"] == "problem":
            code = chosen["code"].casefold()
            named.add(table.get(f"{(chosen['group'] or '').casefold()}/{code}", table.get(code)))
    return named.pop() if len(named) == 1 else None
