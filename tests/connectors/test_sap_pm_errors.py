"""What SAP's refusals mean: a row for each status and body."""

from datetime import timedelta

import httpx
import pytest

from connectors.cmms.sap_pm.faults import read_fault
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from tests.connectors.sap_pm_answers import DRAFT, KEY, Wire, listed, notification, refused

BY_KEY = OrderQuery(key=KEY)
HTML = {"content-type": "text/html"}
ATOM = {"content-type": "application/atom+xml"}


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refused(400, "IM/203", "No equipment 1", "/TechnicalObject"), ActionRequired, "No equipment 1"),
        (refused(400, "IM/203", "Catalog profile is missing"), ActionRequired, "IM/203 - Catalog profile"),
        (refused(400, "/IWBEP/CM_MGW_RT/022", "Property 'X' is invalid"), Refused, "Property 'X' is invalid"),
        (refused(400, "005056A509B11EE1B9A8FEC11C21578E", "Malformed URI literal"), Refused, "Malformed URI"),
        (httpx.Response(400, text="bad"), Refused, "does not accept the request"),
        (refused(401), ActionRequired, "does not accept our credentials"),
        (httpx.Response(401, text="<html><title>Logon</title></html>", headers=HTML), ActionRequired, "credentials"),
        (refused(403, "/IWFND/CM_MGW/003", "No authorization"), ActionRequired, "our user may not do this"),
        (refused(404, "/IWFND/MED/170", "No service found"), ActionRequired, "No service found"),
        (refused(412), Unavailable, "changed while we worked on it"),
        (refused(428), Unavailable, "HTTP 428"),
        (refused(422, "IM/105", "Enter a type"), ActionRequired, "Enter a type"),
        (refused(429, words="slow down"), Unavailable, "asks us to slow down"),
        (refused(500, "SY/500", "Internal server error"), Unavailable, "failed inside"),
        (httpx.Response(503, text="<html><title>Down</title></html>", headers=HTML), Unavailable, "'Down'"),
        (httpx.Response(200, text="<html><title>Wait</title></html>", headers=HTML), Unavailable, "instead of JSON"),
        (httpx.Response(200, text="<html><input type=password></html>", headers=HTML), ActionRequired, "sign-in page"),
        (httpx.Response(200, text='{"d":{"results":[{"Mainten'), Refused, "unreadable reply"),
        (httpx.Response(200, text="<feed/>", headers=ATOM), Refused, "unreadable reply"),
        (httpx.Response(200, json={"d": []}), Refused, "unreadable reply"),
        (httpx.Response(302, headers={"location": "https://idp.test"}), ActionRequired, "sends us elsewhere"),
    ],
)  # fmt: skip
async def test_a_refusal_is_one_of_three_errors(
    answer: httpx.Response, error: type[ConnectorError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await Wire(answer).connector().find_work_orders(BY_KEY)
    assert words in str(caught.value)
    assert caught.value.key == KEY


async def test_a_wait_that_sap_asks_for_is_passed_on() -> None:
    with pytest.raises(Unavailable) as caught:
        await Wire(refused(429, **{"retry-after": "17"})).connector().find_work_orders(BY_KEY)
    assert caught.value.retry_after == timedelta(seconds=17)


async def test_a_field_that_the_site_requires_is_named() -> None:
    wire = Wire(listed(), refused(400, "IM/999", "Enter a work centre", "to_x/MainWorkCenter"))
    with pytest.raises(ActionRequired) as caught:
        await wire.connector().create_work_order(DRAFT)
    assert caught.value.field == "MainWorkCenter"


async def test_a_change_that_our_user_may_not_make_needs_a_person_and_no_other_token() -> None:
    wire = Wire(listed(), refused(403, "IM/010", "No authorization to create M2"))
    with pytest.raises(ActionRequired, match="No authorization to create M2"):
        await wire.connector().create_work_order(DRAFT)
    assert (wire.methods, wire.sessions) == (["GET", "POST"], 1)


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", b'{"error": 1}', b'{"error": {"message": 7}}', b'{"error": {"innererror": []}}']
)
def test_a_body_that_is_no_error_of_sap_says_nothing(body: bytes) -> None:
    fault = read_fault(httpx.Response(500, content=body))
    assert (fault.field, fault.meaning) == (None, None)


def test_a_message_without_its_language_is_read_too() -> None:
    assert read_fault(httpx.Response(400, json={"error": {"code": "X", "message": "no"}})).problem == "X - no"


async def test_an_unreadable_notification_is_named_with_its_field() -> None:
    odd = listed(notification(CreationDateTime="2015-01-05"))
    with pytest.raises(ActionRequired, match="record 10000001 cannot be read") as caught:
        await Wire(odd).connector().find_work_orders(BY_KEY)
    assert caught.value.field == "CreationDateTime"
