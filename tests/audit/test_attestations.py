"""What a person does with an API key alone is attested by the installation; a database user cannot do that."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.acting import ATTESTED
from domain.canonical import sha256
from domain.installation_keys import CONFIRM, END, KINDS, REGISTER, InstallationKeyAct, attestation_statement
from domain.stops import StoppableAction
from millwright.audit import offline_verify
from millwright.audit.evidence import write_evidence
from millwright.audit.exporting import export
from millwright.audit.offline_attestations import ATTESTED_ACTS, KEY_KINDS
from millwright.audit.offline_pack import verify_pack
from millwright.audit.verifying import verify
from millwright.runtime.installation_key import InstallationKey, create
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.stops import StopStore
from policies.engine.catalogue import Catalogue
from tests.audit.conftest import Hostile
from tests.support.ingress import NOW
from tests.support.installation_keys import attesting, signs_key, with_key
from tests.support.people import ADMINISTRATOR, add
from tests.support.plant import TestClock

LATER = NOW + timedelta(minutes=1)


def test_the_offline_tables_are_those_of_the_domain() -> None:
    assert ATTESTED_ACTS == ATTESTED
    assert KEY_KINDS == KINDS


@pytest.fixture
async def attested(recorded: AsyncEngine, tmp_path: Path) -> AsyncEngine:
    """The record, with a registered key, as the process of the API has it."""
    return await attesting(recorded, tmp_path, NOW)


async def stop(engine: AsyncEngine, by: str = "paula", at: timedelta = timedelta()) -> None:
    """Lets an operator activate a kill switch and lift it again."""
    store = StopStore(engine, TestClock(LATER + at))
    number, _ = await store.stop(StoppableAction.TWIN_WRITE, by, "the twin is slow")
    await store.lift(number, "oskar", "it is quick")


async def write(engine: AsyncEngine, kind: str = "case-decided", actor: str = "paula") -> None:
    """Adds an act with a chain that agrees, as somebody does who may write to the database."""
    entry = ledger.Entry(LATER)
    entry.add(ledger.act(kind, "case/MWFORGED", actor, LATER, {"approved": True, "reason": "because"}))
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)


async def found(engine: AsyncEngine, directory: Path) -> list[str]:
    """What is found of attestations and keys; offline it is the same."""
    kinds = ("attestation", "installation-key")
    here = [f"{found.where}: {found.what}" for found in (await verify(engine)).findings if found.kind in kinds]
    await export(engine, directory)
    offline = [f"{found.where}: {found.what}" for found in offline_verify.verify(directory) if found.kind in kinds]
    assert offline == here
    return here


async def operator(engine: AsyncEngine) -> None:
    """Adds two operators, one of whom has the role planner too."""
    await add(PeopleStore(engine), "olga", ["operator", "planner"], NOW)
    await add(PeopleStore(engine), "oskar", ["operator"], NOW)


async def test_an_act_in_a_planners_name_that_a_database_user_wrote_is_named(
    attested: AsyncEngine, export_directory: Path
) -> None:
    assert await found(attested, export_directory) == []
    await write(attested)
    (named,) = await found(attested, export_directory)
    assert "(case-decided case/MWFORGED): is in the name of paula, and its row has no attestation" in named


async def test_without_a_key_such_an_act_is_counted_as_not_attested(
    recorded: AsyncEngine, export_directory: Path
) -> None:
    before = (await verify(recorded)).unattested_acts
    assert before > 0
    await write(recorded)
    assert (await verify(recorded)).unattested_acts == before + 1
    assert await found(recorded, export_directory) == []


async def test_what_people_do_through_the_api_is_attested(attested: AsyncEngine, export_directory: Path) -> None:
    before = (await verify(attested)).unattested_acts
    await operator(attested)
    await stop(attested, "olga")
    assert await found(attested, export_directory) == []
    assert (await verify(attested)).unattested_acts == before


async def test_acts_of_nobody_need_no_attestation(attested: AsyncEngine, export_directory: Path) -> None:
    for kind, actor in (("case-decided", "local"), ("window-opened", "millwright"), ("order-placed", "maximo")):
        await write(attested, kind, actor)
    assert await found(attested, export_directory) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM attestations", "its row has no attestation"),
        (
            "UPDATE attestations SET attestation = reverse(attestation)",
            "has an attestation that is not by the key in force",
        ),
        (
            "UPDATE attestations SET attestation = repeat('0', 32) || substr(attestation, 33)",
            "has an attestation that is not by the key in force",
        ),
        ("UPDATE attestations SET attestation = 'none'", "has an attestation that is not by the key in force"),
    ],
)
async def test_an_attestation_that_is_missing_or_altered_is_named_with_its_act(
    attested: AsyncEngine, export_directory: Path, hostile: Hostile, statement: str, words: str
) -> None:
    await operator(attested)
    await stop(attested, "olga")
    await hostile.run(statement)
    named = [line for line in await found(attested, export_directory) if "is in the name of" in line]
    assert len(named) == 2
    assert all(words in line for line in named)
    assert ("(action-stopped stop/" in named[0], "(action-stop-lifted stop/" in named[1]) == (True, True)


async def test_an_attestation_of_a_foreign_key_is_named(
    attested: AsyncEngine, export_directory: Path, tmp_path: Path, hostile: Hostile
) -> None:
    await write(attested)
    create(tmp_path / "foreign.key")
    foreign = InstallationKey(tmp_path / "foreign.key")

    ((seq, at, leaves, root),) = await hostile.rows(
        "SELECT seq, at, leaves, root FROM ledger ORDER BY seq DESC LIMIT 1"
    )
    statement = attestation_statement("ab" * 16, at, leaves, root)  # type: ignore[arg-type]
    signature = foreign.sign(foreign.public_keys()[0], statement)
    insert = "INSERT INTO attestations VALUES (%(seq)s, %(attestation)s)"
    await hostile.run(insert, seq=seq, attestation="ab" * 16 + str(signature))
    named = await found(attested, export_directory)
    assert any("is in the name of paula, and its row has an attestation that is not by the key" in n for n in named)


async def test_the_same_act_a_second_time_is_named(
    attested: AsyncEngine, export_directory: Path, hostile: Hostile
) -> None:
    await operator(attested)
    await stop(attested, "olga")
    ((attestation, body),) = await hostile.rows(
        "SELECT t.attestation, a.body FROM attestations t JOIN acts a USING (ledger_seq) "
        "WHERE a.kind = 'action-stopped'"
    )
    entry = ledger.Entry(LATER)
    (subject,) = [row[0] for row in await hostile.rows("SELECT subject FROM acts WHERE kind = 'action-stopped'")]
    entry.add(ledger.Act("action-stopped", str(subject), "olga", LATER, str(body), sha256(str(body).encode())))
    async with transaction(attested) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)
    copy = "INSERT INTO attestations SELECT max(seq), %(attestation)s FROM ledger"
    await hostile.run(copy, attestation=attestation)
    named = await found(attested, export_directory)
    assert len(named) == 2
    assert all(" a second time" in line for line in named)
    assert "action-stopped" in named[1]


async def test_an_attestation_of_no_row_is_named(attested: AsyncEngine, hostile: Hostile) -> None:
    await hostile.run("INSERT INTO attestations VALUES (99999, 'none')")
    findings = (await verify(attested)).findings
    assert [(f.kind, f.where, f.what) for f in findings] == [
        ("orphan", "attestations of ledger 99999", "there is none")
    ]


async def test_an_attestation_before_the_first_key_is_named(
    recorded: AsyncEngine, export_directory: Path, hostile: Hostile
) -> None:
    await hostile.run("INSERT INTO attestations VALUES (3, 'none')")
    assert await found(recorded, export_directory) == [
        "ledger row 3: is attested, although no installation key was in force"
    ]


async def test_a_rotated_and_an_ended_key_keep_what_they_attested(
    attested: AsyncEngine, export_directory: Path, tmp_path: Path
) -> None:
    await operator(attested)
    await stop(attested, "olga")
    second = create(tmp_path / "installation.key")
    assert await signs_key(attested, REGISTER, second, LATER)
    await stop(attested, "olga", timedelta(minutes=1))
    assert not (tmp_path / "installation.key.new").exists()
    assert InstallationKey(tmp_path / "installation.key").public_keys() == [second]
    assert await found(attested, export_directory) == []
    assert await signs_key(attested, END, second, LATER + timedelta(seconds=1))
    before = (await verify(attested)).unattested_acts
    await stop(attested, "olga", timedelta(minutes=2))
    assert await found(attested, export_directory) == []
    assert (await verify(attested)).unattested_acts == before + 2


async def test_what_the_former_key_attests_later_is_named(
    attested: AsyncEngine, export_directory: Path, tmp_path: Path, hostile: Hostile
) -> None:
    await operator(attested)
    create(tmp_path / "other.key")
    other = InstallationKey(tmp_path / "other.key")
    await signs_key(with_key(attested, other), REGISTER, other.public_keys()[0], LATER)
    # Somebody who hides from the API that there is another key: it goes on with its own.
    await hostile.run("DELETE FROM installation_key_acts WHERE recorded_at = %(at)s", at=LATER)
    await stop(attested, "olga")
    named = await found(attested, export_directory)
    assert any("is in the name of olga, and its row has an attestation that is not by the key" in n for n in named)
    assert "act 2 on an installation key: was recorded, and is gone" in named


def _register(public_key: str) -> dict[str, object]:
    act = InstallationKeyAct(REGISTER, public_key, ADMINISTRATOR, LATER)
    return {"text": act.text, "signature": "00" * 64, "proof": "00" * 64, "waits": False}


async def test_a_key_that_no_administrator_signed_is_named_and_has_no_effect(
    attested: AsyncEngine, export_directory: Path
) -> None:
    await operator(attested)
    forged = "11" * 32
    entry = ledger.Entry(LATER)
    subject = f"installation-key/{forged}"
    entry.add(ledger.act(KINDS[REGISTER], subject, ADMINISTRATOR, LATER, _register(forged)))
    async with transaction(attested) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)
    await stop(attested, "olga")
    named = await found(attested, export_directory)
    assert any(f"the signature is not {ADMINISTRATOR}'s" in line for line in named)
    assert not any("olga" in line for line in named)


async def test_two_administrators_register_a_key_where_there_are_two(
    recorded: AsyncEngine, export_directory: Path, tmp_path: Path
) -> None:
    await add(PeopleStore(recorded), "berta", ["administrator"], NOW)
    public_key = create(tmp_path / "installation.key")
    own = with_key(recorded, InstallationKey(tmp_path / "installation.key"))
    assert not await signs_key(own, REGISTER, public_key, NOW)
    text = InstallationKeyAct(REGISTER, public_key, ADMINISTRATOR, NOW).text
    await write(own)
    assert await found(own, export_directory) == []
    assert await signs_key(own, CONFIRM, public_key, LATER, "berta", sha256(text.encode()))
    assert await found(own, export_directory) == []
    await write(own)
    assert len(await found(own, export_directory)) == 1


async def test_a_pack_has_what_proves_who_decided(attested: AsyncEngine, tmp_path: Path, hostile: Hostile) -> None:
    await operator(attested)
    ((case,),) = await hostile.rows("SELECT subject FROM acts WHERE kind = 'case-decided'")
    name = str(case).removeprefix("case/")

    async def packed(number: int) -> list[str]:
        catalogue = Catalogue()
        made = await write_evidence(attested, catalogue, name, tmp_path / f"pack-{number}", NOW)
        return [f"{finding.kind}: {finding.what}" for finding in verify_pack(made.json_file)]

    assert await packed(1) == []
    entry = ledger.Entry(LATER)
    entry.add(ledger.act("explained-by-hand", str(case), "olga", LATER, {}))
    entry.add(ledger.act("outcome-stated", str(case), "olga", LATER, {"outcome": {}}))
    async with transaction(attested) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)
    named = [line for line in await packed(2) if line.startswith("attestation")]
    assert named == ["attestation: is in the name of olga, and its row has no attestation"]


def test_the_verifier_says_how_many_acts_are_not_attested(
    export_of_before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offline_verify.main([str(export_of_before)]) == 0
    assert "acts of persons were recorded while no installation key was in force" in capsys.readouterr().out


@pytest.fixture
async def export_of_before(recorded: AsyncEngine, export_directory: Path) -> Path:
    """An export of a record without a key."""
    await export(recorded, export_directory)
    return export_directory
