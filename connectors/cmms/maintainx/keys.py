"""Whether an order of MaintainX has the key of a case: in its title, by which it is found, and in its external data,
which proves it."""

from collections.abc import Iterable

from connectors.call import Call
from connectors.cmms.maintainx import mapping
from connectors.cmms.maintainx.models import MaintainXOrder
from domain.errors import ActionRequired


def proved_rows(call: Call, key: str, rows: Iterable[MaintainXOrder]) -> list[MaintainXOrder]:
    """Those of some orders that are proved to have a key.

    Raises:
        ActionRequired: one has the key in its title alone, or another key besides.
    """
    named = [row for row in rows if key in mapping.keys_on(row).values()]
    proved = [row for row in named if mapping.key_in_data(row) == key]
    for row in proved or named:
        check_key(call, row, key)
    for row in named if not proved else ():
        raise call.error(
            ActionRequired,
            f"{row.number} has this key in its title, and its external data does not have it: if it is a copy, "
            "take the key off its title; if it is the order of the case, another integration has overwritten the "
            "external data, and `millwright` must be there again",
            field="externalData",
        )
    return proved


def check_key(call: Call, row: MaintainXOrder, key: str) -> None:
    """Refuses an order that has another key than the case's. Without any key it is still the one of its place.

    Raises:
        ActionRequired: it has another key (`field` names where).
    """
    for field, other in mapping.keys_on(row).items():
        if other != key:
            expected = (
                "not the key of its case; put that back, or take the other one off"
                if key
                else "though a person made it; take that off"
            )
            words = f"{row.number} carries {other} in its {field} now, {expected}"
            raise call.error(ActionRequired, words, field=field)
