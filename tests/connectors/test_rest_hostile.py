"""A description of any text, an expression of any text and a row of any JSON are read or refused, and nothing else is
raised."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.cmms.rest import mapping
from connectors.cmms.rest.expressions import RestExpressionFailed, cel_value, compiled
from connectors.cmms.rest.loading import parse_description
from connectors.cmms.rest.reading import needed
from connectors.cmms.rest.yaml_text import PlacedText, RestTextRejected, read_yaml
from connectors.json_reading import parsed_json
from tests.connectors.rest_answers import GITLAB, SMALL, gitlab_settings

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SHIPPED = gitlab_settings()


def refusal(read: Callable[[], object]) -> str:
    """Why a text is refused; the name of the file if it is read."""
    try:
        read()
    except RestTextRejected as refused:
        return str(refused)
    return "acme.yaml"


def place_of_failure(read: Callable[[], object]) -> str | None:
    """The place of the expression that failed; None if none did."""
    try:
        read()
    except RestExpressionFailed as failed:
        return failed.place
    return None


@given(ANY_TEXT)
def test_any_text_is_yaml_that_is_read_or_refused(text: str) -> None:
    assert refusal(lambda: read_yaml(text, "acme.yaml")).startswith("acme.yaml")


@given(st.integers(min_value=0, max_value=len(SMALL)), st.integers(min_value=0, max_value=40), ANY_TEXT)
def test_a_description_with_any_text_in_it_is_read_or_refused(at: int, length: int, text: str) -> None:
    changed = SMALL[:at] + text + SMALL[at + length :]
    assert refusal(lambda: parse_description(changed, "acme.yaml")).startswith("acme.yaml")


@given(ANY_TEXT, JSON)
def test_any_expression_over_any_value_gives_a_value_or_is_refused(text: str, value: Any) -> None:
    try:
        expression = compiled(PlacedText.at(f"row{text}", ("order", "id"), 7), (("row", "DYN"),))
    except ValueError:
        return
    assert place_of_failure(lambda: expression.text_of({"row": cel_value(value)})) in (None, "order.id")


@given(st.dictionaries(st.sampled_from(sorted(GITLAB)), JSON, min_size=1))
def test_any_row_is_an_order_or_is_refused_with_its_place(changes: dict[str, Any]) -> None:
    description = SHIPPED.description.description
    content = parsed_json(json.dumps({**GITLAB, **changes}).encode("utf-8", errors="surrogatepass"))
    order, zone = needed(description.order), SHIPPED.zone
    known = {"us": "bot", "beside.notes": [], "beside.label_events": [], "beside.state_events": []}

    def read() -> None:
        row = mapping.row_of(cel_value(content), order, {}, zone)
        mapping.record_of(row, {**known, "row": row.content}, description, order, "rest", zone)

    assert (place_of_failure(read) or "order.").startswith("order.")
