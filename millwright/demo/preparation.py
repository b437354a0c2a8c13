"""Prepares an empty installation: tables, register, people, an approved policy in force."""

import asyncio
from datetime import timedelta

from domain.approvals import ACTIVATE, APPROVE
from domain.approvals import SHADOW as AS_SHADOW
from domain.assigning import EVERYWHERE
from millwright.bootstrap import Storage, Systems
from millwright.demo.cast import Administrator, keep_keys
from millwright.people.persons import Person, new_secret, new_signing_key
from millwright.runtime.installation_key import InstallationKey
from millwright.settings import Settings
from millwright.storage.database.schema import upgrade
from millwright.storage.events.register import ImportReport
from millwright.storage.policies.assignment_terms import Placing
from policies.engine.catalogue import PUBLISHED, Catalogue
from policies.engine.judging import CompiledPolicy

POLICY = "rotating-equipment"
ACTIVE = "1.2.0"
SHADOW = "1.0.0"
PRICED = PUBLISHED.parent / "drafts" / POLICY / "1.4.0.yaml"
"""The draft whose prices the summary of a run compares times for the work by. It is not in force."""
APPROVER = "grace"
OPERATOR = "olaf"
ADMINISTRATOR = "iris"
PRODUCTION = "hanna"
MAINTENANCE = "milan"
CAST = (ADMINISTRATOR, APPROVER, OPERATOR, PRODUCTION, MAINTENANCE)
"""The persons that a demo adds. Their acts during preparation do not count as acts of people."""

_LONG_BEFORE = timedelta(days=1)


async def migrate(database_url: str) -> None:
    """Brings the database to this build's schema."""
    await asyncio.to_thread(upgrade, database_url)


async def prepare(storage: Storage, systems: Systems, settings: Settings) -> ImportReport:
    """Imports the register from the twins, adds people, and puts the shipped policy in force."""
    report = await storage.register.keep(await systems.twins.read_register(storage.clock.now()), "import")
    await put_people_and_policies(storage, settings)
    for system in systems.cmms:
        await storage.changes.poll_now(system)
    return report


async def put_people_and_policies(storage: Storage, settings: Settings, *, shadow: bool = True) -> None:
    """Adds the first administrator and the rest of the cast, puts the shipped policy in force, and registers the
    installation's key, if it has one.

    1.2.0 is active, so each order waits for the planner of the CMMS; 1.0.0 judges beside it as a shadow, if a shadow
    is wanted.
    """
    now = storage.clock.now()
    administrator = Administrator(storage.people, Person(ADMINISTRATOR, new_secret(), new_signing_key()))
    await administrator.arrive(now)
    approver = await administrator.add(APPROVER, ["approver"], now)
    operator = await administrator.add(OPERATOR, ["operator", "planner"], now)
    production = await administrator.add(PRODUCTION, ["production"], now)
    maintenance = await administrator.add(MAINTENANCE, ["planner"], now)
    keep_keys(settings.home / "people", [administrator.person, approver, operator, production, maintenance])
    catalogue = Catalogue.published()
    # Both are published before either is in force: a later version would need the approvals by its backtest.
    for version in (ACTIVE, SHADOW):
        await _publish(storage, catalogue.find(POLICY, version), approver)
    await _put_in_force(storage, catalogue.find(POLICY, ACTIVE), ACTIVATE, operator)
    if shadow:
        await _put_in_force(storage, catalogue.find(POLICY, SHADOW), AS_SHADOW, operator)
    if settings.installation_key is not None:
        await administrator.register_key(storage.engine, InstallationKey(settings.installation_key), now)


async def _publish(storage: Storage, compiled: CompiledPolicy, approver: Person) -> None:
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
    await storage.policies.lifecycle.approve(compiled.digest, approval)


async def _put_in_force(storage: Storage, compiled: CompiledPolicy, act: str, operator: Person) -> None:
    now = storage.clock.now()
    # Events of the first hour may be older than the hour in which the plant's clock begins.
    terms = Placing(act, (EVERYWHERE,), now - _LONG_BEFORE, "first light")
    await storage.policies.lifecycle.place(
        compiled.digest, terms, operator.sign(compiled.digest, act, terms.meaning, now)
    )
