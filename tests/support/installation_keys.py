"""Installations with a key, for tests: created in a folder, and registered by administrators."""

from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.installation_keys import REGISTER, InstallationKeyAct
from millwright.runtime.installation_key import InstallationKey, create
from millwright.storage.ledger.attesting import INSTALLATION_KEY
from millwright.storage.policies.installation_keys import InstallationKeyStore
from tests.support.people import ADMINISTRATOR, key_of


def made_key(folder: Path) -> InstallationKey:
    """A new key in a folder."""
    create(folder / "installation.key")
    return InstallationKey(folder / "installation.key")


def with_key(engine: AsyncEngine, key: InstallationKey) -> AsyncEngine:
    """The engine as the process of the API has it."""
    return engine.execution_options(**{INSTALLATION_KEY: key})


async def signs_key(
    engine: AsyncEngine, act: str, public_key: str, now: datetime, by: str = ADMINISTRATOR, confirms: str | None = None
) -> bool:
    """Lets an administrator sign an act on a key; gives whether it has its effect."""
    signed = InstallationKeyAct(act, public_key, by, now, confirms)
    signature = key_of(by).sign(signed.text.encode()).hex()
    store = InstallationKeyStore(engine)
    if confirms is None:
        return await store.sign(signed, signature, now)
    await store.confirm(signed, signature, now)
    return True


async def attesting(engine: AsyncEngine, folder: Path, now: datetime) -> AsyncEngine:
    """An engine of a process whose key is registered now."""
    key = made_key(folder)
    own = with_key(engine, key)
    assert await signs_key(own, REGISTER, key.public_keys()[0], now)
    return own
