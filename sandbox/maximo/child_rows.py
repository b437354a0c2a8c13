"""Writes the child rows of a payload into a record: merged into the existing rows, or replacing them."""

from collections.abc import Callable, Sequence

from sandbox.maximo.errors import MaximoError
from sandbox.maximo.mbo import Mbo
from sandbox.maximo.payloads import Payload, Values
from sandbox.maximo.structures import MboStructure, ObjectStructure

Complete = Callable[[str, Mbo], None]
"""Called with the child object's name and each row a payload adds or changes, to fill in and check it."""

_UNDELETABLE = {"matusetrans": "BMXAA1872E"}


def apply_rows(mbo: Mbo, payload: Payload, structure: ObjectStructure, *, merge: bool, complete: Complete) -> None:
    """Write the payload's child rows into `mbo`.

    A row whose key is there is changed, another is added. Without `merge` every row of every writable child
    object that the payload does not hold is deleted.

    Raises:
        MaximoError: BMXAA1872E where material transactions would be deleted; what `complete` raises.
    """
    for name, child in structure.children.items():
        if not child.writable or (merge and name not in payload.children):
            continue
        held = mbo.children.get(name, [])
        written = [_write_row(held, values, child) for values in payload.children.get(name, [])]
        kept = list(held) if merge else [row for row in held if any(row is other for other in written)]
        if len(kept) < len(held) and name in _UNDELETABLE:
            raise MaximoError(_UNDELETABLE[name], "Material transactions cannot be deleted.", object_name=name)
        kept += [row for row in written if not any(row is other for other in kept)]
        mbo.children[name] = kept
        for row in written:
            complete(name, row)


def _write_row(held: Sequence[Mbo], values: Values, structure: MboStructure) -> Mbo:
    key = [values.get(name) for name in structure.keys]
    row = next(
        (row for row in held if None not in key and [row.attributes.get(name) for name in structure.keys] == key),
        None,
    )
    row = row or Mbo()
    for name, value in values.items():
        row.set(name, value)
    return row
