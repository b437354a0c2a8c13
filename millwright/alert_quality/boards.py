"""Two boards that are never mixed: the alarms of operators, and the new drafts of planners."""

from collections import Counter
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.model import Model, Moment
from millwright.storage.database.engine import transaction
from millwright.storage.policies.versions import VersionStore
from millwright.storage.quality.keeping import keep_now
from millwright.storage.quality.loads import AlarmRule, FaultAlerts, LoadReading
from policies.engine.catalogue import Catalogue
from policies.statistics.alarm_board import PositionAlarms, RankedFault, bad_actors, position_alarms
from policies.statistics.planner_load import PlannerLoad, planner_load

_SERIOUS: Final = {"S1": "most serious", "S2": "serious", "S3": "moderate", "S4": "least serious"}


class Rationalisation(Model):
    """What the policy version says of an alarm (ISA-18.2, clause 9): why it is one, how serious it is, what people are
    to do, and in which time.

    Args:
        respond_within: ISO 8601; None if the rule states no time.
    """

    version: str
    rule: str
    cause: str
    consequence: str
    response: str
    respond_within: str | None


class BadActor(Model):
    """A fault among those with the most alarms.

    Args:
        alerts: how many cases it opened, and how many of these were right or wrong.
        sheet: None if the version that judged is not stored.
    """

    fault: RankedFault
    alerts: int
    right: int
    wrong: int
    sheet: Rationalisation | None


class AlarmBoard(Model):
    """The alarms of operators in a period, by position, and the faults with the most alarms."""

    since: Moment
    until: Moment
    positions: tuple[PositionAlarms, ...]
    bad_actors: tuple[BadActor, ...]


class LoadBoard(Model):
    """The new drafts of planners in a period, by site."""

    since: Moment
    until: Moment
    sites: tuple[PlannerLoad, ...]


async def read_alarm_board(engine: AsyncEngine, since: datetime, until: datetime) -> AlarmBoard:
    """The alarms after a time and up to another, in event time.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    await keep_now(engine)
    async with transaction(engine) as connection:
        reading = LoadReading(connection, since, until)
        heard, alerts = await reading.alarms(), await reading.alerts()
        counts = Counter((each.alarm.asset, each.alarm.failure_mode) for line in heard.values() for each in line)
        ranked = bad_actors(counts)
        rules = await reading.rules([(fault.asset, fault.failure_mode) for fault in ranked])
    sheets = await _sheets(engine, rules)
    return AlarmBoard(
        since=since,
        until=until,
        positions=tuple(position_alarms(line, heard[line], since, until) for line in sorted(heard)),
        bad_actors=tuple(_bad_actor(fault, alerts, sheets) for fault in ranked),
    )


async def read_load_board(engine: AsyncEngine, since: datetime, until: datetime) -> LoadBoard:
    """The drafts that went to a CMMS after a time and up to another, by the plant's clock.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    await keep_now(engine)
    async with transaction(engine) as connection:
        reading = LoadReading(connection, since, until)
        drafted, limits = await reading.drafted(), await reading.bounds()
    return LoadBoard(
        since=since,
        until=until,
        sites=tuple(
            planner_load(site, drafted.get(site, ()), since, until, limits.get(site))
            for site in sorted({*drafted, *limits})
        ),
    )


def _bad_actor(
    fault: RankedFault,
    alerts: dict[tuple[str, str], FaultAlerts],
    sheets: dict[tuple[str, str], Rationalisation],
) -> BadActor:
    key = (fault.asset, fault.failure_mode)
    own = alerts.get(key, FaultAlerts(*key, 0, 0, 0))
    return BadActor(fault=fault, alerts=own.alerts, right=own.right, wrong=own.wrong, sheet=sheets.get(key))


async def _sheets(
    engine: AsyncEngine, rules: dict[tuple[str, str], AlarmRule]
) -> dict[tuple[str, str], Rationalisation]:
    wanted = {rule.version for rule in rules.values()}
    found: dict[tuple[str, str], Rationalisation] = {}
    catalogue = Catalogue()
    for stored in await VersionStore(engine).versions():
        if stored.digest not in wanted:
            continue
        name = f"{stored.policy} {stored.version}"
        catalogue.load(stored.document, stored.digest, file=name)
        for key, rule in rules.items():
            if rule.version == stored.digest:
                words = catalogue.words(rule.version, rule.rule)
                found[key] = Rationalisation(
                    version=name,
                    rule=rule.rule,
                    cause=words.because,
                    consequence=f"{rule.severity} ({_SERIOUS[rule.severity]})",
                    response=words.response,
                    respond_within=rule.due_within,
                )
    return found
