"""The checks of `doctor` on freshness: what is blind now, and whether the error budget burns."""

from domain.freshness import Freshness
from millwright.bootstrap import Storage
from millwright.cli.hold_conditions import SHOWN, PartCondition
from millwright.settings import Settings
from millwright.storage.reporting.freshness_lists import freshness_objectives, watches


async def check_freshness(storage: Storage, settings: Settings) -> PartCondition:
    """Whether everything that is monitored was looked at as promised."""
    now, every = storage.clock.now(), settings.operating_interval
    found = await watches(storage.engine, settings.heartbeats, now, every)
    monitored = [each for each in found if each.state is not Freshness.NOT_MONITORED]
    if not monitored:
        sentence = "nothing is monitored: no source promises a heartbeat (MILLWRIGHT_HEARTBEATS)"
        return PartCondition("freshness", ok=True, sentence=sentence)
    blind = [each for each in monitored if each.state is Freshness.BLIND]
    unknown = [each for each in monitored if each.state is Freshness.UNKNOWN]
    told = f"{len(monitored)} are monitored, {len(blind)} are blind, of {len(unknown)} it is not known"
    if blind or unknown:
        named = ", ".join(each.words for each in (*blind, *unknown)[:SHOWN])
        mend = "look at the source and at its sensor; `millwright freshness list` shows all"
        return PartCondition("freshness", ok=False, sentence=f"{told}: {named}", mend=mend)
    target = settings.freshness_target / 100
    burning = [
        each.criticality.value
        for each in await freshness_objectives(storage.engine, settings.heartbeats, target, now, every)
        if each.fast_burn or each.slow_burn
    ]
    if burning:
        sentence = f"{told}; the error budget burns for criticality {', '.join(burning)}"
        return PartCondition("freshness", ok=False, sentence=sentence, mend="millwright freshness objectives")
    return PartCondition("freshness", ok=True, sentence=told)
