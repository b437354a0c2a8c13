"""The offline verifier counts the new orders of each crew of each site, and reads each admission a few times only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from millwright.audit.offline_admissions import admission_findings
from tests.support.plant import START

DAY = timedelta(days=1)
Told = tuple[str, str, datetime]


class Admission(dict[str, Any]):
    """An admission that counts how often it is read."""

    reads = 0

    def __getitem__(self, name: str) -> Any:
        self.reads += 1
        return super().__getitem__(name)


def admissions(told: Sequence[Told]) -> list[Admission]:
    """One for each crew, site and time."""
    return [
        Admission(crew=crew, site=site, bound=9, exempt=None, admitted_at=f"{at:%Y-%m-%dT%H:%M:%SZ}")
        for crew, site, at in told
    ]


def wrong_counts(made: Sequence[Admission], used: Sequence[int]) -> list[str]:
    """What is found of the figures `used` of cases that were admitted one after another."""
    acts = [
        {
            "kind": "order-admitted",
            "subject": f"case/{number}",
            "actor": "millwright",
            "at": admission.get("admitted_at"),
            "number": number,
            "detail": {"admission": admission, "used": count},
        }
        for number, (admission, count) in enumerate(zip(made, used, strict=True))
    ]
    found = admission_findings([[act] for act in acts], {}, {})
    return [each.what for each in found if "in seven days when the case asked" in each.what]


def counted(told: Sequence[Told]) -> list[int]:
    """How many of the same crew and site were admitted in the seven days before each."""
    return [
        sum(first[:2] == own[:2] and first[2] > own[2] - 7 * DAY for first in told[:number])
        for number, own in enumerate(told)
    ]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 48)), max_size=40))
def test_each_crew_of_each_site_is_counted_by_itself(waits: Sequence[tuple[str, str, int]]) -> None:
    told, at = [], START
    for crew, site, hours in waits:
        at += timedelta(hours=hours)
        told.append((crew, site, at))
    assert wrong_counts(admissions(told), counted(told)) == []
    assert len(wrong_counts(admissions(told), [count + 1 for count in counted(told)])) == len(told)


def test_the_number_of_readings_of_an_admission_does_not_grow_with_the_record() -> None:
    told = [("a", "x", START + number * DAY) for number in range(400)]
    made = admissions(told)
    assert wrong_counts(made, counted(told)) == []
    assert max(admission.reads for admission in made) < 100
