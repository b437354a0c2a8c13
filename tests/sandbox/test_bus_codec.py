"""AMQP 1.0 values survive encoding and decoding; whatever else arrives is a CodecError."""

import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bus.amqp_types import (
    Array,
    Byte,
    Char,
    DecimalBits,
    Described,
    Float32,
    Int,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)
from sandbox.bus.codec import CodecError, decode, encode, skip
from sandbox.bus.message import Message


def whole(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(low, high)


symbols = st.text(st.characters(max_codepoint=127), max_size=300).map(Symbol)
longs = whole(64, signed=True)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=300),
    st.binary(max_size=300),
    symbols,
    st.floats(allow_nan=False),
    st.floats(width=32, allow_nan=False).map(Float32),
    st.uuids(),
    longs,
    longs.map(Timestamp),
    whole(8, signed=False).map(UByte),
    whole(16, signed=False).map(UShort),
    whole(32, signed=False).map(UInt),
    whole(64, signed=False).map(ULong),
    whole(8, signed=True).map(Byte),
    whole(16, signed=True).map(Short),
    whole(32, signed=True).map(Int),
    st.integers(0, 0x10FFFF).map(Char),
    st.sampled_from([4, 8, 16]).flatmap(lambda n: st.binary(min_size=n, max_size=n)).map(DecimalBits),
)
arrays = st.one_of(
    st.lists(longs).map(lambda items: Array(0x81, tuple(items))),
    st.lists(longs.map(Timestamp)).map(lambda items: Array(0x83, tuple(items))),
    st.lists(st.uuids()).map(lambda items: Array(0x98, tuple(items))),
    st.lists(symbols).map(lambda items: Array(0xB3, tuple(items))),
    st.lists(st.text()).map(lambda items: Array(0xB1, tuple(items))),
)
values = st.recursive(
    st.one_of(scalars, arrays),
    lambda inner: st.one_of(
        st.lists(inner, max_size=8),
        st.dictionaries(st.text(max_size=10), inner, max_size=8),
        st.tuples(st.integers(0, 255).map(ULong), inner).map(lambda pair: Described(*pair)),
    ),
    max_leaves=12,
)


@given(values)
def test_a_value_decoded_is_the_value_encoded_with_its_type(value: object) -> None:
    data = encode(value)
    decoded, end = decode(data)
    assert (decoded, type(decoded), end) == (value, type(value), len(data))
    assert skip(data, 0) == len(data)


@given(st.binary(max_size=200))
def test_bytes_at_random_decode_or_are_a_codec_error_and_nothing_else(data: bytes) -> None:
    for read in (decode, skip, lambda data, _: Message.parse(data).application_properties):
        try:
            read(data, 0)
        except CodecError:
            continue


@given(values, st.data())
def test_a_value_cut_short_is_a_codec_error(value: object, data: st.DataObject) -> None:
    whole_value = encode(value)
    cut = data.draw(st.integers(0, len(whole_value) - 1))
    with pytest.raises(CodecError):
        decode(whole_value[:cut])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xc0\x05" * 200, id="nested without end"),
        pytest.param(b"\x00" * 5000, id="descriptors without end"),
        pytest.param(b"\xf0" + struct.pack(">II", 5, 2**32 - 1) + b"\x40", id="four thousand million nulls"),
        pytest.param(b"\xd0" + struct.pack(">II", 4, 2**32 - 1), id="a list of more than there is"),
        pytest.param(b"\xc1\x03\x01\x41\x41", id="a key without a value"),
        pytest.param(b"\xc1\x04\x02\xc0\x01\x00\x41", id="a list for a key"),
        pytest.param(b"\xa1\x02\xff\xff", id="text that is no UTF-8"),
        pytest.param(b"\x3f", id="an unknown constructor"),
    ],
)
def test_hostile_bytes_are_a_codec_error(data: bytes) -> None:
    with pytest.raises(CodecError):
        decode(data)


def test_values_without_an_amqp_type_or_out_of_range_are_refused() -> None:
    for value in (object(), 2**63, UByte(256), Symbol("é"), Array(0x50, ())):
        with pytest.raises(CodecError):
            encode(value)


def test_a_composed_message_reads_back_as_it_was_composed() -> None:
    told = {"cloudEvents:id": "1", "n": 5, "x": 1.5, "yes": True, "key": UUID(int=7)}
    message = Message.compose(b"{}", told, message_id="m", content_type="application/json", session_id="s")
    again = Message.parse(message.stored())
    assert again.application_properties == told
    properties = again.properties
    assert (properties.message_id, properties.content_type, properties.session_id) == ("m", "application/json", "s")
