"""Checks an exported Millwright record with nothing but standard Python (3.9 or newer) and this one file.

    python offline_verify.py DIRECTORY [--head SEQ:HASH]

Exits 0 where everything agrees, 1 with every finding named, 2 where the export cannot be read. Checked are the hash
chain and its Merkle roots, every digest, every column beside the hashed text, that memories follow each other, the
signatures (Ed25519, RFC 8032) and that somebody other than the author approved each policy version, and that cases,
orders, holds, outcomes and labels are as the acts tell. Give the published head: without it a removed tail does not
show. Not done here: judging again, which takes the rule engine (`millwright audit verify`).
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
GENESIS = hashlib.sha256(b"").hexdigest()


class Finding(NamedTuple):
    """What does not agree: its kind, the row, and in words."""

    kind: str
    where: str
    what: str


# Ed25519 (RFC 8032, section 5.1): points of -x² + y² = 1 + d x² y² in extended coordinates (X, Y, Z, T).

Point = tuple[int, int, int, int]
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)


def _add(a: Point, b: Point) -> Point:
    low, high = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    cross, depth = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = high - low, depth - cross, depth + cross, high + low
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _point(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    odd, y = y >> 255, y & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = _P - x
    return x, y, 1, x * y % _P


def signature_holds(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature is the key's over the message."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, commitment = _point(public_key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    base = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))
    if key is None or commitment is None or base is None or scalar >= _L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _L
    left, right = _times(scalar, base), _add(commitment, _times(challenge, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % _P or (left[1] * right[2] - right[1] * left[2]) % _P)


# The chain.
def sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


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
def _differing(stored: Row, told: Row, names: Iterable[str]) -> str:
    return ", ".join(name for name in names if stored[name] != told.get(name))


def act_findings(where: str, columns: Row, body: str) -> Iterator[Finding]:
    """The columns beside an act's text against the text."""
    if wrong := _differing(columns, json.loads(body), ("kind", "subject", "actor", "at")):
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
        if wrong := _differing(row, body, ("version", "revision", "role", "rung")):
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
            wrong = _differing(row, event, ("asset", "failure_mode", "position", "at"))
            if body["event"] != [event["source"], event["external_id"]]:
                wrong = wrong or "event"
            if wrong:
                yield Finding("verdict-columns", where, f"{wrong} differs from the event's")
        if body["context"] not in self._contexts:
            yield Finding("verdict-context", where, "the context that it was given in was altered or removed")
        if body["version"] not in self._versions:
            yield Finding("verdict-version", where, f"policy version {body['version'][:12]} is not stored as it was")


# People and policies. Here and below `acts` are the bodies of the acts on one subject, oldest first.
def person_findings(person: Row, acts: Iterable[Row]) -> Iterator[Finding]:
    """A person's key and roles against what was recorded when they were given."""
    told: Row = {}
    for act in acts:
        told.update(act["detail"])
    if wrong := _differing(person, told, ("public_key", "roles")):
        yield Finding("person", f"person {person['name']}", f"{wrong} is not as recorded")


def policy_findings(policy: Row, acts: Sequence[Row]) -> Iterator[Finding]:
    """A version's row, signatures and assignments against the acts that tell of them."""
    where = f"policy {policy['policy']} {policy['version']}"
    published = [act for act in acts if act["kind"] == "policy-published"]
    told = [(a["actor"], a["detail"]["policy"], a["detail"]["version"], a["detail"]["digest"]) for a in published]
    if told != [(policy["author"], policy["policy"], policy["version"], policy["digest"])]:
        yield Finding("policy-record", where, "author, name or digest is not as recorded when it was published")
    signed = [(a["actor"], a["kind"], a["at"], a["detail"]["signature"]) for a in acts if "signature" in a["detail"]]
    stored = [(one["person"], f"policy-{one['act']}d", one["at"], one["signature"]) for one in policy["signatures"]]
    given = [(a["actor"], a["detail"]) for a in acts if a["kind"] == "policy-assigned"]
    assigned = [(by, one["role"], one["from"], one["line"] or "every line", one["reason"]) for by, one in given]
    held = [(o["by"], o["role"], o["from"], o["line"] or "every line", o["reason"]) for o in policy["assignments"]]
    for what, here, told_of in (("signature", stored, signed), ("assignment", held, assigned)):
        for by, *rest in sorted(set(here) ^ set(told_of)):
            yield Finding("policy-record", where, f"a {what} by {by} ({', '.join(rest[:2])}) is not as recorded")


def approval_findings(policy: Row, keys: dict[str, str]) -> Iterator[Finding]:
    """A version's text against its digest, its signatures against the signers' keys, and who approved it."""
    where = f"policy {policy['policy']} {policy['version']}"
    values = json.loads(policy["values"] or "{}")
    if sha256(policy["values"] or "") != policy["digest"]:
        yield Finding("policy-document", where, f"its text is not the one with digest {policy['digest'][:12]}")
    elif _differing(policy, values, ("policy", "version", "author")):
        yield Finding("policy-record", where, "calls itself something else than the row it is stored in")
    approved = False
    for one in policy["signatures"]:
        statement = "\n".join(("millwright signature 1", policy["digest"], one["act"], one["meaning"], one["at"]))
        try:
            key, signature = bytes.fromhex(keys.get(one["person"], "")), bytes.fromhex(one["signature"])
        except ValueError:
            key = signature = b""
        if not signature_holds(key, statement.encode(), signature):
            yield Finding("policy-signature", where, f"the {one['act']} signature of {one['person']} is forged")
        elif one["act"] == "approve" and one["person"] != policy["author"]:
            approved = True
    if not approved:
        yield Finding("policy-approval", where, f"nobody but its author {policy['author']} approved it")


# Cases and holds.
def case_findings(case: Row, acts: Sequence[Row]) -> Iterator[Finding]:
    """A case's row, order, outcome and labels against its acts."""
    where = f"case {case['id']}"
    opened = [act["detail"] for act in acts if act["kind"] == "case-opened"]
    if len(opened) != 1 or _differing(case, opened[0], ("asset", "failure_mode", "event")):
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
    elif outcome and _differing(outcome, outcome["body"], ("outcome", "cancelled", "found_at")):
        yield Finding("outcome", where, "does not agree with its own text")
    since = acts[found[-1] :] if found else acts
    if case["twin_etag"] != _last([act["detail"]["etag"] for act in since if act["kind"] == "twin-told"]):
        yield Finding("outcome", where, "what the twin was told is not as recorded")
    labels = [act["detail"]["label"] for act in acts if act["kind"] == "label-made"]
    if [label["body"] for label in case["labels"]] != labels:
        yield Finding("label", f"label of case {case['id']}", "is not as recorded")
    for label in case["labels"]:
        if _differing(label, label["body"], ("outcome", "revision")):
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
_UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError)


def guarded(where: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of one row; a row that is not as an export writes it is a finding too."""
    try:
        yield from findings
    except _UNREADABLE as error:
        yield Finding("unreadable", where, f"{type(error).__name__}: {error}")


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
    wrong = _differing(row, {**anomaly, "at": at}, ("asset", "failure_mode", "at"))
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
    keys: dict[str, str] = {}
    for row in _rows(directory, "people.jsonl"):
        keys[row["name"]] = row["public_key"]
        yield from guarded(f"person {row['name']}", person_findings(row, acts.get(f"person/{row['name']}", [])))
    versions = set()
    for row in _rows(directory, "policies.jsonl"):
        wrong = [*guarded(f"policy {row['digest'][:12]}", approval_findings(row, keys))]
        yield from wrong
        own = acts.get(f"policy/{row['digest']}", [])
        yield from guarded(f"policy {row['digest'][:12]}", policy_findings(row, own))
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
    except (OSError, *_UNREADABLE) as error:
        sys.stdout.write(f"unreadable: {asked.directory}: {error}\n")
        return 2
    sys.stdout.write(f"{number} findings\n" if number else "verified: everything agrees\n")
    return 1 if number else 0


if __name__ == "__main__":
    sys.exit(main())
