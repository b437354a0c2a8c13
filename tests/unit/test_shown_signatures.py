"""A signature is shown with printed name, local time and UTC, and its meaning."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.errors import Rejected
from domain.shown_signatures import SignatureDisplay
from millwright.runtime.home import settings_from
from millwright.settings import Settings

BERLIN = SignatureDisplay({"grace": "Grace Lund"}, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("zone", "at", "local"),
    [
        ("Europe/Berlin", datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31 13:00:00+01:00 (2026-01-31 12:00:00 UTC)"),
        ("Europe/Berlin", datetime(2026, 7, 31, 23, tzinfo=UTC), "2026-08-01 01:00:00+02:00 (2026-07-31 23:00:00 UTC)"),
        ("Asia/Kolkata", datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31 17:30:00+05:30 (2026-01-31 12:00:00 UTC)"),
        ("UTC", datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31 12:00:00 UTC"),
    ],
)
def test_the_time_is_shown_in_the_sites_zone_with_its_offset_and_in_utc(zone: str, at: datetime, local: str) -> None:
    assert SignatureDisplay({}, ZoneInfo(zone)).local(at) == local


@pytest.mark.parametrize(("person", "name"), [("grace", "Grace Lund (grace)"), ("erased", "erased")])
def test_the_printed_name_is_shown_and_the_id_once_it_was_erased(person: str, name: str) -> None:
    shown = BERLIN.of(person, datetime(2026, 1, 31, 12, tzinfo=UTC), "I read it")
    assert shown.words == (f"signed by {name} on 2026-01-31 13:00:00+01:00 (2026-01-31 12:00:00 UTC): I read it")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime"])
def test_a_time_zone_that_does_not_exist_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(Rejected, match="write a name of the IANA database"):
        settings_from({"MILLWRIGHT_TIME_ZONE": name})


def test_the_zone_is_utc_as_shipped() -> None:
    assert Settings().time_zone == "UTC"
