"""Every act that has a scope: its names must be in the register in force, and the answer counts the machines."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Asset, Level, PlantRegister
from domain.assigning import Scope
from domain.autonomy import AutonomyAdvice, AutonomyKey, AutonomyMove, AutonomyTerms
from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.keys import signed_statement
from domain.stops import StoppableAction
from domain.suppression import shelving_limits
from millwright.storage.events.register import RegisterStore
from millwright.storage.policies.assignment_terms import Placing
from millwright.storage.policies.autonomy import AutonomyStore, act_of
from millwright.storage.policies.freezes import FreezeStore
from millwright.storage.policies.signatures import Signature
from millwright.storage.policies.stops import StopStore
from millwright.storage.policies.versions import VersionStore
from millwright.storage.suppression.suppressions import PlannedWindow, SuppressionStore
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, PUMP, code, deviation, register_elsewhere
from tests.support.policy_people import PolicyPeople

HOUR = timedelta(hours=1)
LIMITS = shelving_limits("A=PT8H,B=P7D,C=P7D,D=P7D")
TERMS = AutonomyTerms(enforce=True, automatic=False)
BAND = '{"flood_rate":null,"order_rate":null,"precision":null}'
GHOST = "LINE-9"
"""A line of the register without a machine."""


class ScopedPlant:
    """Two machines at two sites, a line without a machine, and people who act."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.plant = Plant(engine)
        self.people = PolicyPeople(engine, self.plant.clock)
        self.register = RegisterStore(engine, self.plant.clock)
        self.stops = StopStore(engine, self.plant.clock)
        self.freezes = FreezeStore(engine, self.plant.clock)
        self.shelves = SuppressionStore(engine, self.plant.clock, LIMITS, timedelta(days=14))
        self.autonomy = AutonomyStore(engine, self.plant.clock)
        self.version = ""

    async def prepare(self) -> None:
        await self.plant.prepare()
        await self.register.keep(register_elsewhere(), "tests")
        ghost = Asset(id=GHOST, level=Level.LINE, name="Line 9", parent="LUTON", site="LUTON", line=GHOST)
        await self.register.keep(PlantRegister(assets=(ghost,), aliases=(), observables=()), "tests")
        await self.people.arrive()
        self.version = await self.people.approved()

    async def place(self, act: str, scope: Scope) -> int:
        now = self.plant.clock.now()
        terms = Placing(act, (scope,), now, "because", band=BAND if act == "canary" else None)
        given = self.people.sign("emil", self.version, act, terms.meaning)
        return (await self.people.lifecycle.place(self.version, terms, given)).machines

    async def stop(self, site: str | None = None, asset_class: str | None = None) -> int:
        action = StoppableAction.ORDER
        return (await self.stops.stop(action, "emil", "why", site=site, asset_class=asset_class)).machines

    async def shelve(self, asset: str, mode: str | None = None) -> int:
        return (await self.shelves.shelve(asset, mode, HOUR, "ines", "why")).machines

    async def window(self, asset: str) -> int:
        now = self.plant.clock.now()
        planned = PlannedWindow(asset=asset, from_at=now, until_at=now + HOUR, reason="why", source=asset)
        return (await self.shelves.keep_windows([planned], "mona")).machines

    async def freeze(self) -> int:
        now = self.plant.clock.now()
        return (await self.freezes.freeze(now, now + HOUR, "emil", "why")).machines

    async def decide(
        self, move: AutonomyMove, asset_class: str, mode: str, *, by: str = "bert", proposed: bool = True
    ) -> int:
        key = AutonomyKey("rotating-equipment", asset_class, mode)
        if proposed:
            advice = AutonomyAdvice(move=AutonomyMove.PROPOSED, lower_bound=0.9, reason="enough")
            assert await self.autonomy.advised(key, await self.autonomy.record(key, TERMS), advice)
        record, now = await self.autonomy.record(key, TERMS), self.plant.clock.now()
        signing: Ed25519PrivateKey = self.people.keys[by]
        statement = signed_statement(record.digest(key), act_of(move), "seen", timestamp(now), by)
        given = Signature(act_of(move), by, "seen", now, signing.sign(statement).hex(), "")
        public = signing.public_key().public_bytes_raw().hex()
        return (await self.autonomy.decided(key, TERMS, move, replace(given, public_key=public))).machines


Act = Callable[[ScopedPlant], Awaitable[int]]


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> ScopedPlant:
    made = ScopedPlant(storage_engine)
    await made.prepare()
    return made


def placing(act: str, **scope: str | float) -> Act:
    return lambda plant: plant.place(act, Scope.model_validate(scope))


PLACINGS = ("activate", "canary", "shadow", "emergency")
PROMOTED = AutonomyMove.PROMOTED
ACTS: dict[str, tuple[Act, int]] = {
    "stop everywhere": (lambda plant: plant.stop(), 2),
    "stop at a site": (lambda plant: plant.stop("BEDFORD"), 1),
    "stop for a class": (lambda plant: plant.stop(None, "robot"), 1),
    "stop for a class at a site": (lambda plant: plant.stop("BEDFORD", "pump"), 1),
    "shelve a part": (lambda plant: plant.shelve(PUMP), 1),
    "shelve a site": (lambda plant: plant.shelve("BEDFORD"), 1),
    "shelve a failure mode": (lambda plant: plant.shelve("machine-001", "LOO"), 1),
    "window of a line": (lambda plant: plant.window("LINE-2"), 1),
    "freeze": (lambda plant: plant.freeze(), 2),
    "promote": (lambda plant: plant.decide(PROMOTED, "pump", "PDE"), 1),
    "refuse": (lambda plant: plant.decide(AutonomyMove.REFUSED, "pump", "PDE"), 1),
    **{f"{act} everywhere": (placing(act), 2) for act in PLACINGS},
    **{f"{act} on a line": (placing(act, line=LINE), 1) for act in PLACINGS},
    **{f"{act} at a site": (placing(act, site="LUTON"), 1) for act in PLACINGS},
    **{f"{act} for a class": (placing(act, asset_class="robot"), 1) for act in PLACINGS},
    **{f"{act} for a share": (placing(act, percent=99.9), 2) for act in PLACINGS},
}
MISSPELT: dict[str, tuple[Act, str]] = {
    "stop at a site": (
        lambda plant: plant.stop("BEDFROD"),
        "site: there is no site BEDFROD (did you mean BEDFORD?)",
    ),
    "stop for a class": (
        lambda plant: plant.stop(None, "pumps"),
        "asset_class: there is no asset class pumps (did you mean pump?)",
    ),
    "stop in lower case": (
        lambda plant: plant.stop("bedford"),
        "site: there is no site bedford (did you mean BEDFORD?)",
    ),
    "stop at nothing alike": (
        lambda plant: plant.stop("QX"),
        "site: there is no site QX (known: BEDFORD, LUTON)",
    ),
    "shelve an asset": (
        lambda plant: plant.shelve("machine-001-cmp1"),
        (
            "asset: there is no asset machine-001-cmp1 "
            "(did you mean machine-001-comp1 or machine-001-comp2 or machine-001?)"
        ),
    ),
    "shelve a failure mode": (
        lambda plant: plant.shelve(PUMP, "PDF"),
        "failure_mode: there is no failure mode PDF (did you mean PDE?)",
    ),
    "window": (
        lambda plant: plant.window("LINE1"),
        "asset: there is no asset LINE1 (did you mean LINE-1 or LINE-9 or LINE-2?)",
    ),
    "promote a class": (
        lambda plant: plant.decide(PROMOTED, "pmup", "PDE"),
        "asset_class: there is no asset class pmup (did you mean pump?)",
    ),
    "promote a failure mode": (
        lambda plant: plant.decide(PROMOTED, "pump", "PED"),
        "failure_mode: there is no failure mode PED (did you mean PDE?)",
    ),
    "end autonomy that nobody gave": (
        lambda plant: plant.decide(AutonomyMove.LOST, "pmup", "PDE", proposed=False),
        "asset_class: there is no asset class pmup (did you mean pump?)",
    ),
    **{
        f"{act} on a line": (
            placing(act, line="LNE-1"),
            "line: there is no line LNE-1 (did you mean LINE-1 or LINE-9 or LINE-2?)",
        )
        for act in PLACINGS
    },
    **{
        f"{act} at a site": (placing(act, site="LUTN"), "site: there is no site LUTN (did you mean LUTON?)")
        for act in PLACINGS
    },
    **{
        f"{act} for a class": (
            placing(act, asset_class="robbot"),
            "asset_class: there is no asset class robbot (did you mean robot?)",
        )
        for act in PLACINGS
    },
    "the name of a scope that a narrower one hides": (
        placing("shadow", line=LINE, site="LUTN"),
        "site: there is no site LUTN (did you mean LUTON?)",
    ),
}
WITHOUT_MACHINES: dict[str, tuple[Act, str]] = {
    "stop for a class at another site": (
        lambda plant: plant.stop("LUTON", "pump"),
        "site: no machine of the register is in site LUTON and asset class pump",
    ),
    "shelve": (lambda plant: plant.shelve(GHOST), f"asset: no machine of the register is in asset {GHOST}"),
    "window": (lambda plant: plant.window(GHOST), f"asset: no machine of the register is in asset {GHOST}"),
    **{act: (placing(act, line=GHOST), f"line: no machine of the register is in line {GHOST}") for act in PLACINGS},
    "a share": (placing("shadow", percent=0.0001), "percent: no machine of the register is in 0.0001 percent"),
}


@pytest.mark.parametrize(("act", "machines"), ACTS.values(), ids=ACTS)
async def test_the_answer_says_how_many_machines_an_act_reaches(plant: ScopedPlant, act: Act, machines: int) -> None:
    assert await act(plant) == machines


@pytest.mark.parametrize(("act", "words"), MISSPELT.values(), ids=MISSPELT)
async def test_a_misspelt_name_is_refused_with_the_nearest_ones_and_nothing_is_recorded(
    plant: ScopedPlant, act: Act, words: str
) -> None:
    before = await plant.plant.rows("SELECT id FROM acts WHERE kind <> 'autonomy-proposed' ORDER BY id")
    with pytest.raises(ActRejected) as refused:
        await act(plant)
    assert str(refused.value) == words
    assert await plant.plant.rows("SELECT id FROM acts WHERE kind <> 'autonomy-proposed' ORDER BY id") == before


@pytest.mark.parametrize(("act", "words"), WITHOUT_MACHINES.values(), ids=WITHOUT_MACHINES)
async def test_an_act_that_reaches_no_machine_is_refused(plant: ScopedPlant, act: Act, words: str) -> None:
    with pytest.raises(ActRejected) as refused:
        await act(plant)
    assert str(refused.value).startswith(words)


RETIRED: dict[str, Act] = {
    "stop at its site": lambda plant: plant.stop("LUTON"),
    "shelve it": lambda plant: plant.shelve("machine-002"),
    "window on it": lambda plant: plant.window("machine-002"),
    "shadow on its line": placing("shadow", line="LINE-2"),
    "canary at its site": placing("canary", site="LUTON"),
}


@pytest.mark.parametrize("act", RETIRED.values(), ids=RETIRED)
async def test_the_scope_of_a_retired_asset_is_refused_with_the_date(plant: ScopedPlant, act: Act) -> None:
    await plant.register.retire(["LUTON"], "pat", "sold")
    with pytest.raises(ActRejected, match="was retired on 2015-01-15 06:00 UTC"):
        await act(plant)


async def test_an_act_is_ended_after_its_scope_has_left_the_register(plant: ScopedPlant) -> None:
    number, _ = await plant.stops.stop(StoppableAction.HOLD, "emil", "why", site="LUTON")
    shelf = await plant.shelves.shelve("machine-002", None, HOUR, "ines", "why")
    await plant.window("LINE-2")
    (window,) = await plant.plant.rows("SELECT id FROM suppressions WHERE kind = 'window'")
    await plant.place("canary", Scope(line="LINE-2"))
    await plant.place("activate", Scope(site="LUTON"))
    await plant.register.retire(["LUTON"], "pat", "sold")
    await plant.stops.lift(number, "fred", "over")
    assert (await plant.shelves.end(shelf.id, "ines", "over")).ended_by == "ines"
    assert (await plant.shelves.end(str(window[0]), "ines", "over")).ended_by == "ines"
    assert await plant.people.withdraw(plant.version, "canary") == 1
    now, old = plant.plant.clock.now(), plant.plant.digests["1.1.0"]
    lifecycle = plant.people.lifecycle
    terms = await lifecycle.rollback_terms(plant.version, old, "worse", now)
    given = plant.people.sign("emil", old, "rollback", terms.meaning)
    assert (await lifecycle.rollback(plant.version, old, "worse", given)).machines == 0


async def test_a_proposal_is_refused_and_autonomy_ends_after_the_class_has_left_the_register(
    plant: ScopedPlant,
) -> None:
    await plant.plant.take(code(1), deviation(2))
    await plant.decide(PROMOTED, "pump", "PDE")
    await plant.decide(PROMOTED, "pump", "PDE", by="carla", proposed=False)
    await plant.register.retire(["BEDFORD"], "pat", "sold")
    assert await plant.decide(AutonomyMove.LOST, "pump", "PDE", proposed=False) == 0
    assert await plant.decide(AutonomyMove.REFUSED, "pump", "PDE") == 0


async def test_the_whole_plant_may_have_no_machine_yet(storage_engine: AsyncEngine) -> None:
    clock = Plant(storage_engine).clock
    await PolicyPeople(storage_engine, clock).arrive()
    stops = StopStore(storage_engine, clock)
    assert (await stops.stop(StoppableAction.ORDER, "emil", "not yet")).machines == 0


async def test_a_failure_mode_is_known_that_a_policy_or_a_case_names(plant: ScopedPlant) -> None:
    document = "when: anomaly.failure_mode in ['BRD', \"STD\"] && anomaly.kind == 'deviation'"
    await VersionStore(plant.plant.engine).publish(
        digest="0" * 64, policy="p", version="1.0.0", document=document, author="anna", now=plant.plant.clock.now()
    )
    await plant.plant.take(code(1), deviation(2))
    async with plant.plant.engine.begin() as connection:
        await connection.execute(text("UPDATE cases SET failure_mode = 'ERO'"))
    for mode in ("BRD", "STD", "UNK", "ERO"):
        assert await plant.shelve(PUMP, mode) == 1
    with pytest.raises(ActRejected, match="there is no failure mode SLP"):
        await plant.shelve(PUMP, "SLP")
