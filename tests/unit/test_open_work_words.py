"""What a planner reads of the work that is open on an asset."""

from datetime import UTC, datetime

import pytest

from domain.open_work import OpenOrder, OpenWorkSeen
from domain.wording import ENGLISH
from domain.work_orders import RecordKind, WorkOrderRef, WorkOrderStatus

AT = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
SINCE = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)
CANCEL = "If it is the same work, cancel one of the orders."
ASKED = "Asked at 2026-11-30 10:00 UTC for work reported since 2026-09-01. " + CANCEL
LOOK = "Asked at 2026-11-30 10:00 UTC for work reported since 2026-09-01. Look there for the same work."
NOT_ALL = (
    "Perhaps other work is open on this asset: there is none among its newest records, and only those were asked for. "
    f"{LOOK}"
)
FIVE = tuple(str(number) for number in (5, 4, 3, 2, 1))
THREE = "5 (approved) or 4 (approved) or 3 (approved)"


def order(number: str = "1224", key: str = "", **values: object) -> OpenOrder:
    given = {
        "ref": WorkOrderRef(system="maximo", id=number, key=key),
        "status": WorkOrderStatus.APPROVED,
        "vendor_status": "APPR",
        "reported_at": datetime(2026, 11, 28, 7, 0, tzinfo=UTC),
        "reported_by": "SMITH",
        "summary": "Noise at the drive end",
        **values,
    }
    return OpenOrder.model_validate(given)


def bare(number: str) -> OpenOrder:
    return order(number, summary=None, reported_at=None, reported_by=None)


def seen(*orders: OpenOrder, **values: object) -> OpenWorkSeen:
    return OpenWorkSeen.model_validate({"at": AT, "since": SINCE, "orders": orders, "count": len(orders), **values})


NOTIFICATION = WorkOrderRef(system="sap_pm", kind=RecordKind.REQUEST, id="10000001", key="")
MADE = WorkOrderRef(system="sap_pm", id="4000001", key="")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (order(), "1224 (approved, reported 2026-11-28 by SMITH: Noise at the drive end)"),
        (order(summary=None), "1224 (approved, reported 2026-11-28 by SMITH)"),
        (order(reported_by=None), "1224 (approved, reported 2026-11-28: Noise at the drive end)"),
        (order(reported_at=None), "1224 (approved, reported by SMITH: Noise at the drive end)"),
        (order(reported_at=None, reported_by=None, summary=None), "1224 (approved)"),
        (
            order(key="MWAAAAAAAA", status=WorkOrderStatus.WAITING_APPROVAL, summary=None, reported_by=None),
            "1224 of case MWAAAAAAAA (waiting approval, reported 2026-11-28)",
        ),
        (
            order(ref=NOTIFICATION, order=MADE, summary=None),
            "10000001 with order 4000001 (approved, reported 2026-11-28 by SMITH)",
        ),
    ],
    ids=["all", "no summary", "nobody", "no date", "only its state", "of a case", "a request and its order"],
)
def test_an_order_is_told_with_what_is_known_of_it(told: OpenOrder, words: str) -> None:
    assert told.words_in(ENGLISH) == words


def test_words_of_people_are_on_one_line_and_shortened() -> None:
    told = order(summary="Noise\n\nat the\x00 drive end " + "and the other " * 20)
    assert told.summary is not None
    assert told.summary.startswith("Noise at the\N{REPLACEMENT CHARACTER} drive end and")
    assert len(told.summary) <= 100
    assert told.summary.endswith("…")


@pytest.mark.parametrize(
    ("found", "hint"),
    [
        (seen(), None),
        (
            seen(complete=False),
            NOT_ALL,
        ),
        (seen(problem="HTTP 405."), None),
        (seen(order(summary=None)), f"Possibly the same as 1224 (approved, reported 2026-11-28 by SMITH). {ASKED}"),
        (
            seen(*(bare(number) for number in FIVE), count=7),
            f"Possibly the same as {THREE}. Also open on this asset: 4 more. {ASKED}",
        ),
        (
            seen(*(bare(number) for number in FIVE[:3]), count=50, complete=False),
            f"Possibly the same as {THREE}. Also open on this asset: at least 47 more. {ASKED}",
        ),
        (
            seen(bare("1224"), complete=False),
            f"Possibly the same as 1224 (approved). Perhaps more is open on this asset. {ASKED}",
        ),
        (
            seen(unreadable=("record 1230 cannot be read: statusdate is no date",), unreadable_count=2),
            f"Not readable, and perhaps open: 2 more (record 1230 cannot be read: statusdate is no date). {ASKED}",
        ),
    ],
    ids=[
        "none",
        "none on the first page",
        "not looked for",
        "one",
        "seven",
        "a full page",
        "one on a full page",
        "unreadable",
    ],
)
def test_the_planner_is_told_the_newest_how_many_more_and_what_cannot_be_read(
    found: OpenWorkSeen, hint: str | None
) -> None:
    assert found.hint_in(ENGLISH) == hint


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (seen(), "No other work on the asset was open, reported since 2026-09-01."),
        (
            seen(complete=False),
            NOT_ALL,
        ),
        (seen(problem="HTTP 405."), "Open work on the asset could not be looked for: HTTP 405."),
    ],
    ids=["none", "none on the first page", "refused"],
)
def test_the_case_says_also_that_nothing_was_found_or_that_it_could_not_be_looked_for(
    found: OpenWorkSeen, words: str
) -> None:
    assert found.words == words


def test_what_was_found_is_read_again_as_it_was_kept() -> None:
    found = seen(order(), order("7"), unreadable=("x",), unreadable_count=1)
    assert OpenWorkSeen.model_validate(found.model_dump(mode="json")) == found
