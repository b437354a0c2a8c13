"""Compares a site's schema of work orders with what the settings name and with what our orders have."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from connectors.cmms.maximo.models import ObjectSchema, StatusChoice
from connectors.cmms.maximo.settings import MaximoSettings

SENT: Final = (
    "siteid",
    "assetnum",
    "description",
    "description_longdescription",
    "worktype",
    "wopriority",
    "reportedby",
    "externalrefid",
)
"""The fields that every order of ours has."""
_OF_MAXIMO: Final = frozenset({"wonum", "orgid", "status", "woclass", "changeby", "workorderid", "langcode"})
"""Required fields that Maximo fills in itself. It also has defaults for its required numbers and flags."""


def differences(
    schema: ObjectSchema | None, statuses: Sequence[StatusChoice] | None, settings: MaximoSettings
) -> Iterator[str]:
    """Where the site differs, a sentence each.

    Args:
        schema: None if our user may not read it.
        statuses: those to which an order that waits may be moved; None if no order waits.
        settings: the site's.
    """
    if schema is None:
        yield (
            "our user may not read the schema of work orders, so required fields are not known and stock lengths "
            "are used; let it read jsonschemas/mxapiwodetail"
        )
    else:
        missing = [name for name in SENT if name not in schema.properties]
        for name in missing:
            yield f"the object structure of work orders has no field {name}, which Millwright sends; add it there"
        yield from _unfilled(schema)
    if statuses is not None:
        wanted = (
            ("approved_status", settings.approved_status, "APPR"),
            ("cancelled_status", settings.cancelled_status, "CAN"),
        )
        for setting, name, internal in wanted:
            problem = _status_problem(name, internal, statuses)
            if problem:
                yield f"the setting {setting} names {name!r}, {problem}"


def _unfilled(schema: ObjectSchema) -> Iterator[str]:
    filled: Collection[str] = _OF_MAXIMO | set(SENT)
    for name in schema.required:
        field = schema.properties.get(name)
        if name not in filled and field is not None and field.type == "string":
            yield (
                f"the site requires the field {name}, which Millwright does not fill; give it a default there, or "
                "orders are refused"
            )


def _status_problem(name: str, internal: str, statuses: Sequence[StatusChoice]) -> str | None:
    found = next((status for status in statuses if status.value.upper() == name.upper()), None)
    if found is not None and found.maxvalue in (internal, None):
        return None
    known = ", ".join(status.value for status in statuses if status.maxvalue == internal) or "none"
    is_other = "which Maximo does not offer" if found is None else f"which is {found.maxvalue} there"
    return f"{is_other}; its names for {internal} are: {known}"
