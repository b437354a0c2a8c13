"""The whole record, read once from one snapshot: for those who check it and those who take it elsewhere."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import EMPTY_ROOT, canonical, sha256, timestamp
from domain.verdict import Memory
from millwright.storage.audit.record_rows import (
    ActBodyRow,
    ActRow,
    AssignmentRow,
    AutonomyRow,
    ContextRow,
    CountRow,
    DraftRow,
    EndRow,
    EventRow,
    EvidenceRow,
    LedgerRow,
    MemoryKeyRow,
    MemoryRow,
    SetAsideRow,
    SignatureRow,
    SiteRow,
    SubjectRow,
    UnjudgedRow,
    VerdictRow,
    VersionRow,
)
from millwright.storage.database.snapshot import Snapshot, read_snapshot
from millwright.storage.ledger.ledger import Head

_HEAD = "SELECT seq, hash FROM ledger_head"
_LEDGER = (
    "SELECT l.seq, l.at, l.leaves, l.root, l.previous, l.hash, a.attestation FROM ledger l "
    "LEFT JOIN attestations a ON a.ledger_seq = l.seq ORDER BY l.seq"
)
_VERDICT = """
SELECT v.id, v.ledger_seq, v.leaf, v.body, v.digest, v.memory, v.version, v.revision, v.role, v.rung,
       v.asset, v.failure_mode, v."position", v.at, v.event_id,
       e.source, e.external_id, e.natural_key, e.asset, e.failure_mode, e."position", e.at, e.anomaly::text
FROM verdicts v LEFT JOIN events e ON e.id = v.event_id
"""
_VERDICT_COUNT = "SELECT count(*) FROM verdicts"
_VERDICTS = f"{_VERDICT} ORDER BY v.ledger_seq, v.leaf"
_VERDICTS_ON = f"{_VERDICT} WHERE v.event_id = %s ORDER BY v.role, v.version, v.revision"
_ACTS = "SELECT id, ledger_seq, leaf, kind, subject, actor, at, body, digest FROM acts ORDER BY ledger_seq, leaf"
_EVENTS = """
SELECT e.id, e.source, e.external_id, e.natural_key, e.asset, e.failure_mode, e."position", e.at,
       CASE WHEN p.event_id IS NULL THEN e.fate END, e.anomaly::text
FROM events e LEFT JOIN pending p ON p.line = e.line AND p.event_id = e.id
WHERE e.anomaly IS NOT NULL ORDER BY e.id
"""
_CONTEXTS = "SELECT digest, body FROM contexts ORDER BY digest"
_SOME_CONTEXTS = "SELECT digest, body FROM contexts WHERE digest = ANY(%s)"
_AUTONOMY = """
SELECT id, policy, asset_class, failure_mode, move, confirmed, wrong, at, "by", reason, digest, signature
FROM autonomy_moves ORDER BY id
"""
_SUBJECTS = "SELECT DISTINCT subject FROM acts WHERE split_part(subject, '/', 1) = ANY(%s)"
_SITES = "SELECT DISTINCT id, coalesce(site, '') FROM assets"
_VERSIONS = "SELECT digest, policy, version, document, author, published_at FROM policy_versions ORDER BY published_at"
_SIGNATURES = """
SELECT id, digest, act, person, meaning, at, signature FROM policy_signatures ORDER BY id
"""
_ASSIGNMENTS = """
SELECT id, digest, role, line, site, asset_class, percent, effective_from, effective_to, assigned_by, reason,
       signature_id, recorded_at, expires_at, replaces, band
FROM policy_assignments ORDER BY id
"""
_ENDS = """
SELECT a.digest, e.assignment_id, e.ends_at, e.recorded_at, e.ended_by, e.cause, e.reason, e.signature_id
FROM policy_assignment_ends e JOIN policy_assignments a ON a.id = e.assignment_id ORDER BY e.id
"""
_EVIDENCE = 'SELECT digest, kind, result, at, "by", body FROM policy_evidence ORDER BY id'
_DRAFTS = (
    "SELECT policy, version, revision, digest, author, saved_at, reason FROM policy_drafts "
    "ORDER BY policy, version, revision"
)
# As judging reads it, of the verdicts that there were then.
_STATE = """
SELECT memory FROM verdicts
WHERE version = %s AND asset = %s AND failure_mode = %s AND at <= %s AND "position" < %s AND memory <> ''
  AND (ledger_seq, leaf) < (%s, %s)
ORDER BY at DESC, "position" DESC, revision DESC LIMIT 1
"""
_EMPTY = canonical(Memory()).decode()
_SET_ASIDE = """
SELECT e.source, e.external_id, e.asset, e.failure_mode, e."position", e.at, e.anomaly::text FROM events e
WHERE e.id::text = %s AND e.anomaly IS NOT NULL AND NOT EXISTS (SELECT FROM acts a WHERE a.subject = 'event/' || e.id
    AND a.kind IN ('event-redriven', 'event-corrected') AND a.id > %s)
"""
_PRESENT = """
SELECT m.version, m.asset, m.failure_mode FROM memories m LEFT JOIN LATERAL (
    SELECT v."position", v.memory FROM verdicts v
    WHERE v.version = m.version AND v.asset = m.asset AND v.failure_mode = m.failure_mode AND v.memory <> ''
    ORDER BY v.at DESC, v."position" DESC, v.revision DESC LIMIT 1
) last ON true WHERE (last."position", last.memory) IS DISTINCT FROM (m."position", m.body)
"""
_UNJUDGED = """
SELECT e.id, e.source, e.external_id FROM events e
WHERE e.fate = 'decided' AND NOT EXISTS (SELECT FROM verdicts v WHERE v.event_id = e.id AND v.role = 'active')
  AND NOT EXISTS (SELECT FROM pending p WHERE p.line = e.line AND p.event_id = e.id) ORDER BY e.id
"""
_ACTS_OF = "SELECT subject, body FROM acts WHERE subject = ANY(%s) ORDER BY ledger_seq, leaf"


class Record(Snapshot):
    """One consistent look at the record, whatever is written meanwhile; see `read_record`."""

    def ledger(self) -> AsyncIterator[list[LedgerRow]]:
        """The ledger from its first row on, in pages."""
        return self.pages(_LEDGER, LedgerRow._make)

    def verdicts(self) -> AsyncIterator[list[VerdictRow]]:
        """Every verdict in the order of the ledger's leaves, in pages."""
        return self.pages(_VERDICTS, VerdictRow._make)

    def acts(self) -> AsyncIterator[list[ActRow]]:
        """Every act in the order of the ledger's leaves, in pages."""
        return self.pages(_ACTS, ActRow._make)

    def events(self) -> AsyncIterator[list[EventRow]]:
        """Every event that carries an anomaly, in pages."""
        return self.pages(_EVENTS, EventRow._make)

    def contexts(self) -> AsyncIterator[list[ContextRow]]:
        """Every context, in pages."""
        return self.pages(_CONTEXTS, ContextRow._make)

    def unjudged(self) -> AsyncIterator[list[UnjudgedRow]]:
        """Events said to be decided on which there is no verdict of an active version, in pages."""
        return self.pages(_UNJUDGED, UnjudgedRow._make)

    def unfounded_memories(self) -> AsyncIterator[list[MemoryKeyRow]]:
        """Present memories that no verdict left behind, in pages."""
        return self.pages(_PRESENT, MemoryKeyRow._make)

    async def head(self) -> Head:
        """The head as stored; number 0 where it is gone."""
        rows = await self.rows(_HEAD, Head._make)
        return rows[0] if rows else Head(0, EMPTY_ROOT)

    async def verdict_count(self) -> int:
        """How many verdicts there are."""
        return (await self.rows(_VERDICT_COUNT, CountRow._make))[0].number

    async def verdicts_on(self, event: int) -> list[VerdictRow]:
        """Every verdict on an event: the active version's first, each version's in the order of its revisions."""
        return await self.rows(_VERDICTS_ON, VerdictRow._make, event)

    async def some_contexts(self, digests: Sequence[str]) -> dict[str, str]:
        """The texts of contexts by digest."""
        return dict(await self.rows(_SOME_CONTEXTS, ContextRow._make, list(digests)))

    async def state_before(self, row: VerdictRow, digest: str) -> str | None:
        """The memory with this digest, if it is the one that judging had to begin with: the one that the last of the
        earlier verdicts before this position left behind, or the empty one where there was none."""
        place = (row.version, row.asset, row.failure_mode, row.at, row.position, row.ledger_seq, row.leaf)
        left = await self.left_before(*place)
        return left if sha256(left.encode()) == digest else None

    async def left_before(
        self, version: str, asset: str, failure_mode: str, at: datetime, position: str, seq: int, leaf: int
    ) -> str:
        """The memory that judging had to begin with at a position, for a leaf of a ledger row."""
        place = (version, asset, failure_mode, at, position, seq, leaf)
        found = await self.rows(_STATE, MemoryRow._make, *place)
        return found[0].memory if found else _EMPTY

    async def set_aside(self, act: ActRow) -> SetAsideRow | None:
        """The event that the watch set aside with an act, if it can be read as one, and nobody took it up since."""
        found = await self.rows(_SET_ASIDE, SetAsideRow._make, act.subject.removeprefix("event/"), act.id)
        return found[0] if found else None

    async def sites(self) -> dict[str, set[str]]:
        """On which sites each asset was ever registered, an empty text for none."""
        found: dict[str, set[str]] = {}
        for row in await self.rows(_SITES, SiteRow._make):
            found.setdefault(row.asset, set()).add(row.site)
        return found

    async def versions(self) -> list[VersionRow]:
        """Every stored policy version, oldest first."""
        return await self.rows(_VERSIONS, VersionRow._make)

    async def signatures(self) -> list[SignatureRow]:
        """Every signature, oldest first."""
        return await self.rows(_SIGNATURES, SignatureRow._make)

    async def assignments(self) -> list[AssignmentRow]:
        """Every assignment, oldest first."""
        return await self.rows(_ASSIGNMENTS, AssignmentRow._make)

    async def ends(self) -> list[EndRow]:
        """Every early end of an assignment, oldest first."""
        return await self.rows(_ENDS, EndRow._make)

    async def evidence(self) -> list[EvidenceRow]:
        """What machines found of versions, oldest first."""
        return await self.rows(_EVIDENCE, EvidenceRow._make)

    async def drafts(self) -> list[DraftRow]:
        """Every saved draft."""
        return await self.rows(_DRAFTS, DraftRow._make)

    async def autonomy(self) -> list[AutonomyRow]:
        """Every move of autonomy, oldest first."""
        return await self.rows(_AUTONOMY, AutonomyRow._make)

    async def subjects(self, *kinds: str) -> set[str]:
        """What there are acts on, of these kinds of subject: `autonomy`, `stop`."""
        return {row.subject for row in await self.rows(_SUBJECTS, SubjectRow._make, list(kinds))}

    async def acts_of(self, subjects: Iterable[str]) -> list[ActBodyRow]:
        """Every act on these subjects, oldest first."""
        return await self.rows(_ACTS_OF, ActBodyRow._make, sorted(set(subjects)))


@asynccontextmanager
async def read_record(engine: AsyncEngine) -> AsyncIterator[Record]:
    """A snapshot of the record, for as long as the block lasts.

    Raises:
        StorageUnavailable: the database is away.
    """
    async with read_snapshot(engine) as driver:
        yield Record(driver)


def stamped(moment: datetime | None) -> str | None:
    """An instant as records write it."""
    return None if moment is None else timestamp(moment)
