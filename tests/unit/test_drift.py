"""What counts as drift: nothing where the readings agree, and one kind for each thing that differs."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.drift import (
    FEWEST_CHANGES,
    HINTS_GIVEN_UP,
    HINTS_QUIET,
    ComparedFrom,
    DriftKind,
    HintsKnown,
    ReadOrder,
    RecordedOrder,
    ToldTwin,
    fix_of,
    hint_drift,
    order_drift,
    twin_drift,
)
from domain.outcomes import OutcomeClass, told_outcome
from domain.reconcile import latest_night
from domain.work_orders import Touched, WorkOrderRecord, WorkOrderRef, WorkOrderStatus

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
WINDOW = ComparedFrom(since=NOW - timedelta(days=30), settled_before=NOW - timedelta(minutes=30))
CASE, OTHER = "MWAAAAAAA2", "MWBBBBBBB3"
CHANGED = NOW - timedelta(days=2)
STATUSES = st.sampled_from(WorkOrderStatus)


def order(
    key: str = CASE,
    number: str = "1001",
    status: WorkOrderStatus = WorkOrderStatus.APPROVED,
    asset: str = "PUMP-7",
    locator: str | None = None,
) -> WorkOrderRecord:
    return WorkOrderRecord(
        ref=WorkOrderRef(system="maximo", id=number, locator=locator, key=key),
        status=status,
        vendor_status=status.value,
        changed_at=CHANGED,
        touched=Touched.NO,
        asset_external_id=asset,
    )


def recorded(known: WorkOrderRecord | None, case: str = CASE, *, closed: bool = False) -> RecordedOrder:
    read_at = None if known is None else CHANGED
    return RecordedOrder(
        case=case, closed=closed, goes_on=not closed, asset_name="PUMP-7", order=known, read_at=read_at
    )


def kinds(found: WorkOrderRecord, *ours: RecordedOrder, asked_at: datetime = NOW) -> list[DriftKind]:
    return [each.kind for each in order_drift(ReadOrder(record=found, asked_at=asked_at), ours, WINDOW)]


@given(status=STATUSES, asset=st.sampled_from(["PUMP-7", "pump-7"]))
def test_an_order_that_is_as_we_know_it_is_no_drift(status: WorkOrderStatus, asset: str) -> None:
    found = order(status=status, asset=asset)
    assert kinds(found, recorded(found, closed=status.finished)) == []


WAYS: dict[DriftKind, tuple[Callable[[WorkOrderRecord], WorkOrderRecord], Callable[[RecordedOrder], RecordedOrder]]] = {
    DriftKind.ASSET_DIFFERS: (
        lambda found: found.model_copy(update={"asset_external_id": "PUMP-8"}),
        lambda ours: ours,
    ),
    DriftKind.DOUBLE_ORDER: (
        lambda found: found.model_copy(update={"ref": found.ref.model_copy(update={"id": "1002"})}),
        lambda ours: ours,
    ),
    DriftKind.KEY_DIFFERS: (
        lambda found: found.model_copy(update={"ref": found.ref.model_copy(update={"key": OTHER})}),
        lambda ours: ours,
    ),
    DriftKind.UNKNOWN_ORDER: (
        lambda found: found,
        lambda ours: ours.model_copy(update={"order": None, "asset_name": None}),
    ),
    DriftKind.OPEN_AGAIN: (lambda found: found, lambda ours: ours.model_copy(update={"closed": True})),
    DriftKind.STATUS_DIFFERS: (
        lambda found: found.model_copy(update={"status": WorkOrderStatus.ON_HOLD}),
        lambda ours: ours,
    ),
}
"""For each kind, what people change there, and what is otherwise here."""
OPEN = st.sampled_from([WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED, WorkOrderStatus.IN_PROGRESS])


@pytest.mark.parametrize("kind", WAYS)
@given(status=OPEN)
def test_each_alteration_gives_its_kind_and_no_other(kind: DriftKind, status: WorkOrderStatus) -> None:
    there, here = WAYS[kind]
    known = order(status=status)
    assert kinds(there(known), here(recorded(known))) == [kind]


@given(ours=STATUSES, theirs=STATUSES, closed=st.booleans(), asset=st.sampled_from(["PUMP-7", "PUMP-8"]))
def test_a_case_has_its_order_once_whatever_differs(
    ours: WorkOrderStatus, theirs: WorkOrderStatus, *, closed: bool, asset: str
) -> None:
    found = kinds(order(status=theirs, asset=asset), recorded(order(status=ours), closed=closed))
    again = DriftKind.OPEN_AGAIN if closed and not theirs.finished else DriftKind.STATUS_DIFFERS
    wanted = {again} if again is DriftKind.OPEN_AGAIN or ours is not theirs else set()
    assert found == [*wanted, *([DriftKind.ASSET_DIFFERS] if asset != "PUMP-7" else [])]


def test_an_order_of_no_case_is_named_with_its_key_and_number() -> None:
    [found] = order_drift(ReadOrder(record=order(), asked_at=NOW), [], WINDOW)
    assert (found.kind, found.case, found.ours) == (DriftKind.UNKNOWN_ORDER, None, "no such case")
    assert (found.theirs, found.subject) == (f"order 1001 with key {CASE} is approved", "1001")
    assert "or take the key off it" in fix_of(found.kind)


@pytest.mark.parametrize("kind", DriftKind)
def test_each_kind_says_what_to_do(kind: DriftKind) -> None:
    assert fix_of(kind)


def test_an_order_that_was_created_and_whose_answer_was_lost_has_another_status() -> None:
    assert kinds(order(), recorded(None)) == [DriftKind.STATUS_DIFFERS]


@pytest.mark.parametrize("status", [WorkOrderStatus.CANCELLED, WorkOrderStatus.DELETED, WorkOrderStatus.SKIPPED])
def test_a_second_order_that_people_have_called_off_needs_nobody(status: WorkOrderStatus) -> None:
    assert kinds(order(number="1002", status=status), recorded(order())) == []


def test_a_second_order_that_was_completed_is_told_until_the_window_has_passed() -> None:
    done = order(number="1002", status=WorkOrderStatus.COMPLETED)
    assert kinds(done, recorded(order())) == [DriftKind.DOUBLE_ORDER]
    long_ago = done.model_copy(update={"changed_at": WINDOW.since - timedelta(seconds=1)})
    assert kinds(long_ago, recorded(order())) == []


def test_a_status_that_the_next_poll_may_bring_is_no_drift() -> None:
    lately = order(status=WorkOrderStatus.COMPLETED).model_copy(update={"changed_at": WINDOW.settled_before})
    assert kinds(lately, recorded(order())) == []


def test_a_status_that_we_have_read_since_the_page_is_no_drift() -> None:
    assert kinds(order(status=WorkOrderStatus.ON_HOLD), recorded(order()), asked_at=CHANGED) == []


def test_an_order_that_is_gone_is_drift_although_its_stamp_is_that_of_the_reading() -> None:
    gone = WorkOrderRecord.gone(order().ref, NOW)
    assert kinds(gone, recorded(order())) == [DriftKind.STATUS_DIFFERS]


def test_an_order_of_a_cmms_that_tells_no_asset_is_on_no_other_asset() -> None:
    found = order().model_copy(update={"asset_external_id": None})
    assert kinds(found, recorded(found)) == []


@given(ours=STATUSES, theirs=STATUSES, asset=st.sampled_from(["PUMP-7", "PUMP-8"]), closed=st.booleans())
def test_an_order_of_a_person_is_no_drift_whether_a_case_has_it_or_none(
    ours: WorkOrderStatus, theirs: WorkOrderStatus, asset: str, *, closed: bool
) -> None:
    found = order(key="", status=theirs, asset=asset)
    assert kinds(found, recorded(order(key="", status=ours), closed=closed)) == []
    assert kinds(found) == []


def test_an_order_of_ours_without_its_key_has_another_key_than_its_case() -> None:
    assert kinds(order(key=""), recorded(order())) == [DriftKind.KEY_DIFFERS]


def test_an_order_of_a_person_that_bears_the_key_of_another_case_is_compared_with_that_case() -> None:
    attached = recorded(order(key=""))
    found = order(key=OTHER)
    assert kinds(found, attached) == [DriftKind.UNKNOWN_ORDER]
    assert kinds(found, attached, recorded(order(key=OTHER, number="1002"), OTHER)) == [DriftKind.DOUBLE_ORDER]


@pytest.mark.parametrize("cases", [(CASE, OTHER), (OTHER, CASE)])
def test_orders_of_two_sites_with_one_number_are_two_orders(cases: tuple[str, str]) -> None:
    known = {case: order(key=case, locator=f"os/{case}") for case in cases}
    ours = [recorded(known[case], case) for case in cases]
    assert [kinds(known[case], *ours) for case in cases] == [[], []]


def test_an_order_whose_locator_has_changed_is_still_the_order_of_its_case() -> None:
    assert kinds(order(locator="os/2"), recorded(order(locator="os/1"))) == []


def test_an_order_with_an_unknown_key_is_not_that_of_a_case_of_another_site_with_its_number() -> None:
    ours = recorded(order(locator="os/1"))
    assert kinds(order(key=OTHER, locator="os/2"), ours) == [DriftKind.UNKNOWN_ORDER]
    assert kinds(order(key=OTHER, locator="os/1"), ours) == [DriftKind.KEY_DIFFERS]


TOLD = ToldTwin(twin="T1", case=CASE, properties=told_outcome(CASE, OutcomeClass.CONFIRMED, cancelled=False))


def test_a_twin_that_says_what_it_was_told_is_no_drift_whatever_else_it_says() -> None:
    assert twin_drift("maximo", TOLD, {**TOLD.properties, "healthState": "degraded", "speed": 5}) == ()


@given(name=st.sampled_from(sorted(TOLD.properties)), value=st.sampled_from([None, "", "other", 5]))
def test_a_twin_that_says_something_else_is_named_with_both_values(name: str, value: str | int | None) -> None:
    [found] = twin_drift("maximo", TOLD, {**TOLD.properties, name: value})
    assert (found.kind, found.subject) == (DriftKind.TWIN_DIFFERS, "T1")
    assert found.ours == f"{name}={TOLD.properties[name]}"
    assert found.theirs == f"{name}={'-' if value is None else value}"


def test_a_property_in_a_component_is_compared_there() -> None:
    told = TOLD.model_copy(update={"properties": {"upkeep.case": CASE}})
    assert twin_drift("maximo", told, {"upkeep": {"case": CASE}}) == ()
    others: list[dict[str, Any]] = [{"upkeep": {"case": "another"}}, {"upkeep": {}}, {"upkeep": "text"}, {}]
    for properties in others:
        [found] = twin_drift("maximo", told, properties)
        assert found.ours == f"upkeep.case={CASE}"


def test_a_twin_that_is_gone_is_drift() -> None:
    [found] = twin_drift("maximo", TOLD, None)
    assert (found.theirs, found.case) == ("the twin cannot be read", CASE)


@given(
    silent=st.timedeltas(min_value=timedelta(), max_value=2 * HINTS_GIVEN_UP),
    changes=st.integers(0, 2 * FEWEST_CHANGES),
)
def test_hints_have_stopped_only_if_polls_found_enough_in_a_silence_that_is_not_too_long(
    silent: timedelta, changes: int
) -> None:
    found = hint_drift("maximo", HintsKnown(last_at=NOW - silent, changes=changes), NOW)
    stopped = HINTS_QUIET <= silent < HINTS_GIVEN_UP and changes >= FEWEST_CHANGES
    assert [each.kind for each in found] == [DriftKind.HINTS_STOPPED] * stopped


def test_a_system_that_never_hinted_is_not_expected_to() -> None:
    assert hint_drift("maximo", None, NOW) == ()


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-03-10T00:59:59+00:00", "2026-03-09T01:00:00+00:00"),
        ("2026-03-10T01:00:00+00:00", "2026-03-10T01:00:00+00:00"),
        ("2026-07-10T12:00:00+00:00", "2026-07-10T00:00:00+00:00"),
        # On the day on which the clocks are set forward there is no 02:00.
        ("2026-03-29T12:00:00+00:00", "2026-03-29T01:00:00+00:00"),
    ],
)
def test_a_night_begins_at_its_hour_by_the_clocks_of_the_site(now: str, night: str) -> None:
    assert latest_night(datetime.fromisoformat(now), time(2), BERLIN) == datetime.fromisoformat(night)


@given(later=st.timedeltas(min_value=timedelta(), max_value=timedelta(days=730)))
def test_the_latest_night_is_never_ahead_and_never_longer_ago_than_a_long_day(later: timedelta) -> None:
    now = NOW + later
    night = latest_night(now, time(2), BERLIN)
    assert night <= now < night + timedelta(hours=25)
