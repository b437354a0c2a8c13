"""Whatever the record says: what is exported is read back, steps give what one export gives, and kills lose nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.outcomes import OutcomeClass
from domain.training import SpanRow
from millwright.labels.exporting import export
from millwright.labels.manifest import DatasetManifest
from millwright.labels.place import Place
from millwright.labels.reading import rows_of
from millwright.labels.tables import TABLES, DatasetTable, Row, label_row, span_row
from millwright.labels.verifying import verify
from tests.support.dataset_reading import rows_in_force
from tests.support.faulting_files import Killed, memory_place
from tests.support.training_record import BEGIN, LedgerRow, MemoryRecord, a_label, a_mask, a_window, an_unworked_case

NOW = BEGIN + timedelta(days=1000)
SPANS: tuple[Callable[[int], SpanRow], ...] = (a_window, an_unworked_case, a_mask)
SPAN_TABLES = {name: table for name, table in TABLES.items() if table.kind is not None}
FINDINGS = [outcome for outcome in OutcomeClass if outcome.finding]


@st.composite
def records(draw: st.DrawFn) -> MemoryRecord:
    """A ledger in which labels are made and revised, and spans appear, change and go, in any order."""
    revisions: dict[str, int] = {}
    standing: list[SpanRow] = []
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        made = []
        for case in draw(st.lists(st.sampled_from("ABCDE"), max_size=4)):
            revisions[case] = revisions.get(case, 0) + 1
            found = draw(st.sampled_from(FINDINGS))
            made.append(a_label(f"MW{case}", revision=revisions[case], outcome=found))
        gone = draw(st.lists(st.sampled_from(standing), unique=True)) if standing else []
        some = st.sets(st.integers(0, 40), max_size=2)
        kept = [row for row in standing if row not in gone]
        known = {(type(row), row[0]) for row in kept}
        new = [make(number) for make in SPANS for number in draw(some)]
        fresh = [row for row in new if (type(row), row[0]) not in known]
        standing = kept + fresh
        after = timedelta(minutes=draw(st.integers(0, 60 * 24 * 20)))
        rows.append(LedgerRow(after, tuple(made), tuple(fresh), tuple(gone)))
    return MemoryRecord(*rows)


def exported(place: Place, record: MemoryRecord) -> DatasetManifest | None:
    return asyncio.run(export(place, record, None, NOW, "millwright test"))


def newest(place: Place) -> DatasetManifest:
    return place.manifest(place.numbers()[-1])[0]


def as_read(table: DatasetTable, row: Row) -> Row:
    """A row as Parquet gives it: only the columns, and lists for tuples."""
    values = {name: row[name] for name in table.schema.names}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])


def in_force(place: Place) -> dict[str, list[Row]]:
    known = newest(place).tables
    return {name: in_order(list(rows_in_force(place, table, known[name]))) for name, table in TABLES.items()}


def all_labels(place: Place) -> list[Row]:
    return in_order([row for file in newest(place).tables["labels"].files for row in rows_of(place, file)])


async def label_rows(record: MemoryRecord) -> list[Row]:
    return [label_row(label) async for page in record.labels(0, len(record.rows)) for label in page]


@given(record=records())
@settings(max_examples=25)
def test_what_is_exported_is_read_back(record: MemoryRecord) -> None:
    place, _ = memory_place()
    exported(place, record)
    made = [as_read(TABLES["labels"], row) for row in asyncio.run(label_rows(record))]
    assert all_labels(place) == in_order(made)
    for name, table in SPAN_TABLES.items():
        said = record.said(table.kind, len(record.rows))
        assert in_force(place)[name] == in_order([as_read(table, span_row(row)) for row in said])


@pytest.mark.thorough
@given(record=records(), data=st.data())
@settings(max_examples=25)
def test_exports_in_steps_give_the_rows_of_one_export_and_both_verify(
    record: MemoryRecord, data: st.DataObject
) -> None:
    steps, whole = memory_place()[0], memory_place()[0]
    for cut in sorted(data.draw(st.sets(st.integers(1, len(record.rows))))):
        exported(steps, MemoryRecord(*record.rows[:cut]))
    exported(steps, record)
    exported(whole, record)
    assert in_force(steps) == in_force(whole)
    assert all_labels(steps) == all_labels(whole)
    assert verify(steps).findings == verify(whole).findings == []


@pytest.mark.thorough
@given(record=records(), data=st.data())
@settings(max_examples=25)
def test_an_export_that_is_killed_before_any_write_leaves_the_manifest_before_it_and_the_next_one_completes_it(
    record: MemoryRecord, data: st.DataObject
) -> None:
    (place, files), (whole, _) = memory_place(), memory_place()
    for cut in sorted(data.draw(st.sets(st.integers(1, len(record.rows)), max_size=3))):
        known, before = place.numbers(), files.writes
        files.kill_at = before + data.draw(st.integers(1, 12))
        with suppress(Killed):
            exported(place, MemoryRecord(*record.rows[:cut]))
        assert place.numbers() in (known, [*known, len(known) + 1])
        assert [finding for number in place.numbers()[-1:] for finding in verify(place).findings] == []
    files.kill_at = None
    exported(place, record)
    exported(whole, record)
    assert verify(place).findings == []
    assert in_force(place) == in_force(whole)
