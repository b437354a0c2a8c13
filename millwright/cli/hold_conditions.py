"""The checks of `doctor` on holds: their state, the proofs of machines, and holds without an owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from activities.orphan_holds import OrphanHolds
from domain.holds import A_SHIFT
from domain.ports import Mes
from domain.production import ISOLATION_NOTICE
from millwright.bootstrap import Storage
from millwright.runtime.plant_instances import plant_instances
from millwright.settings import Settings
from millwright.storage.cases.orphan_holds import OrphanHoldStore
from millwright.storage.reporting import condition
from millwright.storage.reporting.walk_down_lists import Proving, machines, proving_words

SHOWN: Final = 5
"""How many of what is wrong are named."""


@dataclass(frozen=True, slots=True)
class PartCondition:
    """The result for one part. `mend` says how to repair it, and is None if nothing is to be done."""

    part: str
    ok: bool
    sentence: str
    mend: str | None = None


async def check_holds(storage: Storage) -> PartCondition:
    found = await condition.read_hold_faults(storage.engine, storage.clock.now() - A_SHIFT)
    faults = (
        ("unproven, or claimed by no open case", found.adrift),
        ("accepted by the MES and not in effect", found.not_in_effect),
        ("waiting for its release for more than a shift", found.late),
    )
    if not any(holds for _, holds in faults):
        sentence = "every hold is proved ours, in effect where it was accepted, and claimed by an open case"
        return PartCondition("holds", ok=True, sentence=sentence)
    sentence = "; ".join(f"{len(holds)} {fault}: {', '.join(holds[:SHOWN])}" for fault, holds in faults if holds)
    mend = "millwright hold list, and look at the machine and the MES; only a person may decide"
    return PartCondition("holds", ok=False, sentence=f"{sentence}. {ISOLATION_NOTICE}", mend=mend)


async def check_proofs(storage: Storage, settings: Settings) -> PartCondition:
    # A machine that is not proved is no failure: no policy may ask for its hold. A case that waits for a proof is in a
    # lane.
    found = await machines(storage.engine, plant_instances(settings))
    suspended = any(each.state is Proving.SUSPENDED for each in found)
    mend = "millwright hold prove MACHINE, by two persons at the machine" if suspended else None
    return PartCondition("proofs", ok=not suspended, sentence=proving_words(found, SHOWN), mend=mend)


async def check_orphans(storage: Storage, mes: Mapping[str, Mes]) -> PartCondition:
    """Compares the holds in storage with those of each MES, both ways."""
    record = OrphanHoldStore(storage.engine, storage.cases)
    found = (await OrphanHolds(record, mes, storage.clock).find()).orphans
    if not found:
        sentence = "a case answers for each hold, and each MES that answers has no other hold of ours"
        return PartCondition("orphans", ok=True, sentence=sentence)
    told = "; ".join(orphan.words for orphan in found[:SHOWN])
    mend = "look at the machine and in the MES; only a person may release it there"
    return PartCondition("orphans", ok=False, sentence=f"{len(found)} holds without an owner: {told}", mend=mend)
