"""The page on descriptions of a CMMS explains every field, and every name that an expression may use."""

import inspect
from pathlib import Path

import pytest

from connectors.cmms.rest import description
from connectors.cmms.rest.description import REQUIRED, RestAuth
from connectors.cmms.rest.loading import shipped_names
from connectors.cmms.rest.requests import RestListing, RestPart
from connectors.cmms.rest.scopes import NAMES

_PAGE = (Path(__file__).parents[2] / "docs" / "rest-connector.md").read_text(encoding="utf-8")
_SECTIONS = {
    "RestDescription": "The file",
    "RestListing": "Requests and lists",
    "RestCompleted": "find_completed",
}
_PARTS = [
    RestListing,
    *(part for _, part in inspect.getmembers(description, inspect.isclass) if part.__module__ == description.__name__),
]


def section(heading: str) -> str:
    found = _PAGE.partition(f"\n### {heading}\n")[2]
    assert found, heading
    return found.partition("\n#")[0]


@pytest.mark.parametrize("part", _PARTS, ids=lambda part: part.__name__)
def test_every_field_of_a_description_is_explained_and_no_other(part: type[RestPart]) -> None:
    told = section(_SECTIONS.get(part.__name__, part.__name__.removeprefix("Rest").lower()))
    rows = [line.split("|")[1].strip().strip("`") for line in told.splitlines() if line.startswith("| `")]
    assert rows == list(part.model_fields)


def test_the_required_parts_are_marked() -> None:
    told = section("The file")
    marked = [line.split("`")[1] for line in told.splitlines() if "| required: " in line]
    assert marked == list(REQUIRED)


def test_every_kind_of_sign_in_is_named() -> None:
    kinds = RestAuth.model_json_schema()["properties"]["kind"]["enum"]
    assert [kind for kind in kinds if f"`{kind}`" not in section("auth")] == []


def test_every_name_that_an_expression_may_use_is_told() -> None:
    told = _PAGE.partition("## Names in expressions")[2].partition("\n## ")[0]
    names = {name for place in NAMES.values() for name in place}
    assert [name for name in sorted(names) if f"`{name}`" not in told] == []


def test_every_description_that_is_shipped_is_told() -> None:
    assert [name for name in shipped_names() if f"| `{name}` |" not in _PAGE] == []
