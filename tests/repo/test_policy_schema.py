"""The published JSON Schema is what the models say, and agrees with them on whole and broken documents."""

import json
import re
from collections.abc import Callable
from operator import ge, gt, le
from pathlib import Path
from typing import cast

import pytest

from domain.canonical import Json
from policies.engine.catalogue import PUBLISHED
from policies.language.json_schema import schema_text
from policies.language.text import read_text
from tests.support.drafts import row, rule, table, text

_PUBLISHED = Path(__file__).parents[2] / "docs" / "policy.schema.json"
_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SCHEMA: dict[str, Json] = json.loads(schema_text())


def test_the_published_schema_is_fresh() -> None:
    fresh = _PUBLISHED.read_text(encoding="utf-8") == schema_text()

    assert fresh, "millwright policy schema > docs/policy.schema.json"


def _is(value: Json, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _fits(value: Json, schema: dict[str, Json]) -> bool:
    """The part of JSON Schema that the generator uses."""
    if "$ref" in schema:
        named = cast("dict[str, dict[str, Json]]", _SCHEMA["$defs"])
        return _fits(value, named[str(schema["$ref"]).rpartition("/")[2]])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            found = [each for each in cast("list[dict[str, Json]]", schema[several]) if _fits(value, each)]
            if not found or (several == "oneOf" and len(found) > 1):
                return False
    kinds = schema.get("type", list(_KINDS))
    if not any(_is(value, str(kind)) for kind in (kinds if isinstance(kinds, list) else [kinds])):
        return False
    if "enum" in schema and value not in cast("list[Json]", schema["enum"]):
        return False
    if isinstance(value, str):
        return _text_fits(value, schema)
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return all(
            (bound not in schema) or holds(value, cast("float", schema[bound])) for bound, holds in _BOUNDS.items()
        )
    if isinstance(value, list):
        items = cast("dict[str, Json]", schema.get("items", {}))
        return _counted(len(value), schema, "Items") and all(_fits(each, items) for each in value)
    return _object_fits(value, schema)


_BOUNDS: dict[str, Callable[[float, float], bool]] = {"minimum": ge, "maximum": le, "exclusiveMinimum": gt}


def _counted(number: int, schema: dict[str, Json], what: str) -> bool:
    return cast("int", schema.get(f"min{what}", 0)) <= number <= cast("int", schema.get(f"max{what}", 10**9))


def _text_fits(value: str, schema: dict[str, Json]) -> bool:
    pattern = schema.get("pattern")
    return _counted(len(value), schema, "Length") and (pattern is None or bool(re.search(str(pattern), value)))


def _object_fits(value: dict[str, Json], schema: dict[str, Json]) -> bool:
    known = cast("dict[str, dict[str, Json]]", schema.get("properties", {}))
    more = schema.get("additionalProperties", True)
    names = cast("dict[str, Json]", schema.get("propertyNames", {}))
    if not _counted(len(value), schema, "Properties") or not set(cast("list[str]", schema.get("required", []))) <= {
        *value
    }:
        return False
    for name, each in value.items():
        if name in known:
            if not _fits(each, known[name]):
                return False
        elif more is False or (isinstance(more, dict) and not _fits(each, more)) or not _fits(name, names):
            return False
    return True


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*/[0-9].*.yaml")), ids=lambda path: path.stem)
def test_every_published_version_fits_the_schema(path: Path) -> None:
    data = read_text(path.read_text(encoding="utf-8"), path.name).data

    assert _fits(data, _SCHEMA) == (not path.stem.endswith("-cases"))


WHOLE = text(rule("high", "anomaly.score > 5.0"), table("t", "first", row("r", "{ asset.criticality: [A, B] }")))


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        ("", "", True),
        ("policy: drafts", "policy: Drafts", False),
        ("policy: drafts", "polcy: drafts", False),
        ("window: PT24H", "window: 24h", False),
        ("rung: watch", "rung: wach", False),
        ("hit: first", "hit: any", False),
        ("[A, B]", "[]", True),  # what a cell may be is said by the check
        ("complete: false", "complete: 'no'", False),
        ("response: Look.", "answer: Look.", False),
        ("urgency: after_batch", "urgency: later", False),
        ("rules:", "holds: { release_unattended: [machine-007] }\nrules:", True),
        ("rules:", "holds: { release_unattended: [machine-0*] }\nrules:", False),
        ("rules:", "holds: { release_unattended: [] }\nrules:", False),
        ("rules:", "holds: { release_unattended: all }\nrules:", False),
    ],
)
def test_the_schema_tells_a_whole_document_from_a_broken_one(old: str, new: str, fits: bool) -> None:
    assert _fits(read_text(WHOLE.replace(old, new, 1), "draft.yaml").data, _SCHEMA) == fits
