"""The offline verifier's check of an evidence pack: each part against its hash and against the pack's own chain.

The parts that belong to the ledger (acts, verdicts, and by their digests events, contexts, memories, explanations,
versions and findings) are proved by Merkle paths into ledger rows, which are chained from the first row to the head.
Derived parts (decisions in words, the page) are hashed, and compared with their sources as far as possible.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from millwright.audit.offline_actors import Actors
from millwright.audit.offline_attestations import Attestations, notices
from millwright.audit.offline_cases import case_findings
from millwright.audit.offline_grounds import RUNGS, WorkGrounds, ground_findings
from millwright.audit.offline_hold_grounds import hold_ground_findings, unasked_versions
from millwright.audit.offline_holds import claimed_holds, held_work
from millwright.audit.offline_in_force import FOLLOWED, AssetPlace, InForce, asset_place
from millwright.audit.offline_people import people_findings, person_id
from millwright.audit.offline_placing import freeze_windows, placing_findings
from millwright.audit.offline_policies import policy_findings, signing_findings
from millwright.audit.offline_record import (
    GENESIS,
    Verdicts,
    act_row_findings,
    event_findings,
    merkle_path_root,
    read_head,
)
from millwright.audit.offline_releases import JudgedMachine, note_machine, release_findings, unattended_versions
from millwright.audit.offline_shelving import shelving_findings
from millwright.audit.offline_signatures import OfflineFinding, Row, guarded, sha256
from millwright.audit.offline_test_runs import run_clauses, run_findings
from millwright.audit.offline_times import Times

PACK_FORMAT = "millwright evidence 2"
PACK_BEGINS = '<script type="application/json" id="evidence-pack">'
PACK_ENDS = "</script>"
_PARTS = {
    "acts",
    "cases",
    "contexts",
    "decisions",
    "events",
    "explanations",
    "holds",
    "judged",
    "ledger",
    "outline",
    "people",
    "policies",
    "suppressions",
    "verdicts",
}


def hashed_text(value: object) -> str:
    """The hashed form of a part of a pack: sorted, without spaces, in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def page_of(html: str) -> tuple[str, str]:
    """The pack that is embedded in a page, and the page without it.

    Raises:
        ValueError: the page has no pack.
    """
    before, begins, rest = html.partition(PACK_BEGINS)
    pack, ends, after = rest.partition(PACK_ENDS)
    if not begins or not ends:
        raise ValueError("the page carries no evidence pack")
    return pack, before + begins + ends + after


def verify_pack(file: Path, published: str | None = None, told: list[str] | None = None) -> Iterator[OfflineFinding]:
    """All findings of a pack, and of its page if it is beside the pack; for a page, those of the embedded pack.

    Args:
        file: what `millwright audit evidence` wrote, the JSON or the HTML.
        published: a published head, `SEQ:HASH`.
        told: gets sentences on what is no finding.

    Raises:
        OSError: the file is missing.
        ValueError: it is no pack.
    """
    text = file.read_text(encoding="utf-8")
    page = text if file.suffix == ".html" else None
    beside = file.with_suffix(".html")
    if page is None and beside.exists():
        page = beside.read_text(encoding="utf-8")
    if page is not None:
        carried, without = page_of(page)
        if file.suffix == ".html":
            text = carried
        elif sha256(carried) != sha256(text):
            yield OfflineFinding("page", beside.name, "carries another pack than the JSON beside it")
        if sha256(without) != json.loads(text)["page"]:
            yield OfflineFinding("page", beside.name, "what it shows was altered after the pack was made")
    yield from pack_findings(json.loads(text), published, told)


def pack_findings(pack: Row, published: str | None = None, told: list[str] | None = None) -> Iterator[OfflineFinding]:
    """All findings of a parsed pack.

    Raises:
        ValueError: it is no pack.
    """
    if pack.get("format") != PACK_FORMAT:
        raise ValueError(f"is not of the format {PACK_FORMAT!r}")
    parts: Row = pack["parts"]
    for name in sorted(_PARTS | set(parts) | set(pack["hashes"])):
        if name not in parts or name not in _PARTS or sha256(hashed_text(parts[name])) != pack["hashes"].get(name):
            yield OfflineFinding("part", name, "was altered, added or removed after the pack was made")
    about = {name: value for name, value in pack.items() if name not in ("parts", "about", "page")}
    if sha256(hashed_text(about)) != pack["about"]:
        yield OfflineFinding("part", "head and subject", "were altered after the pack was made")
    rows = {row["seq"]: row for row in parts["ledger"]}
    yield from _pack_chain(parts["ledger"], pack["head"], published)
    yield from guarded("clock", _pack_times(parts))
    for kind in ("act", "verdict"):
        for row in parts[f"{kind}s"]:
            where = f"{kind} {row['id']}"
            yield from guarded(where, _leaf_findings(where, row, rows))
    acts: dict[str, list[Row]] = {}
    actors = Actors()
    attestations, ledger = Attestations(actors.recorded), iter(parts["ledger"])
    in_order = sorted(parts["acts"], key=lambda row: (row["seq"], row["leaf"]))
    for number, row in enumerate(in_order):
        yield from attestations.rows(ledger, row["seq"])
        wrong = [*guarded(f"act {row['id']}", act_row_findings(row))]
        yield from wrong
        if all(finding.kind != "unreadable" for finding in wrong):
            body = json.loads(row["body"])
            where = f"act {row['id']} ({row['kind']} {row['subject']})"
            yield from guarded(where, actors.follow(where, body))
            yield from guarded(where, attestations.act(where, body))
            acts.setdefault(row["subject"], []).append({**body, "number": number, "seq": row["seq"]})
    yield from attestations.rows(ledger, None)
    if told is not None:
        told += notices(actors, attestations)
    yield from guarded("signers", _pack_signers(parts, acts))
    yield from guarded("verdicts", _pack_verdicts(parts, acts))
    yield from guarded("work of cases", _pack_work(parts, acts))
    yield from guarded("shelves and windows", shelving_findings(parts["suppressions"], acts, parts["verdicts"]))


def _pack_chain(rows: Sequence[Row], head: Row, published: str | None) -> Iterator[OfflineFinding]:
    last, previous, known = 0, GENESIS, read_head(published)
    for row in rows:
        where = f"ledger row {row['seq']}"
        if row["seq"] != last + 1:
            yield OfflineFinding("ledger-gap", where, f"follows row {last}")
        if row["previous"] != previous:
            yield OfflineFinding("ledger-chain", where, "is not chained to the row before it")
        hashed = {name: row[name] for name in ("seq", "at", "leaves", "root", "previous")}
        if sha256(hashed_text(hashed)) != row["hash"]:
            yield OfflineFinding("ledger-hash", where, "its hash is not that of its content")
        last, previous = row["seq"], row["hash"]
        if known is not None and known[0] == last and known[1] != previous:
            yield OfflineFinding("published-head", where, "has another hash than was published: history was rewritten")
    if (head["seq"], head["hash"]) != (last, previous):
        yield OfflineFinding("head", "ledger head", f"is not the last row, {last}:{previous}")
    if known is not None and known[0] > last:
        yield OfflineFinding(
            "published-head", f"ledger row {last}", f"is the last, and {published} was published before"
        )


def _pack_times(parts: Row) -> Iterator[OfflineFinding]:
    """Checks the times of all rows from the pack's first verdict on."""
    acts: dict[int, list[tuple[str, str]]] = {}
    for act in parts["acts"]:
        acts.setdefault(act["seq"], []).append((f"act {act['id']} ({act['kind']} {act['subject']})", act["at"]))
    judged: dict[int, list[str]] = {}
    for verdict in parts["verdicts"]:
        judged.setdefault(verdict["seq"], []).append(f"verdict {verdict['id']}")
    times = Times()
    for row in parts["ledger"]:
        seq = row["seq"]
        yield from times.follow(seq, row["at"], acts.get(seq, []), judged=judged.get(seq, []))


def _leaf_findings(where: str, row: Row, rows: dict[int, Row]) -> Iterator[OfflineFinding]:
    ledger = rows.get(row["seq"])
    if ledger is None:
        yield OfflineFinding("ledger-proof", where, f"belongs to ledger row {row['seq']}, which is not there")
        return
    try:
        root = merkle_path_root(sha256(row["body"]), row["leaf"], ledger["leaves"], row["path"])
    except (ValueError, IndexError):
        root = "none"
    if root != ledger["root"]:
        yield OfflineFinding("ledger-proof", where, f"is not what ledger row {row['seq']} vouches for")


def _pack_signers(parts: Row, acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    people: dict[str, Row] = {person_id(row): row for row in parts["people"]}
    yield from guarded("people", people_findings([*people.values()], acts))
    for row in parts["policies"]:
        where = f"policy {row['policy']} {row['version']}"
        yield from guarded(where, signing_findings(row, parts["policies"], people))
        own, drafts = acts.get(f"policy/{row['digest']}", []), acts.get(f"draft/{row['policy']}/{row['version']}", [])
        yield from guarded(where, policy_findings(row, own, drafts))
        yield from guarded(where, placing_findings(row, parts["policies"], own, freeze_windows(acts)))


def _pack_verdicts(parts: Row, acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    events: dict[int, Row] = {}
    for row in parts["events"]:
        yield from guarded(f"event {row['id']}", event_findings(row))
        events[row["id"]] = {**row, "digest": sha256(row["anomaly"])}
    stood: dict[str, AssetPlace | None] = {}
    for row in parts["contexts"]:
        stood[sha256(row["body"])] = asset_place(row["body"])
        if sha256(row["body"]) != row["digest"]:
            yield OfflineFinding("context", f"context {row['digest'][:12]}", "its text was altered")
    verdicts = Verdicts(events, stood, {policy["digest"] for policy in parts["policies"]}, None)
    bodies: dict[int, Row] = {}
    judged: dict[JudgedMachine, str] = {}
    for row in parts["verdicts"]:
        yield from guarded(f"verdict {row['id']}", verdicts.check(row))
        yield from guarded(f"verdict {row['id']}", _began_with(row))
        yield from guarded(f"verdict {row['id']}", note_machine(row, stood, judged))
        bodies[row["id"]] = row
    yield from _pack_standing(parts, acts, stood)
    yield from _pack_releases(parts, acts, judged)
    for decision in parts["decisions"]:
        yield from guarded(f"decision on verdict {decision['verdict']}", _shown_decision_findings(decision, bodies))


def _pack_standing(
    parts: Row, acts: dict[str, list[Row]], stood: dict[str, AssetPlace | None]
) -> Iterator[OfflineFinding]:
    """Compares the verdicts, in the order of the ledger, with the versions in force by the acts."""
    lives = sorted((act for told in acts.values() for act in told), key=lambda act: act["number"])
    in_force = InForce((act["seq"], act) for act in lives if act["kind"].startswith(FOLLOWED))
    recorded = {row["seq"]: row["at"] for row in parts["ledger"]}
    for row in sorted(parts["verdicts"], key=lambda row: (row["seq"], row["leaf"])):
        yield from guarded(f"verdict {row['id']}", in_force.findings(row, stood, recorded.get(row["seq"])))


def _pack_releases(
    parts: Row, acts: dict[str, list[Row]], judged: dict[JudgedMachine, str]
) -> Iterator[OfflineFinding]:
    """Checks why the holds of the pack were placed, their releases without a person, and what their test runs had to
    prove. The pack has only the verdicts of its cases, so the readings of a proof are compared in an export."""
    people: dict[str, Row] = {person_id(row): row for row in parts["people"]}
    held = {key for case in parts["cases"] for key in claimed_holds(acts.get(f"case/{case['id']}", []))}
    of_cases = [own for subject, own in acts.items() if subject.startswith("case/")]
    policies = parts["policies"]
    for finding in (
        *release_findings(of_cases, unattended_versions(policies, people), judged),
        *hold_ground_findings(of_cases, unasked_versions(policies, people), judged),
        *run_findings(of_cases, run_clauses(policies), judged),
    ):
        if finding.where.removeprefix("hold ") in held:
            yield finding


def _began_with(row: Row) -> Iterator[OfflineFinding]:
    if sha256(row["memory_before"]) != json.loads(row["body"])["before"]:
        yield OfflineFinding("verdict-memory", f"verdict {row['id']}", "the memory that it began with was altered")


def _shown_decision_findings(shown: Row, verdicts: dict[int, Row]) -> Iterator[OfflineFinding]:
    where = f"decision on verdict {shown['verdict']}"
    row = verdicts.get(shown["verdict"])
    if row is None:
        yield OfflineFinding("decision", where, "no such verdict is in the pack")
        return
    body = json.loads(row["body"])
    told = [shown["rule"], shown["rung"], shown["severity"], shown["priority"], shown["digest"], shown["revision"]]
    meant = [body["rule"], RUNGS[body["rung"]], body["severity"], body["priority"], body["version"], body["revision"]]
    if told != meant:
        yield OfflineFinding("decision", where, "what is told of it is not what the verdict says")


def _pack_work(parts: Row, acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    there: set[str] = set()
    grounds = WorkGrounds(acts, parts["verdicts"], whole=False)
    for case in parts["cases"]:
        there.add(f"case/{case['id']}")
        own = acts.get(f"case/{case['id']}", [])
        yield from guarded(f"case {case['id']}", case_findings(case, own))
        yield from guarded(f"case {case['id']}", ground_findings(case, own, grounds))
    for subject in sorted({f"case/{case_id}" for case_id in parts["outline"]["cases"]} - there):
        yield OfflineFinding("case", subject.replace("/", " "), "belongs to the pack and is gone")
    yield from _pack_explanations(parts, acts)
    claimed = {key for case in parts["cases"] for key in claimed_holds(acts.get(f"case/{case['id']}", []))}
    yield from held_work(parts["holds"], acts.values(), claimed)


def _pack_explanations(parts: Row, acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    kept: dict[int, str] = {}
    for row in parts["explanations"]:
        where = f"explanation of verdict {row['verdict']}"
        kept[row["verdict"]] = row["digest"]
        if hashlib.sha256(row["body"].encode()).hexdigest() != row["digest"]:
            yield OfflineFinding("explanation", where, "its text was altered")
    for subject, told in acts.items():
        for act in told:
            if act["kind"] == "verdict-explained" and subject in {f"case/{case['id']}" for case in parts["cases"]}:
                verdict = act["detail"]["verdict"]
                if kept.get(verdict) != act["detail"]["digest"]:
                    what = "is not the one that was recorded, or is gone"
                    yield OfflineFinding("explanation", f"explanation of verdict {verdict}", what)
