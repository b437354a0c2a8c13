"""The evidence pack: the evidence for a case, or for a version's decisions, in one JSON file and one page."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import canonical, merkle_path, sha256, timestamp
from domain.errors import ActRejected
from domain.keys import suppression_subject
from domain.model import Model
from domain.verdict import Memory, Rung
from millwright.audit.approvals import version_files
from millwright.audit.evidence_page import write_page
from millwright.audit.exporting import (
    act_line,
    context_line,
    event_line,
    ledger_line,
    stand_alone_verifier,
    verdict_line,
)
from millwright.audit.offline_pack import PACK_BEGINS, PACK_FORMAT, hashed_text
from millwright.audit.offline_signatures import Row
from millwright.explaining.consequences import consequences
from millwright.explaining.decisions import Explainer
from millwright.storage.audit.case_record import case_files, hold_files
from millwright.storage.audit.evidence import (
    DECIDING,
    EVERY_WAY,
    cases_sharing_holds,
    events_of_cases,
    explanations_of,
    leaves_of_rows,
    some_events,
)
from millwright.storage.audit.person_record import person_files
from millwright.storage.audit.questions import acts_on, cases_of_version, judged_by, version_named
from millwright.storage.audit.reasons import deciding_event, entries_of, find
from millwright.storage.audit.record import Record, read_record
from millwright.storage.audit.record_rows import ActRow, ContextRow, VerdictRow, VersionRow
from millwright.storage.audit.shelving_record import around_cases, under_version
from millwright.storage.reporting.case_lists import whole_case
from policies.engine.catalogue import Catalogue
from policies.engine.engine_mark import engine_mark

VERIFIER = "offline_verify.py"
_EMPTY = canonical(Memory()).decode()


class Packed(Model):
    """The files of a pack, and the SHA-256 of the JSON."""

    json_file: Path
    page: Path
    verifier: Path
    sha256: str
    head: str
    cases: int
    verdicts: int
    acts: int


async def write_evidence(
    engine: AsyncEngine, catalogue: Catalogue, ref: str, out: Path, now: datetime, zone: ZoneInfo
) -> Packed:
    """Writes the evidence for a case, or for a version and its decisions: JSON, page, and the verifier.

    Args:
        ref: a case, or an order, hold or event of one; or a version.
        out: a directory, or the file's name with `.json` or `.html`; both are written.
        zone: the site's time zone, in which the page shows signatures.

    Raises:
        ActRejected: the reference is unknown, or has no case.
        OSError: the files cannot be written.
        StorageUnavailable: the database does not answer.
    """
    pack = await gather(engine, catalogue, ref, now, zone)
    subject = pack["subject"]
    stem = (
        out.with_suffix("") if out.suffix in (".json", ".html") else out / f"evidence-{subject['id']}".replace("@", "-")
    )
    stem.parent.mkdir(parents=True, exist_ok=True)
    text, page = sealed(pack)
    files = [stem.parent / f"{stem.name}{suffix}" for suffix in (".json", ".html")]
    files[0].write_text(text, encoding="utf-8", newline="")
    files[1].write_text(page, encoding="utf-8", newline="")
    verifier = stem.parent / VERIFIER
    verifier.write_text(stand_alone_verifier(), encoding="utf-8")
    parts = pack["parts"]
    return Packed(
        json_file=files[0],
        page=files[1],
        verifier=verifier,
        sha256=sha256(text.encode()),
        head=f"{pack['head']['seq']}:{pack['head']['hash']}",
        cases=len(parts["cases"]),
        verdicts=len(parts["verdicts"]),
        acts=len(parts["acts"]),
    )


def sealed(pack: Row) -> tuple[str, str]:
    """A pack's text with the hashes of all parts and of its page, and the page that contains this text."""
    pack = {**pack, "hashes": {name: sha256(hashed_text(part).encode()) for name, part in pack["parts"].items()}}
    pack["about"] = sha256(hashed_text({name: value for name, value in pack.items() if name != "parts"}).encode())
    page = write_page(pack)
    pack["page"] = sha256(page.encode())
    text = hashed_text(pack)
    for sign in "<>&":
        # These occur only within strings. Escaped, the same bytes are valid as JSON and as the content of a script
        # element.
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    head, _, tail = page.partition(PACK_BEGINS)
    return text, f"{head}{PACK_BEGINS}{text}{tail}"


async def gather(engine: AsyncEngine, catalogue: Catalogue, ref: str, now: datetime, zone: ZoneInfo) -> Row:
    """A pack without its hashes, of one snapshot of the record.

    Raises:
        ActRejected: the reference is unknown, or has no case.
        StorageUnavailable: the database does not answer.
    """
    async with read_record(engine) as record:
        version, cases = await _subject(record, ref)
        sentences = await _sentences(engine, record, cases)
        parts = await _parts(record, catalogue, version, cases)
        head = await record.head()
    name = f"{version.policy}@{version.version}" if version is not None else cases[0]
    parts["outline"] = {"cases": cases, "sentences": sentences}
    plain: Row = json.loads(canonical(parts))
    return {
        "format": PACK_FORMAT,
        "subject": {"kind": "case" if version is None else "version", "id": name},
        "made_at": timestamp(now),
        "time_zone": zone.key,
        "engine": engine_mark().model_dump(),
        "head": {"seq": head.seq, "hash": head.hash},
        "empty_memory": _EMPTY,
        "parts": plain,
    }


async def _subject(record: Record, ref: str) -> tuple[VersionRow | None, list[str]]:
    """The version with all its cases, or one case."""
    try:
        version = await version_named(record, ref)
    except ActRejected:
        found = await find(record, ref)
        case = found.case
        if case is None and found.event is not None:
            case = await _case_of(record, found.event)
        if case is None:
            raise ActRejected(
                f"no case came of {ref}", field="ref", fix=f"`millwright audit ask not-done {ref}`"
            ) from None
        return None, [case]
    return version, await cases_of_version(record, version.digest)


async def _case_of(record: Record, event: int) -> str | None:
    entries = await entries_of(record, event)
    return entries[-1].case if entries else None


async def _sentences(engine: AsyncEngine, record: Record, cases: Sequence[str]) -> dict[str, list[str]]:
    """Each case in sentences."""
    told: dict[str, list[str]] = {}
    for case in cases:
        event = await deciding_event(record, case)
        told[case] = list(consequences(await whole_case(engine, case), event or 0).sentences)
    return told


async def _parts(record: Record, catalogue: Catalogue, version: VersionRow | None, cases: Sequence[str]) -> Row:
    events = await events_of_cases(record, cases, EVERY_WAY if version is None else DECIDING)
    verdicts = [row for event in events for row in await record.verdicts_on(event)]
    explainer = Explainer(record, catalogue)
    decisions = [decision for event in events for decision in await explainer.decisions(event)]
    policies, people = await version_files(record), await person_files(record)
    others = await cases_sharing_holds(record, cases)
    subjects = {f"case/{case}" for case in (*cases, *others)} | await record.subjects("person")
    subjects |= {f"policy/{policy['digest']}" for policy in policies}
    subjects |= await record.subjects("freeze", "installation-key")
    subjects |= {f"draft/{policy['policy']}/{policy['version']}" for policy in policies}
    shelves = await (around_cases(record, cases) if version is None else under_version(record, version.digest))
    subjects |= {suppression_subject(str(shelf["id"])) for shelf in shelves}
    subjects |= {f"event/{number}" for number in _held_back(shelves)}
    files = [case_file async for page in case_files(record, cases) for case_file in page]
    subjects |= {"register", *(f"asset/{case_file['asset']}" for case_file in files)}
    acts = [act for act in await acts_on(record, sorted(subjects)) if _concerns(act, version)]
    leaves = await leaves_of_rows(
        record, [*(act.ledger_seq for act in acts), *(verdict.ledger_seq for verdict in verdicts)]
    )
    bodies = {row.id: json.loads(row.body) for row in verdicts}
    contexts = await record.some_contexts(sorted({str(body["context"]) for body in bodies.values()}))
    judged = await judged_by(record, version.digest) if version is not None else []
    counts = Counter((judgement.by, judgement.rule, judgement.rung) for judgement in judged)
    return {
        "ledger": [ledger_line(row) async for page in record.ledger() for row in page],
        "acts": [{**act_line(act), "path": _path(leaves, act.ledger_seq, act.leaf)} for act in acts],
        "verdicts": [
            {
                **verdict_line(verdict),
                "memory_before": await _before(record, verdict, str(bodies[verdict.id]["before"])),
                "path": _path(leaves, verdict.ledger_seq, verdict.leaf),
            }
            for verdict in verdicts
        ],
        "events": [event_line(event) for event in await some_events(record, events)],
        "contexts": [context_line(ContextRow(*context)) for context in sorted(contexts.items())],
        "explanations": await explanations_of(record, cases),
        "policies": policies,
        "people": people,
        "cases": files,
        "holds": [hold_file async for page in hold_files(record, cases) for hold_file in page],
        "suppressions": shelves,
        "decisions": decisions,
        "judged": [
            {"role": role, "rule": rule, "rung": Rung(rung).word, "verdicts": number}
            for (role, rule, rung), number in sorted(counts.items())
        ],
    }


def _held_back(shelves: Sequence[Row]) -> set[int]:
    return {int(held["event"]) for shelf in shelves for held in shelf["held"]}


def _concerns(act: ActRow, version: VersionRow | None) -> bool:
    """Whether an act belongs to the pack. Of suppressions, a version's pack has only those of its own verdicts."""
    return version is None or act.kind != "action-suppressed" or act.actor == version.digest[:12]


def _path(leaves: dict[int, list[str]], seq: int, leaf: int) -> list[str]:
    """A leaf's proof; none if the leaf is not at its place, which is then a finding."""
    own = leaves.get(seq, [])
    return merkle_path(own, leaf) if leaf < len(own) else []


async def _before(record: Record, row: VerdictRow, digest: str) -> str:
    """The memory before a verdict; nothing if it is missing, which is then a finding."""
    return await record.state_before(row, digest) or ""
