"""Whom a demo adds, and what it keeps of them."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.audit.verifying import verify
from millwright.bootstrap import open_storage
from millwright.demo.clearing import _files_of_people
from millwright.demo.preparation import CAST, put_people_and_policies
from millwright.people.persons import api_key_hash, signing_key
from millwright.runtime.installation_key import create
from tests.support.ingress import settings_over


async def test_the_cast_of_a_demo_enrols_by_signed_acts_and_its_keys_are_in_the_home(
    storage_engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    settings = settings_over(database_url, tmp_path)
    async with open_storage(settings) as storage:
        await put_people_and_policies(storage, settings)
        folder = settings.home / "people"
        secret = (folder / "passphrase").read_text()
        for person in CAST:
            assert signing_key(folder / f"{person}.key", lambda: secret)
            hashed = api_key_hash((folder / f"{person}.api-key").read_text())
            found = await storage.people.by_api_key(hashed, storage.clock.now())
            assert found is not None
            assert found[0] == person
        assert _files_of_people(settings.home) == []
        assert (await verify(storage_engine)).findings == ()


async def test_the_key_of_a_demo_is_registered(storage_engine: AsyncEngine, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "installation.key"
    public_key = create(file)
    settings = settings_over(database_url, tmp_path, installation_key=file)
    async with open_storage(settings) as storage:
        await put_people_and_policies(storage, settings)
        assert (await storage.installation_keys.condition()).in_force == public_key
    report = await verify(storage_engine)
    assert (report.findings, report.unattested_acts) == ((), 0)
