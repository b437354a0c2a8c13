"""What an empty installation needs before the first event: tables, register, people, an approved policy in force."""

import asyncio
from datetime import timedelta

from millwright.bootstrap import Storage, Systems
from millwright.people import Person, add_person
from millwright.settings import Settings
from millwright.storage.register import ImportReport
from millwright.storage.schema import upgrade
from millwright.storage.versions import ACTIVATE, APPROVE
from policies.catalogue import Catalogue
from policies.engine import CompiledPolicy

POLICY = "rotating-equipment"
ACTIVE = "1.1.0"
SHADOW = "1.0.0"
APPROVER = "grace"
OPERATOR = "olaf"
_LONG_BEFORE = timedelta(days=1)


async def migrate(database_url: str) -> None:
    """Brings the database to this build's schema."""
    await asyncio.to_thread(upgrade, database_url)


async def prepare(storage: Storage, systems: Systems, settings: Settings) -> ImportReport:
    """Imports the register from the twins, adds two people, and puts the shipped policy in force."""
    report = await storage.register.keep(await systems.twins.read_register(storage.clock.now()), "import")
    await put_people_and_policies(storage, settings)
    await storage.changes.poll_now(systems.cmms_id)
    return report


async def put_people_and_policies(storage: Storage, settings: Settings) -> None:
    """Adds two people, and puts the shipped policy in force.

    1.1.0 is active; 1.0.0, which it came from, judges beside it as a shadow.
    """
    now = storage.clock.now()
    keys = settings.home / "people"
    approver = await add_person(storage.people, APPROVER, ["approver"], keys, now)
    operator = await add_person(storage.people, OPERATOR, ["operator", "planner"], keys, now)
    catalogue = Catalogue.published()
    for version, role in ((ACTIVE, "active"), (SHADOW, "shadow")):
        await _put_in_force(storage, catalogue.find(POLICY, version), role, approver, operator)


async def _put_in_force(
    storage: Storage, compiled: CompiledPolicy, role: str, approver: Person, operator: Person
) -> None:
    now = storage.clock.now()
    document = compiled.document
    await storage.versions.publish(
        digest=compiled.digest,
        policy=document.policy,
        version=document.version,
        document=compiled.text,
        author=document.author,
        now=now,
    )
    approval = approver.sign(compiled.digest, APPROVE, "I have reviewed this version and its cases", now)
    await storage.versions.sign(compiled.digest, approval)
    activation = operator.sign(compiled.digest, ACTIVATE, f"I assign this version as {role}", now)
    signature = await storage.versions.sign(compiled.digest, activation)
    await storage.versions.assign(
        digest=compiled.digest,
        role="active" if role == "active" else "shadow",
        line=None,
        # Events of the first hour may be older than the hour in which the plant's clock begins.
        effective_from=now - _LONG_BEFORE,
        by=operator.name,
        reason="first light",
        signature_id=signature,
        now=now,
    )
