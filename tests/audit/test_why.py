"""Why there was work, and why there was none: from what was stored, in a planner's words."""

import io
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Fate, Received
from domain.errors import ActRejected
from domain.production import ISOLATION_NOTICE
from domain.shown_signatures import SignatureDisplay
from domain.verdict import Comparison
from millwright.explaining.rendering import render
from millwright.explaining.why import why
from millwright.explaining.words import worded
from millwright.storage.events.inbox import Inbox
from policies.engine.catalogue import Catalogue
from policies.language.display_names import LABELS
from policies.language.variables import RULE_VARIABLES
from tests.audit.conftest import Hostile
from tests.support.plant import LINE, START, deviation

DISPLAY = SignatureDisplay({"ada": "Ada Lund"}, ZoneInfo("Europe/Berlin"))


def printed(answer: object) -> str:
    """What the terminal shows, on one line."""
    out = io.StringIO()
    Console(file=out, width=400).print(answer)
    return " ".join(out.getvalue().split())


@pytest.mark.parametrize(
    ("ref", "answer", "rule"),
    [
        ("tests|first", "it is watched", "single-shift"),
        ("weak", "It was ignored. Four standard errors or less", "weak-deviation"),
        ("late-code", "it is watched", "code-during-shift"),
        ("fed", "No second order: case MW", "critical-confirmed"),
        ("watched", "it is watched", "single-shift"),
        ("confirmed", "was opened, asking for a work order and a hold", "critical-confirmed"),
        ("1001", "Judged first as watching only, and again when an earlier event had come late", "critical-confirmed"),
        ("order/1002", "was opened, asking for a work order and a hold", "critical-confirmed"),
    ],
)
async def test_what_was_decided_is_told_with_its_rule(read_only: AsyncEngine, ref: str, answer: str, rule: str) -> None:
    told = await why(read_only, Catalogue(), ref)
    assert answer in told.answer
    assert told.decisions[0].rule == rule
    assert told.decisions[0].acts
    assert told.remade is True
    assert answer in printed(render(told, DISPLAY))


async def test_an_event_later_than_the_policy_waits_for_moved_nothing(read_only: AsyncEngine) -> None:
    told = await why(read_only, Catalogue(), "aside")
    assert "came later than the policy waits for" in told.answer
    assert told.decisions[0].aside
    assert told.remade is True


async def test_values_stand_against_the_thresholds_they_missed(read_only: AsyncEngine) -> None:
    shown = printed(render(await why(read_only, Catalogue(), "first"), DISPLAY))
    assert "volt was 190 V where 171 V is normal, 6 standard errors away" in shown
    assert "different error codes seen within the window is 0, asked is at least 1 (by 1)" in shown
    assert "approve, signed by grace on 2015-01-10 07:00:00+01:00 (2015-01-10 06:00:00 UTC): " in shown
    assert "Judged again from what was stored: the same verdict." in shown


async def test_a_finished_case_tells_what_it_led_to(recorded: AsyncEngine, hostile: Hostile) -> None:
    [(case,)] = await hostile.rows("SELECT case_id FROM work_orders WHERE external_id = '1001'")
    for ref in (str(case), str(case).lower(), f"case/{case}", "1001"):
        told = await why(recorded, Catalogue(), ref)
        assert told.consequences is not None
        assert told.consequences.case == case
        assert (told.consequences.order, told.consequences.hold) == ("1001", case)
        assert (told.consequences.outcome, told.consequences.closed_as) == ("confirmed", "done")
    shown = printed(render(told, DISPLAY))
    assert "Work order 1001 in maximo" in shown
    assert f"Hold {case} on EQ-001: released" in shown
    assert "the twin was updated, a training label was kept" in shown


async def test_an_open_case_tells_where_it_stands(read_only: AsyncEngine) -> None:
    told = await why(read_only, Catalogue(), "1002")
    assert told.consequences is not None
    assert "paula approved it" in " ".join(told.consequences.sentences)
    assert ISOLATION_NOTICE in " ".join(told.consequences.sentences)
    assert f"EQ-001: in effect: job J-7 was read as held at {START + timedelta(days=5):%Y-%m-%d %H:%M} UTC" in " ".join(
        told.consequences.sentences
    )
    assert "The case is open" in told.consequences.sentences[-1]


def unread(external_id: str, fate: Fate | None, reason: str | None, field: str | None = None) -> Received:
    """A message whose fate intake decided, or that waits."""
    return deviation(9, external_id=external_id).model_copy(
        update={"fate": fate, "reason": reason, "field": field, "natural_key": external_id}
    )


@pytest.mark.parametrize(
    ("fate", "reason", "field", "answer"),
    [
        (Fate.QUARANTINED, "is no number", "data.score", "is quarantined, because .* is no number .field data.score"),
        (Fate.UNMAPPED, "device PDM-9 is not known", None, "is unmapped, .* device PDM-9 is not known"),
        (Fate.NOT_AN_ANOMALY, "our own patch", None, "it is no anomaly. our own patch"),
        (None, None, None, f"waits for line {LINE} to be judged"),
    ],
)
async def test_every_fate_without_a_verdict_says_so(
    recorded: AsyncEngine, fate: Fate | None, reason: str | None, field: str | None, answer: str
) -> None:
    await Inbox(recorded).store([unread("strange", fate, reason, field)], START)
    told = await why(recorded, Catalogue(), "strange")
    assert told.remade is None
    assert told.decisions == ()
    assert re.search(answer, told.answer)


async def test_a_repetition_under_the_same_id_is_counted(recorded: AsyncEngine) -> None:
    again = deviation(1, external_id="first")
    await Inbox(recorded).store([again], START + timedelta(days=1))
    told = await why(recorded, Catalogue(), "first")
    assert told.repeats == 1
    assert "came 1 more time" in printed(render(told, DISPLAY))


async def test_a_repetition_under_another_id_says_that_it_brought_nothing_new(recorded: AsyncEngine) -> None:
    await Inbox(recorded).store([deviation(1, external_id="row-again")], START)
    told = await why(recorded, Catalogue(), "row-again")
    assert told.kind == "receipt"
    assert "is a duplicate" in told.answer
    assert "is a duplicate" in printed(render(told, DISPLAY))


async def test_what_nobody_knows_is_refused(read_only: AsyncEngine) -> None:
    for ref in ("nothing", "", "event/1001", "99999999999999999999", "case/1001"):
        with pytest.raises(ActRejected, match="nothing is known"):
            await why(read_only, Catalogue(), ref)


async def test_one_id_from_two_sources_asks_which(recorded: AsyncEngine) -> None:
    other = deviation(30, external_id="first").model_copy(update={"source": "elsewhere"})
    await Inbox(recorded).store([other], START)
    with pytest.raises(ActRejected, match=r"tests\|first or elsewhere\|first"):
        await why(recorded, Catalogue(), "first")


async def test_a_tampered_input_shows_where_the_verdict_is_explained(recorded: AsyncEngine, hostile: Hostile) -> None:
    await hostile.run(
        "UPDATE events SET anomaly = replace(anomaly::text, '6.0', '2.0')::json WHERE external_id = 'first'"
    )
    told = await why(recorded, Catalogue(), "first")
    assert told.remade is False
    assert told.decisions[0].remade == "different"


async def test_an_edited_version_explains_nothing(recorded: AsyncEngine, hostile: Hostile) -> None:
    await hostile.run("UPDATE policy_versions SET document = replace(document, 'PT24H', 'PT12H')")
    told = await why(recorded, Catalogue(), "first")
    assert {decision.remade for decision in told.decisions} == {"impossible"}
    assert "was altered after it was published" in printed(render(told, DISPLAY))


async def test_the_answer_survives_json(read_only: AsyncEngine) -> None:
    told = await why(read_only, Catalogue(), "1001")
    assert type(told).model_validate_json(told.model_dump_json()) == told


def test_every_name_that_a_rule_may_use_has_words() -> None:
    assert set(LABELS) == set(RULE_VARIABLES)


@pytest.mark.parametrize(
    ("expression", "value", "held", "words"),
    [
        ("memory.deviating", "false", False, "the signal is shifted now: no"),
        ("anomaly.score > 4.0", "3.2", False, "in standard errors is 3.2, asked is more than 4.0 (by 0.8)"),
        ("asset.class in ['pump', 'motor']", "robot", False, "class is robot, asked is one of pump, motor"),
        ("asset.criticality == 'A'", "A", True, "the asset's criticality is A, as asked"),
        (
            "memory.codes >= asset.codes",
            "1 against 2",
            False,
            "at least 2 (error codes that tell of this failure mode)",
        ),
        ("memory.codes + 1 > 2", "memory.codes 1", False, "memory.codes + 1 > 2 with memory.codes 1"),
        ("memory.order_age_minutes < 60.0", "never", False, "is never, asked is less than 60.0"),
    ],
)
def test_a_statement_reads_as_words(expression: str, value: str, held: bool, words: str) -> None:
    assert words in worded(Comparison(expression=expression, value=value, held=held)).words


async def test_what_would_have_ordered_work_is_told_where_none_was_ordered(read_only: AsyncEngine) -> None:
    told = await why(read_only, Catalogue(), "tests|first")
    changes = told.decisions[0].changes
    assert changes is not None
    (would,) = changes.told
    assert would.startswith("It would have ordered work")
    assert would.endswith("if a matching error code had come (codes 0 → 1).")
    assert would in printed(render(told, DISPLAY))


async def test_what_would_have_changed_an_order_is_told_with_it(read_only: AsyncEngine) -> None:
    told = await why(read_only, Catalogue(), "confirmed")
    changes = told.decisions[0].changes
    assert changes is not None
    assert any("would only have been watched" in words for words in changes.told)
    assert all(decision.changes is None for decision in told.decisions if not decision.standing)
