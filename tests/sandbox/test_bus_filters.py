"""The rules of subscriptions select what Service Bus's would."""

import pytest

from sandbox.bus.filters import CorrelationFilter, SqlFilter
from sandbox.bus.message import Message

TOLD = {"kind": "pump", "celsius": 81.5, "n": 5, "on": True, "cloudEvents:type": "Twin.Update", "it's": "100%"}
MESSAGE = Message.compose(b"", TOLD, message_id="m1", content_type="application/json", session_id="s1")


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("kind = 'pump'", True),
        ("kind <> 'pump'", False),
        ("n > 4 AND n <= 5", True),
        ("n = 5.0 AND celsius >= 81.5 AND n > -1", True),
        ("NOT (n = 5) OR on", True),
        ("kind IN ('fan', 'pump')", True),
        ("n NOT IN (1, 2)", True),
        ("[cloudEvents:type] LIKE 'Twin.%'", True),
        ("\"cloudEvents:type\" NOT LIKE '%Create'", True),
        ("[it's] LIKE '1__!%' ESCAPE '!'", True),
        ("user.kind = 'pump' AND sys.MessageId = 'm1' AND sys.ContentType = 'application/json'", True),
        ("sys.SessionId = 's1' AND sys.Label IS NULL", True),
        ("EXISTS(kind) AND NOT EXISTS(absent)", True),
        ("absent IS NULL AND kind IS NOT NULL", True),
        ("absent = 1 OR NOT absent = 1", False),
        ("kind > 5", False),
        ("on = TRUE AND on <> FALSE", True),
        ("n = TRUE", False),
    ],
)
def test_a_sql_filter_selects_what_is_true_and_nothing_unknown(expression: str, selected: bool) -> None:
    assert SqlFilter(expression).matches(MESSAGE) is selected


@pytest.mark.parametrize(
    "expression", ["", "n =", "n = 1 n", "(n = 1", "n LIKE 5", "sys.Nothing = 1", "other.n = 1", "n = ;", "NOT"]
)
def test_a_malformed_sql_filter_is_refused_when_it_is_made(expression: str) -> None:
    with pytest.raises(ValueError, match="SQL filter"):
        SqlFilter(expression)


def test_a_correlation_filter_wants_all_its_properties_equal() -> None:
    assert CorrelationFilter({"message_id": "m1"}, {"kind": "pump"}).matches(MESSAGE)
    assert not CorrelationFilter({"message_id": "m1"}, {"kind": "fan"}).matches(MESSAGE)
    assert not CorrelationFilter(application={"absent": None}).matches(MESSAGE)
    with pytest.raises(ValueError, match="nonsense"):
        CorrelationFilter({"nonsense": "x"})
