"""What Atlas checks in a request or an order that it is sent."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sandbox.atlas.errors import Problem
from sandbox.atlas.store import Store, linked

_PRIORITIES: Final = ("NONE", "HIGH", "LOW", "MEDIUM")
_TITLE: Final = 255
_DESCRIPTION: Final = 10_000
_TAG: Final = re.compile(r"<[A-Za-z/!?][^>]*>?")
_KEPT: Final = (
    "dueDate",
    "priority",
    "estimatedDuration",
    "estimatedStartDate",
    "description",
    "title",
    "requiredSignature",
    "category",
    "location",
    "team",
    "primaryUser",
    "asset",
)
"""The fields of a request or an order; a change empties each one that it leaves out."""


def content_of(body: Mapping[str, object], store: Store, *, old: bool, new: bool) -> dict[str, object]:
    """What is kept of a body. Unknown fields are left out.

    Args:
        old: whether this is version 1.3, which keeps texts as they are.
        new: whether a record is created, which needs a title.

    Raises:
        Problem: as the server answers.
    """
    content = {name: body.get(name) for name in _KEPT}
    if new and content["title"] is None:
        raise Problem(400, missing("title") if old else "must not be null")
    for name, limit in (("title", _TITLE), ("description", _DESCRIPTION)):
        text = content[name]
        if text is not None and not isinstance(text, str):
            raise Problem(500, "JSON parse error: Cannot deserialize value of type `java.lang.String`")
        if text is not None:
            content[name] = kept = text if old else cleaned(text)
            if len(kept) > limit:
                raise Problem(500, f"ERROR: value too long for type character varying({limit})")
    if content["priority"] not in (None, *_PRIORITIES):
        raise Problem(
            500,
            "JSON parse error: Cannot deserialize value of type `com.grash.model.enums.Priority` from String "
            f'"{content["priority"]}": not one of the values accepted for Enum class: [NONE, HIGH, LOW, MEDIUM]',
        )
    if content["asset"] is not None and linked(content["asset"]) not in store.assets:
        raise Problem(500, _no_asset(linked(content["asset"]), old))
    content["dueDate"] = _date(content["dueDate"])
    return content


def missing(name: str) -> str:
    """How version 1.3 says that a field is missing."""
    return (
        "Validation failed for argument [0] in public com.grash.dto.WorkOrderShowDTO: [Field error in object "
        f"'workOrderPostDTO' on field '{name}': rejected value [null]; default message [must not be null]] "
    )


def cleaned(text: str) -> str:
    """A text as later versions keep it: without tags, and with three signs as entities."""
    return html.escape(html.unescape(_TAG.sub("", text)), quote=False).replace("\xa0", "&nbsp;").strip()


def _no_asset(number: int | None, old: bool) -> str:
    if old:
        return (
            "could not execute statement; SQL [n/a]; constraint [fkp4hbmaa9hcp6myymsfyxg6fo2]; nested exception is "
            "org.hibernate.exception.ConstraintViolationException: could not execute statement"
        )
    return (
        'could not execute statement [ERROR: insert or update on table "work_order" violates foreign key constraint '
        f'"fkp4hbmaa9hcp6myymsfyxg6fo2"\n  Detail: Key (asset_id)=({number}) is not present in table "asset".]'
    )


def _date(value: object) -> str | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Problem(500, "JSON parse error: Cannot deserialize value of type `java.util.Date`") from None
    if moment.tzinfo is None:
        moment = datetime.fromisoformat(f"{value}+00:00")
    return moment.isoformat(timespec="milliseconds")
