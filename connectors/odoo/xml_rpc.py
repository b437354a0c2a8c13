"""Between the calls of the JSON-2 API and XML-RPC, for a server that has no JSON-2: pure functions.

`/xmlrpc/2/common` signs in, and `/xmlrpc/2/object` calls a method by `execute_kw`. A fault is read as the error that
the JSON-2 API gives for the same exception, so everything behind it is the same. XML-RPC writes no null and no numbers
as keys: a method that gives null answers with a fault after its transaction was committed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from xml.parsers import expat
from xmlrpc.client import Fault, ResponseError, Unmarshaller, dumps

import httpx

from domain.canonical import Json

COMMON: Final = "/xmlrpc/2/common"
OBJECT: Final = "/xmlrpc/2/object"
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow."""
_ERROR_LINE: Final = re.compile(r"([A-Za-z_][\w.]*)(?:: ?(.*))?")
_TRACE: Final = "Traceback (most recent call last):"
_NULL: Final = "cannot marshal None unless allow_none is enabled"
_NO_DATABASE: Final = re.compile(r'database "[^"]*" does not exist')
_GONE: Final = "Record does not exist or has been deleted."
_UNREADABLE: Final = (
    expat.ExpatError, ResponseError, ValueError, TypeError, IndexError, KeyError, AttributeError, RecursionError,
)  # fmt: skip
"""What the standard library raises for XML that is no answer."""


class _HasDoctypeError(ValueError):
    """An answer declares a document type. Entities could be declared there, and no answer needs one."""


def sign_in_body(database: str, login: str, api_key: str) -> bytes:
    """The request for the id of a user."""
    return _written("authenticate", (database, login, api_key, {}))


def version_body() -> bytes:
    """The request for the version of the server."""
    return _written("version", ())


def call_body(database: str, user: int, api_key: str, model: str, method: str, body: Mapping[str, Json]) -> bytes:
    """The request for a method, from the body that the JSON-2 API has for it.

    Raises:
        OverflowError: a number has more than 32 bits.
        TypeError: a value has no form in XML-RPC.
    """
    named = {name: value for name, value in body.items() if name != "ids"}
    arguments = [body["ids"]] if "ids" in body else []
    return _written("execute_kw", (database, user, api_key, model, method, arguments, named))


def as_json(reply: httpx.Response) -> httpx.Response:
    """A reply as the JSON-2 API would give it. One that is no answer of XML-RPC stays as it is."""
    if reply.status_code != httpx.codes.OK:
        return reply
    try:
        text, status = json.dumps(_read(reply.content)), httpx.codes.OK
    except Fault as fault:
        name, words, code = _meant(fault)
        if name is None:
            return _json(reply, "null", httpx.codes.OK)
        text, status = json.dumps({"name": name, "message": words}), httpx.codes(code)
    except _UNREADABLE:
        return reply
    return _json(reply, text, status)


def _json(reply: httpx.Response, text: str, status: httpx.codes) -> httpx.Response:
    return httpx.Response(status, text=text, headers={"content-type": "application/json"}, request=reply.request)


def _read(content: bytes) -> object:
    unmarshaller = Unmarshaller(use_builtin_types=True)
    unmarshaller.xml("", None)  # The parser gives texts, which are not to be decoded again.
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = unmarshaller.start
    parser.EndElementHandler = unmarshaller.end
    parser.CharacterDataHandler = unmarshaller.data
    parser.Parse(content, True)
    (value,) = unmarshaller.close()
    return value


def _refuse_doctype(*_: object) -> None:
    raise _HasDoctypeError


def _meant(fault: Fault) -> tuple[str | None, str, int]:
    """The exception behind a fault, its words, and the status that it has in the JSON-2 API; no name for a null."""
    words = str(fault.faultString)
    match fault.faultCode:
        case 2 if words.startswith(_GONE):
            return "odoo.exceptions.MissingError", words, 404
        case 2:
            return "odoo.exceptions.UserError", words, 422
        case 3:
            return "odoo.exceptions.AccessDenied", words, 401
        case 4:
            return "odoo.exceptions.AccessError", words, 403
    name, said = _raised(words)
    if name == "builtins.TypeError" and said == _NULL:
        return None, "", 200
    if _NO_DATABASE.search(said):
        return "werkzeug.exceptions.NotFound", said, 404
    return name, said, 500


def _raised(trace: str) -> tuple[str, str]:
    """The exception of a stack trace and its words: the first line after the last trace that is not indented."""
    lines = trace.rpartition(_TRACE)[2].splitlines()
    for line in lines:
        found = _ERROR_LINE.fullmatch(line)
        if found is not None:
            name = found[1] if "." in found[1] else f"builtins.{found[1]}"
            return name, found[2] or ""
    return "xmlrpc.client.Fault", next((line for line in lines if line.strip()), "")


def _written(method: str, arguments: tuple[Any, ...]) -> bytes:
    return dumps(tuple(_legal(each) for each in arguments), method, allow_none=False).encode()


def _legal(value: Any) -> Any:
    """A value whose texts XML can have."""
    match value:
        case str():
            return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", value)
        case Mapping():
            return {str(name): _legal(each) for name, each in value.items()}
        case list():
            return [_legal(each) for each in value]
    return value
