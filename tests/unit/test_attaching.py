"""Which failure mode the codes of an order name, and whether an ended order was work on it."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attaching import end_fault, mode_named, open_fault, same_work
from domain.canonical import canonical
from domain.open_work import OpenOrder, OpenWorkSeen
from domain.outcomes import OutcomeClass
from domain.wording import ENGLISH
from domain.work_orders import CompletionReport, FindingRole, ReportedCode, WorkOrderRef, WorkOrderStatus
from tests.support.cmms import NOTHING_OPEN
from tests.support.order_book import OrderBook
from tests.support.plant import START, TestClock

MODES: Final = {"BEARING": "PDE", "PLAY": "PDE", "SEAL": "ELP", "PM01/0010": "STP"}


def problem(code: str, group: str | None = None) -> ReportedCode:
    return ReportedCode(role=FindingRole.PROBLEM, group=group, code=code)


@pytest.mark.parametrize(
    ("codes", "mode"),
    [
        ([problem("BEARING")], "PDE"),
        ([problem("bearing", "ROTATE")], "PDE"),
        ([problem("BEARING"), problem("PLAY")], "PDE"),
        ([problem("0010", "pm01")], "STP"),
        ([problem("0010", "PM02")], None),
        ([problem("0010")], None),
        ([problem("BEARING"), problem("SEAL")], None),
        ([problem("BEARING"), problem("NOISE")], None),
        ([ReportedCode(role=FindingRole.CAUSE, code="BEARING")], None),
        ([ReportedCode(role=FindingRole.OBJECT_PART, code="SEAL"), problem("BEARING")], "PDE"),
        ([], None),
    ],
)
def test_all_problem_codes_name_one_failure_mode_or_none_does(codes: list[ReportedCode], mode: str | None) -> None:
    assert mode_named(codes, MODES) == mode


OPEN_ORDERS = st.lists(
    st.builds(
        OpenOrder,
        ref=st.builds(
            WorkOrderRef,
            system=st.just("fake"),
            id=st.integers(0, 99).map(str),
            key=st.sampled_from(["", "", "MWAAAAAAAA"]),
        ),
        status=st.just(WorkOrderStatus.APPROVED),
        vendor_status=st.just("APPR"),
        codes=st.lists(st.sampled_from(["BEARING", "PLAY", "SEAL", "NOISE"]).map(problem), max_size=2).map(tuple),
    ),
    max_size=4,
)


@given(OPEN_ORDERS, st.booleans(), st.integers(0, 1), st.integers(0, 1), st.none() | st.just("405"))
def test_an_order_is_found_only_if_it_is_the_one_that_names_the_failure_and_all_are_known(
    orders: list[OpenOrder], complete: bool, unreadable: int, more: int, fault: str | None
) -> None:
    seen = OpenWorkSeen(
        at=START,
        since=START,
        orders=tuple(orders),
        count=len(orders) + more,
        complete=complete,
        unreadable_count=unreadable,
        problem=fault,
    )
    found = same_work(seen, "PDE", MODES)
    named = [order for order in orders if not order.ref.key and mode_named(order.codes, MODES) == "PDE"]
    whole = complete and not unreadable and not more and fault is None
    assert found == (named[0] if whole and len(named) == 1 else None)
    assert same_work(seen, "PDE", {}) is None


def test_an_open_order_without_codes_has_the_form_of_earlier_builds() -> None:
    record = OrderBook(TestClock(START)).people_open("M001-COMP1")
    order = OpenOrder(ref=record.ref, status=record.status, vendor_status="APPR")
    for model in (record, order):
        assert "codes" not in model.model_dump(mode="json")
        assert b'"codes"' not in canonical(model)
    assert NOTHING_OPEN.hint_in(ENGLISH) is None


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ((problem("BEARING"),), None),
        ((), "has no problem code any more"),
        ((problem("SEAL"),), "has the problem code SEAL now, which does not mean PDE"),
    ],
)
def test_an_open_order_says_why_it_is_other_work(codes: tuple[ReportedCode, ...], words: str | None) -> None:
    record = OrderBook(TestClock(START)).people_open("M001-COMP1").model_copy(update={"codes": codes})
    assert open_fault(record, "PDE", MODES) == words


CAUSE: Final = ReportedCode(role=FindingRole.CAUSE, code="WORN")


@pytest.mark.parametrize(
    ("codes", "found", "is_it"),
    [
        ((problem("BEARING"), CAUSE), OutcomeClass.CONFIRMED, True),
        ((CAUSE,), OutcomeClass.CONFIRMED, True),
        ((problem("SEAL"), CAUSE), OutcomeClass.CONFIRMED, False),
        ((problem("NOISE"), CAUSE), OutcomeClass.CONFIRMED, False),
        ((problem("BEARING"),), OutcomeClass.UNKNOWN, False),
        ((problem("BEARING"),), OutcomeClass.NOTHING_FOUND, False),
        ((problem("BEARING"),), OutcomeClass.PREVENTED, False),
        ((), OutcomeClass.UNKNOWN, False),
    ],
)
def test_only_a_confirmed_finding_without_another_failure_ends_the_work(
    codes: tuple[ReportedCode, ...], found: OutcomeClass, is_it: bool
) -> None:
    done = {"status": WorkOrderStatus.COMPLETED, "report": CompletionReport(codes=codes)}
    record = OrderBook(TestClock(START)).people_open("M001-COMP1").model_copy(update=done)
    assert (end_fault(record, "PDE", MODES, found) is None) == is_it


@pytest.mark.parametrize("status", [each for each in WorkOrderStatus if each.not_done])
def test_an_order_that_was_not_carried_out_is_never_the_work(status: WorkOrderStatus) -> None:
    record = OrderBook(TestClock(START)).people_open("M001-COMP1").model_copy(update={"status": status})
    fault = end_fault(record, "PDE", MODES, OutcomeClass.CONFIRMED)
    assert fault is not None
    assert fault.startswith("was closed without this work: it is ")
