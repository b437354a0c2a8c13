"""The process of the API attests what people do; without its key it refuses, and nothing else waits for a key."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from domain.canonical import sha256
from domain.cases import Decision
from domain.errors import ActRejected, Rejected
from domain.installation_keys import CONFIRM, END, REGISTER, InstallationKeyAct
from domain.stops import StoppableAction
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.runtime.installation_key import InstallationKey, create
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.database import schema
from millwright.storage.ledger.acting_person import LOCAL_MODE
from millwright.storage.policies.installation_keys import InstallationKeyStore
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.stops import StopStore
from tests.support.installation_keys import attesting, made_key, signs_key, with_key
from tests.support.judged_plant import Plant
from tests.support.people import ADMINISTRATOR, add, key_of
from tests.support.plant import START, code, deviation

EARLIER = "0027_senders"


async def opened(plant: Plant) -> str:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    return str(case)


async def decide(plant: Plant, case: str, by: str = "pat") -> None:
    decision = Decision(approved=True, by=by, reason="seen it", at=plant.clock.now())
    await CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue)).record_decision(case, decision)


async def test_a_process_without_the_key_refuses_what_people_do(plant: Plant, tmp_path: Path) -> None:
    case = await opened(plant)
    await attesting(plant.engine, tmp_path, START)
    with pytest.raises(ActRejected, match="cannot attest what people do: it has not the installation key"):
        await decide(plant, case)
    assert await plant.rows("SELECT decision FROM cases") == [(None,)]
    plant.engine = with_key(plant.engine, made_key(tmp_path / "foreign"))
    with pytest.raises(ActRejected, match="cannot attest what people do"):
        await decide(plant, case)


async def test_judging_and_services_go_on_without_the_key(plant: Plant, tmp_path: Path) -> None:
    await attesting(plant.engine, tmp_path, START)
    await opened(plant)
    assert await plant.rows("SELECT FROM attestations") == []
    assert (await verify(plant.engine)).findings == ()


async def test_a_kill_switch_is_never_refused_and_the_audit_names_it(plant: Plant, tmp_path: Path) -> None:
    await attesting(plant.engine, tmp_path, START)
    stops = StopStore(plant.engine, plant.clock)
    number, _ = await stops.stop(StoppableAction.ORDER, "olaf", "the press shakes")
    (finding,) = (await verify(plant.engine)).findings
    assert finding.what == "is in the name of olaf, and its row has no attestation"
    with pytest.raises(ActRejected, match="cannot attest"):
        await stops.lift(number, "grace", "it stands")


async def test_acts_of_local_are_not_attested(plant: Plant, tmp_path: Path) -> None:
    case = await opened(plant)
    await attesting(plant.engine, tmp_path, plant.clock.now())
    plant.engine = plant.engine.execution_options(**{LOCAL_MODE: True})
    await decide(plant, case, "local")
    assert await plant.rows("SELECT FROM attestations") == []
    assert (await verify(plant.engine)).findings == ()


async def test_a_key_is_registered_by_an_administrator_through_a_process_that_has_it(
    plant: Plant, tmp_path: Path
) -> None:
    key = made_key(tmp_path)
    (public_key,) = key.public_keys()
    own = with_key(plant.engine, key)
    with pytest.raises(ActRejected, match="olaf may not do this; it takes the role administrator"):
        await signs_key(own, REGISTER, public_key, START, "olaf")
    with pytest.raises(ActRejected, match="this API has not the private half of the key"):
        await signs_key(plant.engine, REGISTER, public_key, START)
    act = InstallationKeyAct(REGISTER, public_key, ADMINISTRATOR, START)
    store = InstallationKeyStore(own)
    with pytest.raises(ActRejected, match=f"the signature is not {ADMINISTRATOR}'s"):
        await store.sign(act, key_of("olaf").sign(act.text.encode()).hex(), START)
    with pytest.raises(ActRejected, match="not of now"):
        await store.sign(act, key_of(ADMINISTRATOR).sign(act.text.encode()).hex(), START + timedelta(hours=1))
    assert await signs_key(own, REGISTER, public_key, START)
    condition = await store.condition()
    assert (condition.in_force, condition.since, condition.held) == (public_key, START, (public_key,))
    with pytest.raises(ActRejected, match="is or was in force already"):
        await signs_key(own, REGISTER, public_key, START)
    with pytest.raises(ActRejected, match="is not the key in force"):
        await signs_key(own, END, "11" * 32, START)
    assert await signs_key(own, END, public_key, START)
    with pytest.raises(ActRejected, match="is or was in force already"):
        await signs_key(own, REGISTER, public_key, START + timedelta(seconds=1))


async def test_where_two_administrators_are_one_alone_registers_and_ends_no_key(plant: Plant, tmp_path: Path) -> None:
    await add(PeopleStore(plant.engine), "berta", ["administrator"], START)
    key = made_key(tmp_path)
    (public_key,) = key.public_keys()
    own = with_key(plant.engine, key)
    store = InstallationKeyStore(own)

    async def confirmed(act: str, by: str) -> None:
        waiting = (await store.condition()).waiting
        assert waiting == InstallationKeyAct(act, public_key, ADMINISTRATOR, START).text
        await signs_key(own, CONFIRM, public_key, START, by, sha256(waiting.encode()))

    assert not await signs_key(own, REGISTER, public_key, START)
    assert (await store.condition()).in_force is None
    with pytest.raises(ActRejected, match="another administrator confirms it"):
        await confirmed(REGISTER, ADMINISTRATOR)
    await confirmed(REGISTER, "berta")
    assert not await signs_key(own, END, public_key, START)
    assert (await store.condition()).in_force == public_key
    await confirmed(END, "berta")
    assert (await store.condition()).in_force is None
    with pytest.raises(ActRejected, match="no such act waits"):
        await signs_key(own, CONFIRM, public_key, START, "berta", "00" * 32)
    assert (await verify(plant.engine)).findings == ()


async def test_an_installation_of_an_earlier_build_goes_on_without_a_key(
    plant: Plant, database_url: str, tmp_path: Path
) -> None:
    case = await opened(plant)
    await plant.engine.dispose()
    schema.downgrade(database_url, EARLIER)
    schema.upgrade(database_url)
    schema.check(database_url)
    await decide(plant, case)
    report = await verify(plant.engine)
    assert (report.findings, report.unattested_acts > 0) == ((), True)
    await attesting(plant.engine, tmp_path, START)
    assert (await verify(plant.engine)).unattested_acts == report.unattested_acts


def test_the_file_of_a_key_that_is_not_safe_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "installation.key"
    with pytest.raises(Rejected, match="is not there"):
        InstallationKey(file)
    public_key = create(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert InstallationKey(file).public_keys() == [public_key]
    file.chmod(0o640)
    with pytest.raises(Rejected, match="has mode 0640, so other users may use it"):
        InstallationKey(file)
    file.chmod(0o600)
    (tmp_path / "link.key").symlink_to(file)
    with pytest.raises(Rejected, match="cannot be read"):
        InstallationKey(tmp_path / "link.key")
    (tmp_path / "folder.key").mkdir()
    with pytest.raises(Rejected, match="is no regular file"):
        InstallationKey(tmp_path / "folder.key")
    file.write_text("no key")
    with pytest.raises(Rejected, match="holds no key that can be read"):
        InstallationKey(file)


def test_the_file_of_another_user_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path / "installation.key")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(Rejected, match="belongs to another user"):
        InstallationKey(tmp_path / "installation.key")


def test_a_new_key_lies_beside_the_present_one_until_it_is_in_force(tmp_path: Path) -> None:
    file = tmp_path / "installation.key"
    first = create(file)
    key = InstallationKey(file)
    second = create(file)
    with pytest.raises(Rejected, match="is there already"):
        create(file)
    assert key.sign(second, b"told") is not None
    key.keep(first)
    assert key.public_keys() == [first, second]
    key.keep(second)
    assert InstallationKey(file).public_keys() == [second]
    assert key.sign(first, b"told") is None


def test_the_key_is_in_no_text_of_the_object(tmp_path: Path) -> None:
    key = made_key(tmp_path)
    assert repr(key) == f"InstallationKey('{tmp_path / 'installation.key'}')"
