"""The offline verifier's check of cases, with their orders, outcomes and labels. Uses only standard Python.

Acts are the bodies of the acts on one subject, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from millwright.audit.offline_attached_orders import (
    READINGS,
    acts_on_its_order,
    attached_order_findings,
    is_attached,
)
from millwright.audit.offline_signatures import OfflineFinding, Row, differing


def case_findings(case: Row, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Compares a case's row, order, outcome and labels with its acts."""
    where = f"case {case['id']}"
    opened = [act["detail"] for act in acts if act["kind"] == "case-opened"]
    if len(opened) != 1 or differing(case, opened[0], ("asset", "failure_mode", "event")):
        yield OfflineFinding("case", where, "was not opened by this event on this asset and failure mode")
    rung = [act["detail"]["rung"] for act in acts if act["kind"] in ("case-opened", "case-raised")][-1:]
    if rung != [case["rung"]]:
        yield OfflineFinding("case", where, f"stands at {case['rung']}, recorded is {_last(rung)}")
    closed = _last([act["detail"]["how"] for act in acts if act["kind"] in ("case-awaits-release", "case-closed")])
    if closed != case["closed_as"]:
        yield OfflineFinding("case", where, f"is closed as {case['closed_as']}, recorded is {closed}")
    yield from _closing_findings(case, closed, acts)
    yield from _decided_findings(where, case["decision"], acts)
    if "phase" in case:
        yield from _state_findings(where, case, acts)
    yield from _order_findings(case["id"], case["order"], acts)
    yield from attached_order_findings(case, acts)
    yield from _outcome_findings(case, acts)


def _decided_findings(where: str, decision: Any, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    said = [{**act["detail"], "by": act["actor"]} for act in acts if act["kind"] == "case-decided"]
    # Earlier builds did not record when the person decided, only when that was stored.
    stored = [{name: decision[name] for name in told} for told in said[:1]] if decision else []
    if said != stored or (decision and not said):
        yield OfflineFinding("decision", where, "the decision on it is not as recorded")


def _closing_findings(case: Row, closed: Any, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Finds a case that was closed without the row that says how it ended."""
    where = f"case {case['id']}"
    if closed in ("done", "cancelled") and not case["outcome"]:
        yield OfflineFinding("case", where, f"is closed as {closed} without an outcome")
    elif closed == "rejected" and (not case["decision"] or case["decision"]["approved"]):
        yield OfflineFinding("case", where, "is closed as rejected, and nobody rejected it")
    elif closed == "withdrawn" and not _withdrawn(acts):
        yield OfflineFinding(
            "case",
            where,
            "is closed as withdrawn, and nothing had called its work off",
        )


def _withdrawn(acts: Sequence[Row]) -> bool:
    """Whether a case was to be withdrawn when it was closed."""
    told, revised = _ToldCase(), False
    for act in acts:
        if act["kind"] in ("case-awaits-release", "case-closed"):
            break
        told.follow(act)
        revised = revised or act["kind"] == "case-evidence-revised"
    # Earlier builds did not record that a case lost or regained its evidence.
    return told.withdraw is not None or (revised and not told.support_is_told)


def _state_findings(where: str, case: Row, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Compares the state of a case with the one that its acts leave. Packs of earlier builds do not have the state."""
    told = _ToldCase()
    for act in acts:
        told.follow(act)
    # Earlier builds did not record the step that waits, nor that a case lost or regained its evidence.
    unknown = {"waiting_step"} if told.waiting_step is _UNKNOWN else set()
    unknown |= {"hold_proposal", "suspect_lots", "rework", "normal", "verification", "admission"} - case.keys()
    if not told.support_is_told and any(act["kind"] == "case-evidence-revised" for act in acts):
        unknown.add("withdraw")
    if wrong := differing(case, vars(told), tuple(name for name in _STATE if name not in unknown)):
        yield OfflineFinding("case", where, f"{wrong} is not as recorded")


_STATE = (
    "opened_at", "closed_at", "phase", "urgency", "production", "hold_proposal", "suspect_lots", "rework", "normal",
    "verification", "withdraw", "admission", "waiting_for", "waiting_step", "waiting_until", "lane",
)  # fmt: skip
_UNKNOWN = "unknown"


class _ToldCase:
    """The state of a case, rebuilt from its acts."""

    def __init__(self) -> None:
        self.opened_at: Any = None
        self.closed_at: Any = None
        self.phase: str | None = None
        self.urgency: Any = None
        self.production: Any = None
        self.hold_proposal: Any = None
        self.suspect_lots: Any = None
        self.rework: Any = None
        self.normal: Any = None
        self.verification: Any = None
        self.withdraw: Any = None
        self.admission: Any = None
        self.waiting_for: Any = None
        self.waiting_step: Any = None
        self.waiting_until: Any = None
        self.lane: Any = None
        self.support_is_told = False

    def follow(self, act: Row) -> None:
        kind, detail = act["kind"], act["detail"]
        if kind == "case-opened":
            self.opened_at, self.phase = act["at"], "propose"
        elif kind == "case-raised":
            # What is worse may be more urgent.
            self.urgency = None
        elif kind == "work-proposed":
            self.urgency, self.production = detail["urgency"], detail["production"]
            self.phase = "review" if self.phase == "propose" else self.phase
        elif kind == "hold-proposed":
            self.hold_proposal = detail["proposal"]
        elif kind == "hold-answered":
            self.hold_proposal = {**self.hold_proposal, "answer": detail["answer"]}
        elif kind == "suspect-lots-listed":
            self.suspect_lots = detail["lots"]
        elif kind == "suspect-lots-reviewed":
            self.suspect_lots = {**self.suspect_lots, "review": detail["review"]}
        elif kind == "case-reworks":
            self.rework = detail["rework"]
        elif kind == "fault-normal":
            self.normal = detail["normal"]
        elif kind == "fault-returned":
            self.normal = None
        elif kind in ("work-verified", "work-not-verified", "work-did-not-help"):
            self.verification = detail["verification"]
        elif kind in ("case-unsupported", "case-called-off", "case-not-needed"):
            self.withdraw, self.support_is_told = detail["reason"], True
        elif kind == "case-supported":
            self.withdraw, self.support_is_told = None, True
        elif kind in ("order-awaits-turn", "order-admitted"):
            self.admission = detail["admission"]
        elif kind in ("order-intended", "order-detached"):
            self.phase = "place"
        elif kind == "order-attached" or (kind == "order-placed" and act["actor"] == "millwright"):
            # An order that a poll found first leaves the phase to the case's own step.
            self.phase = "work"
            # The order of a person is no new order of the crew.
            self.admission = None if kind == "order-attached" else self.admission
        elif kind == "outcome-found":
            self.phase = "learn"
        elif kind in ("case-awaits-release", "case-closed"):
            closed = kind == "case-closed"
            self.closed_at, self.phase = (act["at"], "closed") if closed else (None, "awaiting_release")
            self.waiting_for = self.waiting_until = self.lane = None
        else:
            self._wait(kind, detail)

    def _wait(self, kind: str, detail: Row) -> None:
        if kind == "case-waits":
            self.waiting_for, self.waiting_until, self.lane = detail["reason"], detail["until"], detail["lane"]
            self.waiting_step = detail.get("step", _UNKNOWN)
        elif kind == "case-resumed":
            self.waiting_for = self.waiting_until = self.waiting_step = self.lane = None
        elif kind == "case-decided":
            self.lane = None


def _last(items: Sequence[Any]) -> Any:
    return items[-1] if items else None


def _order_findings(case: str, order: Row | None, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    where = f"work order of case {case}"
    own = "" if is_attached(acts) else case
    acts = acts_on_its_order(acts)
    intended = [act["detail"] for act in acts if act["kind"] == "order-intended"]
    drafts = [detail["draft"] for detail in intended]
    seen = [act["detail"]["record"] for act in acts if act["kind"] in READINGS]
    if order is None:
        if drafts or seen:
            yield OfflineFinding("order", where, "was recorded and is gone")
        return
    record = order["record"]
    for what, carrier, key in (("draft", order["draft"], case), ("order", record and record["ref"], own)):
        if carrier and carrier["key"] != key:
            yield OfflineFinding("order", where, f"its {what} carries the key of case {carrier['key']}: swapped")
    if [order["draft"]] != drafts:
        yield OfflineFinding("order", where, "its draft is not the one recorded before it went out")
    # Packs of earlier builds do not have it.
    if "open_work" in order and [order["open_work"]] != [detail.get("open_work") for detail in intended]:
        yield OfflineFinding("order", where, "the open work on its asset is not what was recorded with its draft")
    if "draft_check" in order and [order["draft_check"]] != [detail.get("draft_check") for detail in intended]:
        yield OfflineFinding("order", where, "what the check of its draft found is not what was recorded with it")
    corrections = [act["detail"]["correction"] for act in acts if act["kind"] == "order-corrected"]
    if "corrections" in order and order["corrections"] != corrections:
        yield OfflineFinding("order", where, "what people corrected of its draft is not as recorded")
    if record != _last(seen):
        now, known = [
            record_then["ref"]["id"] + " " + record_then["status"] if record_then else "none"
            for record_then in (record, _last(seen))
        ]
        yield OfflineFinding("order", where, f"is {now}, recorded is {known} with other content")
    if (order["external_id"], order["status"]) != ((record["ref"]["id"], record["status"]) if record else (None, None)):
        yield OfflineFinding(
            "order", where, f"its number {order['external_id']} or status is not that of its own record"
        )
    if "intended_at" in order:
        yield from _placing_findings(where, order, acts)


def _placing_findings(where: str, order: Row, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Compares where and when an order was placed, and the notes on it, with the acts."""
    intended = [
        (act["detail"].get("system", order["system"]), act["at"]) for act in acts if act["kind"] == "order-intended"
    ]
    if intended != [(order["system"], order["intended_at"])]:
        yield OfflineFinding("order", where, "its system or the time at which it was intended is not as recorded")
    placed = (act["at"] for act in acts if act["kind"] in ("order-placed", "order-attached"))
    if order["placed_at"] != next(placed, None):
        yield OfflineFinding("order", where, "the time at which it was placed is not as recorded")
    if order["notes"] != [act["detail"]["key"] for act in acts if act["kind"] == "order-noted"]:
        yield OfflineFinding("order", where, "the notes that were written on it are not those recorded")


_OUTCOMES = ("outcome-found", "outcome-reclassified", "outcome-stated")


def _outcome_findings(case: Row, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    where, outcome = f"outcome of case {case['id']}", case["outcome"]
    found = [number for number, act in enumerate(acts) if act["kind"] in _OUTCOMES]
    if ([outcome["body"]] if outcome else []) != [acts[number]["detail"]["outcome"] for number in found[-1:]]:
        yield OfflineFinding("outcome", where, "is not as recorded")
    elif outcome and differing(outcome, outcome["body"], ("outcome", "cancelled", "found_at")):
        yield OfflineFinding("outcome", where, "does not agree with its own text")
    elif outcome and _stated_by(outcome["body"]) != _actor_of_statement(acts[found[-1]]):
        yield OfflineFinding("outcome", where, "was not stated by the person who is named")
    since = acts[found[-1] :] if found else acts
    twin = _last([{}, *(act["detail"] for act in since if act["kind"] in ("twin-told", "twin-not-told"))])
    # Earlier builds recorded only the ETag, and their packs do not have what was written.
    written = case.get("twin_write", twin.get("told"))
    if (case["twin_etag"], written) != (twin.get("etag"), twin.get("told")):
        yield OfflineFinding("outcome", where, "what the twin was told is not as recorded")
    labels = [act["detail"]["label"] for act in acts if act["kind"] == "label-made"]
    made = [act["at"] for act in acts if act["kind"] == "label-made"]
    # `strict` came with Python 3.10, and this runs on 3.9.
    times = [label.get("made_at", at) for label, at in zip(case["labels"], made)]  # noqa: B905
    if [label["body"] for label in case["labels"]] != labels or times != made:
        yield OfflineFinding("label", f"label of case {case['id']}", "is not as recorded")
    for label in case["labels"]:
        if differing(label, label["body"], ("outcome", "revision")):
            yield OfflineFinding("label", f"label of case {case['id']}", "does not agree with its own text")
    yield from _learning_findings(case, acts)


def _learning_findings(case: Row, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Finds outcomes that replaced a known one, and labels that do not say what the work had found by then."""
    found: Row | None = None
    order: str | None = None
    newest: Row | None = None
    for act in acts:
        kind, detail = act["kind"], act["detail"]
        if kind in READINGS:
            order = detail["record"]["ref"]["id"]
        elif kind == "outcome-found" and found is not None:
            yield OfflineFinding("outcome", f"outcome of case {case['id']}", "was found more than once")
        elif kind in ("outcome-reclassified", "outcome-stated") and (found is None or found["outcome"] != "unknown"):
            known = "no outcome" if found is None else found["outcome"]
            what = f"replaced {known}, and only an unknown one may be replaced"
            yield OfflineFinding("outcome", f"outcome of case {case['id']}", what)
        elif kind == "label-made":
            label = detail["label"]
            if found is None or found["cancelled"] or found["outcome"] in _NO_FINDING or not _follows(label, newest):
                yield OfflineFinding("label", f"label of case {case['id']}", "was made twice, or without a finding")
            else:
                told = {**case, "outcome": found["outcome"], "work_order": order}
                by = _stated_by(found)
                differs = label.get("stated_by") != by or label.get("iso14224") != found.get("iso14224")
                if differs or differing(label, told, _LABELLED):
                    what = "is not what the work had found by then"
                    yield OfflineFinding("label", f"label of case {case['id']}", what)
            newest = label
        if kind in _OUTCOMES:
            found = detail["outcome"]


def _follows(label: Row, newest: Row | None) -> bool:
    """Whether a label is the first of its case, or the next revision, with another finding than the newest."""
    if newest is None:
        return bool(label["revision"] == 1)
    said = [{name: of[name] for name in of if name not in _BESIDE_THE_FINDING} for of in (label, newest)]
    return bool(label["revision"] == newest["revision"] + 1) and said[0] != said[1]


# As `domain.outcomes` has them. Labels of earlier builds name no evidence.
_BESIDE_THE_FINDING = (
    "window_start", "window_end", "detectors", "model_versions", "evidence", "evidence_count", "revision",
)  # fmt: skip
_NO_FINDING = ("deferred", "unknown", "not_inspected")
_LABELLED = ("asset", "failure_mode", "outcome", "work_order")


def _stated_by(outcome: Row) -> Any:
    return (outcome.get("stated") or {}).get("by")


def _actor_of_statement(act: Row) -> Any:
    return act["actor"] if act["kind"] == "outcome-stated" else None
