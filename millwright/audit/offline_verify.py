"""Checks an exported Millwright record with nothing but standard Python (3.9 or newer) and this one file.

    python offline_verify.py DIRECTORY [--head SEQ:HASH]

Exits 0 where everything agrees, 1 with every finding named, 2 where the export cannot be read. Checked are the hash
chain and its Merkle roots, every digest, every column beside the hashed text, that memories follow each other, the
signatures (Ed25519, RFC 8032), that enough people other than its authors approved each policy version and that each
assignment is what somebody signed, and that cases, orders, holds, outcomes and labels are as the acts tell. Give the
published head: without it a removed tail does not show. Not done here: judging again, which takes the rule engine
(`millwright audit verify`).
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from millwright.audit.offline_policies import person_findings, policy_findings, signing_findings
from millwright.audit.offline_signatures import UNREADABLE, Finding, Row, differing, guarded, sha256

GENESIS = hashlib.sha256(b"").hexdigest()


# The chain.
def merkle_root(leaves: Sequence[str]) -> str:
    """The root over hexadecimal digests in their order, as RFC 6962 has it; an odd node moves up as it is."""
    if not leaves:
        return GENESIS
    level = [hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex()


def _chain(
    rows: Iterable[Row], leaves: Iterator[tuple[int, int, str, str]], manifest: Row, published: str | None
) -> Iterator[Finding]:
    """The ledger, each row against the leaves (seq, leaf, digest, name) that belong to it."""
    last, previous, pending = 0, GENESIS, next(leaves, None)
    for row in rows:
        seq, where = row["seq"], f"ledger row {row['seq']}"
        if seq != last + 1:
            yield Finding("ledger-gap", where, f"follows row {last}")
        if row["previous"] != previous:
            yield Finding("ledger-chain", where, "is not chained to the row before it")
        hashed = {name: row[name] for name in ("seq", "at", "leaves", "root", "previous")}
        if sha256(json.dumps(hashed, sort_keys=True, separators=(",", ":"))) != row["hash"]:
            yield Finding("ledger-hash", where, "its hash is not that of its content")
        own: list[str] = []
        while pending is not None and pending[0] <= seq:
            if pending[0] < seq:
                yield Finding("orphan", pending[3], f"belongs to ledger row {pending[0]}, which is not there")
            else:
                if pending[1] != len(own):
                    yield Finding("ledger-leaf", where, f"leaf {len(own)} is missing before {pending[3]}")
                own.append(pending[2])
            pending = next(leaves, None)
        if len(own) != row["leaves"]:
            yield Finding("ledger-leaf", where, f"had {row['leaves']} leaves and has {len(own)}: one was removed")
        elif merkle_root(own) != row["root"]:
            yield Finding("ledger-root", where, "its root is not that of the verdicts and acts stored for it")
        if published is not None and published.split(":")[0] == str(seq) and published != f"{seq}:{row['hash']}":
            yield Finding("published-head", where, "has another hash than was published: history was rewritten")
        last, previous = seq, row["hash"]
    while pending is not None:
        yield Finding("orphan", pending[3], f"belongs to ledger row {pending[0]}, which is not there")
        pending = next(leaves, None)
    if (manifest["head"]["seq"], manifest["head"]["hash"]) != (last, previous):
        yield Finding("head", "ledger head", f"is not the last row, {last}:{previous}")
    if published is not None and int(published.split(":")[0]) > last:
        yield Finding("published-head", f"ledger row {last}", f"is the last, but {published} was published: cut off")


# Acts, verdicts, contexts.
def act_findings(where: str, columns: Row, body: str) -> Iterator[Finding]:
    """The columns beside an act's text against the text."""
    if wrong := differing(columns, json.loads(body), ("kind", "subject", "actor", "at")):
        yield Finding("act-columns", where, f"{wrong} beside the hashed text was altered")


def _act(row: Row) -> Iterator[Finding]:
    where = f"act {row['id']} ({row['kind']} {row['subject']})"
    if sha256(row["body"]) != row["digest"]:
        yield Finding("act-digest", where, "its text was altered")
    yield from act_findings(where, row, row["body"])


class Verdicts:
    """Checks verdicts in the order in which they were given."""

    def __init__(self, events: dict[int, Row], contexts: set[str], versions: set[str], empty_memory: str) -> None:
        self._events = events
        self._contexts = contexts
        self._versions = versions
        self._empty = sha256(empty_memory)
        self._states: dict[tuple[str, str, str], set[bytes]] = {}

    def check(self, row: Row) -> Iterator[Finding]:
        event = self._events.get(row["event"])
        name = f"{event['source']}|{event['external_id']}" if event else f"number {row['event']}"
        where = f"verdict {row['id']} on event {name}"
        if sha256(row["body"]) != row["digest"]:
            yield Finding("verdict-digest", where, "its text was altered")
        body = json.loads(row["body"])
        if wrong := differing(row, body, ("version", "revision", "role", "rung")):
            yield Finding("verdict-columns", where, f"{wrong} beside the hashed text was altered")
        yield from self._inputs(where, row, body, event)
        if body["aside"] != (row["memory"] == ""):
            yield Finding("verdict-memory", where, "the memory that it left behind is missing")
        elif row["memory"] and sha256(row["memory"]) != body["after"]:
            yield Finding("verdict-memory", where, "the memory that it left behind was altered")
        states = self._states.setdefault((row["version"], row["asset"], row["failure_mode"]), set())
        before = bytes.fromhex(body["before"])
        if body["before"] != self._empty and before not in states:
            yield Finding("verdict-memory", where, "no verdict before it left the memory that it began with")
        if not body["aside"]:
            states.add(bytes.fromhex(body["after"]))

    def _inputs(self, where: str, row: Row, body: Row, event: Row | None) -> Iterator[Finding]:
        if event is None:
            yield Finding("verdict-event", where, "the event is gone")
        else:
            if event["digest"] != body["anomaly"]:
                yield Finding("verdict-event", where, "the anomaly that it judged was altered")
            wrong = differing(row, event, ("asset", "failure_mode", "position", "at"))
            if body["event"] != [event["source"], event["external_id"]]:
                wrong = wrong or "event"
            if wrong:
                yield Finding("verdict-columns", where, f"{wrong} differs from the event's")
        if body["context"] not in self._contexts:
            yield Finding("verdict-context", where, "the context that it was given in was altered or removed")
        if body["version"] not in self._versions:
            yield Finding("verdict-version", where, f"policy version {body['version'][:12]} is not stored as it was")


# Here and below `acts` are the bodies of the acts on one subject, oldest first.
# Cases and holds.
def case_findings(case: Row, acts: Sequence[Row]) -> Iterator[Finding]:
    """A case's row, order, outcome and labels against its acts."""
    where = f"case {case['id']}"
    opened = [act["detail"] for act in acts if act["kind"] == "case-opened"]
    if len(opened) != 1 or differing(case, opened[0], ("asset", "failure_mode", "event")):
        yield Finding("case", where, "was not opened by this event on this asset and failure mode")
    rung = [act["detail"]["rung"] for act in acts if act["kind"] in ("case-opened", "case-raised")][-1:]
    if rung != [case["rung"]]:
        yield Finding("case", where, f"stands at {case['rung']}, recorded is {_last(rung)}")
    closed = _last([act["detail"]["how"] for act in acts if act["kind"] == "case-closed"])
    if closed != case["closed_as"]:
        yield Finding("case", where, f"is closed as {case['closed_as']}, recorded is {closed}")
    said = [(a["actor"], a["detail"]["approved"], a["detail"]["reason"]) for a in acts if a["kind"] == "case-decided"]
    decision = case["decision"]
    if said != ([(decision["by"], decision["approved"], decision["reason"])] if decision else []):
        yield Finding("decision", where, "the decision on it is not as recorded")
    yield from _order_findings(case["id"], case["order"], acts)
    yield from _outcome_findings(case, acts)


def _last(items: Sequence[Any]) -> Any:
    return items[-1] if items else None


def _order_findings(case: str, order: Row | None, acts: Sequence[Row]) -> Iterator[Finding]:
    where = f"work order of case {case}"
    drafts = [act["detail"]["draft"] for act in acts if act["kind"] == "order-intended"]
    seen = [act["detail"]["record"] for act in acts if act["kind"] in ("order-placed", "order-changed")]
    if order is None:
        if drafts or seen:
            yield Finding("order", where, "was recorded and is gone")
        return
    record = order["record"]
    for what, carrier in (("draft", order["draft"]), ("order", record and record["ref"])):
        if carrier and carrier["key"] != case:
            yield Finding("order", where, f"its {what} carries the key of case {carrier['key']}: swapped")
    if [order["draft"]] != drafts:
        yield Finding("order", where, "its draft is not the one recorded before it went out")
    if record != _last(seen):
        now, known = [one["ref"]["id"] + " " + one["status"] if one else "none" for one in (record, _last(seen))]
        yield Finding("order", where, f"is {now}, recorded is {known} with other content")
    if (order["external_id"], order["status"]) != ((record["ref"]["id"], record["status"]) if record else (None, None)):
        yield Finding("order", where, f"its number {order['external_id']} or status is not that of its own record")


def _outcome_findings(case: Row, acts: Sequence[Row]) -> Iterator[Finding]:
    where, outcome = f"outcome of case {case['id']}", case["outcome"]
    found = [number for number, act in enumerate(acts) if act["kind"] in ("outcome-found", "outcome-reclassified")]
    if ([outcome["body"]] if outcome else []) != [acts[number]["detail"]["outcome"] for number in found[-1:]]:
        yield Finding("outcome", where, "is not as recorded")
    elif outcome and differing(outcome, outcome["body"], ("outcome", "cancelled", "found_at")):
        yield Finding("outcome", where, "does not agree with its own text")
    since = acts[found[-1] :] if found else acts
    if case["twin_etag"] != _last([act["detail"]["etag"] for act in since if act["kind"] == "twin-told"]):
        yield Finding("outcome", where, "what the twin was told is not as recorded")
    labels = [act["detail"]["label"] for act in acts if act["kind"] == "label-made"]
    if [label["body"] for label in case["labels"]] != labels:
        yield Finding("label", f"label of case {case['id']}", "is not as recorded")
    for label in case["labels"]:
        if differing(label, label["body"], ("outcome", "revision")):
            yield Finding("label", f"label of case {case['id']}", "does not agree with its own text")


def hold_findings(hold: Row, acts: Iterable[Row]) -> Iterator[Finding]:
    """A hold's row and claims against the acts of the cases that claimed it."""
    where = f"hold {hold['key']}"
    plan, state, claims = None, None, {}
    for act in acts:
        detail, kind, case = act["detail"], act["kind"], act["subject"].split("/", 1)[1]
        if detail.get("hold") != hold["key"]:
            continue
        if kind in ("hold-intended", "hold-shared"):
            claims[case] = False
            if kind == "hold-intended":
                plan, state = detail["plan"], "intended"
        elif kind == "hold-dropped":
            claims[case] = True
            if detail["left"] == 0 and state == "placed":
                state = "releasing"
        else:
            state = kind.split("-", 1)[1]
    if plan != hold["plan"]:
        yield Finding("hold", where, "its plan is not the one recorded before it was placed")
    if state != hold["state"]:
        yield Finding("hold", where, f"is {hold['state']}, recorded is {state}")
    if claims != hold["claims"]:
        yield Finding("hold", where, "the cases that claim it are not those recorded")


# The export.
def _rows(directory: Path, name: str) -> Iterator[Row]:
    with (directory / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _files(directory: Path, manifest: Row) -> Iterator[Finding]:
    for name, known in manifest["files"].items():
        with (directory / name).open("rb") as file:
            found = hashlib.sha256()
            for block in iter(lambda: file.read(1 << 20), b""):
                found.update(block)
        if found.hexdigest() != known["sha256"]:
            yield Finding("file", name, "was altered after the export")


def _event(row: Row) -> Iterator[Finding]:
    anomaly, where = json.loads(row["anomaly"]), f"event {row['source']}|{row['external_id']}"
    at = anomaly["at"] if "." in anomaly["at"] else anomaly["at"].replace("Z", ".000000Z")
    wrong = differing(row, {**anomaly, "at": at}, ("asset", "failure_mode", "at"))
    if wrong or row["position"].split("|", 1)[0] + "Z" != at:
        yield Finding("event", where, f"{wrong or 'position'} beside the hashed text was altered")


def verify(directory: Path, published: str | None = None) -> Iterator[Finding]:
    """Every finding of an export.

    Args:
        directory: what `millwright audit export` wrote.
        published: a published head, `SEQ:HASH`.

    Raises:
        OSError: a file is missing.
        ValueError: a line is no JSON.
    """
    manifest: Row = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    yield from _files(directory, manifest)
    acts: dict[str, list[Row]] = {}
    for number, row in enumerate(_rows(directory, "acts.jsonl")):
        wrong = [*guarded(f"act {row['id']}", _act(row))]
        yield from wrong
        if all(one.kind != "unreadable" for one in wrong):
            acts.setdefault(row["subject"], []).append({**json.loads(row["body"]), "number": number})
    yield from _chain(_rows(directory, "ledger.jsonl"), _leaves(directory), manifest, published)
    people: dict[str, Row] = {}
    for row in _rows(directory, "people.jsonl"):
        people[row["name"]] = row
        yield from guarded(f"person {row['name']}", person_findings(row, acts.get(f"person/{row['name']}", [])))
    versions = set()
    policies = [*_rows(directory, "policies.jsonl")]
    for row in policies:
        wrong = [*guarded(f"policy {row['digest'][:12]}", signing_findings(row, policies, people))]
        yield from wrong
        own, drafts = acts.get(f"policy/{row['digest']}", []), acts.get(f"draft/{row['policy']}/{row['version']}", [])
        yield from guarded(f"policy {row['digest'][:12]}", policy_findings(row, own, drafts))
        if all(one.kind not in ("policy-document", "unreadable") for one in wrong):
            versions.add(row["digest"])
    yield from _verdicts(directory, versions, manifest["empty_memory"])
    yield from _case_work(directory, acts)


def _verdicts(directory: Path, versions: set[str], empty_memory: str) -> Iterator[Finding]:
    events: dict[int, Row] = {}
    for row in _rows(directory, "events.jsonl"):
        yield from guarded(f"event {row['id']}", _event(row))
        events[row["id"]] = {**row, "anomaly": None, "digest": sha256(row["anomaly"])}
    contexts = set()
    for row in _rows(directory, "contexts.jsonl"):
        contexts.add(sha256(row["body"]))
        if sha256(row["body"]) != row["digest"]:
            yield Finding("context", f"context {row['digest'][:12]}", "its text was altered")
    verdicts, judged = Verdicts(events, contexts, versions, empty_memory), set()
    for row in _rows(directory, "verdicts.jsonl"):
        judged.add(row["event"])
        yield from guarded(f"verdict {row['id']}", verdicts.check(row))
    for number, event in events.items():
        if event["fate"] == "decided" and number not in judged:
            name = f"event {event['source']}|{event['external_id']}"
            yield Finding("event", name, "was decided, and the verdict on it is gone")


def _leaves(directory: Path) -> Iterator[tuple[int, int, str, str]]:
    """Seq, leaf, digest and name of verdicts and acts, in order; each file is in that order by itself."""

    def named(kind: str) -> Iterator[tuple[int, int, str, str]]:
        for row in _rows(directory, f"{kind}s.jsonl"):
            yield row["seq"], row["leaf"], sha256(row["body"]), f"{kind} {row['id']}"

    return heapq.merge(named("verdict"), named("act"))


def _case_work(directory: Path, acts: dict[str, list[Row]]) -> Iterator[Finding]:
    there = set()
    for case in _rows(directory, "cases.jsonl"):
        there.add(f"case/{case['id']}")
        own = acts.get(f"case/{case['id']}", [])
        yield from guarded(f"case {case['id']}", case_findings(case, own))
    for subject, told in acts.items():
        if subject not in there and any(act.get("kind") == "case-opened" for act in told):
            yield Finding("case", subject.replace("/", " "), "was recorded and is gone")
    held = set()
    for hold in _rows(directory, "holds.jsonl"):
        held.add(hold["key"])
        subjects = [f"case/{case}" for case in {hold["key"], *hold["claims"]}]
        own = [act for subject in subjects for act in acts.get(subject, [])]
        in_order = sorted(own, key=lambda act: act["number"])
        yield from guarded(f"hold {hold['key']}", hold_findings(hold, in_order))
    for told in acts.values():
        for act in told:
            key = act.get("detail", {}).get("hold")
            if act.get("kind") == "hold-intended" and key not in held:
                yield Finding("hold", f"hold {key}", "was recorded and is gone")


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks the export named on the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description="Checks an exported Millwright record.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--head", metavar="SEQ:HASH", help="a head that was published")
    asked = parser.parse_args(arguments)
    head: str | None = asked.head
    if head is not None and not (head.count(":") == 1 and head.split(":")[0].isdigit()):
        parser.error("--head is written as SEQ:HASH")
    number = 0
    try:
        for finding in verify(asked.directory, head):
            number += 1
            sys.stdout.write(f"{finding.kind}: {finding.where}: {finding.what}\n")
    except (OSError, *UNREADABLE) as error:
        sys.stdout.write(f"unreadable: {asked.directory}: {error}\n")
        return 2
    sys.stdout.write(f"{number} findings\n" if number else "verified: everything agrees\n")
    return 1 if number else 0


if __name__ == "__main__":
    sys.exit(main())
