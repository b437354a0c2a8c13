"""Shows a record that is not created yet, from the body that would be sent."""

import json
from collections.abc import Iterator, Mapping

from domain.canonical import Json
from domain.cmms import PreviewedField, PreviewedRecord


def previewed(kind: str, body: Mapping[str, Json], status: str, meanings: Mapping[str, str]) -> PreviewedRecord:
    """A record as it would be created.

    Args:
        kind: what the vendor calls such a record.
        body: what is sent.
        status: its status after that, in the vendor's words.
        meanings: what fields of the vendor mean, by their names; a field within another one is named with a dot.
    """
    fields = tuple(
        PreviewedField(meaning=meanings.get(name), field=name, value=value) for name, value in _flat(body, "")
    )
    return PreviewedRecord(kind=kind, fields=fields, status=status)


def _flat(body: Mapping[str, Json], above: str) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        whole = f"{above}{name}"
        if isinstance(value, dict):
            yield from _flat(value, f"{whole}.")
        elif value is not None:
            yield whole, value if isinstance(value, str) else json.dumps(value)
