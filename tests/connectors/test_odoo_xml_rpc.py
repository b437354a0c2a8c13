"""XML-RPC in the place of JSON-2: requests, answers and the faults of a real Odoo 19.0, and what is refused of both."""

import json
import xmlrpc.client
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.cmms.odoo import OdooMaintenanceSettings, connect
from connectors.odoo import xml_rpc
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from tests.support.plant import TestClock

OWN = {"url": "https://odoo.test", "database": "odoo", "api_key": "swordfish", "protocol": "xmlrpc", "login": "cmms"}
TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/odoo/orm/models.py", line 3851, in _determine_fields_to_fetch\n'
    "    field = self._fields[field_name]\n"
    "            ~~~~~~~~~~~~^^^^^^^^^^^^\n"
    "KeyError: 'nosuch'\n\n"
    "The above exception was the direct cause of the following exception:\n\n"
    "Traceback (most recent call last):\n"
    '  File "/odoo/addons/rpc/controllers/xmlrpc.py", line 162, in xmlrpc_2\n'
    "    response = self._xmlrpc(service)\n"
    "               ^^^^^^^^^^^^^^^^^^^^^\n"
)
NULL = "TypeError: cannot marshal None unless allow_none is enabled\n"
NO_DATABASE = (
    'psycopg2.OperationalError: connection to server on socket "/x/.s.PGSQL.5432" failed: '
    'FATAL:  database "odoo" does not exist\n\n'
)
DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>'


def answered(value: Any) -> httpx.Response:
    """An answer of Odoo."""
    content = xmlrpc.client.dumps(value if isinstance(value, xmlrpc.client.Fault) else (value,), methodresponse=True)
    return of_xml(content.encode())


def of_xml(content: bytes, status: int = 200) -> httpx.Response:
    request = httpx.Request("POST", "https://odoo.test/xmlrpc/2/object")
    return httpx.Response(status, content=content, headers={"content-type": "text/xml"}, request=request)


def read(value: Any) -> tuple[int, Any]:
    """The status and the JSON that an answer is read as."""
    reply = xml_rpc.as_json(answered(value))
    return reply.status_code, reply.json()


def test_a_call_has_database_user_and_key_and_the_ids_stand_first() -> None:
    body: dict[str, Any] = {"ids": [7], "vals": {"name": "a\0b \ud800 ä"}, "context": {"noupdate": True}}
    (*who, ids, named), method = xmlrpc.client.loads(
        xml_rpc.call_body("odoo", 8, "swordfish", "maintenance.request", "write", body)
    )
    assert (who, method) == (["odoo", 8, "swordfish", "maintenance.request", "write"], "execute_kw")
    assert (ids, named) == ([[7]], {"vals": {"name": "a\ufffdb \ufffd ä"}, "context": {"noupdate": True}})


def test_a_call_without_ids_has_names_only() -> None:
    content = xml_rpc.call_body("odoo", 8, "swordfish", "maintenance.request", "search", {"domain": [["id", "=", 1]]})
    assert xmlrpc.client.loads(content)[0][-2:] == ([], {"domain": [["id", "=", 1]]})


@pytest.mark.parametrize(
    "value", [[{"id": 1, "name": "ä 轴 🔧", "stage_id": [1, "New"], "archive": False}], True, 7, ""]
)
def test_an_answer_is_read_as_json(value: Any) -> None:
    assert read(value) == (200, value)


FAULTS = [
    (3, "Access Denied", 401, "odoo.exceptions.AccessDenied"),
    (4, "You are not allowed to access 'Model Data' (ir.model.data) records.", 403, "odoo.exceptions.AccessError"),
    (2, "The operation cannot be completed: Missing required value", 422, "odoo.exceptions.UserError"),
    (2, "Record does not exist or has been deleted.\n(Record: x(9,), User: 8)", 404, "odoo.exceptions.MissingError"),
    (1, f"{TRACE}ValueError: Invalid field 'nosuch' on 'maintenance.request'\n", 500, "builtins.ValueError"),
    (1, f"{TRACE}psycopg2.errors.SerializationFailure: x\nDETAIL: y\n", 500, "psycopg2.errors.SerializationFailure"),
    (1, f"{TRACE}{NO_DATABASE}", 404, "werkzeug.exceptions.NotFound"),
    (1, f"{TRACE}TypeError: dictionary key must be string\n", 500, "builtins.TypeError"),
    (1, "no trace", 500, "xmlrpc.client.Fault"),
    (9, "", 500, "xmlrpc.client.Fault"),
]


@pytest.mark.parametrize(("code", "words", "status", "name"), FAULTS)
def test_a_fault_is_the_error_of_the_same_exception(code: int, words: str, status: int, name: str) -> None:
    found, error = read(xmlrpc.client.Fault(code, words))
    assert (found, error["name"]) == (status, name)


def test_of_a_stack_trace_only_the_words_of_the_last_exception_are_read() -> None:
    _, error = read(xmlrpc.client.Fault(1, f"{TRACE}ValueError: External ID not found in the system: a.b\n"))
    assert error["message"] == "External ID not found in the system: a.b"


def test_a_method_that_gives_null_was_carried_out() -> None:
    assert read(xmlrpc.client.Fault(1, TRACE + NULL)) == (200, None)


GOOD = answered([1]).content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        GOOD[:-30],
        GOOD.replace(b"<methodResponse>", DOCTYPE + b"<methodResponse>"),
        GOOD.replace(b"int", b"nosuch"),
        GOOD.replace(b"<int>1", b"<int>x"),
        b"<?xml version='1.0'?><methodResponse/>",
        b"<a>" * 100_000,
        b'{"name": "x"}',
    ],
)
def test_what_is_no_answer_stays_as_it_is(content: bytes) -> None:
    reply = of_xml(content)
    assert xml_rpc.as_json(reply) is reply


def test_a_refusal_of_a_proxy_stays_as_it_is() -> None:
    reply = of_xml(b"Too Many Requests", 429)
    assert xml_rpc.as_json(reply) is reply


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (answered(False), ActionRequired, "does not accept our credentials"),
        (answered(xmlrpc.client.Fault(1, f"{TRACE}{NO_DATABASE}")), ActionRequired, "does not exist"),
        (answered(xmlrpc.client.Fault(3, "Too many login failures")), ActionRequired, "Too many login failures"),
        (httpx.Response(404, html="<html></html>"), ActionRequired, "it has no XML-RPC"),
        (httpx.Response(502), Unavailable, "it failed inside"),
        (of_xml(GOOD[:-30]), Refused, "unreadable reply"),
    ],
)
async def test_a_sign_in_that_fails_says_why(answer: httpx.Response, error: type[ConnectorError], words: str) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
        cmms = connect(OdooMaintenanceSettings.model_validate(OWN), client, system="odoo", clock=TestClock())
        with pytest.raises(error, match=words) as caught:
            await cmms.find_work_orders(OrderQuery(key="MW00000001"))
    assert "swordfish" not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    "change", [{"login": None}, {"login": ""}, {"protocol": "json2"}, {"protocol": "jsonrpc"}], ids=json.dumps
)
def test_a_login_belongs_to_xml_rpc(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OdooMaintenanceSettings.model_validate(OWN | change)
