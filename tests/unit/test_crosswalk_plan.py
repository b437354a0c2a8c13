"""A change of the crosswalk, worked out: what begins, what ends, what is refused, and that it changes nothing twice."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.assets import Alias
from domain.crosswalk import NewName
from millwright.storage.events.crosswalk_plan import EPOCH, CrosswalkPlan, plan_names
from tests.support.plant import START

NOW = START + timedelta(days=10)
KNOWN = {"pump": None, "motor": None, "scrap": START}


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def name(asset: str, external_id: str, since: datetime | None = None, system: str = "cmms") -> NewName:
    return NewName(asset=asset, system=system, external_id=external_id, valid_from=since)


def plan(names: Sequence[NewName], stored: Iterable[Alias] = ()) -> CrosswalkPlan:
    return plan_names(names, stored, KNOWN, NOW, "olga")


def after(planned: CrosswalkPlan, stored: Iterable[Alias] = ()) -> list[Alias]:
    """The rows of the crosswalk after a change was written."""
    ends = {row[:3]: row.valid_to for row in planned.ended}
    kept = [row for row in stored if (row.system, row.external_id, row.valid_from) not in planned.deleted]
    updated = [
        row.model_copy(update={"valid_to": ends.get((row.system, row.external_id, row.valid_from), row.valid_to)})
        for row in kept
    ]
    return [*updated, *planned.begun]


def periods(rows: Iterable[Alias]) -> list[tuple[str, str, datetime, datetime | None]]:
    return sorted(((row.external_id, row.asset, row.valid_from, row.valid_to) for row in rows), key=str)


def test_a_name_that_nothing_had_before_has_always_been_true_unless_a_time_is_given() -> None:
    planned = plan([name("pump", "P-7"), name("motor", "M-1", day(3))])
    assert periods(planned.begun) == [("M-1", "motor", day(3), None), ("P-7", "pump", EPOCH, None)]
    assert {row.owner for row in planned.begun} == {"olga"}


def test_a_name_goes_to_another_asset_from_a_time_in_the_past_on() -> None:
    stored = after(plan([name("pump", "P-7")]))
    planned = plan([name("motor", "P-7", day(4))], stored)
    assert periods(after(planned, stored)) == [("P-7", "motor", day(4), None), ("P-7", "pump", EPOCH, day(4))]
    assert planned.changed[0].was == "pump"


def test_in_a_cmms_a_new_name_replaces_the_old_one_and_elsewhere_it_does_not() -> None:
    stored = after(plan([name("pump", "P-7"), name("pump", "D-7", system="device")]))
    planned = plan([name("pump", "P-8"), name("pump", "D-8", system="device")], stored)
    assert [change.replaces for change in planned.changed] == [("P-7",), ()]
    assert [row.external_id for row in after(planned, stored) if row.valid_to is None] == ["D-7", "P-8", "D-8"]


def test_one_file_may_tell_the_history_of_a_name() -> None:
    told = [name("motor", "P-7", day(6)), name("pump", "P-7", day(2))]
    planned = plan(told)
    assert periods(planned.begun) == [("P-7", "motor", day(6), None), ("P-7", "pump", day(2), day(6))]
    assert plan(told, after(planned)).changed == ()


@pytest.mark.parametrize(
    ("names", "field", "words"),
    [
        ([name("valve", "V-1")], "asset", "there is no asset valve"),
        ([name("scrap", "V-1")], "asset", "scrap was retired on 2015-01-10 06:00 UTC"),
        ([name("motor", "V-1", NOW + timedelta(seconds=1))], "valid_from", "2015-01-20T06:00:01Z is in the future"),
        ([name("motor", "P-7", day(5))], "valid_from", "P-7 has been the name of pump in cmms since 2015-01-15"),
        ([name("pump", "P-8", day(5))], "external_id", "pump has the name P-7 in cmms since 2015-01-15"),
        ([name("motor", "OLD", day(1))], "valid_from", "OLD has been the name of pump in cmms until 2015-01-15"),
        ([name("pump", "A"), name("motor", "A")], "external_id", "A in cmms is given more than once from the same"),
        ([name("pump", "A"), name("pump", "B")], "external_id", "pump is given more than one name in cmms from the"),
    ],
)
def test_what_contradicts_the_register_or_itself_is_refused_with_a_reason(
    names: Sequence[NewName], field: str, words: str
) -> None:
    stored = after(plan([name("pump", "OLD")]))
    stored = after(plan([name("pump", "P-7", day(5))], stored), stored)
    refused = plan(names, stored).refused
    assert [(each.row, each.field) for each in refused] == [(row, field) for row in range(len(names))]
    assert all(each.problem.startswith(words) and each.fix for each in refused)


_NAMES = st.lists(
    st.builds(
        name,
        st.sampled_from(["pump", "motor"]),
        st.sampled_from(["A", "B", "C"]),
        st.none() | st.integers(0, 9).map(day),
        st.sampled_from(["cmms", "device"]),
    ),
    max_size=6,
)


@given(st.lists(_NAMES, max_size=4))
def test_no_name_has_two_assets_at_a_time_and_a_change_that_was_stored_changes_nothing_again(
    changes: list[list[NewName]],
) -> None:
    rows: list[Alias] = []
    for names in changes:
        planned = plan(names, rows)
        if planned.refused:
            continue
        rows = after(planned, rows)
        repeated = plan(names, rows)
        assert (repeated.changed, repeated.refused) == ((), ())
        by_name: dict[tuple[str, str], list[Alias]] = {}
        for row in sorted(rows, key=lambda row: row.valid_from):
            by_name.setdefault((row.system, row.external_id), []).append(row)
        for spans in by_name.values():
            ends = [span.valid_to for span in spans]
            assert all(span.valid_to is None or span.valid_from < span.valid_to for span in spans)
            assert all(
                end is not None and end <= following.valid_from for end, following in zip(ends, spans[1:], strict=False)
            )
        present = [(row.asset, row.system) for row in rows if row.valid_to is None and row.system == "cmms"]
        assert len(present) == len(set(present))
