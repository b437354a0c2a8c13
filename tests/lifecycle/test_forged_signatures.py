"""Each forgery of who let a version judge: refused by the server, by the worker, by the audit and offline."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from psycopg import sql

from domain.approvals import ACTIVATE, APPROVE
from domain.assigning import EVERYWHERE, Scope
from domain.errors import ActRejected, MillwrightError, PolicyRejected
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.database.engine import raw
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.signatures import Signature
from tests.support.judged_plant import Plant
from tests.support.people import leave
from tests.support.plant import deviation
from tests.support.policy_people import PolicyPeople, candidate

NEW = "(SELECT digest FROM policy_versions WHERE version = '1.2.0')"
OLD = "(SELECT digest FROM policy_versions WHERE version = '1.1.0')"
HIS = f"FROM policy_signatures WHERE digest = {NEW} AND act = 'approve' AND person = 'bert'"

FORGERIES = {
    "an altered text": "UPDATE policy_versions SET document = replace(document, 'PT24H', 'PT12H') "
    "WHERE version = '1.2.0'",
    "an altered meaning": (
        f"UPDATE policy_signatures SET meaning = 'I looked at it' WHERE digest = {NEW} AND act = 'approve'"
    ),
    "another person's key": "UPDATE person_keys SET value = (SELECT value FROM person_keys WHERE person = 'dora' "
    "AND kind = 'signing') WHERE person = 'bert' AND kind = 'signing'",
    "a signature of somebody else": f"UPDATE policy_signatures SET person = 'dora' WHERE digest = {NEW} "
    "AND act = 'approve' AND person = 'bert'",
    "a signature replayed for another act": f"UPDATE policy_signatures SET act = 'emergency', person = 'emil' "
    f"WHERE digest = {NEW} AND act = 'activate'",
    "a signature replayed for another version": f"UPDATE policy_signatures SET digest = {NEW} "
    f"WHERE digest = {OLD} AND act = 'approve'",
    "a signature replayed at another time": f"UPDATE policy_signatures SET at = at + interval '1 hour' "
    f"WHERE digest = {NEW} AND act = 'activate'",
    "a removed approval": f"DELETE FROM policy_signatures WHERE digest = {NEW} AND act = 'approve' AND person = 'bert'",
    "an author who approved": "UPDATE policy_versions SET author = 'bert' WHERE version = '1.2.0'",
    "a hidden co-author": "INSERT INTO policy_drafts SELECT policy, version, 2, digest, document, cases, 'bert', "
    "saved_at, reason FROM policy_drafts WHERE version = '1.2.0'",
    "one approver counted twice": f"UPDATE policy_signatures s SET person = 'carla', meaning = c.meaning, "
    f"signature = c.signature || ' ' FROM policy_signatures c WHERE c.digest = {NEW} AND c.act = 'approve' "
    f"AND c.person = 'carla' AND s.digest = {NEW} AND s.act = 'approve' AND s.person = 'bert'",
    "a person who had left": "UPDATE people SET left_at = '2015-01-01Z' WHERE id = 'bert'",
    "a person without the role": "UPDATE person_roles SET roles = '[\"reader\"]' WHERE person = 'bert'",
    "an operator without the role": "UPDATE person_roles SET roles = '[\"reader\"]' WHERE person = 'emil'",
    "an unsigned activation": "INSERT INTO policy_assignments (digest, role, line, effective_from, assigned_by, "
    "reason, signature_id, recorded_at) SELECT digest, role, 'LINE-1', effective_from, assigned_by, reason, "
    f"signature_id, recorded_at FROM policy_assignments WHERE digest = {OLD}",
    "an activation for another place": f"UPDATE policy_assignments SET line = 'LINE-1' WHERE digest = {NEW}",
    "an activation from another date": "UPDATE policy_assignments SET effective_from = effective_from "
    f"- interval '1 day' WHERE digest = {NEW}",
    "a longer activation": f"UPDATE policy_assignments SET effective_to = effective_from + interval '9 days' "
    f"WHERE digest = {NEW}",
    "another reason": f"UPDATE policy_assignments SET reason = 'all agreed' WHERE digest = {NEW}",
    "a shadow made active": "UPDATE policy_assignments SET role = 'active', line = 'LINE-1' WHERE role = 'shadow'",
    "an end that nobody signed": "INSERT INTO policy_assignment_ends (assignment_id, ends_at, recorded_at, ended_by, "
    "cause, reason) SELECT id, recorded_at, recorded_at, 'millwright', 'halted', 'it fell' FROM policy_assignments "
    f"WHERE digest = {NEW}",
    "a smaller blast": 'UPDATE policy_evidence SET body = \'{"changed":{"assets":900000,"max_rung_change":5}}\' '
    "WHERE kind = 'backtest'",
}


def offline(directory: Path) -> tuple[int, str]:
    """Runs the exported verifier in a Python that sees nothing but its standard library."""
    script = [sys.executable, "-I", "-S", str(directory / "offline_verify.py"), str(directory)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60, cwd="/")
    return done.returncode, done.stdout + done.stderr


async def in_force(people: PolicyPeople) -> str:
    """1.2.0, approved by two and active everywhere."""
    digest = await people.submit(candidate(), assets=100)
    await people.approve(digest, "bert", "carla")
    await people.place(digest)
    return digest


async def forge(plant: Plant, statement: str) -> None:
    """What somebody with all rights on the database does."""
    async with plant.engine.begin() as connection:
        driver = await raw(connection)
        await driver.execute("SET LOCAL session_replication_role = replica")
        await driver.execute(sql.SQL(statement))


@pytest.mark.parametrize("statement", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forgery_stops_the_work_and_is_found(
    plant: Plant, people: PolicyPeople, tmp_path: Path, statement: str
) -> None:
    await in_force(people)
    await plant.take(deviation(1))
    await forge(plant, statement)
    with pytest.raises(PolicyRejected, match="work on LINE-1 is stopped, its events wait"):
        await plant.take(deviation(2))
    assert await plant.rows("SELECT count(*) FROM pending") == [(1,)]
    report = await verify(plant.engine)
    assert {finding.kind for finding in report.findings} & {
        "policy-signature",
        "policy-approval",
        "policy-assignment",
    } or {finding.kind for finding in report.findings} >= {"policy-document"}
    await export(plant.engine, tmp_path / "export")
    code, said = offline(tmp_path / "export")
    assert code == 1, said
    assert "Traceback" not in said


async def test_what_nobody_touched_verifies_offline(plant: Plant, people: PolicyPeople, tmp_path: Path) -> None:
    digest = await in_force(people)
    await people.rollback(digest, plant.digests["1.1.0"])
    await people.place(digest, "canary", Scope(line="LINE-1"), band="{}")
    await people.withdraw(digest, "canary")
    await leave(people.people, "bert", plant.clock.now() + timedelta(hours=1))
    await plant.take(deviation(1))
    assert (await verify(plant.engine)).findings == ()
    await export(plant.engine, tmp_path / "export")
    code, said = offline(tmp_path / "export")
    assert (code, said.partition(";")[0]) == (0, "verified: everything agrees")


def altered(people: PolicyPeople, digest: str) -> dict[str, Signature]:
    """An approval of dora's, each with something wrong."""
    good = people.sign("dora", digest, APPROVE)
    return {
        "meaning": replace(good, meaning="I read every line"),
        "key": replace(people.sign("carla", digest, APPROVE), person="dora"),
        "act": replace(people.sign("dora", digest, ACTIVATE), act=APPROVE),
        "time": replace(good, at=good.at + timedelta(seconds=1)),
        "version": people.sign("dora", "0" * 64, APPROVE),
        "old": people.sign("dora", digest, APPROVE, at=good.at - timedelta(hours=1)),
        "author": people.sign("anna", digest, APPROVE),
        "again": people.sign("bert", digest, APPROVE),
        "role": people.sign("emil", digest, APPROVE),
        "own key brought along": replace(people.sign("carla", digest, APPROVE), person="dora"),
    }


@pytest.mark.parametrize(
    "wrong", ["meaning", "key", "act", "time", "version", "old", "author", "again", "role", "own key brought along"]
)
async def test_the_server_refuses_a_wrong_signature(people: PolicyPeople, wrong: str) -> None:
    digest = await people.submit(candidate())
    await people.approve(digest, "bert")
    with pytest.raises(ActRejected):
        await people.lifecycle.approve(digest, altered(people, digest)[wrong])


async def test_the_server_takes_no_signature_of_somebody_who_left(people: PolicyPeople) -> None:
    digest = await people.submit(candidate())
    await leave(people.people, "bert", people.clock.now())
    with pytest.raises(ActRejected, match="nobody called bert"):
        await people.approve(digest, "bert")


@pytest.mark.parametrize(
    "terms",
    [
        {"scopes": (Scope(line="LINE-1"),)},
        {"reason": "another"},
        {"act": "shadow"},
        {"effective_to": "later"},
    ],
    ids=["scope", "reason", "act", "end"],
)
async def test_an_activation_is_what_was_signed_or_nothing(people: PolicyPeople, terms: dict[str, object]) -> None:
    digest = await people.approved()
    now = people.clock.now()
    signed = Placing(ACTIVATE, (EVERYWHERE,), now, "because")
    if terms.get("effective_to"):
        terms = {"effective_to": now + timedelta(days=1)}
    asked = replace(signed, **terms)  # type: ignore[arg-type]
    with pytest.raises(MillwrightError, match="signature"):
        await people.lifecycle.place(digest, asked, people.sign("emil", digest, ACTIVATE, signed.meaning))


async def test_a_signature_counts_once(people: PolicyPeople) -> None:
    digest = await people.approved()
    terms = Placing("shadow", (EVERYWHERE,), people.clock.now(), "a look")
    given = people.sign("emil", digest, "shadow", terms.meaning)
    await people.lifecycle.place(digest, terms, given)
    await people.withdraw(digest, "shadow")
    with pytest.raises(ActRejected, match="used before"):
        await people.lifecycle.place(digest, terms, given)
