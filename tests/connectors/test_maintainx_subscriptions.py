"""The webhook subscriptions that a plant relies on: no order needs them, and people are told if one is gone."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from activities.open_work import open_work_seen
from connectors.cmms.maintainx import MaintainXCmms, MaintainXSettings
from domain.errors import ActionRequired, Unavailable
from domain.verdict import Rung
from millwright.bootstrap import Systems
from millwright.cli.doctor import check_webhooks
from millwright.cli.services import watched
from tests.connectors.maintainx_answers import SETTINGS, MaintainXWire, connected
from tests.support.saga_plant import case_view

NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
LIST = "GET /workorders"
OF_8, OF_9 = "GET /subscriptions/8/secret", "GET /subscriptions/9/secret"
THERE = httpx.Response(200, json={"secret": "Slate-Anchor-4417"})
GONE = httpx.Response(404, json={"error": "Subscription not found"})
RELYING = MaintainXSettings.model_validate({**SETTINGS.model_dump(), "subscriptions": [8, 9]})


def systems_of(**cmms: MaintainXCmms) -> Systems:
    return Systems(cmms=cmms, codes={}, mes={}, twins=cast("Any", SimpleNamespace(check=None)))


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (GONE, ActionRequired),
        (httpx.Response(403, json={"errors": [{"error": "no access"}]}), ActionRequired),
        (httpx.Response(500, json={"error": "oops"}), Unavailable),
    ],
    ids=["gone", "forbidden", "down"],
)
async def test_each_subscription_of_the_settings_is_asked_for_and_its_secret_is_told_to_nobody(
    reply: httpx.Response, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(error) as found:
        await connected(MaintainXWire({OF_8: THERE, OF_9: reply}), RELYING).check_webhooks()
    line = await connected(MaintainXWire({OF_8: THERE, OF_9: THERE}), RELYING).check_webhooks()
    assert line == "all 2 webhook subscriptions of the settings are there"
    assert "Slate-Anchor" not in caplog.text + str(found.value) + line


async def test_without_a_subscription_in_the_settings_nothing_is_asked() -> None:
    wire = MaintainXWire()
    assert "no webhook subscription" in await connected(wire).check_webhooks()
    assert wire.asked == []


async def test_the_check_of_the_system_asks_for_no_subscription() -> None:
    wire = MaintainXWire({OF_8: GONE, OF_9: GONE})
    await connected(wire, RELYING).check()
    assert [asked.url.path for asked in wire.asked] == ["/v1/workorders"]


async def test_a_subscription_that_is_gone_keeps_no_order_from_being_drafted_where_the_search_fails() -> None:
    refused = httpx.Response(403, json={"errors": [{"error": "assets may not be searched"}]})

    def lists(asked: httpx.Request) -> httpx.Response:
        return refused if "assets" in asked.url.params else httpx.Response(200, json={"workOrders": []})

    wire = MaintainXWire({LIST: lists, OF_8: GONE, OF_9: GONE})
    seen = await open_work_seen(connected(wire, RELYING), case_view("MWAAAAAAAA", 1, Rung.WORK_ORDER), "5", 0, NOW)
    assert "assets may not be searched" in (seen.problem or "")


async def test_the_doctor_names_the_subscription_that_is_gone_beside_the_system_that_answers() -> None:
    both = systems_of(
        north=connected(MaintainXWire({OF_8: THERE, OF_9: GONE}), RELYING),
        south=connected(MaintainXWire({OF_8: THERE, OF_9: THERE}), RELYING),
    )
    north, south = await check_webhooks(both)
    assert (north.part, north.ok) == ("webhooks north", False)
    assert "the webhook subscription 9 is gone" in north.sentence
    assert (south.part, south.ok) == ("webhooks south", True)
    (alone,) = await check_webhooks(systems_of(maintainx=connected(MaintainXWire())))
    assert (alone.part, alone.ok) == ("webhooks", True)


async def test_a_worker_that_starts_asks_for_them_apart_from_the_system() -> None:
    parts = watched(systems_of(maintainx=connected(MaintainXWire({OF_8: GONE}), RELYING)))
    await parts["the CMMS maintainx"]()
    with pytest.raises(ActionRequired, match="the webhook subscription 8 is gone"):
        await parts["the webhooks of the CMMS maintainx"]()
