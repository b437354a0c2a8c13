"""Whoever alters a case for a moment, or puts a draft beside it, has nothing sent; see docs/security.md."""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.admissions import Admissions
from activities.autonomy import Autonomy
from activities.holds import Holds
from activities.progress import CaseRef
from activities.proposals import Proposals
from activities.returns_to_normal import ReturnsToNormal
from activities.work_orders import WorkOrders
from domain.assets import Criticality
from domain.cases import Decision
from domain.errors import ActionRequired, Unavailable
from domain.ports import TwinGraph
from domain.work_orders import Escalation, WorkOrderRef, WorkOrderStatus
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from millwright.storage.cases.returns_to_normal import NormalStore
from millwright.storage.events.register import RegisterStore
from tests.audit.test_grounds_of_work import draft
from tests.support.cmms import no_files
from tests.support.forging import forge
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, alarm_by_hand, code, deviation, register
from tests.support.walk_downs import prove
from tests.workflows.fake_mes import TARGET, FakeMes
from tests.workflows.fake_plant import FakeCmms, FakeTwins

_ACCEPTED = {"approved": True, "by": "pat", "reason": "Do it.", "at": "2015-01-15T06:00:00Z"}
_DRAFT = "INSERT INTO work_orders (case_id, system, intended_at, draft) VALUES (%s, 'fake', %s, %s)"


@dataclass
class Bench:
    """A case with the steps of its work, on a real database, between a CMMS and an MES in memory."""

    plant: Plant
    storage: Storage
    cmms: FakeCmms
    mes: FakeMes
    case: str
    database_url: str

    def somebody_runs(self, statement: str, *values: object) -> None:
        """Somebody who may write to the database runs a statement."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(statement.encode(), values or None)

    async def pass_by(self) -> str:
        """The steps of the case run once, as its workflow runs them; gives what the case waits for."""
        ref, clock, catalogue = CaseRef(case=self.case), self.plant.clock, self.plant.catalogue
        cases = self.storage.cases
        await Proposals(cases, {"fake": self.mes}, catalogue, clock).propose_work(ref)
        clock.time += timedelta(days=3)
        minutes, twins = timedelta(minutes=5), cast(TwinGraph, FakeTwins())
        holds = Holds(cases, self.storage.holds, {"fake": self.mes}, twins, catalogue, clock, minutes)
        await holds.ensure_hold(ref)
        autonomy = Autonomy(catalogue, self.storage.autonomy)
        orders = WorkOrders(
            cases,
            self.storage.order_leases,
            {"fake": self.cmms},
            catalogue,
            autonomy,
            Admissions(catalogue, self.storage.admissions),
            clock,
            minutes,
            timedelta(days=1),
            {},
            {},
            no_files(cases),
            ReturnsToNormal(NormalStore(self.plant.engine, clock), catalogue, clock),
        )
        await orders.ensure_order(ref)
        await orders.move_order(ref)
        view, _ = await cases.view(self.case)
        return view.waiting_for or ""

    @property
    def sent(self) -> tuple[int, int]:
        """How many orders the CMMS has, and how many words the MES got."""
        return len(self.cmms.orders), len(self.mes.acts)


async def bench(engine: AsyncEngine, database_url: str, *, inspect: bool = False) -> Bench:
    plant = Plant(engine)
    await plant.prepare(Criticality.A)
    await plant.take(*([alarm_by_hand()] if inspect else [code(1), deviation(2)]))
    settings = Settings(_env_file=None, cmms=CmmsSettings(connector="fake"), mes=MesSettings(connector="fake"))
    storage = stores(engine, plant.clock, StoredVersions(plant.catalogue), settings)
    [[case]] = await plant.rows("SELECT id FROM cases")
    await prove(storage.walk_downs, plant.clock.now(), "fake", TARGET)
    return Bench(plant, storage, FakeCmms(plant.clock), FakeMes(plant.clock), str(case), database_url)


async def test_a_case_that_nobody_altered_gets_its_hold_and_its_order(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    ready = await bench(storage_engine, database_url)
    await ready.pass_by()
    assert ready.sent[0] == 1
    assert ready.sent[1] > 0


@pytest.mark.parametrize(
    ("statement", "values", "words"),
    [
        ("UPDATE cases SET rung = 5", (), "the case is at rung 5, and in the record at inspect"),
        (
            "UPDATE cases SET decision = %s",
            (Jsonb(_ACCEPTED),),
            "the decision on the case is not the one in the record",
        ),
    ],
    ids=["rung", "decision"],
)
async def test_a_case_that_was_altered_for_a_moment_gets_neither_order_nor_hold(
    storage_engine: AsyncEngine, database_url: str, statement: str, values: tuple[object, ...], words: str
) -> None:
    ready = await bench(storage_engine, database_url, inspect=True)
    ready.somebody_runs(statement, *values)
    assert words in await ready.pass_by()
    assert ready.sent == (0, 0)


async def test_what_was_put_back_before_the_draft_was_kept_sends_nothing(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    ready = await bench(storage_engine, database_url, inspect=True)
    [[priority]] = await ready.plant.rows("SELECT (verdict ->> 'priority')::int FROM cases")
    with pytest.raises(ActionRequired, match="in the record inspect asks for no order, and nobody accepted the case"):
        await ready.storage.cases.intend_order(ready.case, "fake", draft(ready.case, priority=priority), None, None)
    with pytest.raises(ActionRequired, match="in the record inspect asks for no hold"):
        await ready.storage.holds.claim(ready.case, "fake", "EQ-001", unasked=True)


async def test_a_forged_draft_is_not_sent(storage_engine: AsyncEngine, database_url: str) -> None:
    ready = await bench(storage_engine, database_url)
    forged = draft(
        ready.case, asset=MOTOR, asset_external_id="M001-COMP2", failure_mode="LOO", priority=4, reported_at=START
    )
    now = ready.plant.clock.now()
    ready.somebody_runs(_DRAFT, ready.case, now, forged.model_dump_json())
    ready.somebody_runs("UPDATE cases SET phase = 'place'")
    await forge(storage_engine, ready.case, now, ("order-intended", "millwright", {"system": "fake", "draft": forged}))
    assert "the draft has priority 4" in await ready.pass_by()
    assert ready.cmms.orders == {}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"asset": MOTOR, "asset_external_id": "M001-COMP2"}, f"the draft is on {MOTOR}"),
        ({"failure_mode": "LOO"}, f"the draft is on {PUMP} for LOO"),
        ({"priority": 2}, "the draft has priority 2"),
        ({"asset_external_id": "EQ-001"}, "has another name or other attributes than EQ-001"),
    ],
)
async def test_a_forged_draft_is_compared_with_its_case(
    storage_engine: AsyncEngine, database_url: str, changed: dict[str, object], words: str
) -> None:
    ready = await bench(storage_engine, database_url)
    forged, now = draft(ready.case, **changed), ready.plant.clock.now()
    ready.somebody_runs(_DRAFT, ready.case, now, forged.model_dump_json())
    await forge(storage_engine, ready.case, now, ("order-intended", "millwright", {"system": "fake", "draft": forged}))
    with pytest.raises(ActionRequired, match=words):
        await ready.storage.cases.intend_order(ready.case, "fake", forged, None, None)


async def test_a_kept_draft_is_sent_although_the_case_has_risen_and_its_asset_has_another_name(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    ready = await bench(storage_engine, database_url, inspect=True)
    cases = ready.storage.cases
    await cases.record_decision(
        ready.case, Decision(approved=True, by="pat", reason="Do it.", at=ready.plant.clock.now())
    )
    view, _ = await cases.view(ready.case)
    kept = draft(ready.case, priority=view.verdict.priority)
    assert await cases.intend_order(ready.case, "fake", kept, None, None) == kept
    ready.plant.clock.time += timedelta(days=1)
    await ready.plant.take(code(1.5), deviation(2))
    assert (await cases.view(ready.case))[0].verdict.priority < view.verdict.priority
    whole = register(Criticality.A)
    aliases = tuple(
        alias.model_copy(update={"external_id": "M001-C1"}) if alias.external_id == "M001-COMP1" else alias
        for alias in whole.aliases
    )
    await RegisterStore(storage_engine, ready.plant.clock).keep(whole.model_copy(update={"aliases": aliases}), "pat")
    assert await cases.intend_order(ready.case, "fake", kept, None, None) == kept


@pytest.mark.parametrize(("asset", "mode"), [(MOTOR, "LOO"), (PUMP, "PDE")], ids=["other machine", "second order"])
async def test_a_case_that_somebody_put_beside_another_gets_no_order(
    storage_engine: AsyncEngine, database_url: str, asset: str, mode: str
) -> None:
    ready = await bench(storage_engine, database_url)
    ready.somebody_runs("UPDATE cases SET closed_as = 'done', closed_at = now(), phase = 'closed'")
    ready.somebody_runs(
        "INSERT INTO cases (id, asset, failure_mode, machine, line, site, opened_by, opened_at, event_at, "
        "last_event_at, version, verdict, rung, phase, fed) SELECT 'MWZZZZZZZZ', %s, %s, machine, line, site, "
        "opened_by, opened_at, event_at, last_event_at, version, verdict, rung, 'propose', 1 FROM cases",
        asset,
        mode,
    )
    ready.somebody_runs(
        "INSERT INTO evidence (case_id, event_id, revision, rung, at, how) "
        "SELECT 'MWZZZZZZZZ', event_id, revision, rung, at, how FROM evidence"
    )
    ready.somebody_runs("INSERT INTO due (subject, due_at, generation) VALUES ('case/MWZZZZZZZZ', now(), 1)")
    ready.case = "MWZZZZZZZZ"
    assert f"the record has no case of this key on {asset}" in await ready.pass_by()
    assert ready.sent == (0, 0)


async def test_a_case_that_was_rejected_after_its_step_had_read_it_gets_neither_order_nor_hold(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    ready = await bench(storage_engine, database_url)
    no = Decision(approved=False, by="pat", reason="It is scrap.", at=ready.plant.clock.now())
    await ready.storage.cases.record_decision(ready.case, no)
    with pytest.raises(Unavailable, match="called off meanwhile: It is scrap"):
        await ready.storage.cases.intend_order(ready.case, "fake", draft(ready.case), None, None)
    with pytest.raises(Unavailable, match="called off meanwhile: It is scrap"):
        await ready.storage.holds.claim(ready.case, "fake", "EQ-001", unasked=True)


async def test_an_order_is_raised_only_to_the_priority_that_the_verdict_in_the_record_has(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    ready = await bench(storage_engine, database_url)
    await ready.pass_by()
    view, _ = await ready.storage.cases.view(ready.case)
    assert view.order is not None
    ref, check, own = view.order.ref, ready.storage.cases.check_move, view.verdict.priority
    await check(ready.case, ref, Escalation(priority=own, was=4))
    with pytest.raises(Unavailable, match="the case was raised further meanwhile"):
        await check(ready.case, ref, Escalation(priority=own + 1, was=4))
    ready.somebody_runs("UPDATE cases SET verdict = jsonb_set(verdict, '{priority}', '4')")
    with pytest.raises(ActionRequired, match="the verdict in the case is not the one in the record"):
        await check(ready.case, ref, Escalation(priority=4, was=4))
    ready.somebody_runs(f"UPDATE cases SET verdict = jsonb_set(verdict, '{{priority}}', '{own}')")
    no = Decision(approved=False, by="pat", reason="It is scrap.", at=ready.plant.clock.now())
    await ready.storage.cases.record_decision(ready.case, no)
    with pytest.raises(Unavailable, match="called off meanwhile"):
        await check(ready.case, ref, Escalation(priority=own, was=4))


_WITHDRAWN = "UPDATE cases SET withdraw = 'its evidence was judged again, the last as watch'"


async def test_an_order_is_neither_withdrawn_nor_approved_without_a_ground_in_the_record(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    ready = await bench(storage_engine, database_url)
    await ready.pass_by()
    view, _ = await ready.storage.cases.view(ready.case)
    assert view.order is not None
    ref, check = view.order.ref, ready.storage.cases.check_move
    await check(ready.case, ref, WorkOrderStatus.APPROVED)
    with pytest.raises(ActionRequired, match="in the record nobody and nothing called the work off"):
        await check(ready.case, ref, WorkOrderStatus.CANCELLED)
    other = WorkOrderRef(system=ref.system, id="1999", key=ref.key)
    with pytest.raises(ActionRequired, match="1999 is not the order in the record"):
        await check(ready.case, other, WorkOrderStatus.APPROVED)
    ready.somebody_runs(_WITHDRAWN)
    with pytest.raises(ActionRequired, match="why the case is to be withdrawn is not as in the record"):
        await check(ready.case, ref, WorkOrderStatus.CANCELLED)
