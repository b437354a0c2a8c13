"""The poll of Odoo's maintenance requests: nothing is left out, an unreadable one hides no other, and a poll ends."""

import json
from typing import Any

import pytest

from domain.errors import Refused
from domain.work_orders import ChangePage, WorkOrderStatus
from tests.connectors.test_odoo_cmms_requests import REQUEST, Site, site

EXTERNAL = {str(number): f"millwright.order_MW{number:08d}" for number in range(1, 100)}


def row(number: int, at: str = "2026-11-30 07:25:03", **more: object) -> dict[str, Any]:
    text = f"<p>Millwright key: MW{number:08d}</p>"
    return {**REQUEST, "id": number, "write_date": at, "description": text, **more}


class Kept(Site):
    """A site whose requests are searched by date, place and number, as Odoo does."""

    def __init__(self, *rows: Any) -> None:
        super().__init__()
        self.rows = [*rows]
        self.answers["maintenance.request/get_external_id"] = EXTERNAL

    def bodies_of_changes(self) -> list[dict[str, Any]]:
        return self.bodies("maintenance.request/search_read")

    def __call__(self, request: Any) -> Any:
        if request.url.path.endswith("maintenance.request/search_read"):
            body = json.loads(request.content)
            since = next((each[2] for each in body["domain"] if each[0] == "write_date"), "")
            rows = sorted(
                (each for each in self.rows if str(each["write_date"]) >= since),
                key=lambda each: (str(each["write_date"]), each["id"]),
            )
            offset = body.get("offset", 0)
            self.answers["maintenance.request/search_read"] = rows[offset : offset + body["limit"]]
        return super().__call__(request)


async def drained(kept: Kept, cursor: str | None = None) -> tuple[list[ChangePage], str]:
    """Every page until an empty one."""
    cmms = kept.cmms(page_size=3)
    pages: list[ChangePage] = []
    while True:
        page = await cmms.changed_since(cursor)
        cursor = page.cursor
        if not page.records and not page.unreadable:
            return pages, cursor
        pages.append(page)


def ids(pages: list[ChangePage]) -> list[str]:
    return [record.ref.id for page in pages for record in page.records]


async def test_requests_of_our_user_or_with_a_key_in_the_text_are_asked_for_in_the_order_of_changes() -> None:
    kept = Kept(row(1))
    _, cursor = await drained(kept)
    await drained(kept, cursor)
    first, *_, last = kept.bodies_of_changes()
    ours = ["|", ["create_uid", "=", 8], ["description", "ilike", "Millwright key: "]]
    assert (first["domain"], first["order"], first["limit"]) == (ours, "write_date, id", 3)
    assert last["domain"] == [*ours, ["write_date", ">=", "2026-11-30 07:23:03"]]


async def test_all_pages_are_read_and_the_poll_ends() -> None:
    kept = Kept(*(row(number, f"2026-11-30 07:25:{number:02d}") for number in range(1, 12)))
    pages, cursor = await drained(kept)
    assert ids(pages) == [str(number) for number in range(1, 12)]
    assert (await drained(kept, cursor))[0] == []


async def test_a_page_of_one_second_is_passed_by_its_place() -> None:
    kept = Kept(*(row(number) for number in range(1, 11)))
    pages, cursor = await drained(kept)
    assert sorted(ids(pages), key=int) == [str(number) for number in range(1, 11)]
    assert (await drained(kept, cursor))[0] == []


async def test_a_second_change_within_one_second_is_seen() -> None:
    kept = Kept(row(1), row(2))
    _, cursor = await drained(kept)
    kept.rows[0] = row(1, stage_id=[2, "In Progress"])
    pages, _ = await drained(kept, cursor)
    assert [(record.ref.id, record.status) for page in pages for record in page.records] == [
        ("1", WorkOrderStatus.IN_PROGRESS)
    ]


async def test_a_change_that_was_committed_late_is_seen_within_the_overlap() -> None:
    kept = Kept(row(1))
    _, cursor = await drained(kept)
    kept.rows.append(row(2, "2026-11-30 07:23:30"))
    assert ids((await drained(kept, cursor))[0]) == ["2"]


async def test_copies_and_requests_of_another_program_neither_end_a_poll_nor_are_given_out() -> None:
    copies = [row(number, create_uid=[9, "planner"]) for number in range(1, 8)]
    others = [row(number, description="<p>Of another program.</p>") for number in range(8, 12)]
    kept = Kept(*copies, *others, row(12))
    kept.answers["maintenance.request/get_external_id"] = {"12": EXTERNAL["12"]}
    assert ids((await drained(kept))[0]) == ["12"]


@pytest.mark.parametrize(
    ("odd", "field", "reason"),
    [
        ({"stage_id": [1]}, "stage_id", "is no link to a record"),
        ({"archive": "no"}, "archive", "valid boolean"),
        ({"write_date": "soon"}, "write_date", "is no date"),
        ({"write_date": "9999-12-31 00:00:00"}, "write_date", "has the year 9999"),
        ({"write_date": "2026-12-25 00:00:00"}, "write_date", "which is in the future"),
        ({"description": "<p>Millwright key: MWZZZZZZZZ</p>"}, "description", "has the key MWZZZZZZZZ"),
        ({"kanban_state": None}, "kanban_state", "valid string"),
    ],
)
async def test_a_request_that_cannot_be_read_is_reported_once_and_hides_no_other(
    odd: dict[str, object], field: str, reason: str
) -> None:
    kept = Kept(row(1), {**row(2), **odd}, row(3))
    pages, cursor = await drained(kept)
    assert ids(pages) == ["1", "3"]
    (report,) = [each for page in pages for each in page.unreadable]
    assert (report.record, report.field) == ("2", field)
    assert reason in report.reason
    assert (await drained(kept, cursor))[0] == []
    kept.rows[1] = row(2, "2026-11-30 07:26:00")
    assert ids((await drained(kept, cursor))[0]) == ["2"]


async def test_a_request_with_two_contents_is_not_believed_in_either() -> None:
    pages, _ = await drained(Kept(row(1), row(2), row(2, archive=True)))
    assert ids(pages) == ["1"]
    assert {(each.record, each.reason) for page in pages for each in page.unreadable} == {
        ("2", "came with two contents")
    }


async def test_a_request_of_ours_whose_external_id_was_removed_is_reported() -> None:
    kept = Kept(row(1), row(2))
    kept.answers["maintenance.request/get_external_id"] = {"1": "", "2": EXTERNAL["2"]}
    pages, _ = await drained(kept)
    assert ids(pages) == ["2"]
    assert [(each.record, each.field) for page in pages for each in page.unreadable] == [("1", "external id")]


async def test_no_secret_is_in_a_report() -> None:
    pages, _ = await drained(Kept(row(1, name="swordfish", archive="swordfish")))
    (report,) = pages[0].unreadable
    assert "swordfish" not in report.model_dump_json()


async def test_a_cursor_of_another_kind_is_refused() -> None:
    with pytest.raises(Refused, match="not one that this connector gave out"):
        await site().cmms().changed_since("yesterday")


async def test_an_empty_site_ends_the_poll_at_once() -> None:
    page = await Kept().cmms().changed_since(None)
    assert (page.records, page.unreadable) == ((), ())
    assert (await Kept().cmms().changed_since(page.cursor)).cursor == page.cursor
