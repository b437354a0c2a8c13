"""A case whose work is timed by the least cost: on record, in its order and views, and decided again by the audit."""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.order_text import order_draft
from activities.progress import CaseRef
from activities.proposals import Proposals
from domain.assets import TWIN_SYSTEM, Alias, Criticality
from domain.dependents import Dependents, dependent_attributes
from domain.draft_findings import DraftCheck
from domain.pricing import TimedFault, WorkTime
from domain.production import JobState, ProductionContext
from domain.verdict import Context, RuleWords, Urgency, UrgencyDecision, Verdict
from domain.wording import ENGLISH
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.explaining.consequences import consequences
from millwright.reports.summary import read_summary
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.events.register import RegisterStore
from millwright.storage.reporting.case_lists import whole_case
from policies.engine.catalogue import Catalogue
from tests.support.cmms import NOTHING_OPEN
from tests.support.judged_plant import Plant
from tests.support.plant import register
from tests.support.priced_plant import prepare_priced, proposed


@pytest.fixture
async def priced(storage_engine: AsyncEngine) -> Plant:
    plant = Plant(storage_engine)
    await prepare_priced(plant)
    return plant


async def test_the_prices_are_on_record_and_decided_again(priced: Plant) -> None:
    view = await proposed(priced)
    assert view.urgency is not None
    assert view.urgency.prices is not None

    assert view.verdict.version == "1.2.0"
    assert view.urgency.prices.chosen in set(WorkTime)
    ((told,),) = await priced.rows("SELECT body::json -> 'detail' -> 'urgency' FROM acts WHERE kind = 'work-proposed'")
    assert UrgencyDecision.model_validate(told) == view.urgency
    report = await verify(priced.engine)
    assert (report.verified, report.timings.decided, report.timings.reproduced) == (True, 1, 1)


async def test_a_register_that_changes_meanwhile_leaves_what_the_time_is_decided_from(priced: Plant) -> None:
    await RegisterStore(priced.engine, priced.clock).keep(register(Criticality.D), "tests")

    await proposed(priced)

    report = await verify(priced.engine)
    assert (report.verified, report.timings.reproduced) == (True, 1), report.findings


class AnotherChoice(Catalogue):
    """A judge that decides otherwise."""

    def urgency(
        self,
        version: str,
        verdict: Verdict,
        fault: TimedFault,
        context: Context,
        production: ProductionContext | None,
        now: datetime,
        dependents: Dependents | None = None,
    ) -> UrgencyDecision:
        decision = super().urgency(version, verdict, fault, context, production, now, dependents)
        return decision.model_copy(update={"urgency": Urgency.AFTER_BATCH})


async def test_a_time_that_is_decided_otherwise_now_is_named(priced: Plant) -> None:
    view = await proposed(priced)

    report = await verify(priced.engine, catalogue=AnotherChoice())

    assert [(found.kind, found.where) for found in report.findings] == [("timing", f"case {view.id}")]
    assert report.findings[0].what.startswith("decided again it is urgency after_batch for ")


async def test_the_order_and_the_story_give_the_cost_in_sentences(priced: Plant) -> None:
    view = await proposed(priced)
    assert view.urgency is not None
    assert view.urgency.prices is not None

    draft = order_draft(
        view, RuleWords(because="It is so.", response="Look."), NOTHING_OPEN, ENGLISH, DraftCheck(), None, released=True
    )
    told = consequences(await whole_case(priced.engine, view.id), 0).sentences

    [cost] = [each for each in draft.paragraphs if each.startswith("Cost: ")]
    assert cost == f"Cost: {view.urgency.prices.words}"
    assert view.urgency.prices.words in told


@pytest.mark.parametrize(
    ("state", "standby"), [(JobState.RUNNING, "machine-002"), (JobState.INTERRUPTED_BY_ITSELF, None)]
)
async def test_a_standby_that_runs_takes_over_and_is_recorded(
    priced: Plant, state: JobState, standby: str | None
) -> None:
    twin = Alias(
        system=TWIN_SYSTEM,
        external_id="machine-001",
        asset="machine-001",
        valid_from=priced.clock.now(),
        attributes=dependent_attributes(["machine-003"], {"machine-002": "EQ-002"}),
    )
    known = register(Criticality.B)
    others = tuple(each for each in known.aliases if (each.system, each.external_id) != (TWIN_SYSTEM, "machine-001"))
    kept = known.model_copy(update={"aliases": (*others, twin)})
    await RegisterStore(priced.engine, priced.clock).keep(kept, "tests")

    view = await proposed(priced, standby_is=state)
    assert view.urgency is not None
    assert view.urgency.prices is not None

    assert view.urgency.dependents == Dependents(standby=standby, stops=("machine-003",))
    now = view.urgency.prices.of(WorkTime.NOW)
    assert now is not None
    assert (now.lost_production == "0.00") == (standby is not None)
    draft = order_draft(
        view, RuleWords(because="It is so.", response="Look."), NOTHING_OPEN, ENGLISH, DraftCheck(), None, released=True
    )
    [depends] = [each for each in draft.paragraphs if each.startswith("Depends: ")]
    assert "machine-003" in depends
    report = await verify(priced.engine)
    assert (report.verified, report.timings.reproduced) == (True, 1), report.findings


async def test_the_summary_sums_what_was_recorded(priced: Plant) -> None:
    view = await proposed(priced)
    assert view.urgency is not None
    assert view.urgency.prices is not None
    prices = {each.time: each.total for each in view.urgency.prices.times}

    timing = (await read_summary(priced.engine, priced.clock.now()))["timing"]

    assert timing == {
        "decided": 1,
        "compared": 1,
        "left_out": {},
        "costs": {
            "EUR": {
                "as_decided": prices[view.urgency.prices.chosen],
                "least_cost": prices[view.urgency.prices.chosen],
                "always_now": prices[WorkTime.NOW],
                "always_planned_stop": prices[WorkTime.PLANNED_STOP],
            }
        },
    }


async def test_a_silent_mes_is_told_in_the_order(priced: Plant) -> None:
    cases = CaseStore(priced.engine, priced.clock, StoredVersions(priced.catalogue))
    ((case,),) = await priced.rows("SELECT id FROM cases")
    await Proposals(cases, {}, priced.catalogue, priced.clock).propose_work(CaseRef(case=str(case)))
    view = (await cases.view(str(case)))[0]

    draft = order_draft(
        view, RuleWords(because="It is so.", response="Look."), NOTHING_OPEN, ENGLISH, DraftCheck(), None, released=True
    )

    assert "Cost: Nothing was priced: the MES does not answer; The shift leader decides." in draft.paragraphs
    assert (await verify(priced.engine)).verified


async def test_a_time_that_has_no_answer_is_named_and_stops_no_audit(priced: Plant) -> None:
    await proposed(priced)
    altered = 'regexp_replace(body, \'"decided_at":"[^"]*"\', \'"decided_at":"9999-12-31T23:59:59Z"\')'
    async with priced.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE acts DISABLE TRIGGER USER"))
        await connection.execute(text(f"UPDATE acts SET body = {altered} WHERE kind = 'work-proposed'"))
    found = (await verify(priced.engine)).findings
    assert ("timing", True) in {(each.kind, "cannot be decided again: OverflowError" in each.what) for each in found}
