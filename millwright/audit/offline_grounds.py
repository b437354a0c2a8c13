"""The offline verifier's check of what orders, holds and withdrawals of work rest on. Uses only standard Python.

Acts are the bodies of the acts on one subject, oldest first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from millwright.audit.offline_corrections import correction_findings
from millwright.audit.offline_signatures import OfflineFinding, Row, stamp_of

RUNGS = ("ignore", "watch", "inspect", "draft", "work_order", "work_order_and_hold")
_ORDERS, _UNREVIEWED, _HOLDS = RUNGS[3:], RUNGS[4:], RUNGS[5:]


class WorkGrounds:
    """What the work of cases may rest on.

    Args:
        acts: the acts by subject: those on assets, and on the register.
        verdicts: the verdicts on the events that opened or raised the cases.
        whole: whether these are all acts. Packs of earlier builds have none on assets.
    """

    def __init__(self, acts: Mapping[str, Sequence[Row]], verdicts: Iterable[Row], *, whole: bool) -> None:
        self._acts = acts
        self._whole = whole
        self._given: dict[tuple[str, ...], list[tuple[str, str, Any]]] = {}
        for row in verdicts:
            body = json.loads(row["body"])
            if body["role"] == "active":
                key = (*body["event"], body["version"][:12], RUNGS[body["rung"]])
                self._given.setdefault(key, []).append((row["asset"], row["failure_mode"], body["priority"]))

    def priorities(self, case: Row, ground: Row | None) -> list[Any]:
        """The priorities that verdicts on the fault gave which the act names that opened or raised the case."""
        if ground is None:
            return []
        key = (*ground["detail"]["event"], ground["actor"], ground["detail"]["rung"])
        fault = (case["asset"], case["failure_mode"])
        return [priority for asset, mode, priority in self._given.get(key, ()) if (asset, mode) == fault]

    def names(self, asset: str, system: str, before: int) -> list[tuple[Any, Any]] | None:
        """The names of an asset in a CMMS, with their attributes, that were in force before an act; None where they
        were not recorded."""
        if not self._held(before):
            return None
        newest: dict[tuple[Any, Any], Row] = {}
        for act in self._acts.get(f"asset/{asset}", ()):
            if act["kind"] == "alias-recorded" and act["number"] < before:
                newest[act["detail"]["system"], act["detail"]["external_id"]] = act["detail"]
        there = (name for name in newest.values() if name["valid_to"] is None)
        return [(name["external_id"], name["attributes"]) for name in there if name["system"] in ("cmms", system)]

    def retired(self, asset: str, called_off: Row) -> bool:
        """Whether an asset was retired in the transaction that called the work off, with the end of its row."""
        acts = self._acts.get(f"asset/{asset}", [] if self._whole else None)
        if acts is None:
            return True
        same = [act for act in acts if act["at"] == called_off["at"] and act["actor"] == called_off["actor"]]
        rows = [act for act in acts if act["kind"] == "asset-recorded" and act["number"] < called_off["number"]]
        ended = not rows or rows[-1]["detail"]["valid_to"] is not None
        # A row that began at the instant of the retirement was never in force, and was deleted.
        ended = ended or stamp_of(rows[-1]["detail"]["valid_from"]) >= stamp_of(called_off["at"])
        return ended and any(act["kind"] == "asset-retired" for act in same)

    def _held(self, before: int) -> bool:
        """Whether the rows of the register were recorded by then. Earlier builds did not record them."""
        acts = self._acts.get("register", ())
        return any(act["kind"] == "register-held" and act["number"] < before for act in acts)


def ground_findings(case: Row, acts: Sequence[Row], grounds: WorkGrounds) -> Iterator[OfflineFinding]:
    """Finds orders, holds and withdrawals for which the acts before them give no ground.

    Args:
        case: the case's row.
        acts: all acts on the case.
        grounds: the verdicts and the acts on its asset.
    """
    where = f"case {case['id']}"
    ground: Row | None = None
    accepted, normal, revised_at = False, False, None
    for act in acts:
        kind, rung = act["kind"], ground["detail"]["rung"] if ground else "ignore"
        if kind in ("case-opened", "case-raised"):
            ground = act
        elif kind == "case-decided":
            accepted = act["detail"]["approved"]
        elif kind == "case-evidence-revised":
            revised_at = act["at"]
        elif kind == "case-unsupported" and revised_at != act["at"]:
            yield OfflineFinding("case", where, "was said to have no evidence left, and none was revised then")
        elif kind == "case-called-off" and not grounds.retired(case["asset"], act):
            yield OfflineFinding("case", where, "was called off, and its asset was not retired then")
        elif kind in ("fault-normal", "fault-returned"):
            normal = kind == "fault-normal"
        elif kind == "case-not-needed" and not normal:
            yield OfflineFinding("case", where, "was called off as back to normal, and that was not proved then")
        elif kind == "order-intended":
            if rung not in _ORDERS and not accepted:
                yield OfflineFinding("order", where, f"an order was intended at {rung}, and nobody had accepted it")
            elif act["detail"]["draft"]["released"] and rung not in _UNREVIEWED and not accepted:
                yield OfflineFinding("order", where, f"an order was to go out unreviewed at {rung}")
            yield from _draft_findings(case, act, grounds.priorities(case, ground), grounds)
        elif kind in ("hold-intended", "hold-shared") and rung not in _HOLDS:
            yield OfflineFinding("hold", where, f"its machine was held at {rung}")
        elif kind == "hold-passed" and rung not in _ORDERS:
            yield OfflineFinding("hold", where, f"its machine was kept held at {rung}")
    yield from correction_findings(
        case, acts, lambda system, before: grounds.names(case["asset"], f"cmms:{system}", before)
    )


def _draft_findings(case: Row, act: Row, priorities: Sequence[Any], grounds: WorkGrounds) -> Iterator[OfflineFinding]:
    """Compares a draft with the case, its verdict, and the names of its asset when it was written down."""
    where, draft = f"work order of case {case['id']}", act["detail"]["draft"]
    if (draft["asset"], draft["failure_mode"]) != (case["asset"], case["failure_mode"]):
        what = f"its draft is on {draft['asset']} for {draft['failure_mode']}, and not on the fault of the case"
        yield OfflineFinding("order", where, what)
    if draft["priority"] not in priorities:
        yield OfflineFinding("order", where, "no verdict that the case rested on gave its draft's priority")
    names = grounds.names(case["asset"], f"cmms:{act['detail'].get('system')}", act["number"])
    if names is not None and (draft["asset_external_id"], draft["asset_attributes"]) not in names:
        what = f"its draft names {draft['asset_external_id']}, which was not the asset's name or had other attributes"
        yield OfflineFinding("order", where, what)
