"""The encryption of calls to an MES that stands apart, and the file of its keys."""

import base64
import os
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure

from domain.errors import Rejected
from millwright.workflow_engine.payload_codec import Encryption, encrypting
from tests.support.plant_zone import write_keys

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
CLEAR = Payload(metadata={"encoding": b"json/plain"}, data=b'{"equipment":"EQ-1"}')


async def test_what_is_encrypted_comes_back_and_nothing_of_it_is_shown() -> None:
    [sealed] = await Encryption([NEW]).encode([CLEAR])
    assert sealed.metadata["encoding"] == b"binary/encrypted"
    assert b"EQ-1" not in sealed.SerializeToString()
    assert await Encryption([NEW]).decode([sealed]) == [CLEAR]


async def test_no_two_payloads_are_encrypted_alike() -> None:
    one, other = await Encryption([NEW]).encode([CLEAR, CLEAR])
    assert one.data != other.data


async def test_a_key_is_replaced_without_a_call_that_cannot_be_read() -> None:
    only_old, both, only_new = Encryption([OLD]), Encryption([OLD, NEW]), Encryption([NEW])
    turned = Encryption([NEW, OLD])
    for sender in (only_old, both):
        for reader in (both, turned):
            assert await reader.decode(await sender.encode([CLEAR])) == [CLEAR]
    for reader in (both, turned, only_new):
        assert await reader.decode(await turned.encode([CLEAR])) == [CLEAR]


@pytest.mark.parametrize("changed", ["data", "key", "encoding"])
async def test_a_payload_that_is_not_from_us_or_was_altered_is_refused(changed: str) -> None:
    [sealed] = await Encryption([OLD]).encode([CLEAR])
    altered = {
        "data": Payload(metadata=sealed.metadata, data=sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])),
        "key": Payload(metadata={**sealed.metadata, "encryption-key-id": b"00000000"}, data=sealed.data),
        "encoding": CLEAR,
    }
    with pytest.raises(Rejected) as refused:
        await Encryption([OLD]).decode([altered[changed]])
    assert refused.value.field == "payload_keys"


@pytest.mark.parametrize("data", [b"", b"short"])
async def test_data_that_is_too_short_is_refused(data: bytes) -> None:
    [sealed] = await Encryption([OLD]).encode([CLEAR])
    with pytest.raises(Rejected, match="altered"):
        await Encryption([OLD]).decode([Payload(metadata=sealed.metadata, data=data)])


async def test_the_words_of_a_failure_are_encrypted_too(tmp_path: Path) -> None:
    converter, failure = encrypting(write_keys(tmp_path), "payload_keys"), Failure()
    error = RuntimeError("EQ-1 is not there")
    error.__cause__ = ValueError("job JOB-2026-000417")
    await converter.encode_failure(error, failure)
    written = failure.SerializeToString()
    assert (b"EQ-1" in written, b"JOB-2026-000417" in written) == (False, False)
    assert str(await converter.decode_failure(failure)) == "RuntimeError: EQ-1 is not there"


def test_a_process_without_a_key_is_told_how_to_make_one() -> None:
    with pytest.raises(Rejected, match="openssl rand -base64 32") as refused:
        encrypting(None, "payload_keys")
    assert refused.value.field == "payload_keys"


@pytest.mark.parametrize(
    "held",
    [
        "",
        "short",
        base64.b64encode(b"of sixteen bytes").decode(),
        "\n".join(base64.b64encode(bytes([n]) * 32).decode() for n in range(3)),
        "a-key-that-somebody-typed-in-as-words",
    ],
    ids=["none", "no base64", "16 bytes", "three keys", "words"],
)
def test_a_file_without_one_or_two_whole_keys_is_refused_and_not_quoted(tmp_path: Path, held: str) -> None:
    file = tmp_path / "keys"
    file.write_text(held, encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(Rejected, match="32 bytes in base64") as refused:
        encrypting(file, "payload_keys")
    assert not held or held not in str(refused.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = write_keys(tmp_path)
    file.chmod(0o640)
    with pytest.raises(Rejected, match="mode 0640") as refused:
        encrypting(file, "payload_keys")
    assert (refused.value.field, refused.value.fix) == ("payload_keys", "chmod 600")


def test_the_key_is_not_shown() -> None:
    key = os.urandom(32)
    shown = repr(Encryption([key]))
    assert base64.b64encode(key).decode() not in shown
    assert key.hex() not in shown
