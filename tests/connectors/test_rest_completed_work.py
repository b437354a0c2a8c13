"""The work that was done on assets, where a description says how it is listed."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.cmms.rest import connect
from connectors.cmms.rest.loading import parse_description
from connectors.cmms.rest.yaml_text import RestTextRejected
from domain.clock import WallClock
from domain.cmms_offers import WorkLister
from domain.completed_work import ToldWork
from domain.maintenance_history import CmmsAsset, WorkKind
from tests.connectors import rest_answers as rest

SINCE = datetime(2025, 11, 30, tzinfo=UTC)
DONE_AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
ASSET_OF_ACME = """\
asset:
  listing: { method: GET, path: /assets, query: { name: =wanted.asset } }
  name: row.name
find_completed:
  listing: { method: GET, path: /done, query: { asset: =asset.name, from: =wanted.since } }
  done_at: row.done
  kind: row.kind
"""
COMPLETED = rest.SMALL.replace("check:\n", f"{ASSET_OF_ACME}check:\n")


def of_acme(*orders: Any, assets: int = 1) -> rest.Answer:
    """An Acme that knows PUMP-1, as one asset or several, and has these completed orders of it."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/assets":
            known = request.url.params["name"] == "PUMP-1"
            return rest.reply({"rows": [{"name": "PUMP-1"}] * assets if known else []})
        return rest.reply({"rows": list(orders)})

    return answer


def listing(answer: rest.Answer) -> WorkLister:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    made = connect(rest.settings_of(COMPLETED), http, system="rest", clock=WallClock())
    assert isinstance(made, WorkLister)
    return made


def closed(**changes: Any) -> dict[str, Any]:
    return rest.order(**{"status": "done", "key": "", "done": "2026-11-22T08:00:00Z", "kind": "corrective", **changes})


PUMP_1 = CmmsAsset("PUMP-1", {})


async def test_a_description_with_the_query_tells_when_and_why_work_was_done() -> None:
    rows = [
        closed(),
        closed(id="a2", number="W-2", kind="preventive"),
        closed(id="a3", number="W-3", kind="calibration"),
        closed(id="a4", done="2025-11-29T08:00:00Z"),
        closed(id="a5", status="open"),
    ]
    (told,) = await listing(of_acme(*rows)).completed_work([PUMP_1], SINCE)
    assert told == (
        ToldWork(record="W-1", done_at=DONE_AT, kind=WorkKind.CORRECTIVE),
        ToldWork(record="W-2", done_at=DONE_AT, kind=WorkKind.PREVENTIVE),
        ToldWork(record="W-3", done_at=DONE_AT, kind=WorkKind.UNKNOWN),
    )


@pytest.mark.parametrize("odd", [{"done": None}, {"done": "soon"}, {"status": "moved"}, {"changed": None}], ids=str)
async def test_a_row_that_does_not_tell_whether_and_when_makes_the_asset_unknown(odd: Any) -> None:
    assert await listing(of_acme(closed(), closed(id="a2", **odd))).completed_work([PUMP_1], SINCE) == (None,)


@pytest.mark.parametrize("assets", [0, 2])
async def test_a_name_that_the_system_does_not_know_once_is_unknown_and_hides_no_other(assets: int) -> None:
    other = CmmsAsset("PUMP-2", {})
    assert await listing(of_acme(assets=assets)).completed_work([PUMP_1, other], SINCE) == (None, None)
    assert await listing(of_acme()).completed_work([PUMP_1, other], SINCE) == ((), None)


def test_a_description_without_the_query_offers_no_history() -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(of_acme()))
    assert not isinstance(connect(rest.settings_of(), http, system="rest", clock=WallClock()), WorkLister)


def test_the_query_needs_the_lookup_of_the_asset() -> None:
    without = COMPLETED.replace(ASSET_OF_ACME.split("find_completed")[0], "").replace("=asset.name", "=wanted.asset")
    with pytest.raises(RestTextRejected, match="`find_completed` needs `asset`"):
        parse_description(without, "acme.yaml")
