"""What a machine made between the onset of a fault and its hold: which period it is, and what is said of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.anomaly import Anomaly, AnomalyKind
from domain.counterfactuals import Grounds
from domain.lots import MadeLot
from domain.suspect_lots import LotsUntil, SuspectLots, onset_of
from domain.verdict import Context, Memory

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants naive bounds


def grounds(memory: Memory, at: datetime = NOW) -> Grounds:
    anomaly = Anomaly(kind=AnomalyKind.DEVIATION, asset="P-1", failure_mode="VIB", at=at, detector="d")
    context = Context(asset="P-1", asset_class="pump", criticality=None, machine="M-1", line="L-1", codes=1)
    return Grounds(verdict=1, version="v", memory=memory, anomaly=anomaly, context=context)


def listed(lots: tuple[MadeLot, ...] | None, **more: object) -> SuspectLots:
    fields: dict[str, object] = {
        "system": "mes",
        "equipment": "EQ-001",
        "from_at": NOW - 6 * HOUR,
        "until_at": NOW,
        "until": LotsUntil.HELD,
        "lots": lots,
        "not_known": None if lots is not None else "mes does not say which lots a machine made",
        "listed_at": NOW,
    }
    return SuspectLots.model_validate(fields | more)


def test_the_onset_is_the_first_event_of_the_case_where_nothing_older_is_known() -> None:
    assert onset_of(None, NOW) == NOW
    assert onset_of(grounds(Memory()), NOW) == NOW


def test_the_start_of_a_run_of_deviations_is_an_onset() -> None:
    assert onset_of(grounds(Memory(deviating_since=NOW - 9 * HOUR)), NOW) == NOW - 9 * HOUR


@given(TIMES, TIMES, st.dictionaries(st.sampled_from("abc"), TIMES), TIMES)
def test_no_sign_of_the_fault_is_before_its_onset(
    first: datetime, anomaly: datetime, codes: dict[str, datetime], deviating: datetime
) -> None:
    onset = onset_of(grounds(Memory(codes=codes, deviating_since=deviating), anomaly), first)
    assert onset == min(first, anomaly, deviating, *codes.values())


def test_what_is_not_known_is_never_an_empty_list() -> None:
    words = listed(None).words
    assert words == (
        "From 2026-05-04 00:00 UTC, when the fault began, until 2026-05-04 06:00 UTC, when the machine was held: it is "
        "not known what EQ-001 made. mes does not say which lots a machine made."
    )
    assert listed(()).words.endswith("mes lists nothing that EQ-001 made.")


def test_a_list_that_begins_late_says_since_when_the_mes_knows_lots() -> None:
    late = MadeLot(lot="L-2", job="J-2", from_at=NOW - HOUR)
    assert listed((late,)).words.endswith(
        "mes lists one lot of EQ-001. The first began 2026-05-04 05:00 UTC; of the time before, mes lists nothing."
    )
    early = MadeLot(lot="L-1", job="J-1", from_at=NOW - 9 * HOUR, until_at=NOW - HOUR)
    assert listed((early, late)).words.endswith("mes lists 2 lots of EQ-001.")


def test_a_lot_without_a_time_says_nothing_of_the_beginning() -> None:
    assert listed((MadeLot(lot="L-1"),)).words.endswith("mes lists one lot of EQ-001.")


def test_a_machine_that_was_held_before_the_fault_made_nothing_suspect() -> None:
    words = listed((), from_at=NOW, until_at=NOW - HOUR).words
    assert words == "EQ-001 was held before the fault began, at 2026-05-04 05:00 UTC."


@pytest.mark.parametrize(("until", "words"), [(LotsUntil.HELD, "machine was held"), (LotsUntil.WORK_DONE, "work was")])
def test_the_end_of_the_period_is_named(until: LotsUntil, words: str) -> None:
    assert words in listed((), until=until).words
