"""The search of Atlas: filters, sort and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sandbox.atlas.answers import page
from sandbox.atlas.errors import Problem
from sandbox.atlas.store import STATUSES, Asset, KeptRecord

RowT = TypeVar("RowT", Asset, KeptRecord)
_JS_DATE: Final = "%Y-%m-%dT%H:%M:%S.%fZ"

ASSET_FIELDS: Final[Mapping[str, Callable[[Asset], object]]] = {
    "id": lambda row: row.id,
    "name": lambda row: row.name,
    "barCode": lambda row: row.barcode,
    "serialNumber": lambda row: row.serial,
    "customId": lambda row: row.custom_id,
}
RECORD_FIELDS: Final[Mapping[str, Callable[[KeptRecord], object]]] = {
    "id": lambda row: row.id,
    "title": lambda row: row.title,
    "customId": lambda row: row.custom_id,
    "asset": lambda row: row.asset,
    "status": lambda row: row.status,
    "archived": lambda row: row.archived,
    "createdBy": lambda row: row.created_by,
    "createdAt": lambda row: row.created_at,
    "updatedAt": lambda row: row.updated_at,
    "completedOn": lambda row: row.completed_on,
}


def searched(
    rows: Sequence[RowT],
    fields: Mapping[str, Callable[[RowT], object]],
    criteria: Mapping[str, object],
    shown: Callable[[RowT], object],
    *,
    old: bool,
) -> dict[str, object]:
    """A page of the rows that match all filters.

    Args:
        old: whether this is version 1.3, which fails inside where later versions refuse.

    Raises:
        Problem: as the server answers.
    """
    filters = criteria.get("filterFields", [])
    sort, size, number = criteria.get("sortField", "id"), criteria.get("pageSize", 10), criteria.get("pageNum", 0)
    if not isinstance(filters, list) or not isinstance(size, int) or not isinstance(number, int) or size < 1:
        raise Problem(500, "JSON parse error: Cannot deserialize value of type `com.grash.advancedsearch`")
    if criteria.get("direction", "ASC") not in ("ASC", "DESC"):
        raise Problem(500, "JSON parse error: No enum constant org.springframework.data.domain.Sort.Direction")
    for each in filters:
        _getter(fields, each.get("field") if isinstance(each, dict) else None, old)
    found = [row for row in rows if all(_matches(row, fields, each, old) for each in filters)]
    get = _getter(fields, sort, old)
    ordered = sorted(
        found,
        key=lambda row: (_sortable(get(row)), _place_among_equals(row.id, number)),
        reverse=criteria.get("direction") == "DESC",
    )
    return page([shown(row) for row in ordered], number, size)


def _place_among_equals(number: int, page_number: int) -> int:
    """The database sorts rows of one value in another order for each page, so that some are on none and some on two."""
    return number if page_number % 2 else -number


def _getter(fields: Mapping[str, Callable[[RowT], object]], name: object, old: bool) -> Callable[[RowT], object]:
    if not isinstance(name, str) or name not in fields:
        words = f"Unable to locate Attribute  with the the given name [{name}] on this ManagedType"
        raise Problem(500, words) if old else Problem(400, "Invalid search field")
    return fields[name]


def _matches(row: RowT, fields: Mapping[str, Callable[[RowT], object]], given: Mapping[str, Any], old: bool) -> bool:
    """Whether a row matches a filter, whose field is known."""
    name, value, values = given["field"], given.get("value"), given.get("values", [])
    if old and value is None:
        raise Problem(500, 'Cannot invoke "Object.toString()" because "value" is null')
    held = fields[name](row)
    match given.get("operation"):
        case "eq":
            if name == "status":
                raise Problem(500, f"Parameter value [{value}] did not match expected type [Status]")
            return held == value
        case "cn":
            return _like(str(held or "").lower(), str(value).lower())
        case "ge":
            return isinstance(held, datetime) and held >= _date(value, given.get("enumName"))
        case "le":
            return isinstance(held, datetime) and held <= _date(value, given.get("enumName"))
        case "in":
            if name == "status" and given.get("enumName") != "STATUS":
                raise Problem(500, "Parameter value did not match expected type [Status]")
            if name == "status" and not set(values) <= set(STATUSES):
                raise Problem(500, "No enum constant com.grash.model.enums.Status")
            return held in values
    raise Problem(500, "the sandbox does not know this operation") if old else Problem(400, "Invalid search field")


def _like(text: str, part: str) -> bool:
    """SQL's LIKE: `%` and `_` in the part are wildcards, which no client of the sandbox means."""
    if "%" in part or "_" in part:
        raise AssertionError("the part of a search has a wildcard in it")
    return part in text


def _date(value: object, enum: object) -> datetime:
    if enum != "JS_DATE":
        raise Problem(500, "class java.lang.String cannot be cast to class java.util.Date")
    try:
        return datetime.strptime(str(value), _JS_DATE).replace(tzinfo=UTC)
    except ValueError:
        raise Problem(500, "Parameter value [null] did not match expected type") from None


def _sortable(value: object) -> tuple[bool, object]:
    return (value is not None, value if value is not None else 0)
