"""Which webhooks MaintainX is proved to have sent: header, signature, time and secrets."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.cmms.maintainx.webhook import HEADER, TOLERANCE, check_webhook

NOW = datetime(2026, 11, 30, 11, 0, tzinfo=UTC)
SECRET, OTHER = "Slate-Anchor-4417-webhook", "Birch-Signal-8830-webhook"
BODY = b'{"workOrderId": 7, "newStatus": "DONE"}'
STAMP = str(int(NOW.timestamp()))


def digest(stamp: str = STAMP, body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def check(*written: str, body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,), now: datetime = NOW) -> bytes | None:
    headers = [(b"host", b"plant.example"), *((HEADER, each.encode()) for each in written)]
    return check_webhook(headers, body, [SecretStr(secret) for secret in secrets], now)


def test_the_signature_of_the_contract_is_taken() -> None:
    """With values that were computed by another program: `printf '1764500400.{}' | openssl dgst -sha256 -hmac …`."""
    now = datetime.fromtimestamp(1764500400, UTC)
    known = "9dc7d9bcad9e37afc5c75e75459413aae16a4231ac9b967f556e8fd80a2453ed"
    assert check(f"t=1764500400,v1={known}", body=b"{}", now=now) == known.encode()


@pytest.mark.parametrize(
    "header",
    [
        f"t={STAMP},v1={digest()}",
        f"t={STAMP}, v1={digest()}",
        f"v1={digest()},t={STAMP}",
        f"t={STAMP},v1={digest().upper()}",
        f"t={STAMP},v1={'0' * 64},v1={digest()}",
        f"t={STAMP},v1={digest()},v1={'0' * 64}",
        f"t={STAMP},v0={'0' * 64},v1={digest()},v2=later",
    ],
    ids=["plain", "space", "turned", "capitals", "second of two", "first of two", "other versions beside"],
)
def test_each_way_of_writing_one_signature_gives_that_signature(header: str) -> None:
    assert check(header) == digest().encode()


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("",),
        (f"t={STAMP}",),
        (f"v1={digest()}",),
        (f"t={STAMP},v2={digest()}",),
        (f"t={STAMP},V1={digest()}",),
        (f"t={STAMP},{digest()}",),
        (f"t={STAMP};v1={digest()}",),
        (f"t={STAMP},v1={digest()[:-1]}",),
        (f"t={STAMP},v1={digest()}0",),
        (f"t={STAMP},v1=",),
        (f"t={STAMP},v1={digest(secret=OTHER)}",),
        (f"t={STAMP},v1={digest(body=BODY + b' ')}",),
        (f"t={STAMP},v1={hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()}",),
        (f"t={int(STAMP) + 1},v1={digest()}",),
        (f"t={STAMP},t={STAMP},v1={digest()}",),
        (f"t={STAMP},v1={digest()}", f"t={STAMP},v1={digest()}"),
        (f"t={STAMP},v1={digest()},x={'y' * 1024}",),
    ],
    ids=[
        "no header", "empty", "no signature", "no time", "unknown version", "capital version", "no version",
        "semicolon", "cut", "longer", "empty signature", "other secret", "other body", "time not signed", "other time",
        "two times", "two headers", "too long",
    ],
)  # fmt: skip
def test_anything_else_proves_nothing(headers: tuple[str, ...]) -> None:
    assert check(*headers) is None


@pytest.mark.parametrize("stamp", ["", "now", "-1", "+1", "1.5", "1e9", "0x10", "١٢", " ", "9" * 16, "9" * 15, "0"])
def test_a_time_that_is_none_or_far_away_proves_nothing_though_it_is_signed(stamp: str) -> None:
    assert check(f"t={stamp},v1={digest(stamp)}") is None


@pytest.mark.parametrize("unit", [1, 1000], ids=["seconds", "milliseconds"])
@pytest.mark.parametrize("side", [1, -1], ids=["behind", "ahead"])
def test_the_time_may_differ_by_the_tolerance_and_no_more(unit: int, side: int) -> None:
    stamp = str(int(NOW.timestamp()) * unit)
    header = f"t={stamp},v1={digest(stamp)}"
    assert check(header, now=NOW + side * TOLERANCE) is not None
    assert check(header, now=NOW + side * (TOLERANCE + timedelta(seconds=1))) is None


def test_each_of_several_secrets_counts_and_only_those() -> None:
    for secret in (SECRET, OTHER):
        signed = digest(secret=secret)
        assert check(f"t={STAMP},v1={signed}", secrets=(SECRET, OTHER)) == signed.encode()
    assert check(f"t={STAMP},v1={digest()}", secrets=(OTHER,)) is None
    assert check(f"t={STAMP},v1={digest()}", secrets=()) is None


@given(header=st.binary(max_size=200), body=st.binary(max_size=200))
@example(header=b"t=\xff,v1=\xff", body=b"")
@example(header=f"t={STAMP},v1=\xe9".encode("latin-1"), body=b"\x00")
@example(header=f"t={STAMP},v1=".encode() + b"\xf0\x9f\xa6\x8a" * 16, body=b"")
def test_no_header_and_no_body_is_an_error_or_a_proof(header: bytes, body: bytes) -> None:
    assert check_webhook([(HEADER, header)], body, [SecretStr(SECRET)], NOW) is None


@given(body=st.binary(max_size=2000))
def test_any_bytes_of_a_body_can_be_signed(body: bytes) -> None:
    assert check(f"t={STAMP},v1={digest(body=body)}", body=body) is not None
