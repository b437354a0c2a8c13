"""The evidence of a case is attached to its order once, as a table and a chart, where the CMMS can have files."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.order_files import OrderFiles, chart_line, table
from domain.cases import Decision, Observation
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.order_files import ChartLine, OrderFile
from domain.verdict import Rung
from domain.wording import ENGLISH, SPANISH
from domain.work_orders import WorkOrderRef, WorkOrderStatus
from millwright.runtime.evidence_chart import DrawnCharts
from tests.support.cmms import ABLE
from tests.support.fault_injected_cmms import FaultInjectedCmms
from tests.support.fault_injection import vendor_call
from tests.support.order_book import OrderBook
from tests.support.plant import START, TestClock
from tests.support.saga_plant import REREAD, SagaPlant, case_view

CASE: Final = "MWAAAAAAAA"
TABLE, CHART = f"{CASE}-evidence", f"{CASE}-chart"


def seen(hours: int, value: float | None, signal: str | None = "volt", **more: object) -> Observation:
    return Observation.model_validate(
        {
            "at": START + timedelta(hours=hours),
            "detector": "adx:volt",
            "signal": signal,
            "value": value,
            "score": 7.25,
            "baseline": 170.0,
            "unit": "V",
            "code": None,
            **more,
        }
    )


EVIDENCE: Final = (seen(0, 175.5), seen(1, None, None, code="E1", score=None, baseline=None), seen(2, 180.25))


def test_the_table_has_every_observation_in_the_way_of_the_language() -> None:
    english, spanish = (table(EVIDENCE, say).decode("utf-8-sig").split("\r\n") for say in (ENGLISH, SPANISH))
    assert english == [
        "time (UTC),detected by,signal,value,baseline,unit,standard errors,error code",
        "2015-01-10 06:00:00,adx:volt,volt,175.500,170.000,V,7.250,",
        "2015-01-10 07:00:00,adx:volt,,,,V,,E1",
        "2015-01-10 08:00:00,adx:volt,volt,180.250,170.000,V,7.250,",
        "",
    ]
    assert spanish[0] == "hora (UTC);detectado por;señal;valor;línea de base;unidad;errores estándar;código de error"
    assert spanish[1] == "2015-01-10 06:00:00;adx:volt;volt;175,500;170,000;V;7,250;"


@given(st.text(max_size=20))
def test_no_word_of_a_sender_is_a_formula(word: str) -> None:
    cells = table([seen(0, 1.0, detector=word)], ENGLISH).decode("utf-8-sig").split("\r\n", 1)[1].split(",", 1)[1]
    assert not cells.lstrip('"').startswith(("=", "+", "@", "\t", "\r"))


def test_the_chart_is_of_the_signal_that_was_seen_most_with_the_words_of_the_language() -> None:
    line = chart_line([seen(3, 1.0, "rotate"), *reversed(EVIDENCE)], "Bomba", SPANISH)
    assert line is not None
    assert (line.title, line.value_label, line.value_name, line.baseline_name) == (
        "Bomba",
        "volt (V)",
        "valor",
        "línea de base",
    )
    assert (line.values, line.at) == ((175.5, 180.25), (START, START + timedelta(hours=2)))


@pytest.mark.parametrize("evidence", [(), (EVIDENCE[1],), (EVIDENCE[0],)])
def test_one_value_is_no_chart(evidence: Sequence[Observation]) -> None:
    assert chart_line(evidence, "t", ENGLISH) is None


async def test_a_chart_is_a_png_that_is_the_same_each_time_also_with_signs_of_formulas() -> None:
    line = chart_line([*EVIDENCE, seen(4, 181.0, baseline=None)], "A $x_{1$ pump\n" * 30, ENGLISH)
    assert line is not None
    first, second = [await DrawnCharts().draw(line) for _ in range(2)]
    assert first.startswith(b"\x89PNG")
    assert (first, len(first) < 200_000) == (second, True)


class KeepsFiles(FaultInjectedCmms):
    """A CMMS whose orders have files."""

    def __init__(self, clock: TestClock, book: OrderBook) -> None:
        super().__init__(clock, book)
        self.files: dict[str, bytes] = {}
        self.refuses: ConnectorError | None = None

    async def attach_file(self, ref: WorkOrderRef, file: OrderFile) -> None:
        if self.refuses is not None:
            raise self.refuses
        await vendor_call(lambda: self.files.setdefault(f"{ref.id}/{file.key}", file.content))


class KnownEvidence:
    async def of_case(self, case: str) -> Sequence[Observation]:
        del case
        return EVIDENCE


class SmallCharts:
    async def draw(self, line: ChartLine) -> bytes:
        return line.value_label.encode()


def opened(refuses: ConnectorError | None = None) -> tuple[SagaPlant, KeepsFiles]:
    plant = SagaPlant(timedelta())
    cmms = KeepsFiles(plant.clock, plant.cmms.book)
    cmms.refuses = refuses
    plant.cmms_by_id["fake"] = cmms
    files = OrderFiles(plant.store, KnownEvidence(), plant.cmms_by_id, SmallCharts())
    plant.orders._files = files
    plant.store.open(case_view(CASE, 1, Rung.DRAFT))
    return plant, cmms


def keys(cmms: KeepsFiles) -> list[str]:
    return sorted(name.partition("/")[2] for name in cmms.files)


def test_an_order_gets_its_files_once() -> None:
    plant, cmms = opened()
    plant.settle()
    assert keys(cmms) == [CHART, TABLE]
    assert plant.store.now(CASE).order_notes == (TABLE,)
    cmms.files.clear()
    plant.clock.time += REREAD
    plant.settle()
    assert keys(cmms) == []


REFUSALS: Final[Sequence[Callable[[], ConnectorError]]] = (
    lambda: ActionRequired("may not attach", system="fake", operation="attach-file"),
    lambda: Refused("too large", system="fake", operation="attach-file"),
)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_an_order_does_not_wait_for_files_that_the_cmms_refuses(refusal: Callable[[], ConnectorError]) -> None:
    plant, cmms = opened(refusal())
    plant.settle()
    view = plant.store.now(CASE)
    assert (keys(cmms), view.lane, view.order_notes) == ([], None, (TABLE,))
    assert (view.waiting_for or "").startswith("the planner to approve or cancel")


def test_files_are_tried_again_while_the_cmms_is_away() -> None:
    plant, cmms = opened(Unavailable("no answer", system="fake", operation="attach-file"))
    plant.settle()
    assert "no answer" in (plant.store.now(CASE).waiting_for or "")
    cmms.refuses = None
    plant.clock.time += timedelta(hours=2)
    plant.settle()
    assert keys(cmms) == [CHART, TABLE]


def test_an_order_that_is_not_wanted_any_more_gets_none() -> None:
    plant, cmms = opened(Unavailable("no answer", system="fake", operation="attach-file"))
    plant.settle()
    cmms.refuses = None
    decision = Decision(approved=False, by="pat", reason="no", at=plant.clock.now())
    plant.store._decide(CASE, decision)
    plant.settle()
    assert keys(cmms) == []
    assert plant.store.now(CASE).order is not None
    assert plant.store.now(CASE).order.status is WorkOrderStatus.CANCELLED  # type: ignore[union-attr]  # as above


def test_an_order_of_a_person_gets_none() -> None:
    plant, cmms = opened()
    cmms.can = ABLE.model_copy(update={"failure_modes": {"BEARING": "PDE"}})
    theirs = cmms.book.people_open("M001-COMP1", "BEARING").ref
    plant.settle()
    view = plant.store.now(CASE)
    assert view.order is not None
    assert (view.order.ref, keys(cmms), view.order_notes) == (theirs, [], (f"{CASE}-attached-1",))
