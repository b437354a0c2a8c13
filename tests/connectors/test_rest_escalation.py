"""What a description's `escalate` sends where a fault became worse."""

from typing import Any

import httpx
import pytest

from connectors.cmms.rest.loading import parse_description
from connectors.cmms.rest.yaml_text import RestTextRejected
from domain.errors import ActionRequired
from domain.work_orders import Escalation, WorkOrderStatus
from tests.connectors.rest_answers import REF, SMALL, connected, gitlab_settings, order, reply, sent, settings_of

ESCALATE = (
    'escalate: { method: PUT, path: "/orders/{order.locator}", body: { priority: =priority, was: =row.priority } }\n'
)
RAISING = SMALL.replace("note:\n", f"{ESCALATE}note:\n")
WORSE = Escalation(priority=1, was=2)


class Acme:
    """An Acme with one order, which takes or ignores a change of its priority."""

    def __init__(self, *, takes: bool = True, **own: Any) -> None:
        self.order = order(stopped="60", causes=[], **own)
        self.takes = takes
        self.sent: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self.sent.append(sent(request))
            self.order |= {"priority": sent(request)["priority"]} if self.takes else {}
        if request.url.path == "/api/me":
            return reply({"name": "bot"})
        return reply({"rows": []} if request.url.path.endswith("/notes") else self.order)


async def test_the_priority_is_raised_over_the_one_that_we_wrote_and_read_back() -> None:
    acme = Acme()
    cmms = connected(acme, settings_of(RAISING))
    assert cmms.capabilities.raises_priority
    raised = await cmms.escalate_work_order(REF, WORSE)
    assert (raised.priority, acme.sent) == (1, [{"priority": "urgent", "was": "high"}])
    again = await cmms.escalate_work_order(REF, WORSE)
    assert (again.priority, len(acme.sent)) == (1, 1)


@pytest.mark.parametrize(
    ("own", "escalation"),
    [
        ({"priority": "low"}, WORSE),
        ({"priority": None}, WORSE),
        ({"status": "done"}, WORSE),
        ({"priority": "low"}, Escalation(priority=3, was=4)),
        ({"priority": "urgent"}, Escalation(priority=2, was=1)),
    ],
    ids=["of people", "none", "finished", "the same value", "lower"],
)
async def test_an_order_that_is_not_to_be_raised_is_not_changed(own: dict[str, Any], escalation: Escalation) -> None:
    acme = Acme(**own)
    await connected(acme, settings_of(RAISING)).escalate_work_order(REF, escalation)
    assert acme.sent == []


async def test_a_priority_that_the_system_does_not_take_needs_a_person() -> None:
    with pytest.raises(ActionRequired, match="W-1 was changed, and has its old priority"):
        await connected(Acme(takes=False), settings_of(RAISING)).escalate_work_order(REF, WORSE)


async def test_an_order_that_is_gone_is_not_raised() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return reply({"name": "bot"}, 404 if "/orders/" in request.url.path else 200)

    raised = await connected(answer, settings_of(RAISING)).escalate_work_order(REF, WORSE)
    assert raised.status is WorkOrderStatus.DELETED


async def test_without_the_request_an_order_keeps_its_priority() -> None:
    acme = Acme()
    cmms = connected(acme, settings_of())
    assert not cmms.capabilities.raises_priority
    kept = await cmms.escalate_work_order(REF, WORSE)
    assert (kept.priority, acme.sent) == (2, [])


def test_the_request_needs_the_priority_of_an_order() -> None:
    with pytest.raises(RestTextRejected, match=r"`escalate` needs `order\.priority`"):
        parse_description(RAISING.replace("  priority: row.priority\n", ""), "acme.yaml")


def test_the_shipped_description_of_gitlab_raises_a_priority() -> None:
    assert gitlab_settings().description.description.escalate is not None
