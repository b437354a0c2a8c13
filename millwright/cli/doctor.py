"""Checks every part of an installation, and says how to repair it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

from temporalio.client import Client

from domain.cases import Lane
from domain.clock import WallClock
from domain.cmms_offers import SchemaChecker, schema_checkers
from domain.errors import MillwrightError, Rejected
from domain.webhooks import webhook_subscribers
from millwright.audit.head import rewritten
from millwright.bootstrap import Storage, Systems, open_storage, open_systems
from millwright.cli.drift_condition import check_drift
from millwright.cli.freshness_condition import check_freshness
from millwright.cli.hold_conditions import SHOWN, PartCondition, check_holds, check_orphans, check_proofs
from millwright.explaining.waivers import read_waiver_notices
from millwright.intake.running import open_ingress
from millwright.runtime.home import installed
from millwright.runtime.installation_key import InstallationKey
from millwright.runtime.lockfile import differences
from millwright.settings import Settings
from millwright.steering.differing import differing_settings
from millwright.storage.cases.unreadable import open_reports
from millwright.storage.database.lineage import head
from millwright.storage.database.revision import read_revision
from millwright.storage.ledger.seals import LATE, late_rows
from millwright.storage.ledger.settings_taken import settings_running
from millwright.storage.policies.installation_keys import read_key_in_force
from millwright.storage.reporting import condition
from millwright.workflow_engine.engine_condition import cases_without_workflow, missing_search_attributes
from millwright.workflow_engine.temporal import engine_client
from policies.checks.waivers import NOTICE

OVERDUE = timedelta(minutes=5)
"""In plant time. The dispatcher wakes due subjects within a second, and an answer takes some seconds more."""

_PATIENCE = 15.0
_OLDEST_PYTHON = (3, 11)


async def examine(settings: Settings) -> list[PartCondition]:
    """All parts, in the order of their dependencies. If one check fails, the others are still made."""
    findings = [_python(), _packages()]
    async with AsyncExitStack() as stack:
        storage, found = await _opened(settings, stack)
        findings.append(found)
        client, found = await _engine(settings, stack)
        findings.append(found)
        if storage is not None:
            findings += await _of_storage(storage, settings)
        if storage is not None and client is not None:
            findings.append(await _seen("cases", "start the engine", _Reconciling(storage, client).look))
        if storage is not None:
            findings.append(await _seen("attestation", "see docs/people.md", lambda: _attestation(settings, storage)))
        findings += await _systems(settings, storage)
        findings.append(await _seen("bus", "start it, or correct MILLWRIGHT_BUS__…", lambda: _bus(settings)))
        # The client must be gone before the block that opened it ends; see `millwright.workflow_engine.temporal`.
        del client
    return findings


def _python() -> PartCondition:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= _OLDEST_PYTHON:
        return PartCondition("python", ok=True, sentence=f"Python {version}")
    wanted = ".".join(str(part) for part in _OLDEST_PYTHON)
    return PartCondition("python", ok=False, sentence=f"Python {version}", mend=f"use Python {wanted} or newer")


def _packages() -> PartCondition:
    differing = differences()
    if differing is None:
        return PartCondition("packages", ok=True, sentence="no requirements.lock lies beside this installation")
    if not differing:
        return PartCondition("packages", ok=True, sentence="all as in requirements.lock")
    named = ", ".join(differing[:SHOWN])
    return PartCondition(
        "packages", ok=False, sentence=f"{len(differing)} not as in requirements.lock: {named}", mend="make"
    )


async def _seen(part: str, mend: str, look: Callable[[], Awaitable[PartCondition]]) -> PartCondition:
    """The result of a check; an error or a timeout is a result too."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await look()
    except TimeoutError:
        return PartCondition(part, ok=False, sentence=f"gave no answer within {_PATIENCE:.0f} s", mend=mend)
    except Rejected as error:
        place = f"{error.field}: " if error.field else ""
        return PartCondition(part, ok=False, sentence=f"{place}{error.problem}", mend=error.fix or mend)
    except MillwrightError as error:
        return PartCondition(part, ok=False, sentence=str(error), mend=mend)


async def _opened(settings: Settings, stack: AsyncExitStack) -> tuple[Storage | None, PartCondition]:
    if not installed(settings):
        sentence = f"there is no installation under {settings.home}"
        return None, PartCondition("database", ok=False, sentence=sentence, mend="make run")
    storage = await stack.enter_async_context(open_storage(settings))
    finding = await _seen("database", "start it, or correct MILLWRIGHT_DATABASE_URL", lambda: _revision(storage))
    return (storage if finding.ok else None), finding


async def _revision(storage: Storage) -> PartCondition:
    revision = await read_revision(storage.engine)
    if revision.found is None:
        sentence = f"has no tables yet; this build wants {head()}"
        return PartCondition("database", ok=False, sentence=sentence, mend="millwright db upgrade")
    objection = revision.objection()
    if objection is None:
        return PartCondition("database", ok=True, sentence=f"answers, at revision {revision.found}")
    return PartCondition(
        "database", ok=False, sentence=f"is at {objection}", mend="millwright db upgrade, or the newer build"
    )


async def _engine(settings: Settings, stack: AsyncExitStack) -> tuple[Client | None, PartCondition]:
    address = settings.temporal_address
    if address is None:
        mend = "set MILLWRIGHT_TEMPORAL_ADDRESS, or start everything with `millwright up`"
        return None, PartCondition("engine", ok=False, sentence="no workflow engine is named", mend=mend)
    clients: list[Client] = []

    async def look() -> PartCondition:
        client = await stack.enter_async_context(engine_client(settings, address))
        clients.append(client)
        missing = await missing_search_attributes(client)
        sentence = f"answers at {address}, namespace {client.namespace}"
        if not missing:
            return PartCondition("engine", ok=True, sentence=sentence)
        lacking = f"{sentence}; it lacks the search attributes {', '.join(missing)}"
        return PartCondition(
            "engine", ok=False, sentence=lacking, mend="millwright worker registers them when it starts"
        )

    finding = await _seen("engine", "start it, or correct MILLWRIGHT_TEMPORAL_ADDRESS", look)
    return (clients.pop() if clients else None), finding


async def _of_storage(storage: Storage, settings: Settings) -> list[PartCondition]:
    async def clock() -> PartCondition:
        now = storage.clock.now()
        fault = await condition.read_clock_fault(storage.engine, now)
        if fault is not None:
            mend = "correct the clock of this host: until then nobody approves, assigns, freezes or lifts"
            return PartCondition("clock", ok=False, sentence=fault, mend=mend)
        return PartCondition("clock", ok=True, sentence=f"{now:%Y-%m-%d %H:%M:%S} UTC")

    looks: Sequence[tuple[str, str, Callable[[], Awaitable[PartCondition]]]] = (
        ("clock", "correct MILLWRIGHT_CLOCK, or start the sandbox", clock),
        ("settings", "start the database", lambda: _settings(storage)),
        ("register", "millwright assets import", lambda: _register(storage)),
        ("policies", "approve and activate a version", lambda: _policies(storage)),
        ("waivers", "millwright audit verify", lambda: _waivers(storage)),
        ("ledger", "millwright audit verify", lambda: _ledger(storage)),
        ("head", "correct MILLWRIGHT_HOME", lambda: _head(settings, storage)),
        ("seals", "millwright worker", lambda: _seals(storage, settings.clock)),
        ("due", "millwright worker", lambda: _due(storage, settings.poll_interval)),
        ("lanes", "millwright case list --lane operations", lambda: _lanes(storage)),
        ("orders", "look at the CMMS, then `millwright case list`", lambda: _orders(storage, settings.order_interval)),
        ("records", "millwright unreadable list", lambda: _records(storage)),
        ("drift", "millwright drift list", lambda: check_drift(storage, settings.all_cmms())),
        ("freshness", "millwright freshness list", lambda: check_freshness(storage, settings)),
        ("holds", "look at the MES, then `millwright hold list`", lambda: check_holds(storage)),
        ("proofs", "millwright hold proofs", lambda: check_proofs(storage, settings)),
    )
    return [await _seen(*look) for look in looks]


async def _settings(storage: Storage) -> PartCondition:
    running = await settings_running(storage.engine)
    differing = differing_settings(running)
    if not differing:
        named = ", ".join(sorted({taken.process for taken in running})) or "none of this installation"
        return PartCondition("settings", ok=True, sentence=f"processes that run with the same settings: {named}")
    told = "; ".join(differing[:SHOWN])
    sentence = f"{len(differing)} differ between processes that run now: {told}"
    return PartCondition(
        "settings", ok=False, sentence=sentence, mend="give all processes the same settings, and start them again"
    )


async def _register(storage: Storage) -> PartCondition:
    assets, lines, _ = await condition.read_lines(storage.engine, storage.clock.now())
    if not assets:
        return PartCondition("register", ok=False, sentence="there are no assets", mend="millwright assets import")
    return PartCondition("register", ok=True, sentence=f"{assets} assets on {len(lines)} lines")


async def _policies(storage: Storage) -> PartCondition:
    _, lines, unruled = await condition.read_lines(storage.engine, storage.clock.now())
    if unruled:
        sentence = f"no policy is in force for {', '.join(unruled)}"
        return PartCondition("policies", ok=False, sentence=sentence, mend="approve and activate a version")
    faults = await condition.read_policy_faults(storage.engine, storage.compiled, storage.clock)
    if faults:
        sentence = f"a version in force was not approved, and its work is stopped: {faults[0]}"
        return PartCondition(
            "policies", ok=False, sentence=sentence, mend="millwright audit verify, and ask who had access"
        )
    return PartCondition(
        "policies", ok=True, sentence=f"one is in force for each of {len(lines)} lines, as it was approved"
    )


async def _waivers(storage: Storage) -> PartCondition:
    notices = await read_waiver_notices(storage.engine, storage.clock.now())
    if not notices:
        return PartCondition("waivers", ok=True, sentence=f"none in force has ended or ends within {NOTICE.days} days")
    # This is no failure: the waived rule decides again. But people must know.
    return PartCondition("waivers", ok=True, sentence="; ".join(notice.words for notice in notices))


async def _ledger(storage: Storage) -> PartCondition:
    seq, agrees = await condition.ledger_agrees(storage.engine)
    if agrees:
        return PartCondition("ledger", ok=True, sentence=f"{seq} rows, the head names the last one")
    sentence = f"the head says row {seq}, and the last row is another: rows were removed, or the head was altered"
    return PartCondition("ledger", ok=False, sentence=sentence, mend="millwright audit verify, and ask who had access")


async def _head(settings: Settings, storage: Storage) -> PartCondition:
    fault = await rewritten(storage.engine, settings.home)
    if fault is not None:
        return PartCondition("head", ok=False, sentence=fault, mend="see docs/audit.md")
    return PartCondition("head", ok=True, sentence="the head that this home published last is in the ledger")


async def _seals(storage: Storage, clock_setting: str) -> PartCondition:
    if clock_setting != "wall":
        return PartCondition("seals", ok=True, sentence="not looked at: the sandbox's clock may outrun the watch")
    late = await late_rows(storage.engine, storage.clock.now() - LATE)
    if not late:
        return PartCondition("seals", ok=True, sentence="what was received over 5 minutes ago is sealed")
    sentence = f"{late} messages and receipts are not sealed after 5 minutes, and may be altered unseen"
    mend = "is `millwright worker` running? If so, end the transaction or the lock that its log tells of"
    return PartCondition("seals", ok=False, sentence=sentence, mend=mend)


async def _due(storage: Storage, poll_interval: timedelta) -> PartCondition:
    never = await condition.read_never_due(storage.engine, storage.clock.now(), poll_interval)
    if never:
        sentence = f"{len(never)} will not run by themselves: {', '.join(never[:SHOWN])}; their rows were altered"
        return PartCondition("due", ok=False, sentence=sentence, mend="millwright audit verify, and ask who had access")
    overdue = await condition.read_overdue(storage.engine, storage.clock.now() - OVERDUE)
    if not overdue.count:
        return PartCondition("due", ok=True, sentence="nothing is overdue")
    sentence = f"{overdue.count} overdue by more than 5 minutes, first {', '.join(overdue.longest)}"
    return PartCondition(
        "due", ok=False, sentence=sentence, mend="is `millwright worker` running, and does the engine answer?"
    )


async def _lanes(storage: Storage) -> PartCondition:
    lanes = await condition.read_lanes(storage.engine)
    if not lanes:
        return PartCondition("lanes", ok=True, sentence="no case waits for a person")
    sentence = ", ".join(f"{count} in {lane}" for lane, count in sorted(lanes.items()))
    # Reviews and releases are normal work. In the other lanes something is wrong, and only a person can correct it.
    broken = sorted(set(lanes) - {Lane.REVIEW.value, Lane.PRODUCTION.value})
    mend = "; ".join(f"millwright case list --lane {lane}" for lane in broken) or None
    return PartCondition("lanes", ok=not broken, sentence=f"cases wait for a person: {sentence}", mend=mend)


async def _orders(storage: Storage, interval: timedelta) -> PartCondition:
    now = storage.clock.now()
    found = await condition.read_order_faults(storage.engine, now, now - 2 * interval)
    faults = (
        ("with a key of ours that no case follows", found.unmatched),
        ("not read in the CMMS for two intervals", found.unread),
        ("due by now, not placed, and its machine is held", found.held_unordered),
    )
    if not any(orders for _, orders in faults):
        return PartCondition("orders", ok=True, sentence="each belongs to a case, and each open one was read lately")
    sentence = "; ".join(f"{len(orders)} {fault}: {', '.join(orders[:SHOWN])}" for fault, orders in faults if orders)
    return PartCondition("orders", ok=False, sentence=sentence, mend="look at the CMMS, then `millwright case list`")


async def _records(storage: Storage) -> PartCondition:
    found = await open_reports(storage.engine)
    if not found:
        return PartCondition("records", ok=True, sentence="every record of the CMMS and the twins could be read")
    named = "; ".join(f"{row.system} {row.record}: {row.field or 'the record'} {row.reason}" for row in found[:SHOWN])
    mend = "correct the field there; `millwright unreadable list` shows all"
    return PartCondition("records", ok=False, sentence=f"{len(found)} cannot be read: {named}", mend=mend)


async def _attestation(settings: Settings, storage: Storage) -> PartCondition:
    found = await read_key_in_force(storage.engine)
    if found is None:
        # This is no failure: an installation of an earlier build goes on as before. But people must know.
        sentence = "acts of people are not attested: no installation key is registered (`millwright installation-key`)"
        return PartCondition("attestation", ok=True, sentence=sentence)
    sentence = f"key {found.public_key[:12]} is in force since {found.since:%Y-%m-%d %H:%M:%S} UTC"
    if settings.installation_key is None:
        sentence = f"{sentence}; only an API that has it takes what people do"
        return PartCondition("attestation", ok=True, sentence=sentence)
    if found.public_key not in InstallationKey(settings.installation_key).public_keys():
        mend = "register the key of this host, or correct MILLWRIGHT_INSTALLATION_KEY"
        sentence = f"{sentence}, and {settings.installation_key} holds another one"
        return PartCondition("attestation", ok=False, sentence=sentence, mend=mend)
    return PartCondition("attestation", ok=True, sentence=f"{sentence}, and this host has it")


class _Reconciling:
    """Compares the open cases in storage with the workflows in the engine."""

    def __init__(self, storage: Storage, client: Client) -> None:
        self._storage = storage
        self._client = client

    async def look(self) -> PartCondition:
        cases = await condition.read_open_cases(self._storage.engine)
        lost = await cases_without_workflow(self._client, cases)
        if not lost:
            return PartCondition("cases", ok=True, sentence=f"{len(cases)} open, each with its workflow")
        sentence = f"{len(lost)} of {len(cases)} open cases have no running workflow: {', '.join(lost[:SHOWN])}"
        return PartCondition(
            "cases", ok=False, sentence=sentence, mend="millwright worker: its dispatcher starts what is due"
        )


async def _systems(settings: Settings, storage: Storage | None) -> list[PartCondition]:
    async with AsyncExitStack() as stack:
        systems: Systems | None = None

        async def opened() -> PartCondition:
            nonlocal systems
            systems = await stack.enter_async_context(open_systems(settings, storage.clock if storage else WallClock()))
            return PartCondition("systems", ok=True, sentence="all are named")

        named = await _seen("systems", "correct the setting", opened)
        if systems is None:
            return [named]
        checks: dict[str, Callable[[], Awaitable[str]]] = {}
        for port, instances in (("cmms", systems.cmms), ("mes", systems.mes)):
            alone = len(instances) == 1
            checks.update({port if alone else f"{port} {system}": each.check for system, each in instances.items()})
        checks["twins"] = systems.twins.check
        found = [
            await _seen(part, f"start it, or correct MILLWRIGHT_{part.upper()}__…", _answering(part, check))
            for part, check in checks.items()
        ]
        found += await check_webhooks(systems)
        found += await check_schemas(systems)
        if storage is not None:
            orphans = partial(check_orphans, storage, systems.mes)
            found.append(await _seen("orphans", "look at the MES, then `millwright hold list`", orphans))
        return found


async def check_webhooks(systems: Systems) -> list[PartCondition]:
    """Whether webhooks are still sent to us, for each CMMS where they can stop unnoticed."""
    found = webhook_subscribers(systems.cmms)
    checks = {
        "webhooks" if len(found) == 1 else f"webhooks {system}": each.check_webhooks for system, each in found.items()
    }
    mend = "correct the setting that it names; until then a change is seen at the next poll"
    return [await _seen(part, mend, _answering(part, check)) for part, check in checks.items()]


async def check_schemas(systems: Systems) -> list[PartCondition]:
    """Whether each CMMS whose connector compares the schema differs from the settings, or from what our orders need."""
    found = schema_checkers(systems.cmms)
    mend = "correct it there, or the setting that it names; `millwright connector check` shows all"

    async def look(part: str, each: SchemaChecker) -> PartCondition:
        differences = await each.check_schema()
        if not differences:
            return PartCondition(
                part, ok=True, sentence="nothing differs from the settings and from what our orders need"
            )
        return PartCondition(part, ok=False, sentence="; ".join(differences[:SHOWN]), mend=mend)

    parts = {"schema" if len(found) == 1 else f"schema {system}": each for system, each in found.items()}
    return [await _seen(part, mend, partial(look, part, each)) for part, each in parts.items()]


def _answering(part: str, check: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[PartCondition]]:
    async def look() -> PartCondition:
        return PartCondition(part, ok=True, sentence=await check())

    return look


async def _bus(settings: Settings) -> PartCondition:
    async with open_ingress(settings) as ingress:
        return PartCondition("bus", ok=True, sentence=await ingress.check())
