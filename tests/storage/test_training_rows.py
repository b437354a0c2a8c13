"""The rows of a training dataset, read from the record as it was at a row of its ledger."""

from datetime import timedelta

import pytest

from domain.cases import ClosedAs, Decision
from domain.errors import ActRejected
from domain.outcomes import Label, OutcomeClass
from domain.suppression import shelving_limits
from domain.training import HealthyWindow, MadeLabel, MaskedSpan, SpanRow, UnworkedCase
from millwright.bootstrap import StoredVersions
from millwright.labels.exporting import export
from millwright.labels.verifying import verify
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.reporting.labels import open_training_rows
from millwright.storage.suppression.suppressions import SuppressionStore
from tests.support.completed_work import completed
from tests.support.faulting_files import memory_place
from tests.support.ingress import NOW
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, code, deviation
from tests.support.training_record import a_label

WEAK = 2.0
"""A score below any rule."""


async def the_case(plant: Plant) -> str:
    [[found]] = await plant.rows("SELECT id FROM cases")
    return str(found)


async def head(plant: Plant) -> int:
    [[found]] = await plant.rows("SELECT max(seq) FROM ledger")
    return int(str(found))


async def spans(plant: Plant, kind: type[SpanRow], after: int = 0, until: int | None = None) -> list[SpanRow]:
    async with open_training_rows(plant.engine) as record:
        last = until if until is not None else (await record.newest(None)).seq
        return [row async for page in record.spans(kind, after, last) for row in page]


async def labels(plant: Plant, after: int = 0) -> list[MadeLabel]:
    async with open_training_rows(plant.engine) as record:
        last = await record.newest(None)
        return [label async for page in record.labels(after, last.seq) for label in page]


def label_of(case: str, **changed: object) -> Label:
    return a_label(case, asset=PUMP, work_order="1224", **changed)


async def test_a_label_is_read_with_its_time_and_its_ledger_row(plant: Plant, cases: CaseStore) -> None:
    await plant.take(code(1), deviation(2))
    case = await the_case(plant)
    await completed(cases, case)
    await cases.keep_label(label_of(case))
    assert await labels(plant) == [MadeLabel(label_of(case), plant.clock.now(), await head(plant))]


async def test_another_finding_is_the_next_revision_and_the_same_finding_is_none(
    plant: Plant, cases: CaseStore
) -> None:
    await plant.take(code(1), deviation(2))
    case = await the_case(plant)
    await completed(cases, case)
    await cases.keep_label(label_of(case))
    first = await head(plant)
    await cases.keep_label(label_of(case, evidence=("adx|9",)))
    await cases.keep_label(label_of(case, cause="BEARING"))
    [later] = await labels(plant, first)
    assert (later.label.revision, later.label.cause) == (2, "BEARING")
    stored = await plant.rows("SELECT revision, body ->> 'cause' FROM labels ORDER BY revision")
    assert stored == [(1, "REGULATR"), (2, "BEARING")]


async def test_what_was_known_at_a_time_is_a_beginning_of_the_ledger(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    before, at = await head(plant), plant.clock.now()
    plant.clock.time += timedelta(days=1)
    await plant.take(deviation(3))
    async with open_training_rows(plant.engine) as record:
        assert (await record.newest(at)).seq == before
        assert (await record.newest(None)).seq > before
        with pytest.raises(ActRejected, match="the ledger has no row"):
            await record.newest(START - timedelta(days=9000))


async def test_the_evidence_of_a_label_ends_with_the_work(plant: Plant, cases: CaseStore) -> None:
    await plant.take(code(1, external_id="e1"), deviation(2, external_id="e2"), deviation(30, external_id="after"))
    case = await the_case(plant)
    sources = await cases.label_sources(case, START + timedelta(hours=9))
    assert [name.rpartition("|")[2] for name in sources.events] == ["e2"]
    assert (sources.count, sources.first_at, sources.last_at) == (
        1,
        START + timedelta(hours=2),
        START + timedelta(hours=2),
    )


async def test_a_span_of_verdicts_below_inspect_is_a_healthy_window_once_it_can_grow_no_more(plant: Plant) -> None:
    await plant.take(*(deviation(hours, score=WEAK) for hours in (1, 3, 10)))
    [window] = await spans(plant, HealthyWindow)
    assert isinstance(window, HealthyWindow)
    assert (window.asset, window.failure_mode, window.verdicts) == (PUMP, "PDE", 3)
    assert (window.window_start, window.window_end) == (START + timedelta(hours=1), START + timedelta(hours=10))
    assert window.longest_gap == timedelta(hours=7)


async def test_a_window_that_may_still_grow_is_not_given_yet(plant: Plant) -> None:
    plant.clock.time = START + timedelta(hours=34)
    await plant.take(*(deviation(hours, score=WEAK) for hours in (1, 3, 10)))
    assert await spans(plant, HealthyWindow) == []


async def test_a_silence_of_more_than_a_day_is_not_healthy(plant: Plant) -> None:
    await plant.take(*(deviation(hours, score=WEAK) for hours in (1, 2, 27, 28)))
    found = [row for row in await spans(plant, HealthyWindow) if isinstance(row, HealthyWindow)]
    assert sorted((row.window_start, row.window_end) for row in found) == [
        (START + timedelta(hours=1), START + timedelta(hours=2)),
        (START + timedelta(hours=27), START + timedelta(hours=28)),
    ]


async def test_one_verdict_alone_is_no_window(plant: Plant) -> None:
    await plant.take(deviation(1, score=WEAK))
    assert await spans(plant, HealthyWindow) == []


async def test_no_window_reaches_into_a_case_or_over_a_verdict_that_acts(plant: Plant) -> None:
    await plant.take(deviation(1, score=WEAK), deviation(2, score=WEAK))
    await plant.take(code(3), deviation(4))
    await plant.take(deviation(5, score=WEAK), deviation(6, score=WEAK))
    found = [row for row in await spans(plant, HealthyWindow) if isinstance(row, HealthyWindow)]
    assert [(row.window_start, row.window_end) for row in found] == [
        (START + timedelta(hours=1), START + timedelta(hours=3))
    ]


async def test_a_late_verdict_gives_a_longer_window_and_takes_the_shorter_one_back(plant: Plant) -> None:
    await plant.take(deviation(1, score=WEAK), deviation(2, score=WEAK))
    before = await head(plant)
    [short] = await spans(plant, HealthyWindow)
    await plant.take(deviation(4, score=WEAK))
    [longer] = await spans(plant, HealthyWindow, before)
    assert isinstance(longer, HealthyWindow)
    assert longer.window_end == START + timedelta(hours=4)
    assert await spans(plant, HealthyWindow, await head(plant), before) == [short]


async def test_a_rejected_case_is_given_with_its_person_and_reason_once_it_is_closed(
    plant: Plant, cases: CaseStore
) -> None:
    await plant.take(code(1), deviation(2))
    case = await the_case(plant)
    assert await spans(plant, UnworkedCase) == []
    await cases.record_decision(case, Decision(approved=False, by="paula", reason="known", at=plant.clock.now()))
    await cases.close(case, ClosedAs.REJECTED)
    [row] = await spans(plant, UnworkedCase)
    assert isinstance(row, UnworkedCase)
    assert (row.case, row.ended_as, row.rejected_by, row.reason) == (case, "rejected", "paula", "known")
    assert (row.window_start, row.policy) == (START + timedelta(hours=2), "rotating-equipment")


async def test_a_shelf_is_a_masked_span_once_it_has_returned_and_no_healthy_window_crosses_it(plant: Plant) -> None:
    plant.clock.time = START
    shelves = SuppressionStore(
        plant.engine, plant.clock, shelving_limits("A=PT8H,B=P7D,C=P7D,D=P7D"), timedelta(days=14)
    )
    shelf = await shelves.shelve("machine-001", None, timedelta(hours=4), "ines", "sensor is being moved")
    await plant.take(*(deviation(hours, score=WEAK) for hours in (1, 2, 6, 7)))
    assert await spans(plant, MaskedSpan) == []
    plant.clock.time = START + timedelta(days=5)
    await SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue)).return_due()
    await plant.take(deviation(8, asset=MOTOR, score=WEAK))
    [mask] = await spans(plant, MaskedSpan)
    assert mask == MaskedSpan(
        shelf.id, "shelf", "machine-001", None, START, START + timedelta(hours=4), "sensor is being moved", "ines"
    )
    found = [row for row in await spans(plant, HealthyWindow) if isinstance(row, HealthyWindow)]
    assert [(row.window_start, row.window_end) for row in found] == [
        (START + timedelta(hours=6), START + timedelta(hours=7))
    ]


async def test_exports_in_steps_give_what_one_export_gives(plant: Plant, cases: CaseStore) -> None:
    steps, whole = memory_place()[0], memory_place()[0]

    async def add_to_steps() -> None:
        async with open_training_rows(plant.engine) as record:
            await export(steps, record, None, NOW, "millwright test")

    await plant.take(*(deviation(hours, asset=MOTOR, score=WEAK) for hours in (1, 2)))
    await add_to_steps()
    await plant.take(code(1), deviation(2), deviation(4, asset=MOTOR, score=WEAK))
    case = await the_case(plant)
    await completed(cases, case)
    await cases.keep_label(label_of(case))
    await add_to_steps()
    await cases.keep_label(label_of(case, outcome=OutcomeClass.PREVENTED))
    await add_to_steps()
    async with open_training_rows(plant.engine) as record:
        await export(whole, record, None, NOW, "millwright test")
    one, other = verify(steps), verify(whole)
    assert (one.findings, other.findings) == ([], [])
    assert one.in_force == other.in_force == {"labels": 1, "healthy_windows": 1, "unworked_cases": 0, "masked_spans": 0}
