"""The methods of the models that a client may call, with the arguments that each takes."""

from __future__ import annotations

import html
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.odoo import loading, reading, shop_floor, writing
from sandbox.odoo.declarations import USERS
from sandbox.odoo.errors import denied, not_found, not_processable, wrong_argument, wrong_value
from sandbox.odoo.manufacturing import LOG, PRODUCTION, WORK_CENTRE, WORK_ORDER
from sandbox.odoo.records import Records
from sandbox.odoo.schema import EXTERNAL_IDS, MESSAGE, MODELS, PARAMETERS, REQUEST, SUBTYPE


@dataclass(frozen=True)
class Method:
    """A method.

    Args:
        of_model: whether it is called without ids.
    """

    call: Callable[..., object]
    of_model: bool = False

    def bind(self, records: Records, arguments: Sequence[object], named: Mapping[str, object]) -> None:
        """Refuses arguments that the method does not take.

        Raises:
            TypeError: it does not take them, with Python's words.
        """
        inspect.signature(self.call).bind(records, *arguments, **named)


def method_of(model: str, name: str) -> Method:
    """A method by its name.

    Raises:
        Problem: there is none, or no client may call it.
    """
    if model not in MODELS:
        raise not_found(f"the model {model!r} does not exist")
    if name.startswith("_"):
        raise denied(f"Private methods (such as '{model}.{name}') cannot be called remotely.")
    found = _OWN.get(model, {}).get(name) or _OF_EVERY_MODEL.get(name)
    if found is None:
        raise not_found(f"The method '{model}.{name}' does not exist")
    return found


def by_names(method: Method, records: Records, named: Mapping[str, object]) -> object:
    """What a method gives to the JSON-2 API, where each argument has its name.

    Raises:
        Problem: it is not carried out.
        loading.NotLoaded: a row was not loaded.
    """
    if method.of_model and records.ids:
        called = inspect.unwrap(method.call).__name__
        raise not_processable(f"cannot call {records.model}.{called} with ids")
    try:
        method.bind(records, (), named)
    except TypeError as error:
        raise not_processable(str(error)) from None
    return method.call(records, **named)


def search(
    records: Records, domain: object, offset: int = 0, limit: int | None = None, order: str | None = None
) -> list[int]:
    """The ids of records."""
    numbers = reading.found(records.session, records.model, domain, order)
    return numbers[offset : None if limit is None else offset + limit]


def search_count(records: Records, domain: object, limit: int | None = None) -> int:
    """How many records match."""
    return len(search(records, domain, limit=limit))


def search_read(
    records: Records,
    domain: object = None,
    fields: Sequence[str] | None = None,
    offset: int = 0,
    limit: int | None = None,
    order: str | None = None,
    **unknown: object,
) -> list[dict[str, object]]:
    """Records that match, with fields."""
    numbers = search(records, domain or [], offset, limit, order)
    rows = reading.rows_of(records.session, records.model, numbers, fields)
    for name in unknown:
        raise wrong_argument(f"BaseModel._read_format() got an unexpected keyword argument {name!r}")
    return rows


def read(records: Records, fields: Sequence[str] | None = None) -> list[dict[str, object]]:
    """Records by their ids."""
    return reading.rows_of(records.session, records.model, records.ids, fields)


def create(records: Records, vals_list: Sequence[Mapping[str, object]] | Mapping[str, object]) -> list[int]:
    """Creates records."""
    given = [vals_list] if isinstance(vals_list, Mapping) else vals_list
    return [writing.create(records.session, records.model, values) for values in given]


def write(records: Records, vals: Mapping[str, object]) -> bool:
    """Changes records."""
    writing.write(records.session, records.model, records.ids, vals)
    return True


def unlink(records: Records) -> bool:
    """Deletes records."""
    writing.unlink(records.session, records.model, records.ids)
    return True


def copy(records: Records, default: Mapping[str, object] | None = None) -> list[int]:
    """Copies records."""
    return writing.copy(records.session, records.model, records.ids, default or {})


def load(records: Records, fields: Sequence[str], data: Sequence[Sequence[str]]) -> dict[str, object]:
    """Stores rows under their external ids."""
    return loading.loaded(records.session, records.model, fields, data)


def get_external_id(records: Records) -> dict[int, str]:
    """The external ids of records, empty where there is none. The keys are numbers, which XML-RPC cannot write."""
    names = records.session.store.names_of(records.model)
    return {number: names.get(number, "") for number in records.ids}


def get_metadata(records: Records) -> list[dict[str, object]]:
    """Who made and changed records, and their external ids."""
    session = records.session
    stamps = ("create_uid", "create_date", "write_uid", "write_date")
    rows = reading.rows_of(session, records.model, records.ids, stamps)
    for row in rows:
        named = [
            {"xmlid": name, "noupdate": of.fixed}
            for name, of in session.store.external_ids.items()
            if (of.model, of.number) == (records.model, row["id"])
        ]
        first = named[0] if named else {"xmlid": False, "noupdate": False}
        row |= {**first, "xmlids": named}
    return rows


def archive_equipment_request(records: Records) -> None:
    """The button Cancel of a request."""
    write(records, {"archive": True, "recurring_maintenance": False})


def reset_equipment_request(records: Records) -> None:
    """The button Reopen Request."""
    stages = Records(records.session, "maintenance.stage")
    write(records, {"archive": False, "stage_id": search(stages, [], limit=1)[0]})


def message_post(
    records: Records,
    *,
    body: str = "",
    message_type: str = "notification",
    subtype_xmlid: str | None = None,
    body_is_html: bool = False,
) -> list[int]:
    """Adds a message to a record. A body is a text, unless it is said to be HTML."""
    reading.existing(records.session, records.model, records.ids)
    named = records.session.store.external_ids.get(subtype_xmlid or "")
    content = {
        "model": records.model,
        "res_id": records.ids[0],
        "body": body if body_is_html else html.escape(body, quote=False),
        "message_type": message_type,
        "subtype_id": named.number if named is not None and named.model == SUBTYPE else False,
    }
    return [writing.create(records.session, MESSAGE, content)]


def context_get(records: Records) -> dict[str, object]:
    """Who the user is."""
    return {"lang": "en_US", "tz": False, "uid": records.session.user.id}


def check_object_reference(
    records: Records, module: str, xml_id: str, raise_on_access_error: bool = False
) -> list[object]:
    """What an external id names; without its id if the user may not see it."""
    session = records.session
    name = f"{module}.{xml_id}"
    named = session.store.external_ids.get(name)
    if named is None:
        raise wrong_value(f"External ID not found in the system: {name}")
    if session.sees(named.model, session.store.records[named.model][named.number]):
        return [named.model, named.number]
    if raise_on_access_error:
        raise denied(f'Not enough access rights on the external ID "{name}"')
    return [named.model, False]


def get_param(records: Records, key: str) -> object:
    """A parameter of the system, which only administrators may read."""
    del key
    records.session.check_right(PARAMETERS, "read")
    return False


_OF_EVERY_MODEL: Final[Mapping[str, Method]] = {
    "search": Method(search, of_model=True),
    "search_count": Method(search_count, of_model=True),
    "search_read": Method(search_read, of_model=True),
    "create": Method(create, of_model=True),
    "load": Method(load, of_model=True),
    "read": Method(read),
    "write": Method(write),
    "unlink": Method(unlink),
    "copy": Method(copy),
    "get_external_id": Method(get_external_id),
    "get_metadata": Method(get_metadata),
}
_OWN: Final[Mapping[str, Mapping[str, Method]]] = {
    REQUEST: {
        "archive_equipment_request": Method(archive_equipment_request),
        "reset_equipment_request": Method(reset_equipment_request),
        "message_post": Method(message_post),
    },
    WORK_CENTRE: {"unblock": Method(shop_floor.unblock)},
    LOG: {"button_block": Method(shop_floor.button_block)},
    WORK_ORDER: {
        "button_start": Method(shop_floor.button_start),
        "button_pending": Method(shop_floor.button_pending),
        "button_finish": Method(shop_floor.button_finish),
        "button_unblock": Method(shop_floor.button_unblock),
        "action_mark_as_done": Method(shop_floor.action_mark_as_done),
    },
    PRODUCTION: {"action_confirm": Method(shop_floor.action_confirm)},
    USERS: {"context_get": Method(context_get, of_model=True)},
    EXTERNAL_IDS: {"check_object_reference": Method(check_object_reference, of_model=True)},
    PARAMETERS: {"get_param": Method(get_param, of_model=True)},
}
