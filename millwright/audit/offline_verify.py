"""Verifies an export or evidence pack of Millwright with only standard Python (3.9 or newer) and this file.

    python offline_verify.py DIRECTORY [--head SEQ:HASH]     an exported record
    python offline_verify.py PACK.json [--head SEQ:HASH]     an evidence pack, or its page PACK.html

Exits 0 if everything agrees, 1 with every finding named, 2 if it cannot be read. It checks the hash
chain and its Merkle roots, every digest, every column beside the hashed text, that memories follow each other, the
signatures (Ed25519, RFC 8032), that enough people other than its authors approved each policy version, that each
assignment is what somebody signed, that the installation attested what people did with an API key alone, that each
verdict was given by a version that was in force there and then and was told what the register said and what had been
read of its machine, if it was told that, and that kill
switches, freezes, shelves, windows, cases, orders, holds, outcomes and labels are as in the acts, and that no crew got
more new orders than the versions say. Give the published
head: without it the removal of the newest rows is not found. Verdicts are not judged again, which needs the rule
engine (`millwright audit verify`).
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from millwright.audit.offline_actors import Actors
from millwright.audit.offline_admissions import admission_findings, capacity_clauses
from millwright.audit.offline_attestations import Attestations, key_findings, notices
from millwright.audit.offline_autonomy import autonomy_findings, autonomy_subject
from millwright.audit.offline_cases import case_findings
from millwright.audit.offline_equipment import Equipment
from millwright.audit.offline_grounds import WorkGrounds, ground_findings
from millwright.audit.offline_hold_grounds import hold_ground_findings, unasked_versions
from millwright.audit.offline_holds import held_work
from millwright.audit.offline_in_force import FOLLOWED, AssetPlace, InForce, asset_place
from millwright.audit.offline_maintenance import MAINTENANCE_READ, WorkThen
from millwright.audit.offline_normals import normal_clauses, normal_findings
from millwright.audit.offline_operating import OPERATING_READ, MachinesThen
from millwright.audit.offline_pack import verify_pack
from millwright.audit.offline_people import people_findings, person_id
from millwright.audit.offline_placing import freeze_windows, placing_findings
from millwright.audit.offline_policies import policy_findings, signing_findings
from millwright.audit.offline_record import (
    GENESIS,
    Verdicts,
    act_row_findings,
    event_findings,
    merkle_root,
    read_head,
)
from millwright.audit.offline_register import FOLLOWED_REGISTER, AssetsThen, asset_context
from millwright.audit.offline_releases import JudgedMachine, note_machine, release_findings, unattended_versions
from millwright.audit.offline_shelving import shelving_findings
from millwright.audit.offline_signatures import UNREADABLE, OfflineFinding, Row, guarded, sha256
from millwright.audit.offline_stops import stop_findings, stop_subject
from millwright.audit.offline_test_runs import ProofReadings, run_clauses, run_findings
from millwright.audit.offline_times import Times
from millwright.audit.offline_walk_downs import WALK_DOWN, Proofs, WalkDownActs, walk_down_findings


# The chain.
def _chain(
    rows: Iterable[Row], leaves: Iterator[tuple[int, int, str, str]], manifest: Row, published: str | None
) -> Iterator[OfflineFinding]:
    """Checks each row of the ledger against its leaves (seq, leaf, digest, name)."""
    last, previous, pending, known = 0, GENESIS, next(leaves, None), read_head(published)
    for row in rows:
        seq, where = row["seq"], f"ledger row {row['seq']}"
        if seq != last + 1:
            yield OfflineFinding("ledger-gap", where, f"follows row {last}")
        if row["previous"] != previous:
            yield OfflineFinding("ledger-chain", where, "is not chained to the row before it")
        hashed = {name: row[name] for name in ("seq", "at", "leaves", "root", "previous")}
        if sha256(json.dumps(hashed, sort_keys=True, separators=(",", ":"))) != row["hash"]:
            yield OfflineFinding("ledger-hash", where, "its hash is not that of its content")
        own: list[str] = []
        while pending is not None and pending[0] <= seq:
            if pending[0] < seq:
                yield OfflineFinding("orphan", pending[3], f"belongs to ledger row {pending[0]}, which is not there")
            else:
                if pending[1] != len(own):
                    yield OfflineFinding("ledger-leaf", where, f"leaf {len(own)} is missing before {pending[3]}")
                own.append(pending[2])
            pending = next(leaves, None)
        if len(own) != row["leaves"]:
            yield OfflineFinding(
                "ledger-leaf", where, f"had {row['leaves']} leaves and has {len(own)}: one was removed"
            )
        elif merkle_root(own) != row["root"]:
            yield OfflineFinding("ledger-root", where, "its root is not that of the verdicts and acts stored for it")
        if known is not None and known[0] == seq and known[1] != row["hash"]:
            yield OfflineFinding("published-head", where, "has another hash than was published: history was rewritten")
        last, previous = seq, row["hash"]
    while pending is not None:
        yield OfflineFinding("orphan", pending[3], f"belongs to ledger row {pending[0]}, which is not there")
        pending = next(leaves, None)
    if (manifest["head"]["seq"], manifest["head"]["hash"]) != (last, previous):
        yield OfflineFinding("head", "ledger head", f"is not the last row, {last}:{previous}")
    if known is not None and known[0] > last:
        yield OfflineFinding(
            "published-head", f"ledger row {last}", f"is the last, but {published} was published: cut off"
        )


# The export.
def _rows(directory: Path, name: str) -> Iterator[Row]:
    with (directory / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _files(directory: Path, manifest: Row) -> Iterator[OfflineFinding]:
    for name, known in manifest["files"].items():
        with (directory / name).open("rb") as file:
            found = hashlib.sha256()
            for block in iter(lambda: file.read(1 << 20), b""):
                found.update(block)
        if found.hexdigest() != known["sha256"]:
            yield OfflineFinding("file", name, "was altered after the export")


def verify(directory: Path, published: str | None = None, told: list[str] | None = None) -> Iterator[OfflineFinding]:
    """All findings of an export.

    Args:
        directory: the directory of `millwright audit export`.
        published: a published head, `SEQ:HASH`.
        told: gets sentences on what is no finding.

    Raises:
        OSError: a file is missing.
        ValueError: a line is no JSON.
    """
    manifest: Row = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    yield from _files(directory, manifest)
    acts: dict[str, list[Row]] = {}
    lives: list[tuple[int, Row]] = []
    register: list[tuple[int, Row]] = []
    readings: list[tuple[int, Row]] = []
    histories: list[tuple[int, Row]] = []
    actors, equipment = Actors(), Equipment()
    walk_downs, proofs = WalkDownActs(actors.recorded), Proofs()
    attestations, ledger = Attestations(actors.recorded), _rows(directory, "ledger.jsonl")
    for number, row in enumerate(_rows(directory, "acts.jsonl")):
        yield from attestations.rows(ledger, row["seq"])
        wrong = [*guarded(f"act {row['id']}", act_row_findings(row))]
        yield from wrong
        if all(finding.kind != "unreadable" for finding in wrong):
            body = json.loads(row["body"])
            where = f"act {row['id']} ({row['kind']} {row['subject']})"
            yield from guarded(where, actors.follow(where, body))
            yield from guarded(where, attestations.act(where, body))
            yield from guarded(where, equipment.follow(body))
            yield from guarded(where, walk_downs.follow(where, body))
            yield from guarded(where, proofs.follow(body))
            acts.setdefault(row["subject"], []).append({**body, "number": number})
            if row["kind"].startswith(FOLLOWED):
                lives.append((row["seq"], body))
            if row["kind"] in FOLLOWED_REGISTER:
                register.append((row["seq"], body))
            if row["kind"] == OPERATING_READ:
                readings.append((row["seq"], body))
            if row["kind"] == MAINTENANCE_READ:
                histories.append((row["seq"], body))
    yield from attestations.rows(ledger, None)
    if told is not None:
        told += notices(actors, attestations)
    if (directory / "installation_keys.jsonl").exists():
        rows = [*_rows(directory, "installation_keys.jsonl")]
        yield from guarded("installation keys", key_findings(rows, attestations.recorded))
    elif attestations.recorded:
        yield OfflineFinding("installation-key", "installation_keys.jsonl", "is gone")
    yield from _chain(_rows(directory, "ledger.jsonl"), _leaves(directory), manifest, published)
    yield from guarded("clock", _clock(directory))
    people: dict[str, Row] = {person_id(row): row for row in _rows(directory, "people.jsonl")}
    yield from guarded("people", people_findings([*people.values()], acts))
    versions = set()
    policies = [*_rows(directory, "policies.jsonl")]
    windows = freeze_windows(acts)
    for row in policies:
        wrong = [*guarded(f"policy {row['digest'][:12]}", signing_findings(row, policies, people))]
        yield from wrong
        own, drafts = acts.get(f"policy/{row['digest']}", []), acts.get(f"draft/{row['policy']}/{row['version']}", [])
        yield from guarded(f"policy {row['digest'][:12]}", policy_findings(row, own, drafts))
        yield from guarded(f"policy {row['digest'][:12]}", placing_findings(row, policies, own, windows))
        if all(finding.kind not in ("policy-document", "unreadable") for finding in wrong):
            versions.add(row["digest"])
    judged: dict[JudgedMachine, str] = {}
    then = AssetsThen(register), MachinesThen(readings), WorkThen(histories)
    of_cases = [own for subject, own in acts.items() if subject.startswith("case/")]
    proofs_read = ProofReadings(of_cases)
    noted = _Noted(judged, proofs_read)
    yield from _verdicts(directory, versions, manifest["empty_memory"], InForce(lives), then, noted)
    yield from guarded("holds", release_findings(of_cases, unattended_versions(policies, people), judged))
    yield from guarded("holds", hold_ground_findings(of_cases, unasked_versions(policies, people), judged))
    yield from guarded("holds", run_findings(of_cases, run_clauses(policies), judged))
    yield from guarded("holds", proofs_read.findings())
    yield from guarded("cases", normal_findings(of_cases, normal_clauses(policies)))
    yield from guarded("crews", admission_findings(of_cases, capacity_clauses(policies), judged))
    yield from guarded("autonomy", _autonomy(directory, acts, people))
    yield from guarded("stops and freezes", _stops(directory, acts))
    yield from guarded("shelves and windows", _shelving(directory, acts))
    yield from guarded("work of cases", _case_work(directory, acts))
    yield from guarded("walk-downs", _walk_downs(directory, acts))


class _Noted(NamedTuple):
    """What verdicts are noted for, beside their own check."""

    judged: dict[JudgedMachine, str]
    proofs: ProofReadings


def _verdicts(
    directory: Path,
    versions: set[str],
    empty_memory: str,
    in_force: InForce,
    then: tuple[AssetsThen, MachinesThen, WorkThen],
    noted: _Noted,
) -> Iterator[OfflineFinding]:
    events: dict[int, Row] = {}
    for row in _rows(directory, "events.jsonl"):
        yield from guarded(f"event {row['id']}", event_findings(row))
        events[row["id"]] = {**row, "anomaly": None, "digest": sha256(row["anomaly"])}
    stood: dict[str, AssetPlace | None] = {}
    contexts: dict[str, Row | None] = {}
    for row in _rows(directory, "contexts.jsonl"):
        stood[sha256(row["body"])] = asset_place(row["body"])
        contexts[sha256(row["body"])] = asset_context(row["body"])
        if sha256(row["body"]) != row["digest"]:
            yield OfflineFinding("context", f"context {row['digest'][:12]}", "its text was altered")
    recorded = {row["seq"]: row["at"] for row in _rows(directory, "ledger.jsonl")}
    verdicts, judged = Verdicts(events, stood, versions, empty_memory), set()
    for row in _rows(directory, "verdicts.jsonl"):
        if row["role"] == "active":
            judged.add(row["event"])
        yield from guarded(f"verdict {row['id']}", verdicts.check(row))
        yield from guarded(f"verdict {row['id']}", in_force.findings(row, stood, recorded.get(row["seq"])))
        yield from guarded(f"verdict {row['id']}", note_machine(row, stood, noted.judged))
        yield from guarded(f"verdict {row['id']}", noted.proofs.note(row))
        for follower in then:
            yield from guarded(f"verdict {row['id']}", follower.findings(row, contexts))
    for number, event in events.items():
        if event["fate"] == "decided" and number not in judged:
            name = f"event {event['source']}|{event['external_id']}"
            yield OfflineFinding("event", name, "was decided, and there is no verdict of an active version on it")


def _leaves(directory: Path) -> Iterator[tuple[int, int, str, str]]:
    """Seq, leaf, digest and name of verdicts and acts, in order; each file is in that order by itself."""

    def named(kind: str) -> Iterator[tuple[int, int, str, str]]:
        for row in _rows(directory, f"{kind}s.jsonl"):
            yield row["seq"], row["leaf"], sha256(row["body"]), f"{kind} {row['id']}"

    return heapq.merge(named("verdict"), named("act"))


def _clock(directory: Path) -> Iterator[OfflineFinding]:
    times, leaves = Times(), _timed_leaves(directory)
    leaf = next(leaves, None)
    for row in _rows(directory, "ledger.jsonl"):
        acts, judged = [], []
        while leaf is not None and leaf[0] <= row["seq"]:
            _, name, at = leaf
            if at is None:
                judged.append(name)
            else:
                acts.append((name, at))
            leaf = next(leaves, None)
        yield from times.follow(row["seq"], row["at"], acts, judged=judged)


def _timed_leaves(directory: Path) -> Iterator[tuple[int, str, str | None]]:
    """Row, name and time of each verdict and act, in the order of rows; a verdict has the time of its row."""
    verdicts = ((row["seq"], f"verdict {row['id']}", None) for row in _rows(directory, "verdicts.jsonl"))
    acts = (
        (row["seq"], f"act {row['id']} ({row['kind']} {row['subject']})", row["at"])
        for row in _rows(directory, "acts.jsonl")
    )
    return heapq.merge(verdicts, acts, key=lambda leaf: leaf[0])


def _autonomy(directory: Path, acts: dict[str, list[Row]], people: dict[str, Row]) -> Iterator[OfflineFinding]:
    moves: dict[str, list[Row]] = {subject: [] for subject in acts if subject.startswith("autonomy/")}
    for row in _rows(directory, "autonomy.jsonl"):
        moves.setdefault(autonomy_subject(row), []).append(row)
    for subject, rows in sorted(moves.items()):
        where = subject.replace("/", " ")
        yield from guarded(where, autonomy_findings(subject, rows, acts.get(subject, []), people))


def _stops(directory: Path, acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    files: dict[str, list[Row]] = {
        stop_or_freeze: [] for stop_or_freeze in acts if stop_or_freeze.startswith(("stop/", "freeze/"))
    }
    for row in _rows(directory, "stops.jsonl"):
        files.setdefault(stop_subject(row), []).append(row)
    for subject, rows in sorted(files.items()):
        yield from guarded(subject.replace("/", " "), stop_findings(subject, rows, acts.get(subject, [])))


def _walk_downs(directory: Path, acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    files: dict[str, list[Row]] = {subject: [] for subject in acts if subject.startswith(WALK_DOWN)}
    # An earlier build's export has no such file.
    for row in _rows(directory, "walk_downs.jsonl") if (directory / "walk_downs.jsonl").exists() else ():
        files.setdefault(f"{WALK_DOWN}{row['key']}", []).append(row)
    for subject, rows in sorted(files.items()):
        key = subject.removeprefix(WALK_DOWN)
        yield from guarded(f"walk-down {key}", walk_down_findings(key, rows, acts.get(subject, [])))


def _shelving(directory: Path, acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    shelves = [*_rows(directory, "suppressions.jsonl")]
    held = {
        (held_row["event"], held_row["version"], held_row["revision"]) for row in shelves for held_row in row["held"]
    }
    verdicts = (
        {**row, "memory": ""}
        for row in _rows(directory, "verdicts.jsonl")
        if (row["event"], row["version"], row["revision"]) in held
    )
    yield from shelving_findings(shelves, acts, verdicts, whole=True)


def _case_work(directory: Path, acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    there = set()
    named = {
        tuple(act["detail"]["event"][:2])
        for told in acts.values()
        for act in told
        if act.get("kind") in ("case-opened", "case-raised")
    }
    grounds = WorkGrounds(acts, _verdicts_on(directory, named), whole=True)
    for case in _rows(directory, "cases.jsonl"):
        there.add(f"case/{case['id']}")
        own = acts.get(f"case/{case['id']}", [])
        yield from guarded(f"case {case['id']}", case_findings(case, own))
        yield from guarded(f"case {case['id']}", ground_findings(case, own, grounds))
    for subject, told in acts.items():
        if subject not in there and any(act.get("kind") == "case-opened" for act in told):
            yield OfflineFinding("case", subject.replace("/", " "), "was recorded and is gone")
    yield from held_work(_rows(directory, "holds.jsonl"), acts.values())


def _verdicts_on(directory: Path, events: set[tuple[str, ...]]) -> Iterator[Row]:
    """The verdicts on these events. One that cannot be read is reported elsewhere."""
    for row in _rows(directory, "verdicts.jsonl"):
        try:
            wanted = tuple(json.loads(row["body"])["event"]) in events
        except UNREADABLE:
            continue
        if wanted:
            yield row


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks the files of the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Checks an exported Millwright record, or an evidence pack.")
    parser.add_argument("written", type=Path, metavar="DIRECTORY|PACK")
    parser.add_argument("--head", metavar="SEQ:HASH", help="a head that was published")
    asked = parser.parse_args(arguments)
    try:
        read_head(asked.head)
    except ValueError as error:
        parser.error(f"--head {error}")
    number, told = 0, list[str]()
    check = verify if asked.written.is_dir() else verify_pack
    try:
        for finding in check(asked.written, asked.head, told):
            number += 1
            sys.stdout.write(f"{finding.kind}: {finding.where}: {finding.what}\n")
    except (OSError, *UNREADABLE) as error:
        sys.stdout.write(f"unreadable: {asked.written}: {error}\n")
        return 2
    result = f"{number} findings" if number else "verified: everything agrees"
    sys.stdout.write("; ".join([result, *told]) + "\n")
    return 1 if number else 0


if __name__ == "__main__":
    sys.exit(main())
