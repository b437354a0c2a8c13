"""A stated outcome is held against the act that records it, in the database, in an export and in a pack."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import ClosedAs
from domain.outcomes import Outcome, OutcomeClass, OutcomeStatement
from domain.work_orders import CompletionReport, WorkOrderStatus
from millwright.audit.evidence import write_evidence
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from policies.engine.catalogue import Catalogue
from tests.audit.conftest import Hostile, order
from tests.audit.tamperings import REHASHED
from tests.audit.test_audit_tampering import offline
from tests.support.ingress import NOW
from tests.support.plant import TestClock
from tests.support.twin_writes import whole_write

STATED = "WHERE body ? 'stated'"


@pytest.fixture
async def stated(recorded: AsyncEngine, hostile: Hostile) -> str:
    """The record, in which a planner stated what order 1002 found."""
    cases = CaseStore(recorded, TestClock(NOW), StoredVersions(Catalogue()))
    [[found]] = await hostile.rows("SELECT case_id FROM work_orders WHERE external_id = '1002'")
    case = str(found)
    await cases.record_order(case, order(case, "1002", WorkOrderStatus.COMPLETED), NOW)
    outcome = Outcome(case=case, outcome=OutcomeClass.UNKNOWN, cancelled=False, found_at=NOW, report=CompletionReport())
    await cases.record_outcome(outcome)
    await cases.record_twin_update(case, whole_write('W/"2"'), OutcomeClass.UNKNOWN)
    await cases.close(case, ClosedAs.DONE, "a person to say what 1002 found")
    statement = OutcomeStatement(by="paula", reason="the belt was worn", at=NOW)
    await cases.state_outcome(case, OutcomeClass.CONFIRMED, statement)
    return case


async def test_a_record_with_a_stated_outcome_verifies_here_and_offline(
    recorded: AsyncEngine, stated: str, export_directory: Path, tmp_path: Path
) -> None:
    report = await verify(recorded)
    assert [str(finding) for finding in report.findings] == []
    await export(recorded, export_directory)
    code, said = offline(export_directory)
    assert (code, said[0].partition(";")[0]) == (0, "verified: everything agrees")
    pack = await write_evidence(recorded, Catalogue(), stated, tmp_path / "pack", NOW, ZoneInfo("UTC"))
    page = pack.page.read_text()
    assert "<dt>stated by</dt>" in page
    assert "the belt was worn" in page


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE outcomes SET outcome = 'nothing_found' {STATED}",
        f"UPDATE outcomes SET body = jsonb_set(body, '{{outcome}}', '\"nothing_found\"') {STATED}",
        (
            "UPDATE outcomes SET outcome = 'nothing_found', "
            f"body = jsonb_set(body, '{{outcome}}', '\"nothing_found\"') {STATED}"
        ),
        f"UPDATE outcomes SET body = jsonb_set(body, '{{stated,by}}', '\"mallory\"') {STATED}",
        f"UPDATE outcomes SET body = jsonb_set(body, '{{stated,reason}}', '\"I was told to\"') {STATED}",
        f"UPDATE outcomes SET body = body - 'stated' {STATED}",
        f"UPDATE outcomes SET outcome = 'unknown', body = (body - 'stated') || '{{\"outcome\": \"unknown\"}}' {STATED}",
        f"UPDATE outcomes SET twin_etag = 'W/\"2\"' {STATED}",
        f'UPDATE outcomes SET twin_write = \'{{"twin": "m", "model": null, "etag": null}}\' {STATED}',
    ],
    ids=[
        "class",
        "class in the text",
        "both",
        "person",
        "reason",
        "nobody",
        "not stated",
        "twin said to be told",
        "twin said to be gone",
    ],
)
async def test_a_stated_outcome_that_was_altered_is_found_and_named(
    recorded: AsyncEngine, hostile: Hostile, stated: str, export_directory: Path, statement: str
) -> None:
    await hostile.run(statement)
    found = (await verify(recorded)).findings
    assert {(finding.kind, finding.where) for finding in found} == {("outcome", f"outcome of case {stated}")}
    await export(recorded, export_directory)
    code, lines = offline(export_directory)
    assert (code, lines[0].split(":")[0]) == (1, "outcome")


async def test_a_statement_that_nobody_made_is_found(recorded: AsyncEngine, hostile: Hostile) -> None:
    invented = '{"by": "paula", "reason": "worn", "at": "2015-01-01T06:00:00Z"}'
    await hostile.run(f"UPDATE outcomes SET body = jsonb_set(body, '{{stated}}', '{invented}')")
    assert {finding.kind for finding in (await verify(recorded)).findings} == {"outcome"}


async def test_another_actor_of_a_statement_is_found_though_the_act_was_hashed_again(
    recorded: AsyncEngine, hostile: Hostile, stated: str
) -> None:
    await hostile.run(
        'UPDATE acts SET actor = \'mallory\', body = replace(body, \'"actor":"paula"\', \'"actor":"mallory"\') '
        "WHERE kind = 'outcome-stated'",
        f"UPDATE acts SET {REHASHED} WHERE kind = 'outcome-stated'",
    )
    await hostile.chain_anew()
    found = (await verify(recorded)).findings
    assert [finding.kind for finding in found] == ["actor", "outcome"]
    assert "in the name of mallory, who was not registered then" in found[0].what
    assert found[1].where == f"outcome of case {stated}"
    assert "not stated by the person who is named" in found[1].what
