"""When two messages say the same, and when one corrects another."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import content, corrects, label_key, own_id

EVENT = {"specversion": "1.0", "id": "1", "source": "m", "type": "t", "data": {"asset": "a", "score": -5}}
TIMED = EVENT | {"time": "2015-01-10T07:00:00Z"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def raw(event: object, **changed: object) -> bytes:
    return orjson.dumps({**event, **changed} if isinstance(event, dict) else event)


@given(said=st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_spaces_order_trace_and_a_list_of_one_change_nothing_of_what_is_said(said: dict[str, object]) -> None:
    same = content(orjson.dumps(said))
    turned = dict(reversed(said.items()))
    assert content(orjson.dumps(turned, option=orjson.OPT_INDENT_2)) == same
    assert content(orjson.dumps([said])) == same
    without = {name: value for name, value in said.items() if name not in ("traceparent", "tracestate")}
    assert content(raw(without, traceparent="00-a", tracestate="b")) == content(orjson.dumps(without))


@given(this=JSON, other=JSON)
def test_what_differs_in_anything_has_an_id_of_its_own(this: object, other: object) -> None:
    first, second = raw(EVENT, data=this), raw(EVENT, data=other)
    assert (own_id("1", first) == own_id("1", second)) == (content(first) == content(second))


@given(body=st.binary(max_size=60), other=st.binary(max_size=60), field=st.none() | st.text(max_size=10))
def test_bytes_of_any_kind_can_be_compared(body: bytes, other: bytes, field: str | None) -> None:
    assert own_id("a", body) == own_id("a", body)
    assert corrects(body, field, other) in (True, False)


@pytest.mark.parametrize("body", [b"{nonsense", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 5000, b"\xff"])
def test_what_is_no_json_says_what_its_bytes_say(body: bytes) -> None:
    assert own_id("a", body) != own_id("a", body + b" x")
    assert own_id("a", body) == own_id("a", bytes(body))


@given(st.tuples(st.text(max_size=4), st.text(max_size=4)), st.tuples(st.text(max_size=4), st.text(max_size=4)))
def test_two_labels_never_make_one_key(this: tuple[str, str], other: tuple[str, str]) -> None:
    assert (label_key(*this) == label_key(*other)) == (this == other)


def test_a_bar_in_a_source_is_no_separator() -> None:
    assert label_key("a|b", "c") != label_key("a", "b|c")


@pytest.mark.parametrize(
    ("quarantined", "field", "again"),
    [
        (raw(EVENT), "data.score", raw(EVENT, data={"asset": "a", "score": 5})),
        (raw(EVENT), "data.score", raw(EVENT, data={"asset": "a"}, traceparent="00-b")),
        (raw(EVENT, data={"asset": "a"}), "data.score", raw(EVENT)),
        (raw(EVENT, data=[{"a": 1}, {"a": 2}]), "data.1.a", raw(EVENT, data=[{"a": 1}, {"a": 3}])),
        (raw(EVENT, time="of old"), "time", raw(TIMED)),
        (raw(TIMED), "data.score", raw(TIMED, data={"asset": "another", "score": 5})),
        (raw({**EVENT, "data_base64": "!"}), "data_base64", raw({**EVENT, "data_base64": "e30="})),
        (b'{"id": "1", "data_base64": "e25vbnNlbnNl"}', "data", b'{"id": "1", "data": {"a": 1}}'),
        (b'{"id": "1", "data": {"a": NaN, "b": 2}}', "data.a", b'{"id": "1", "data": {"a": 1, "b": 2}}'),
    ],
)
def test_what_was_refused_and_nothing_else_is_mended_by_a_correction(
    quarantined: bytes, field: str, again: bytes
) -> None:
    assert corrects(quarantined, field, again)


@pytest.mark.parametrize(
    ("quarantined", "field", "again"),
    [
        (raw(EVENT), "data.score", raw(EVENT, data={"asset": "another", "score": 5})),
        (raw(EVENT), "data.score", raw(EVENT, data={"asset": "a", "score": 5}, subject="pump")),
        (raw(EVENT), "data.score", raw(EVENT, data={"asset": "a", "score": 5}, type="u")),
        (raw(TIMED), "data.score", raw(TIMED, data={"asset": "b", "score": 5}, time="2015-01-10T08:00:00Z")),
        (raw(TIMED), "data.score", raw(TIMED, data={"asset": "b"}, iothubdeviceid="PDM-009")),
        (raw(EVENT), None, raw(EVENT, data={"asset": "a", "score": 5})),
        (b"{nonsense", "data", raw(EVENT)),
    ],
)
def test_whatever_else_differs_makes_it_another_event(quarantined: bytes, field: str | None, again: bytes) -> None:
    assert not corrects(quarantined, field, again)
