"""Waivers tell of their end in time, and go on telling once they have ended."""

from datetime import UTC, datetime, timedelta

import pytest

from millwright.explaining.waivers import notices_in
from policies.checks.waivers import NOTICE, WaiverNotice, waiver_notices
from policies.engine.catalogue import Catalogue
from policies.language.document import read_document

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
WAIVERS = """
waivers:
  - { id: later, for: { class: pump }, rules: [single-shift], owner: Bo, reason: A trial., until: 2027-01-01T00:00:00Z }
  - id: trial
    for: { machine: machine-001 }
    rules: [single-shift]
    owner: Ada Lovelace
    reason: A new bearing is on trial.
    until: 2026-06-01T00:00:00Z
"""


def told(now: datetime) -> list[WaiverNotice]:
    text = Catalogue.published().find("rotating-equipment", "1.1.0").text + WAIVERS
    return list(waiver_notices(read_document(text, "a.yaml")[0], now))


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (NOTICE + timedelta(seconds=1), []),
        (NOTICE, [("trial", False)]),
        (timedelta(seconds=1), [("trial", False)]),
        (timedelta(), [("trial", True)]),
        (timedelta(days=-400), [("trial", True), ("later", True)]),
    ],
)
def test_a_waiver_tells_of_its_end_fourteen_days_before_it_and_after_it(
    before: timedelta, said: list[tuple[str, bool]]
) -> None:
    assert [(waiver.waiver, waiver.ended) for waiver in told(UNTIL - before)] == said


def test_it_says_whose_it_is_and_why_it_was_made() -> None:
    [waiver] = told(UNTIL - timedelta(days=1))
    assert waiver.words == (
        "waiver trial of rotating-equipment 1.1.0 for machine machine-001 ends on 2026-06-01 00:00 UTC "
        "(owner Ada Lovelace): A new bearing is on trial."
    )


def test_an_altered_document_that_cannot_be_read_hides_no_other_ones_waivers() -> None:
    text = Catalogue.published().find("rotating-equipment", "1.1.0").text + WAIVERS
    found = notices_in(["waivers: [", "policy: 7\nwaivers: []", text], UNTIL)
    assert [waiver.waiver for waiver in found] == ["trial"]
