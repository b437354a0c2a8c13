"""Every change to the record behind the system's back is found and named, here and offline."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActRejected
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.cases.holds import HoldStore
from tests.audit.conftest import Hostile
from tests.audit.tamperings import ALTERED_WITH_INPUTS, TAMPERINGS, Tampering
from tests.support.ingress import NOW
from tests.support.plant import TestClock


def offline(directory: Path, *arguments: str) -> tuple[int, list[str]]:
    """Runs the exported verifier in a Python that sees nothing but its standard library."""
    script = directory / "offline_verify.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), str(directory), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


async def test_a_record_that_nobody_touched_verifies(recorded: AsyncEngine) -> None:
    seen: list[tuple[int, int]] = []
    report = await verify(recorded, progress=lambda done, total: seen.append((done, total)))
    assert report.findings == ()
    assert report.verified
    assert report.verdicts.stored == report.verdicts.reproduced > 20
    assert seen[-1] == (report.verdicts.stored, report.verdicts.stored)


async def test_an_export_that_nobody_touched_verifies_offline(recorded: AsyncEngine, export_directory: Path) -> None:
    written = await export(recorded, export_directory)
    code, said = offline(export_directory, "--head", written.head)
    assert (code, said[0].partition(";")[0]) == (0, "verified: everything agrees")


async def test_a_record_not_yet_begun_verifies(storage_engine: AsyncEngine, export_directory: Path) -> None:
    assert (await verify(storage_engine)).verified
    await export(storage_engine, export_directory)
    assert offline(export_directory)[0] == 0


async def test_an_export_altered_on_its_way_is_found(recorded: AsyncEngine, export_directory: Path) -> None:
    await export(recorded, export_directory)
    acts = export_directory / "acts.jsonl"
    acts.write_text("".join(acts.read_text().splitlines(keepends=True)[:-1]))
    code, lines = offline(export_directory)
    assert code == 1
    assert {"file: acts.jsonl: was altered after the export"} < set(lines)
    assert any(line.startswith("ledger-leaf: ") for line in lines)


async def test_a_directory_that_is_no_export_says_so(export_directory: Path, recorded: AsyncEngine) -> None:
    await export(recorded, export_directory)
    (export_directory / "ledger.jsonl").unlink()
    code, lines = offline(export_directory)
    assert code == 2
    assert "ledger.jsonl" in lines[-1]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.name)
async def test_tampering_is_found_and_named(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path, tampering: Tampering
) -> None:
    await hostile.run(*tampering.statements)
    report = await verify(recorded)
    assert not report.verified
    assert {finding.kind for finding in report.findings} == tampering.kinds
    assert any(tampering.place in finding.where for finding in report.findings)
    await export(recorded, export_directory)
    code, lines = offline(export_directory)
    assert {line.split(":")[0] for line in lines[:-1]} == tampering.offline
    assert code == (1 if tampering.offline else 0), lines


async def test_the_removed_claim_of_a_case_that_shared_a_hold_is_found(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path
) -> None:
    [[key]] = await hostile.rows("SELECT key FROM holds WHERE state = 'asked'")
    [[sharing]] = await hostile.rows("SELECT id FROM cases WHERE closed_at IS NOT NULL")
    await HoldStore(recorded, TestClock(NOW)).claim(str(sharing), "opcua_job_control", "EQ-001", unasked=True)
    await hostile.run("DELETE FROM hold_claims WHERE hold_key = %(key)s AND case_id = %(case)s", key=key, case=sharing)
    found = {(finding.kind, finding.where) for finding in (await verify(recorded)).findings}
    assert found == {("missing", f"case {sharing}")}
    await export(recorded, export_directory)
    code, lines = offline(export_directory)
    assert (code, lines[0].split(":")[:2]) == (1, ["hold", f" hold {key}"])


async def test_a_history_rewritten_to_its_end_shows_against_the_published_head(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path
) -> None:
    published = (await verify(recorded)).head
    await hostile.run(*ALTERED_WITH_INPUTS)
    await hostile.chain_anew()
    assert (await verify(recorded)).verified
    report = await verify(recorded, head=published)
    assert [finding.kind for finding in report.findings] == ["published-head"]
    await export(recorded, export_directory)
    code, said = offline(export_directory)
    assert (code, said[0].partition(";")[0]) == (0, "verified: everything agrees")
    code, lines = offline(export_directory, "--head", published)
    assert (code, lines[0].split(":")[0]) == (1, "published-head")


async def test_a_removed_tail_shows_against_the_published_head(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path
) -> None:
    published = (await verify(recorded)).head
    await hostile.run(
        # The last act is a person's decision, so its row and what it changed go together.
        "DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)",
        "DELETE FROM acts WHERE ledger_seq > (SELECT max(seq) FROM ledger)",
        "UPDATE cases SET decision = NULL",
        "UPDATE ledger_head SET seq = l.seq, hash = l.hash FROM (SELECT * FROM ledger ORDER BY seq DESC LIMIT 1) l",
    )
    assert (await verify(recorded)).verified
    report = await verify(recorded, head=published)
    assert [finding.kind for finding in report.findings] == ["published-head"]
    assert re.search("cut off", report.findings[0].what)
    await export(recorded, export_directory)
    assert offline(export_directory)[0] == 0
    assert offline(export_directory, "--head", published)[0] == 1


async def test_an_older_published_head_is_on_the_chain(recorded: AsyncEngine, hostile: Hostile) -> None:
    [(seq, digest)] = await hostile.rows("SELECT seq, hash FROM ledger WHERE seq = 7")
    assert (await verify(recorded, head=f"{seq}:{digest}")).verified


async def test_a_head_that_is_no_head_is_refused(recorded: AsyncEngine) -> None:
    with pytest.raises(ActRejected, match="SEQ:HASH"):
        await verify(recorded, head="7")


async def test_an_altered_verdict_does_not_make_those_after_it_suspect(recorded: AsyncEngine, hostile: Hostile) -> None:
    tampering = TAMPERINGS[0]
    await hostile.run(*tampering.statements)
    report = await verify(recorded)
    assert report.verdicts.stored - report.verdicts.reproduced == 1
