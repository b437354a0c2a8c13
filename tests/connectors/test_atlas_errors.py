"""What each refusal of Atlas means, by the bodies that were recorded on 1.3.0 and d4ce8ef9."""

from datetime import timedelta

import httpx
import pytest

from domain.cmms import OrderQuery
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from tests.connectors.atlas_answers import KEY, PASSWORD, AtlasWire, connected

ORDERS = "POST /work-orders/search"
FK_13 = (
    "could not execute statement; SQL [n/a]; constraint [fkp4hbmaa9hcp6myymsfyxg6fo2]; nested exception is "
    "org.hibernate.exception.ConstraintViolationException: could not execute statement"
)
FK_18 = (
    'could not execute statement [ERROR: insert or update on table "work_order" violates foreign key constraint '
    '"fkp4hbmaa9hcp6myymsfyxg6fo2"\n  Detail: Key (asset_id)=(99999999) is not present in table "asset".]'
)
ENUM = (
    "JSON parse error: Cannot deserialize value of type `com.grash.model.enums.Priority` from String "
    '"URGENT": not one of the values accepted for Enum class: [NONE, HIGH, LOW, MEDIUM]'
)
TOO_MANY = "You need a license to add a new work order. Free Limit of 30 incomplete work orders reached"
REQUIRED_13 = (
    "Validation failed for argument [0] in public com.grash.dto.WorkOrderShowDTO: [Field error in object "
    "'workOrderPostDTO' on field 'title': rejected value [null]; default message [must not be null]] "
)


@pytest.mark.parametrize(
    ("status", "message", "kind", "words", "field"),
    [
        (400, "must not be null", ActionRequired, "must not be null", None),
        (400, REQUIRED_13, ActionRequired, "title is required there", "title"),
        (400, "Invalid search field", Refused, "Invalid search field", None),
        (403, "You need a license to create a labor", ActionRequired, "to create a labor; enter a licence there", None),
        (403, TOO_MANY, ActionRequired, "reached; complete orders there (archived ones count too)", None),
        (403, "Access denied", ActionRequired, "Access denied; give our user the role Administrator there", None),
        (403, "Forbidden", ActionRequired, "Forbidden; give our user the role Administrator there", None),
        (404, "Not found", Refused, "Not found", None),
        (405, "Request method 'POST' not supported", Refused, "not supported", None),
        (406, "Please give a reason", Refused, "Please give a reason", None),
        (409, "The resource was modified by another request.", Unavailable, "somebody else is changing", None),
        (500, FK_13, ActionRequired, "a record that the order refers to is gone", None),
        (500, FK_18, ActionRequired, "a record that the order refers to is gone", None),
        (500, ENUM, Refused, "JSON parse error", None),
        (500, "ERROR: value too long for type character varying(255)", Refused, "value too long", None),
        (
            500,
            "Query did not return a unique result: 2 results were returned",
            ActionRequired,
            "must leave one row in its table custom_sequence",
            None,
        ),
        (500, "could not initialize proxy - no Session", Unavailable, "it failed inside", None),
        (503, "Starting", Unavailable, "it failed inside", None),
    ],
)
async def test_a_refusal_is_of_its_kind_and_in_words(
    status: int, message: str, kind: type[ConnectorError], words: str, field: str | None
) -> None:
    wire = AtlasWire()
    wire.answer({ORDERS: httpx.Response(status, json={"success": False, "message": message})})
    with pytest.raises(kind, match="atlas find-work-orders") as caught:
        await connected(wire).find_work_orders(OrderQuery(key=KEY))
    assert words in str(caught.value)
    assert isinstance(caught.value, ActionRequired) is (kind is ActionRequired)
    assert getattr(caught.value, "field", None) == field


async def test_the_rate_limit_is_waited_for() -> None:
    wire = AtlasWire()
    body = {"error": "Rate limit exceeded", "message": "Too many requests. Please try again later."}
    wire.answer(
        {ORDERS: [httpx.Response(429, json=body), httpx.Response(429, json=body, headers={"retry-after": "7"})]}
    )
    waits = []
    for _ in range(2):
        with pytest.raises(Unavailable, match="it asks us to slow down") as caught:
            await connected(wire).find_work_orders(OrderQuery(key=KEY))
        waits.append(caught.value.retry_after)
    assert waits == [timedelta(minutes=1), timedelta(seconds=7)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"content": [{"id": 1', Refused),
        (b"", Refused),
        (b'{"content": 7, "last": true}', Refused),
        (b"<html><head><title>Maintenance</title></head></html>", Unavailable),
    ],
    ids=["truncated", "empty", "another shape", "a page"],
)
async def test_an_answer_that_is_none_is_not_taken_for_one(content: bytes, kind: type[ConnectorError]) -> None:
    wire = AtlasWire()
    wire.answer({ORDERS: httpx.Response(200, content=content)})
    with pytest.raises(kind):
        await connected(wire).find_work_orders(OrderQuery(key=KEY))


async def test_a_session_that_has_ended_is_signed_in_again_once_and_the_request_is_repeated() -> None:
    wire = AtlasWire()
    wire.answer({ORDERS: [httpx.Response(403), httpx.Response(200, json={"content": [], "last": True})]})
    assert await connected(wire).find_work_orders(OrderQuery(key=KEY)) == ()
    assert wire.signed_in == 2
    tokens = [asked.headers["authorization"] for asked in wire.of("POST", "/work-orders/search")]
    assert tokens == ["Bearer token-1", "Bearer token-2"]


async def test_a_session_that_ends_while_atlas_works_is_signed_in_again_and_the_request_is_repeated() -> None:
    wire = AtlasWire()
    words = "JWT expired 272 milliseconds ago at 2026-11-30T11:26:02.000Z. Allowed clock skew: 0 milliseconds."
    ended = httpx.Response(500, json={"success": False, "message": words})
    wire.answer({ORDERS: [ended, httpx.Response(200, json={"content": [], "last": True})]})
    assert await connected(wire).find_work_orders(OrderQuery(key=KEY)) == ()
    assert wire.signed_in == 2


async def test_a_session_that_is_refused_right_after_its_sign_in_needs_a_person() -> None:
    wire = AtlasWire()
    wire.answer({ORDERS: httpx.Response(403)})
    with pytest.raises(ActionRequired, match="right after it accepted our credentials"):
        await connected(wire).find_work_orders(OrderQuery(key=KEY))
    assert wire.signed_in == 2


async def test_a_refusal_with_words_is_no_ended_session() -> None:
    wire = AtlasWire()
    wire.answer({ORDERS: httpx.Response(403, json={"success": False, "message": "Access Denied"})})
    with pytest.raises(ActionRequired, match="Access Denied"):
        await connected(wire).find_work_orders(OrderQuery(key=KEY))
    assert wire.signed_in == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_password_that_is_not_accepted_needs_a_person_and_is_not_told(status: int) -> None:
    wire = AtlasWire()
    reply = httpx.Response(status, json={"success": False, "message": f"Invalid credentials {PASSWORD}"})
    wire.answer({"POST /auth/signin": reply})
    with pytest.raises(ActionRequired, match="does not accept our credentials") as caught:
        await connected(wire).check()
    assert PASSWORD not in str(caught.value)
    assert caught.value.field == "password"


async def test_a_token_that_atlas_echoes_is_masked() -> None:
    wire = AtlasWire()
    wire.answer({ORDERS: httpx.Response(400, json={"success": False, "message": "bad token-1 here"})})
    with pytest.raises(Refused, match=r"\[secret\]") as caught:
        await connected(wire).find_work_orders(OrderQuery(key=KEY))
    assert "token-1" not in str(caught.value)
