"""Files that people give us, with anything in them: each is read, or refused in a sentence of our own."""

import base64
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as some

from domain.errors import MillwrightError, Rejected
from millwright.intake.calendar_file import read_calendar
from millwright.people.persons import signing_key
from policies.language.document import read_document
from tests.support.calendars import calendar, event, zone

ROOT = Path(__file__).resolve().parents[2]
POLICY = (ROOT / "policies/published/rotating-equipment/1.1.0.yaml").read_text(encoding="utf-8").splitlines()
SERIES = ("DTSTART:20260110T220000Z", "DURATION:PT8H", "RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=MO,TU")
CALENDAR = calendar(
    zone("Plant time"),
    event("DTSTART;TZID=Europe/Berlin:20260110T220000", "DTEND;TZID=Europe/Berlin:20260111T060000", uid="a"),
    event(*SERIES, "EXDATE:20260117T220000Z", uid="b"),
    event("RECURRENCE-ID:20260112T220000Z", *SERIES[:2], "STATUS:CANCELLED", uid="b"),
    event("DTSTART:20260110T000000Z", "DTEND:20260111T000000Z", "RDATE:20260210T000000Z", uid="c"),
    event("DTSTART;TZID=Plant time:20260328T220000", *SERIES[1:], "RDATE;VALUE=PERIOD:20260401T000000Z/P1D", uid="d"),
    event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260330T200000Z", *SERIES[:2], uid="d"),
).splitlines()
ODD = some.sampled_from(
    [
        *(
            "BEGIN:VEVENT",
            "END:VEVENT",
            "BEGIN:VTIMEZONE",
            "END:VTIMEZONE",
            "END:VCALENDAR",
            "BEGIN:VCALENDAR",
            "BEGIN:",
        ),
        *("RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=SECONDLY", "RRULE:FREQ=YEARLY;UNTIL=99991231T000000Z", "RRULE:"),
        *(
            "RDATE;VALUE=PERIOD:20260101T000000Z/PT1H",
            "RDATE:x",
            "EXDATE:x",
            "RECURRENCE-ID:20260110T220000Z",
            "SEQUENCE:2",
            "SEQUENCE:x",
            "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "TZOFFSETTO:+9999",
            "RDATE;TZID=Europe:20260110T220000",
            ";:,=\\",
        ),
        *("DTSTART:00000101T000000", "DTSTART;TZID=Mars/Olympus:20260110T220000", "DTEND;VALUE=DATE:20260230"),
        *("DURATION:P", "DURATION:-P1D", "DURATION:PT99999999999S", "DURATION:P9999999999W", "UID:b", "UID:"),
        *(
            "? x",
            "- -",
            "<<: *a",
            "&a *a",
            "!!python/object:os.system x",
            "!!binary x",
            "%YAML 9.9",
            "---",
            "...",
            "{[",
        ),
        *("  when: ((((", "  every: 05:00", "  for: P1Y", "1e999: .nan", "\x00", "\ufeff", "\u2028", "\t", "a" * 5000),
    ]
)
CHANGE = some.tuples(
    some.sampled_from(["replace", "insert", "cut"]), some.integers(0, 500), ODD | some.text(max_size=9)
)
CHANGES = some.lists(CHANGE, min_size=1, max_size=5)


def changed(lines: list[str], changes: list[tuple[str, int, str]]) -> list[str]:
    """The lines with some of them replaced, cut within, or put in between."""
    made = list(lines)
    for kind, where, text in changes:
        at = where % len(made)
        line = made[at]
        made[at : at + 1] = {"replace": [text], "insert": [text, line], "cut": [line[: where % 40] + text]}[kind]
    return made


@bounded(max_examples=200)
@given(CHANGES)
def test_a_calendar_of_any_lines_is_read_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, str]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.ics"
    file.write_bytes("\r\n".join([*changed(CALENDAR, changes), ""]).encode(errors="surrogatepass"))
    read_or_rejected(lambda: read_calendar(file))


@pytest.mark.parametrize(
    "within", [event(*SERIES, uid="b"), "BEGIN:VTIMEZONE", "BEGIN:VTIMEZONE\r\n" + event(*SERIES) + "END:VTIMEZONE"]
)
def test_an_event_that_is_not_of_the_calendar_itself_is_rejected(tmp_path: Path, within: str) -> None:
    file = tmp_path / "plan.ics"
    file.write_text(calendar(event(*SERIES, within.strip())), newline="")
    with pytest.raises(Rejected, match=r"within another part|does not end what began last"):
        read_calendar(file)


@bounded(max_examples=20)
@given(CHANGES)
def test_a_policy_of_any_text_is_read_or_rejected(changes: list[tuple[str, int, str]]) -> None:
    read_or_rejected(lambda: read_document("\n".join(changed(POLICY, changes)), "any.yaml"))


KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PLAIN = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SEALED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a passphrase"))


@bounded(max_examples=200)
@given(some.sampled_from([PLAIN, SEALED]), some.lists(some.tuples(some.integers(0, 400), some.binary(max_size=2))))
def test_a_key_file_of_any_bytes_is_read_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, pem: bytes, changes: list[tuple[int, bytes]]
) -> None:
    first, *body, last, _ = pem.split(b"\n")
    der = bytearray(base64.b64decode(b"".join(body)))
    for where, replacement in changes:
        der[where % len(der) : where % len(der) + 1] = replacement or b"\x00"
    file = tmp_path_factory.getbasetemp() / "any.key"
    file.write_bytes(b"\n".join([first, base64.b64encode(der), last, b""]))
    read_or_rejected(lambda: signing_key(file, lambda: "a passphrase"))


def test_a_key_of_an_algorithm_that_is_not_supported_is_rejected(tmp_path: Path) -> None:
    """The library has an error of its own for it, which is no ValueError."""
    first, *body, last, _ = PLAIN.split(b"\n")
    der = base64.b64decode(b"".join(body)).replace(b"\x2b\x65\x70", b"\x2b\xd7\x70")
    file = tmp_path / "other.key"
    file.write_bytes(b"\n".join([first, base64.b64encode(der), last, b""]))
    with pytest.raises(Rejected, match="holds no signing key that can be read"):
        signing_key(file, lambda: "a passphrase")


def read_or_rejected(read: Callable[[], object]) -> None:
    with suppress(MillwrightError):
        read()
