"""What a machine made, read from the records of an MES."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from connectors.mes.odoo_mrp import mapping as odoo
from connectors.mes.odoo_mrp.models import Lot, Production, TimeLog, WorkOrder
from connectors.mes.opcua_job_control import mapping as job_control
from connectors.mes.opcua_job_control.models import JobOrderRow, Made, made_by
from domain.lots import MadeLot

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUNNING, ENDED, WAITING = 3, 5, 2


def row(job: str, state: int, began: int, ended: int, master: str = "WM-1") -> JobOrderRow:
    return JobOrderRow(
        receiver="R1",
        id=job,
        state=state,
        starts_at=NOW + began * HOUR,
        ends_at=NOW + ended * HOUR,
        work_masters=frozenset({master}),
    )


def material(lot: str | None, use: str | None, sublot: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(MaterialDefinitionID="SHAFT", MaterialLotID=lot, MaterialSublotID=sublot, MaterialUse=use)


@pytest.mark.parametrize(
    ("use", "counts"),
    [
        ("Produced", True),
        ("By-Product Produced", True),
        ("produced", True),
        ("Consumed", False),
        ("Consumable", False),
        (None, False),
    ],
)
def test_only_produced_material_counts(use: str | None, counts: bool) -> None:
    response = SimpleNamespace(JobOrderID="J-1", MaterialActuals=[material("LOT-1", use)])
    made = made_by(response, "J-1")
    assert made is not None
    assert made.lots == ((("LOT-1", "SHAFT"),) if counts else ())


def test_a_sublot_names_the_parts_more_closely_than_its_lot() -> None:
    made = made_by(SimpleNamespace(JobOrderID="J-1", MaterialActuals=[material("LOT-1", "Produced", "SUB-2")]), "J-1")
    assert made == Made(lots=(("SUB-2", "SHAFT"),))


@pytest.mark.parametrize("response", [None, SimpleNamespace(JobOrderID="J-2"), SimpleNamespace(JobOrderID=None)])
def test_the_response_of_another_job_says_nothing(response: object) -> None:
    assert made_by(response, "J-1") is None


def test_jobs_that_have_not_begun_and_planned_stops_made_nothing() -> None:
    rows = [row("J-1", ENDED, -5, -2), row("J-2", WAITING, 1, 5), row("STOP-1", RUNNING, -1, 5, "PLANNED-STOP")]
    assert [each.id for each in job_control.begun(rows, ["PLANNED-STOP"])] == ["J-1"]


def test_a_job_counts_by_the_times_of_its_response_and_by_its_own_id_without_lots() -> None:
    late = Made(starts_at=NOW - 3 * HOUR, ends_at=NOW - HOUR, lots=(("LOT-1", "SHAFT"),))
    made = [(row("J-1", ENDED, -9, -5), late), (row("J-2", RUNNING, -1, 5), None)]
    assert job_control.lots(made, NOW - 4 * HOUR, NOW) == [
        MadeLot(lot="LOT-1", job="J-1", material="SHAFT", from_at=NOW - 3 * HOUR, until_at=NOW - HOUR),
        MadeLot(lot=None, job="J-2", from_at=NOW - HOUR),
    ]


@pytest.mark.parametrize(("began", "ended", "counts"), [(-9, -4, False), (-9, -3, True), (0, 5, True), (1, 5, False)])
def test_a_job_counts_if_it_ran_in_the_period(began: int, ended: int, counts: bool) -> None:
    made = job_control.lots([(row("J-1", ENDED, began, ended), None)], NOW - 4 * HOUR, NOW)
    assert (made != []) is counts


def test_a_job_whose_planned_end_is_over_and_that_still_runs_is_being_made() -> None:
    [made] = job_control.lots([(row("J-1", RUNNING, -9, -8), None)], NOW - 4 * HOUR, NOW)
    assert made.until_at is None


def timer(number: int, order: int | None, began: int, ended: int | None, loss: str = "productive") -> TimeLog:
    return TimeLog.model_validate(
        {
            "id": number,
            "workcenter_id": [1, "Press"],
            "workorder_id": False if order is None else [order, "Stamp"],
            "loss_type": loss,
            "date_start": f"{NOW + began * HOUR:%Y-%m-%d %H:%M:%S}",
            "date_end": False if ended is None else f"{NOW + ended * HOUR:%Y-%m-%d %H:%M:%S}",
        }
    )


def work_order(number: int, production: int) -> WorkOrder:
    return WorkOrder.model_validate(
        {"id": number, "state": "progress", "production_id": [production, f"MO/{production}"]}
    )


def production(number: int, *lots: int) -> Production:
    return Production.model_validate(
        {"id": number, "name": f"MO/{number}", "product_id": [5, "Shaft"], "lot_producing_ids": [*lots]}
    )


def test_the_lots_of_work_orders_have_the_times_of_their_timers() -> None:
    timers = [timer(1, 7, -5, -4), timer(2, 7, -3, -2), timer(3, 8, -1, None)]
    made = odoo.lots_made(
        timers,
        [work_order(7, 70), work_order(8, 80)],
        [production(70, 1, 2), production(80)],
        [Lot(id=1, name="L-1"), Lot(id=2, name="L-2")],
    )
    assert [(lot.lot, lot.material, lot.from_at, lot.until_at) for lot in made] == [
        ("L-1", "Shaft", NOW - 5 * HOUR, NOW - 2 * HOUR),
        ("L-2", "Shaft", NOW - 5 * HOUR, NOW - 2 * HOUR),
        (None, "Shaft", NOW - HOUR, None),
    ]


def test_a_block_and_a_setup_are_no_production() -> None:
    timers = [timer(1, 7, -5, -4, "availability"), timer(2, None, -3, None, "quality")]
    assert odoo.lots_made(timers, [work_order(7, 70)], [production(70, 1)], [Lot(id=1, name="L-1")]) == []


def test_a_lot_that_our_user_may_not_see_counts_by_its_id() -> None:
    [made] = odoo.lots_made([timer(1, 7, -5, None)], [work_order(7, 70)], [production(70, 9)], [])
    assert made.lot == "stock.lot 9"
