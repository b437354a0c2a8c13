"""Every act of a person is held against the acts that registered that person, here and offline."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.acting import ACT_ROLES, PERSONAL_ACTS, SERVICES, Strength
from domain.canonical import timestamp
from domain.cases import ClosedAs
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.offline_actors import ROLES_OF_ACTS, SERVICES_OF_ACTS, SIGNED_ACTS, Actors
from millwright.audit.verifying import verify
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from millwright.storage.policies.people_store import PeopleStore
from tests.support.ingress import NOW
from tests.support.people import leave, signed_release


def test_the_offline_table_of_roles_is_that_of_storage() -> None:
    assert {kind: frozenset(roles) for kind, roles in ROLES_OF_ACTS.items()} == ACT_ROLES
    assert {kind: frozenset(actors) for kind, actors in SERVICES_OF_ACTS.items()} == SERVICES


async def write(engine: AsyncEngine, kind: str, actor: str) -> None:
    """Adds an act as somebody does who writes to the database, or as an earlier build did: without a look at people."""
    entry = ledger.Entry(NOW)
    entry.add(ledger.act(kind, "stop/77", actor, NOW, {"reason": "because"}))
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)


async def found(engine: AsyncEngine, directory: Path) -> tuple[list[str], list[str]]:
    """What is found of actors, here and offline."""
    here = [finding.what for finding in (await verify(engine)).findings if finding.kind == "actor"]
    await export(engine, directory)
    return here, [finding.what for finding in offline_verify.verify(directory) if finding.kind == "actor"]


@pytest.mark.parametrize(
    ("kind", "actor", "words"),
    [
        ("case-decided", "mallory", "is in the name of mallory, who was not registered then"),
        ("case-decided", "olaf", "is by olaf, who had not the role planner"),
        ("case-decided", "millwright", "is in the name of millwright, who was not registered then"),
        ("case-decided", "operations", "is in the name of operations, who was not registered then"),
        ("action-stop-lifted", "pat", "is by pat, who had not the role approver or operator"),
    ],
)
async def test_an_act_in_a_name_without_a_person_or_role_is_found_and_named(
    recorded: AsyncEngine, export_directory: Path, kind: str, actor: str, words: str
) -> None:
    await write(recorded, kind, actor)
    assert await found(recorded, export_directory) == ([words], [words])


async def write_release(engine: AsyncEngine, release: dict[str, object]) -> None:
    """Adds the release of a hold that is none, as somebody does who writes to the database."""
    entry = ledger.Entry(NOW)
    detail: dict[str, object] = {"hold": "MWX", "equipment": "EQ-001", "release": release}
    entry.add(ledger.act("hold-releasing", "hold/MWX", "petra", NOW, detail))
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)


SIGNED = signed_release("MWX", "EQ-001", NOW).model_dump(mode="json") | {"at": timestamp(NOW)}


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": None},
        {"signature": "00" * 64},
        {"reason": "another"},
        {"by": "paul"},
        {name: value for name, value in SIGNED.items() if name != "signature"},
    ],
)
async def test_a_release_without_the_signature_of_its_person_is_found(
    recorded: AsyncEngine, export_directory: Path, changed: dict[str, object]
) -> None:
    await write_release(recorded, changed if "at" in changed else SIGNED | changed)
    here, offline = await found(recorded, export_directory)
    assert len(here) == 1
    assert "bears no signature of " in here[0]
    assert offline == here


async def test_a_signed_release_is_accepted_here_and_offline(recorded: AsyncEngine, export_directory: Path) -> None:
    await write_release(recorded, SIGNED)
    assert await found(recorded, export_directory) == ([], [])


async def test_a_release_that_an_earlier_build_recorded_needs_no_signature() -> None:
    followed = Actors()
    detail = {"roles": ["production"], "public_key": "00"}
    person = {"kind": "person-added", "subject": "person/petra", "actor": "ada", "at": timestamp(NOW)}
    assert list(followed.follow("act 1", {**person, "detail": detail})) == []
    told = {"by": "petra", "meaning": "ready", "reason": "", "at": timestamp(NOW), "version": None}
    act = {"kind": "hold-releasing", "subject": "hold/MWX", "actor": "petra", "at": timestamp(NOW)}
    assert list(followed.follow("act 2", {**act, "detail": {"hold": "MWX", "release": told}})) == []


async def test_a_redrive_that_an_earlier_build_recorded_for_a_sender_is_readable(
    recorded: AsyncEngine, export_directory: Path
) -> None:
    await write(recorded, "event-redriven", "some-gateway")
    assert await found(recorded, export_directory) == ([], [])


async def test_an_act_in_the_name_of_somebody_who_had_left_is_found(
    recorded: AsyncEngine, export_directory: Path
) -> None:
    await write(recorded, "case-decided", "pat")
    await leave(PeopleStore(recorded), "pat", NOW)
    assert await found(recorded, export_directory) == ([], [])
    await write(recorded, "case-decided", "pat")
    words = ["is in the name of pat, who had left before"]
    assert [finding.what for finding in (await verify(recorded)).findings if finding.kind == "actor"] == words


async def test_acts_of_local_mode_are_counted_and_are_no_finding(recorded: AsyncEngine) -> None:
    before = (await verify(recorded)).local_acts
    await write(recorded, "case-decided", "local")
    report = await verify(recorded)
    assert ([finding for finding in report.findings if finding.kind == "actor"], report.local_acts - before) == ([], 1)


def test_the_offline_list_of_signed_acts_is_that_of_storage() -> None:
    assert {kind for kind, each in PERSONAL_ACTS.items() if each.strength is Strength.SIGNED} == SIGNED_ACTS


@pytest.mark.parametrize("kind", ["hold-releasing", "policy-assigned", "autonomy-promoted", "policy-submit-signed"])
async def test_an_act_of_local_that_people_sign_is_named(
    recorded: AsyncEngine, export_directory: Path, kind: str
) -> None:
    await write(recorded, kind, "local")
    words = ["is by local, who signs nothing"]
    here, offline = await found(recorded, export_directory)
    assert (here, offline) == (words, words)


async def test_a_case_that_was_closed_without_its_rows_is_named(recorded: AsyncEngine, export_directory: Path) -> None:
    async with recorded.begin() as connection:
        case = await connection.scalar(text("SELECT id FROM cases WHERE closed_at IS NULL"))
        closed = text("UPDATE cases SET closed_as = :how, closed_at = now(), phase = 'closed' WHERE id = :case")
        await connection.execute(closed, {"case": case, "how": ClosedAs.DONE.value})
    entry = ledger.Entry(NOW)
    entry.add(ledger.act("case-closed", f"case/{case}", "millwright", NOW, {"how": ClosedAs.DONE}))
    async with transaction(recorded) as connection:
        await ledger.append(connection, entry)
    words = "is closed as done without an outcome"
    assert words in [finding.what for finding in (await verify(recorded)).findings]
    await export(recorded, export_directory)
    assert words in [finding.what for finding in offline_verify.verify(export_directory)]
