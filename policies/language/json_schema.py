"""The shape of a policy document as a JSON Schema (draft 2020-12), for editors that complete and check while an author
types.

It covers shapes, words and limits. Only `policy check` finds errors in conditions, and contradictions.
"""

import json

from domain.canonical import Json
from policies.language.schema import PolicyDocument

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """The published schema: indented by two spaces, with a line break at its end."""
    schema = {"$schema": _DIALECT, "title": "A Millwright policy", **_without_titles(_generated())}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _generated() -> dict[str, Json]:
    generated: dict[str, Json] = PolicyDocument.model_json_schema(by_alias=True)
    return generated


def _without_titles(schema: dict[str, Json]) -> dict[str, Json]:
    """Removes the titles that the generator derives from names: editors would show them instead of the descriptions."""
    return {name: _cleaned(value) for name, value in schema.items() if name != "title" or not isinstance(value, str)}


def _cleaned(value: Json) -> Json:
    if isinstance(value, dict):
        return _without_titles(value)
    return [_cleaned(each) for each in value] if isinstance(value, list) else value
