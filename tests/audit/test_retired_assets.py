"""The record after assets have left the plant: it verifies, explains, and says who retired what and why."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.audit.exporting import export
from millwright.audit.questions.answer import Answer, Asked
from millwright.audit.questions.asking import ask
from millwright.audit.verifying import verify
from millwright.explaining.why import why
from millwright.storage.events.register import RegisterStore
from policies.engine.catalogue import Catalogue
from tests.audit.conftest import a_record
from tests.audit.test_audit_tampering import offline
from tests.audit.test_evidence import offline as offline_pack
from tests.audit.test_evidence import packed
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.plant import MOTOR, PUMP, START, deviation

REASON = "the press is scrapped"


@pytest.fixture(scope="module")
async def retired(postgres_url: str, recorded_template: str) -> AsyncIterator[AsyncEngine]:
    """The record, both components retired: of one the case is closed, of the other open; one event waited."""
    async with a_record(postgres_url, recorded_template) as engine:
        plant = Plant(engine)
        await plant.inbox.store([deviation(6, external_id="waited")], plant.clock.now())
        await RegisterStore(engine, plant.clock).retire([PUMP, MOTOR], "pat", REASON)
        await judge_to_rest(plant.judging)
        yield engine


async def asking(engine: AsyncEngine, question: str) -> Answer:
    return await ask(engine, Catalogue(), question, Asked(now=START + timedelta(days=30)), ZoneInfo("UTC"))


async def test_the_record_verifies_after_a_retirement_here_and_offline(retired: AsyncEngine, tmp_path: Path) -> None:
    report = await verify(retired)
    assert (report.findings, report.verified) == ((), True)
    written = await export(retired, tmp_path / "export")
    code, said = offline(tmp_path / "export", "--head", written.head)
    assert (code, said[0].partition(";")[0]) == (0, "verified: everything agrees")


@pytest.mark.parametrize("ref", ["1001", "1002", "1.1.0"])
async def test_the_evidence_of_a_case_whose_asset_was_retired_is_written_and_verifies(
    retired: AsyncEngine, tmp_path: Path, ref: str
) -> None:
    pack = await packed(retired, tmp_path, ref)
    code, said = offline_pack(pack, "--head", pack.head)
    assert (code, said[0].partition(";")[0]) == (0, "verified: everything agrees")


async def test_why_still_names_the_asset_of_an_old_case(retired: AsyncEngine) -> None:
    told = await why(retired, Catalogue(), "1001")
    assert told.consequences is not None
    assert "on Machine 1 component 1 of Machine 1" in told.consequences.sentences[0]
    assert told.remade is True


async def test_why_says_of_an_open_case_that_its_asset_was_retired(retired: AsyncEngine) -> None:
    told = await why(retired, Catalogue(), "1002")
    assert told.consequences is not None
    words = f"It is to be withdrawn: {MOTOR} was retired on 2015-01-15 06:00 UTC by pat: {REASON}."
    assert words in told.consequences.sentences


async def test_why_says_of_an_event_that_waited_that_its_asset_was_retired(retired: AsyncEngine) -> None:
    told = await why(retired, Catalogue(), "waited")
    assert told.answer == (
        "Nothing was done: it is unmapped, because it tells of something the register lacks. "
        f"{PUMP} was retired on 2015-01-15 06:00 UTC, before this was judged"
    )


async def test_the_auditor_is_told_who_retired_what_and_which_events_were_set_aside(retired: AsyncEngine) -> None:
    changed = [row.model_dump() for row in (await asking(retired, "changed")).rows]
    told = [(row["by"], row["subject"], row["why"]) for row in changed if row["did"] == "asset retired"]
    assert told == [("pat", f"asset {PUMP}", REASON), ("pat", f"asset {MOTOR}", REASON)]
    suppressed = [row.model_dump() for row in (await asking(retired, "suppressed")).rows]
    assert [row["by"] for row in suppressed if row["what"] == "event unmapped"] == ["watch"]
