"""The figures on alert quality of a period: for the plant, and by class, site, rule, version, detector and model."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from statistics import fmean, stdev
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.alerts import Confident, Tally
from domain.model import Model, Moment
from millwright.storage.database.engine import transaction
from millwright.storage.policies.versions import VersionStore
from millwright.storage.quality.keeping import keep_now
from millwright.storage.quality.reading import AlertReading, AlertSteps, BegunAlert, Group, InOrder, JudgedCounts
from policies.evaluation.scoring import FailureRegister
from policies.language.document import read_document
from policies.statistics.alert_quality import (
    ENOUGH,
    Calibration,
    FunnelStage,
    Price,
    Quality,
    ShownShare,
    calibration,
    funnel,
    quality,
    shown,
)
from policies.statistics.cusum import CusumAlarm, cusum_of_findings, cusum_of_leads

USUAL_PERIOD: Final = timedelta(days=90)
"""How far figures look back where nobody says it."""
UNSTATED: Final = "not stated"
"""The group of alerts that have no value of a dimension."""


class Changes(Model):
    """Whether a figure became worse for long, by cumulative sums; None where the period before has too few cases."""

    precision: CusumAlarm | None
    lead_time: CusumAlarm | None


class AlertQuality(Model):
    """The figures of a period.

    Args:
        ledger_row: the last row of the ledger that counts.
        by: the figures by dimension and value. An alert with several detectors or models counts in each of them.
        calibration: by asset class, and `all`; of alerts whose opening event stated a confidence.
        funnel: from the judged event to the label.
        changes: whether precision or lead time became worse for long, against the period before of the same length.
        recall: the share of known failures that an alert preceded; None if no register of failures is given. Our own
            orders cannot tell what was missed.
    """

    since: Moment
    until: Moment
    ledger_row: int
    all: Quality
    by: dict[str, dict[str, Quality]]
    calibration: dict[str, Calibration]
    funnel: tuple[FunnelStage, ...]
    changes: Changes
    recall: ShownShare | None = None


_Values = Callable[[Group], Iterable[str | None]]

DIMENSIONS: Final[Mapping[str, _Values]] = {
    "class": lambda group: (group.asset_class,),
    "site": lambda group: (group.site,),
    "rule": lambda group: (f"{group.policy} {group.policy_version} {group.rule}",),
    "policy": lambda group: (f"{group.policy} {group.policy_version}",),
    "detector": lambda group: group.detectors or (None,),
    "model": lambda group: group.model_versions or (None,),
}
"""By what alerts are told apart, and the values of a combination."""


async def read_quality(
    engine: AsyncEngine, since: datetime, until: datetime, failures: FailureRegister | None = None
) -> AlertQuality:
    """The figures of the alerts whose case was opened in a period, by the plant's clock.

    Args:
        until: it does not count itself.
        failures: the known failures of what is monitored, whoever found them.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    kept = await keep_now(engine)
    async with transaction(engine) as connection:
        reading = AlertReading(connection, since, until)
        tallies, confident = await reading.tallies(), await reading.confident()
        judged, steps = await reading.judged(), await reading.steps()
        now = await reading.in_order()
        before = await AlertReading(connection, _before(since, until), since).in_order()
        begun = [] if failures is None else await reading.begun()
    wrong = {digest for tally in tallies.values() for digest in tally.wrong_hours}
    prices = await _prices(engine, wrong)
    return AlertQuality(
        since=since,
        until=until,
        ledger_row=kept.until,
        all=quality(added(tallies.values()), prices),
        by={name: _by(tallies, values, prices) for name, values in DIMENSIONS.items()},
        calibration=_calibration(confident),
        funnel=_funnel(judged, steps),
        changes=changes(before, now),
        recall=None if failures is None else recall(begun, failures),
    )


def _before(since: datetime, until: datetime) -> datetime:
    """When the period before began, that is as long; not before the first time that can be written."""
    first = datetime.min.replace(tzinfo=UTC)
    return since - min(until - since, since - first)


def changes(before: InOrder, now: InOrder) -> Changes:
    """The cumulative sums of a period against the one before."""
    known, leads = before.right or (), before.lead_hours or ()
    deviation = stdev(leads) if len(leads) >= ENOUGH else 0.0
    return Changes(
        precision=cusum_of_findings(sum(known) / len(known), now.right or ()) if len(known) >= ENOUGH else None,
        lead_time=cusum_of_leads(fmean(leads), deviation, now.lead_hours or ()) if deviation > 0 else None,
    )


def recall(begun: Iterable[BegunAlert], failures: FailureRegister) -> ShownShare:
    """The share of the failures that count which an alert preceded by no more than `scoring.HORIZON`."""
    told = {failure for alert in begun for failure in failures.after(alert.asset, alert.event_at)}
    to_announce = failures.to_announce
    return shown(sum(failure in told for failure in to_announce), len(to_announce))


def added(tallies: Iterable[Tally]) -> Tally:
    """Disjoint groups as one."""
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def _by(tallies: Mapping[Group, Tally], values: _Values, prices: Mapping[str, Price]) -> dict[str, Quality]:
    found: dict[str, list[Tally]] = {}
    for group, tally in tallies.items():
        for value in values(group):
            found.setdefault(UNSTATED if value is None else value, []).append(tally)
    return {name: quality(added(found[name]), prices) for name in sorted(found)}


def _calibration(confident: Mapping[str | None, list[Confident]]) -> dict[str, Calibration]:
    bins: dict[int, Confident] = {}
    for each in (one for several in confident.values() for one in several):
        known = bins.get(each.bin, Confident(each.bin, 0, 0, 0.0, 0.0))
        bins[each.bin] = Confident(
            each.bin,
            known.alerts + each.alerts,
            known.right + each.right,
            known.stated + each.stated,
            known.squared_error + each.squared_error,
        )
    by_class = {name or UNSTATED: calibration(counted) for name, counted in confident.items()}
    return {"all": calibration(bins.values()), **dict(sorted(by_class.items()))}


def _funnel(judged: JudgedCounts, steps: AlertSteps) -> tuple[FunnelStage, ...]:
    return funnel(
        (
            ("events judged", judged.judged, None),
            ("alarms (not ignored)", judged.alarms, None),
            ("asked for action", judged.asked, None),
            ("cases", steps.alerts, steps.to_case),
            ("orders in the CMMS", steps.placed, steps.to_order),
            ("work done", steps.done, steps.to_work),
            ("with a finding", steps.found, None),
            ("labels", steps.labelled, steps.to_label),
        )
    )


async def _prices(engine: AsyncEngine, digests: set[str]) -> dict[str, Price]:
    """The price of an hour of the crew in regular hours, of each version that states an amount for all its assets."""
    if not digests:
        return {}
    found: dict[str, Price] = {}
    for stored in await VersionStore(engine).versions():
        if stored.digest not in digests:
            continue
        document, _ = read_document(stored.document, f"{stored.policy} {stored.version}")
        terms = document.prices
        if terms is not None and not isinstance(terms.crew.per_hour, str):
            found[stored.digest] = Price(terms.currency, terms.crew.per_hour)
    return found
