"""The audit: checks the chain and every row, judges every verdict again, decides again when the work of cases was to be
done, and compares the tables with the acts."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain as joined
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import sha256, timestamp
from millwright.audit.admission_check import check_admissions
from millwright.audit.approvals import acts_by_subject, check_autonomy, check_versions
from millwright.audit.case_fold import CaseFold
from millwright.audit.chain import Chain, Queue
from millwright.audit.change_check import check_changes
from millwright.audit.engines import Engines
from millwright.audit.exporting import ledger_line
from millwright.audit.head import head_text, parse_head
from millwright.audit.last_memories import LastMemories
from millwright.audit.normal_check import check_normals
from millwright.audit.offline_actors import ROLES_OF_ACTS, Actors
from millwright.audit.offline_attestations import ATTESTED_ACTS, KEY_SUBJECTS, Attestations, key_findings
from millwright.audit.offline_cases import case_findings
from millwright.audit.offline_equipment import EQUIPMENT_KINDS, Equipment
from millwright.audit.offline_grounds import WorkGrounds, ground_findings
from millwright.audit.offline_holds import hold_findings
from millwright.audit.offline_in_force import FOLLOWED, InForce
from millwright.audit.offline_maintenance import MAINTENANCE_READ, WorkThen
from millwright.audit.offline_operating import OPERATING_READ, MachinesThen
from millwright.audit.offline_record import act_findings
from millwright.audit.offline_register import FOLLOWED_REGISTER, AssetsThen
from millwright.audit.offline_signatures import Row, guarded
from millwright.audit.offline_stops import stop_findings, stop_subject
from millwright.audit.offline_times import Times
from millwright.audit.offline_walk_downs import PROOF_KINDS, WALK_DOWN, Proofs, WalkDownActs
from millwright.audit.quality_check import check_quality
from millwright.audit.register_check import check_register
from millwright.audit.rejudging import Rejudging, leaves_of, name_of
from millwright.audit.release_check import check_hold_grounds, check_releases, check_test_runs
from millwright.audit.report import Findings, Report, VerdictCount
from millwright.audit.retiming import Retiming
from millwright.audit.set_aside import SetAside
from millwright.audit.settings_taken import SettingsTaken
from millwright.audit.walk_down_check import check_walk_downs
from millwright.storage.audit.case_record import case_files, deciding_verdicts, hold_files, missing_rows
from millwright.storage.audit.installation_record import installation_key_files
from millwright.storage.audit.record import Record, read_record
from millwright.storage.audit.record_rows import ActRow
from millwright.storage.audit.stop_record import stop_files
from millwright.storage.audit.suppression_record import unfounded_suppressions
from millwright.storage.audit.unfounded import unfounded_rows
from millwright.storage.ledger.seals import late_rows
from millwright.storage.policies.signatures import verifies
from policies.engine.catalogue import Catalogue
from policies.engine.engine_mark import engine_mark


class _People(NamedTuple):
    """What follows the acts of people, and what is held."""

    actors: Actors
    attestations: Attestations
    equipment: Equipment
    walk_downs: WalkDownActs
    proofs: Proofs


class _Followers(NamedTuple):
    """Those who follow the acts and verdicts in the order of the ledger."""

    rejudging: Rejudging
    cases: CaseFold
    in_force: InForce
    assets: AssetsThen
    machines: MachinesThen
    work: WorkThen
    set_aside: SetAside
    people: _People
    settings: SettingsTaken

    def judged_by(self, act: ActRow) -> None:
        """Follows an act that decides by what is judged: on versions, freezes and the register, and what was read of
        machines and of the work on assets."""
        kinds = (
            (FOLLOWED, self.in_force.follow),
            (FOLLOWED_REGISTER, self.assets.follow),
            (OPERATING_READ, self.machines.follow),
            (MAINTENANCE_READ, self.work.follow),
        )
        for begins, follow in kinds:
            if act.kind.startswith(begins):
                with suppress(ValueError):
                    follow(json.loads(act.body))


class _Followed(NamedTuple):
    """The number of acts, and whether each can be read."""

    acts: int
    readable: bool


Progress = Callable[[int, int], None]
"""Gets the number of verdicts that were judged again, and the total."""


async def verify(
    engine: AsyncEngine,
    *,
    head: str | None = None,
    sealed_before: datetime | None = None,
    progress: Progress | None = None,
    catalogue: Catalogue | None = None,
) -> Report:
    """Checks the whole record on one snapshot of the database, with constant memory.

    It trusts the snapshot itself and, without a published head, that the newest rows were not removed.

    Args:
        head: a head published earlier, as `SEQ:HASH`.
        sealed_before: what was received before this time must be sealed; what is not is counted. None counts nothing.
        progress: called at times with the progress.
        catalogue: the versions compiled before, whose texts are compared with the stored ones; None for none.

    Raises:
        ActRejected: `head` is not written as `SEQ:HASH`.
        StorageUnavailable: the database does not answer.
    """
    published = parse_head(head) if head is not None else None
    findings = Findings()
    async with read_record(engine) as record:
        catalogue = catalogue or Catalogue()
        versions = await check_versions(record, findings, catalogue)
        chain = Chain(findings, published)
        engines = Engines(engine_mark())
        in_force, assets = InForce(sites=await record.sites()), AssetsThen()
        machines, work = MachinesThen(), WorkThen()
        rejudging = Rejudging(
            record, catalogue, versions, findings, engines, in_force, assets, LastMemories(), machines, work
        )
        cases = CaseFold(record, _rearm_of(catalogue, versions), await record.versions(), findings)
        actors, settings = Actors(), SettingsTaken()
        people = _People(
            actors,
            Attestations(actors.recorded, verifies),
            Equipment(),
            WalkDownActs(actors.recorded, verifies),
            Proofs(),
        )
        set_aside = SetAside(record, catalogue, versions, assets, findings)
        followers = _Followers(rejudging, cases, in_force, assets, machines, work, set_aside, people, settings)
        acts, readable = await _follow(record, chain, followers, findings, progress)
        await cases.end()
        chain.end(await record.head())
        await check_autonomy(record, findings)
        await _check_stops(record, findings)
        await _check_installation(record, people.attestations, findings)
        register_held = False
        retiming = Retiming(record, catalogue, versions, await record.versions(), findings)
        if readable:
            await _check_tables(record, findings, retiming)
            await check_releases(record, findings)
            await check_hold_grounds(record, findings)
            await check_test_runs(record, findings)
            await check_normals(record, findings)
            await check_admissions(record, findings)
            await check_changes(record, findings)
            await check_walk_downs(record, findings)
            register_held = await check_register(record, findings)
            # An altered record gives other figures, or none: its texts may not be JSON any more.
            if not findings.found:
                await check_quality(record, findings)
        else:
            # The database reads the acts as JSON, and stops at the first one that is none.
            findings.add("unreadable", "acts", "the other tables are not compared until each act can be read")
    return Report(
        rows=chain.rows,
        acts=acts,
        local_acts=actors.local,
        unattested_acts=people.attestations.unattested,
        unshown_codes=actors.recorded.unshown_codes,
        unsealed=0 if sealed_before is None else await late_rows(engine, sealed_before),
        verdicts=VerdictCount(stored=rejudging.stored, reproduced=rejudging.reproduced),
        timings=retiming.count,
        versions=len(versions),
        head=head_text(chain.last),
        engine=engines.present.digest,
        made_by=engines.counts,
        settings=settings.counts,
        register_held=register_held,
        found=findings.found,
        findings=tuple(findings.kept),
    )


async def _follow(
    record: Record,
    chain: Chain,
    followers: _Followers,
    findings: Findings,
    progress: Progress | None,
) -> _Followed:
    """Goes through the ledger with all its leaves."""
    rejudging, cases, people = followers.rejudging, followers.cases, followers.people
    total = await record.verdict_count()
    verdicts, acts = Queue(record.verdicts()), Queue(record.acts())
    done, readable, times = 0, True, Times()
    async for page in record.ledger():
        for row in page:
            at = timestamp(row.at)
            findings.extend(guarded(f"ledger row {row.seq}", people.attestations.row(ledger_line(row))))
            own_verdicts, own_acts = await verdicts.until(row.seq), await acts.until(row.seq)
            for act in own_acts:
                rejudging.engines.follow(act)
                followers.settings.follow(act)
                followers.judged_by(act)
                await followers.set_aside.check(act)
            for verdict in own_verdicts:
                known = findings.found
                await rejudging.check(verdict, at if verdict.ledger_seq == row.seq else None)
                if findings.found > known:
                    cases.doubt(verdict)
                if verdict.ledger_seq < row.seq:
                    chain.orphan(name_of(verdict), verdict.ledger_seq)
            for act in own_acts:
                readable &= _check_act(act, people, findings)
                if act.ledger_seq < row.seq:
                    chain.orphan(_act_name(act), act.ledger_seq)
            told = [(_act_name(act), timestamp(act.at)) for act in own_acts]
            judged = [name_of(verdict) for verdict in own_verdicts]
            findings.extend(guarded(f"ledger row {row.seq}", times.follow(row.seq, at, told, judged=judged)))
            await cases.follow(own_verdicts, own_acts)
            done += len(own_acts)
            leaves = joined(
                leaves_of([own_verdict for own_verdict in own_verdicts if own_verdict.ledger_seq == row.seq]),
                _leaves_of([own_act for own_act in own_acts if own_act.ledger_seq == row.seq]),
            )
            chain.follow(row, sorted(leaves))
        if progress is not None:
            progress(rejudging.stored, total)
    while rest := await verdicts.until(None):
        for verdict in rest:
            await rejudging.check(verdict)
            chain.orphan(name_of(verdict), verdict.ledger_seq)
    while left := await acts.until(None):
        for act in left:
            readable &= _check_act(act, people, findings)
            chain.orphan(_act_name(act), act.ledger_seq)
        done += len(left)
    return _Followed(done, readable)


def _rearm_of(catalogue: Catalogue, versions: frozenset[str]) -> Callable[[str], timedelta | None]:
    return lambda version: catalogue.version(version).document.memory.rearm if version in versions else None


def _act_name(row: ActRow) -> str:
    return f"act {row.id} ({row.kind} {row.subject})"


def _leaves_of(rows: Sequence[ActRow]) -> list[tuple[int, str, str]]:
    return [(row.leaf, sha256(row.body.encode()), f"act {row.id}") for row in rows]


def _check_act(row: ActRow, people: _People, findings: Findings) -> bool:
    """Compares an act with its digest and its columns; gives whether its text is JSON."""
    where = _act_name(row)
    if sha256(row.body.encode()) != row.digest:
        findings.add("act-digest", where, "its text was altered")
    columns = {"kind": row.kind, "subject": row.subject, "actor": row.actor, "at": timestamp(row.at)}
    known = [*guarded(where, act_findings(where, columns, row.body))]
    readable = all(finding.kind != "unreadable" for finding in known)
    # Most acts are the machine's, and their text is long.
    kinds = row.kind in ROLES_OF_ACTS or row.kind in ATTESTED_ACTS
    if readable and (kinds or row.subject.startswith(("person/", KEY_SUBJECTS))):
        body = json.loads(row.body)
        known += guarded(where, people.actors.follow(where, body))
        known += guarded(where, people.attestations.act(where, body))
    if readable and row.kind in EQUIPMENT_KINDS:
        known += guarded(where, people.equipment.follow(json.loads(row.body)))
    if readable and row.subject.startswith(WALK_DOWN):
        known += guarded(where, people.walk_downs.follow(where, json.loads(row.body)))
    if readable and (row.kind in PROOF_KINDS or row.subject.startswith(WALK_DOWN)):
        known += guarded(where, people.proofs.follow(json.loads(row.body)))
    findings.extend(known)
    return readable


async def _check_stops(record: Record, findings: Findings) -> None:
    """Compares kill switches and freeze windows with their acts."""
    files: dict[str, list[Row]] = {subject: [] for subject in await record.subjects("stop", "freeze")}
    for row in await stop_files(record):
        files.setdefault(stop_subject(row), []).append(row)
    acts = await acts_by_subject(record, sorted(files))
    for subject, rows in sorted(files.items()):
        findings.extend(guarded(subject.replace("/", " "), stop_findings(subject, rows, acts[subject])))


async def _check_installation(record: Record, attestations: Attestations, findings: Findings) -> None:
    """Compares the acts on installation keys with their rows."""
    rows = await installation_key_files(record)
    findings.extend(guarded("installation keys", key_findings(rows, attestations.recorded)))


async def _check_tables(record: Record, findings: Findings, retiming: Retiming) -> None:
    async for contexts in record.contexts():
        for context in contexts:
            if sha256(context.body.encode()) != context.digest:
                findings.add("context", f"context {context.digest[:12]}", "its text was altered")
    async for events in record.unjudged():
        for event in events:
            where = f"event {event.source}|{event.external_id}"
            findings.add("event", where, "was decided, and there is no verdict of an active version on it")
    async for memories in record.unfounded_memories():
        for memory in memories:
            where = f"memory of {memory.asset} {memory.failure_mode} under version {memory.version[:12]}"
            findings.add("memory", where, "is not what the last verdict left behind")
    async for missing in missing_rows(record):
        for act in missing:
            where = act.subject.replace("/", " ")
            findings.add("missing", where, f"{act.kind} was recorded, and what it tells of is gone")
    async for unfounded in unfounded_suppressions(record):
        for suppression in unfounded:
            findings.add("suppression", suppression.where, suppression.what)
    async for rows in unfounded_rows(record):
        findings.extend(rows)
    async for cases in case_files(record):
        subjects = [f"case/{case['id']}" for case in cases]
        assets = sorted({f"asset/{case['asset']}" for case in cases})
        acts = await acts_by_subject(record, [*subjects, *assets, "register"])
        await retiming.check({str(case["id"]): acts[f"case/{case['id']}"] for case in cases})
        grounds = WorkGrounds(acts, await deciding_verdicts(record, [str(case["id"]) for case in cases]), whole=True)
        for case, subject in zip(cases, subjects, strict=True):
            findings.extend(guarded(f"case {case['id']}", case_findings(case, acts[subject])))
            findings.extend(guarded(f"case {case['id']}", ground_findings(case, acts[subject], grounds)))
    async for holds in hold_files(record):
        for hold in holds:
            claims = hold["claims"]
            keys = {str(hold["key"]), *(claims if isinstance(claims, dict) else ())}
            by_subject = await acts_by_subject(record, [f"case/{key}" for key in sorted(keys)])
            own = sorted(joined(*by_subject.values()), key=lambda act: int(act["number"]))
            findings.extend(guarded(f"hold {hold['key']}", hold_findings(hold, own)))
