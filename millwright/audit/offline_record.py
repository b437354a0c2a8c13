"""The offline verifier's check of acts, verdicts, cases and holds: each row against its hashed text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from millwright.audit.offline_signatures import OfflineFinding, Row, differing, guarded, sha256

GENESIS = hashlib.sha256(b"").hexdigest()


def merkle_root(leaves: Sequence[str]) -> str:
    """The Merkle root over hexadecimal digests in their order (RFC 6962); an odd node moves up unchanged."""
    if not leaves:
        return GENESIS
    level = [hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex()


# Acts, verdicts, contexts.
def merkle_path_root(leaf: str, index: int, count: int, path: Sequence[str]) -> str:
    """The root that a leaf's audit path leads to (RFC 6962, section 2.1.1).

    Raises:
        ValueError: the path has the wrong length for the place.
    """
    if not 0 <= index < count:
        raise ValueError(f"leaf {index} of {count}")
    node, siblings = (
        hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest(),
        [bytes.fromhex(sibling) for sibling in path],
    )
    while count > 1:
        if index % 2 == 1:
            node = hashlib.sha256(b"\x01" + siblings.pop(0) + node).digest()
        elif index + 1 < count:
            node = hashlib.sha256(b"\x01" + node + siblings.pop(0)).digest()
        index, count = index // 2, (count + 1) // 2
    if siblings:
        raise ValueError("the path is too long")
    return node.hex()


def act_findings(where: str, columns: Row, body: str) -> Iterator[OfflineFinding]:
    """Compares the columns beside an act's text with the text."""
    if wrong := differing(columns, json.loads(body), ("kind", "subject", "actor", "at")):
        yield OfflineFinding("act-columns", where, f"{wrong} beside the hashed text was altered")


def act_row_findings(row: Row) -> Iterator[OfflineFinding]:
    """Compares an act's text with its digest and its columns."""
    where = f"act {row['id']} ({row['kind']} {row['subject']})"
    if sha256(row["body"]) != row["digest"]:
        yield OfflineFinding("act-digest", where, "its text was altered")
    yield from act_findings(where, row, row["body"])


class Verdicts:
    """Checks verdicts in their order."""

    def __init__(
        self, events: dict[int, Row], contexts: Collection[str], versions: set[str], empty_memory: str
    ) -> None:
        self._events = events
        self._contexts = contexts
        self._versions = versions
        self._empty = sha256(empty_memory)
        self._states: dict[tuple[str, str, str], set[bytes]] = {}

    def remember(self, row: Row, memory: str) -> None:
        """Accepts a memory as the one after an earlier verdict on the same fault."""
        states = self._states.setdefault((row["version"], row["asset"], row["failure_mode"]), set())
        states.add(bytes.fromhex(sha256(memory)))

    def check(self, row: Row) -> Iterator[OfflineFinding]:
        event = self._events.get(row["event"])
        name = f"{event['source']}|{event['external_id']}" if event else f"number {row['event']}"
        where = f"verdict {row['id']} on event {name}"
        if sha256(row["body"]) != row["digest"]:
            yield OfflineFinding("verdict-digest", where, "its text was altered")
        body = json.loads(row["body"])
        if wrong := differing(row, body, ("version", "revision", "role", "rung")):
            yield OfflineFinding("verdict-columns", where, f"{wrong} beside the hashed text was altered")
        yield from self._inputs(where, row, body, event)
        if body["aside"] != (row["memory"] == ""):
            yield OfflineFinding("verdict-memory", where, "the memory that it left behind is missing")
        elif row["memory"] and sha256(row["memory"]) != body["after"]:
            yield OfflineFinding("verdict-memory", where, "the memory that it left behind was altered")
        states = self._states.setdefault((row["version"], row["asset"], row["failure_mode"]), set())
        before = bytes.fromhex(body["before"])
        if body["before"] != self._empty and before not in states:
            yield OfflineFinding("verdict-memory", where, "no verdict before it left the memory that it began with")
        if not body["aside"]:
            states.add(bytes.fromhex(body["after"]))

    def _inputs(self, where: str, row: Row, body: Row, event: Row | None) -> Iterator[OfflineFinding]:
        if event is None:
            yield OfflineFinding("verdict-event", where, "the event is gone")
        else:
            if event["digest"] != body["anomaly"]:
                yield OfflineFinding("verdict-event", where, "the anomaly that it judged was altered")
            wrong = differing(row, event, ("asset", "failure_mode", "position", "at"))
            if body["event"] != [event["source"], event["external_id"]]:
                wrong = wrong or "event"
            if wrong:
                yield OfflineFinding("verdict-columns", where, f"{wrong} differs from the event's")
        if body["context"] not in self._contexts:
            yield OfflineFinding("verdict-context", where, "the context that it was given in was altered or removed")
        if body["version"] not in self._versions:
            yield OfflineFinding(
                "verdict-version", where, f"policy version {body['version'][:12]} is not stored as it was"
            )


# Here and below `acts` are the bodies of the acts on one subject, oldest first.
# Cases and holds.
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
    said = [(a["actor"], a["detail"]["approved"], a["detail"]["reason"]) for a in acts if a["kind"] == "case-decided"]
    yield from _closing_findings(case, closed, acts)
    decision = case["decision"]
    if said != ([(decision["by"], decision["approved"], decision["reason"])] if decision else []):
        yield OfflineFinding("decision", where, "the decision on it is not as recorded")
    yield from _order_findings(case["id"], case["order"], acts)
    yield from _outcome_findings(case, acts)


def _closing_findings(case: Row, closed: Any, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Finds a case that was closed without the row that says how it ended."""
    where = f"case {case['id']}"
    if closed in ("done", "cancelled") and not case["outcome"]:
        yield OfflineFinding("case", where, f"is closed as {closed} without an outcome")
    elif closed == "rejected" and (not case["decision"] or case["decision"]["approved"]):
        yield OfflineFinding("case", where, "is closed as rejected, and nobody rejected it")
    elif closed == "withdrawn" and not any(act["kind"] in ("case-evidence-revised", "case-called-off") for act in acts):
        yield OfflineFinding("case", where, "is closed as withdrawn, and no evidence was revised and no asset retired")


def _last(items: Sequence[Any]) -> Any:
    return items[-1] if items else None


def _order_findings(case: str, order: Row | None, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    where = f"work order of case {case}"
    drafts = [act["detail"]["draft"] for act in acts if act["kind"] == "order-intended"]
    seen = [act["detail"]["record"] for act in acts if act["kind"] in ("order-placed", "order-changed")]
    if order is None:
        if drafts or seen:
            yield OfflineFinding("order", where, "was recorded and is gone")
        return
    record = order["record"]
    for what, carrier in (("draft", order["draft"]), ("order", record and record["ref"])):
        if carrier and carrier["key"] != case:
            yield OfflineFinding("order", where, f"its {what} carries the key of case {carrier['key']}: swapped")
    if [order["draft"]] != drafts:
        yield OfflineFinding("order", where, "its draft is not the one recorded before it went out")
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


def _outcome_findings(case: Row, acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    where, outcome = f"outcome of case {case['id']}", case["outcome"]
    kinds = ("outcome-found", "outcome-reclassified", "outcome-stated")
    found = [number for number, act in enumerate(acts) if act["kind"] in kinds]
    if ([outcome["body"]] if outcome else []) != [acts[number]["detail"]["outcome"] for number in found[-1:]]:
        yield OfflineFinding("outcome", where, "is not as recorded")
    elif outcome and differing(outcome, outcome["body"], ("outcome", "cancelled", "found_at")):
        yield OfflineFinding("outcome", where, "does not agree with its own text")
    elif outcome and _stated_by(outcome["body"]) != _actor_of_statement(acts[found[-1]]):
        yield OfflineFinding("outcome", where, "was not stated by the person who is named")
    since = acts[found[-1] :] if found else acts
    if case["twin_etag"] != _last([act["detail"]["etag"] for act in since if act["kind"] == "twin-told"]):
        yield OfflineFinding("outcome", where, "what the twin was told is not as recorded")
    labels = [act["detail"]["label"] for act in acts if act["kind"] == "label-made"]
    if [label["body"] for label in case["labels"]] != labels:
        yield OfflineFinding("label", f"label of case {case['id']}", "is not as recorded")
    for label in case["labels"]:
        if differing(label, label["body"], ("outcome", "revision")):
            yield OfflineFinding("label", f"label of case {case['id']}", "does not agree with its own text")


def _stated_by(outcome: Row) -> Any:
    return (outcome.get("stated") or {}).get("by")


def _actor_of_statement(act: Row) -> Any:
    return act["actor"] if act["kind"] == "outcome-stated" else None


def held_work(
    holds: Iterable[Row], acts: Iterable[Sequence[Row]], claimed: Collection[str] | None = None
) -> Iterator[OfflineFinding]:
    """Compares holds with all their acts, of any case, and finds missing holds.

    Args:
        claimed: the holds that must exist; by default all that were ever claimed.
    """
    told = [act for some in acts for act in some]
    by_hold: dict[Any, list[Row]] = {}
    for act in sorted(told, key=lambda act: int(act["number"])):
        if isinstance(act.get("detail"), dict):
            by_hold.setdefault(act["detail"].get("hold"), []).append(act)
    expected = set(claimed_holds(told) if claimed is None else claimed)
    for hold in holds:
        expected.discard(hold["key"])
        yield from guarded(f"hold {hold['key']}", hold_findings(hold, by_hold.get(hold["key"], [])))
    for key in sorted(expected):
        yield OfflineFinding("hold", f"hold {key}", "was recorded and is gone")


def claimed_holds(acts: Iterable[Row]) -> Iterator[str]:
    """The keys of the holds that were claimed."""
    for act in acts:
        key = (act.get("detail") or {}).get("hold")
        if act.get("kind") in ("hold-intended", "hold-shared", "hold-passed") and key is not None:
            yield key


def hold_findings(hold: Row, acts: Iterable[Row]) -> Iterator[OfflineFinding]:
    """Compares a hold's row, placements and claims with the acts of the cases that claimed it."""
    where = f"hold {hold['key']}"
    told = _ToldHold()
    for act in acts:
        if act["detail"].get("hold") == hold["key"]:
            told.follow(act["kind"], act["subject"].split("/", 1)[1], act["detail"])
    placements = {row["number"]: (row["plan"], row["state"]) for row in hold["placements"]}
    if {number: plan for number, (plan, _) in placements.items()} != told.plans:
        yield OfflineFinding("hold", where, "its placements are not those recorded before they were placed")
    if {number: state for number, (_, state) in placements.items()} != told.states:
        yield OfflineFinding("hold", where, "how its placements stand is not as recorded")
    if told.state != hold["state"]:
        yield OfflineFinding("hold", where, f"is {hold['state']}, recorded is {told.state}")
    if told.claims != hold["claims"]:
        yield OfflineFinding("hold", where, "the cases that claim it are not those recorded")
    if told.release != hold["release"]:
        yield OfflineFinding("hold", where, "who released it is not as recorded")


class _ToldHold:
    """A hold rebuilt from its acts. Acts of builds before placements have only one job."""

    def __init__(self) -> None:
        self.state: str | None = None
        self.plans: dict[int, Any] = {}
        self.states: dict[int, str] = {}
        self.claims: dict[str, str] = {}
        self.release: Any = None

    def follow(self, kind: str, case: str, detail: Row) -> None:
        if kind in ("hold-intended", "hold-shared"):
            self.claims[case] = "working"
            if kind == "hold-intended":
                self.state = "asked"
                plan = detail.get("plan")
                if plan is not None and plan["method"] in ("pause", "revoke_start"):
                    self.plans[1], self.states[1] = plan, "intended"
        elif kind == "hold-passed":
            self.claims[detail["from"]], self.claims[detail["to"]] = "dropped", "working"
        elif kind == "hold-ready":
            self.claims[case] = "ready"
        elif kind == "hold-dropped":
            # In an earlier build the last claim was dropped before the release, which needs an approval by production
            # now.
            last = detail.get("left") == 0 and self.state == "asked"
            self.claims[case] = "ready" if last else "dropped"
        elif kind == "hold-releasing":
            self.state, self.release = "releasing", detail["release"]
        elif kind == "hold-release-lapsed":
            self.state, self.release = "asked", None
        elif kind.startswith("placement-"):
            state = kind.split("-", 1)[1].replace("-", "_")
            if state == "intended":
                self.plans[detail["placement"]] = detail["plan"]
            self.states[detail["placement"]] = state
            self.release = detail.get("release", self.release)
        elif kind in ("hold-released", "hold-overruled", "hold-void"):
            self._ended(kind.split("-", 1)[1], detail)
        elif kind == "hold-placed":
            self.states[1] = "in_effect"
        elif kind == "hold-unproven":
            self.states[1] = "unproven"

    def _ended(self, state: str, detail: Row) -> None:
        if "release" not in detail and 1 in self.states:
            # An earlier build also recorded a hold as released that was never proved to be placed.
            proved = self.states[1] != "unproven"
            state = state if proved else "void"
            self.states[1] = "released" if state == "released" else "void"
        self.state = state
        self.release = self.release if self.release is not None else detail.get("release")
        self.claims = dict.fromkeys(self.claims, "dropped")


def event_findings(row: Row) -> Iterator[OfflineFinding]:
    """Compares the columns beside an anomaly's text with the text."""
    anomaly, where = json.loads(row["anomaly"]), f"event {row['source']}|{row['external_id']}"
    at = anomaly["at"] if "." in anomaly["at"] else anomaly["at"].replace("Z", ".000000Z")
    wrong = differing(row, {**anomaly, "at": at}, ("asset", "failure_mode", "at"))
    if wrong or row["position"].split("|", 1)[0] + "Z" != at:
        yield OfflineFinding("event", where, f"{wrong or 'position'} beside the hashed text was altered")
