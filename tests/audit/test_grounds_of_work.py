"""Each order, hold, withdrawal, outcome and label needs a ground in the record before it; a forged one is named."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.cases import ClosedAs
from domain.outcomes import Label, Outcome, OutcomeClass
from domain.work_orders import WorkOrderDraft
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from policies.engine.catalogue import Catalogue
from tests.audit.conftest import Hostile, confirmed, place
from tests.support.forging import ForgedAct, forge
from tests.support.ingress import NOW
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, TestClock, alarm_by_hand, code, deviation

_ORDER = "INSERT INTO work_orders (case_id, system, intended_at, draft) VALUES (%s, 'maximo', %s, %s)"
_HOLD = (
    (
        "INSERT INTO holds (key, system, equipment, state, intended_at) "
        "VALUES (%(case)s, 'mes', 'EQ-001', 'asked', %(at)s)"
    ),
    "INSERT INTO hold_claims (hold_key, case_id, claimed_at) VALUES (%(case)s, %(case)s, %(at)s)",
)
_EVIDENCE = (
    "INSERT INTO evidence (case_id, event_id, revision, rung, at, how) SELECT c.id, v.event_id, v.revision, v.rung, "
    "v.at, '{how}' FROM cases c, verdicts v JOIN events e ON e.id = v.event_id WHERE e.external_id = 'later' "
    "AND v.role = 'active'"
)


def draft(case: str, **changed: object) -> WorkOrderDraft:
    """A draft as the product writes it, or changed."""
    told: dict[str, object] = {
        "key": case,
        "asset": PUMP,
        "asset_external_id": "M001-COMP1",
        "asset_attributes": {"siteid": "BEDFORD"},
        "summary": "Remove the guard.",
        "paragraphs": ("Forged.",),
        "failure_mode": "PDE",
        "priority": 1,
        "released": True,
        "reported_at": START,
    }
    return WorkOrderDraft.model_validate(told | changed)


async def named(engine: AsyncEngine, directory: Path) -> set[str]:
    """The findings here, which are those of an export too, without their places."""
    found = {f"{finding.kind}: {finding.what}" for finding in (await verify(engine)).findings}
    await export(engine, directory)
    assert {f"{finding.kind}: {finding.what}" for finding in offline_verify.verify(directory)} == found
    return found


async def opened(plant: Plant, *, inspect: bool = False) -> str:
    """A case that asks for an order and a hold, or for an inspection; gives its id."""
    await plant.prepare(Criticality.A)
    await plant.take(*([alarm_by_hand()] if inspect else [code(1), deviation(2)]), deviation(3, external_id="later"))
    [[case]] = await plant.rows("SELECT id FROM cases WHERE rung = :rung", rung=2 if inspect else 5)
    return str(case)


async def order(plant: Plant, database_url: str, case: str, wanted: WorkOrderDraft) -> None:
    """Puts a draft beside a case, with the act that recorded it."""
    now = plant.clock.now()
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute(_ORDER, (case, now, wanted.model_dump_json()))
        somebody.execute("UPDATE cases SET phase = 'place' WHERE id = %s", (case,))
    await forge(plant.engine, case, now, ("order-intended", "millwright", {"system": "maximo", "draft": wanted}))


async def test_a_draft_as_the_product_writes_it_is_not_named(
    storage_engine: AsyncEngine, database_url: str, export_directory: Path
) -> None:
    plant = Plant(storage_engine)
    case = await opened(plant)
    await order(plant, database_url, case, draft(case))
    assert await named(storage_engine, export_directory) == set()


async def test_an_order_and_a_hold_of_a_case_that_nobody_accepted_are_named(
    storage_engine: AsyncEngine, database_url: str, export_directory: Path
) -> None:
    plant = Plant(storage_engine)
    case = await opened(plant, inspect=True)
    [[priority]] = await plant.rows("SELECT (verdict ->> 'priority')::int FROM cases")
    await order(plant, database_url, case, draft(case, priority=priority))
    at = plant.clock.now()
    with psycopg.connect(database_url, autocommit=True) as somebody:
        for statement in _HOLD:
            somebody.execute(statement.encode(), {"case": case, "at": at})
    detail: dict[str, object] = {"hold": case, "system": "mes", "equipment": "EQ-001"}
    await forge(plant.engine, case, at, ("hold-intended", "millwright", detail))
    assert await named(storage_engine, export_directory) == {
        "order: an order was intended at inspect, and nobody had accepted it",
        "hold: its machine was held at inspect",
    }


_DRAFTS: dict[str, tuple[dict[str, object], set[str]]] = {
    "another asset": (
        {"asset": MOTOR, "asset_external_id": "M001-COMP2", "failure_mode": "LOO"},
        {
            "its draft is on machine-001-comp2 for LOO, and not on the fault of the case",
            "its draft names M001-COMP2, which was not the asset's name or had other attributes",
        },
    ),
    "another priority": ({"priority": 4}, {"no verdict that the case rested on gave its draft's priority"}),
    "another name": (
        {"asset_external_id": "M001-COMP2"},
        {"its draft names M001-COMP2, which was not the asset's name or had other attributes"},
    ),
    "another site": (
        {"asset_attributes": {"siteid": "LUTON"}},
        {"its draft names M001-COMP1, which was not the asset's name or had other attributes"},
    ),
}


@pytest.mark.parametrize(("changed", "words"), _DRAFTS.values(), ids=_DRAFTS)
async def test_a_forged_draft_is_named(
    storage_engine: AsyncEngine,
    database_url: str,
    export_directory: Path,
    changed: dict[str, object],
    words: set[str],
) -> None:
    plant = Plant(storage_engine)
    case = await opened(plant)
    await order(plant, database_url, case, draft(case, **changed))
    assert await named(storage_engine, export_directory) == {f"order: {what}" for what in words}


async def test_a_case_that_was_called_off_while_its_asset_stood_in_the_plant_is_named(
    storage_engine: AsyncEngine, database_url: str, export_directory: Path
) -> None:
    plant = Plant(storage_engine)
    case, reason = await opened(plant), f"{PUMP} was retired"
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute("UPDATE cases SET withdraw = %s", (reason,))
    await forge(plant.engine, case, plant.clock.now(), ("case-called-off", "millwright", {"reason": reason}))
    await CaseStore(storage_engine, plant.clock, StoredVersions(plant.catalogue)).close(case, ClosedAs.WITHDRAWN)
    assert await named(storage_engine, export_directory) == {"case: was called off, and its asset was not retired then"}


async def test_a_case_that_was_withdrawn_while_its_evidence_stood_is_named(
    storage_engine: AsyncEngine, database_url: str, export_directory: Path
) -> None:
    plant = Plant(storage_engine)
    case, reason = await opened(plant), "its evidence was judged again, the last as watch"
    now = plant.clock.now()
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute("UPDATE cases SET withdraw = %s", (reason,))
    detail: dict[str, object] = {"event": ["tests", "later"], "rung": "watch", "reason": reason}
    await forge(plant.engine, case, now, ("case-unsupported", "millwright", detail))
    await CaseStore(storage_engine, plant.clock, StoredVersions(plant.catalogue)).close(case, ClosedAs.WITHDRAWN)
    assert await named(storage_engine, export_directory) == {
        "case: was said to have no evidence left, and none was revised then"
    }


@pytest.mark.parametrize(("kind", "how"), [("case-raised", "raised"), ("case-evidence-revised", "revised")])
async def test_evidence_that_no_verdict_gave_is_named(
    storage_engine: AsyncEngine, database_url: str, kind: str, how: str
) -> None:
    plant = Plant(storage_engine)
    case = await opened(plant, inspect=how == "raised")
    detail: dict[str, object] = {"event": ["tests", "later"], "rung": "work_order_and_hold"}
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute("DELETE FROM evidence WHERE event_id = (SELECT id FROM events WHERE external_id = 'later')")
        somebody.execute(_EVIDENCE.format(how=how).encode())
        somebody.execute("UPDATE cases SET rung = 5 WHERE id = %s", (case,))
    await forge(storage_engine, case, plant.clock.now(), (kind, plant.digests["1.1.0"][:12], detail))
    found = {finding.kind for finding in (await verify(storage_engine)).findings}
    assert "evidence" in found


_CONFIRMED = "(SELECT case_id FROM work_orders WHERE external_id = '1001')"


async def _bodies(hostile: Hostile, table: str) -> tuple[str, dict[str, object]]:
    [[case, body]] = await hostile.rows(f"SELECT case_id, body FROM {table} WHERE case_id = {_CONFIRMED}")
    assert isinstance(body, dict)
    return str(case), body


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"revision": 2}, "label: was made twice, or without a finding"),
        ({"revision": 2, "outcome": "nothing_found"}, "label: is not what the work had found by then"),
    ],
    ids=["second", "another outcome"],
)
async def test_a_second_label_is_named(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path, changed: dict[str, object], words: str
) -> None:
    case, body = await _bodies(hostile, "labels")
    label, now = Label.model_validate(body | changed), TestClock(NOW).now()
    await hostile.run(
        "INSERT INTO labels (case_id, revision, outcome, body, made_at) VALUES (%(case)s, 2, %(outcome)s, %(body)s, "
        "%(now)s)",
        case=case,
        outcome=label.outcome.value,
        body=label.model_dump_json(),
        now=now,
    )
    await forge(recorded, case, now, ("label-made", "millwright", {"label": label}))
    assert await named(recorded, export_directory) == {words}


async def test_an_outcome_that_replaces_a_known_one_is_named(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path
) -> None:
    case, body = await _bodies(hostile, "outcomes")
    outcome = Outcome.model_validate(body | {"outcome": OutcomeClass.NOTHING_FOUND})
    await hostile.run(
        "UPDATE outcomes SET outcome = 'nothing_found', body = %(body)s, twin_etag = NULL, twin_write = NULL "
        "WHERE case_id = %(case)s",
        case=case,
        body=outcome.model_dump_json(),
    )
    act: ForgedAct = ("outcome-reclassified", "millwright", {"outcome": outcome})
    await forge(recorded, case, TestClock(NOW).now(), act)
    assert await named(recorded, export_directory) == {
        "outcome: replaced confirmed, and only an unknown one may be replaced"
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"outcome": "nothing_found"},
        {"work_order": "1002"},
        {"asset": MOTOR},
        {"stated_by": "paula"},
        {"iso14224": {"mode": "ELP"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_a_label_that_is_not_what_the_work_had_found_is_named(
    storage_engine: AsyncEngine, export_directory: Path, changed: dict[str, object]
) -> None:
    plant = Plant(storage_engine)
    case = await opened(plant)
    cases = CaseStore(storage_engine, plant.clock, StoredVersions(Catalogue()))
    await place(cases, case, PUMP, "1001")
    label = await confirmed(cases, case, "1001")
    await cases.keep_label(Label.model_validate(label.model_dump() | changed))
    assert await named(storage_engine, export_directory) == {"label: is not what the work had found by then"}
