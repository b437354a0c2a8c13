"""The auditor's questions, asked of a small record with everything in it."""

import ast
import csv
import io
from datetime import timedelta
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import EMPTY_ROOT
from domain.cases import ClosedAs
from domain.errors import ActRejected
from domain.holds import HoldStatus
from domain.stops import StoppableAction
from millwright.audit.questions.answer import Answer, Asked
from millwright.audit.questions.asking import QUESTIONS, ask
from millwright.bootstrap import StoredVersions
from millwright.cli.audit_questions import Name
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.holds import HoldStore
from millwright.storage.ledger.ledger import row_hash
from millwright.storage.policies.stops import StopStore
from policies.engine.catalogue import Catalogue
from policies.engine.engine_mark import code_of, engine_mark, judging_modules
from tests.audit.conftest import Hostile
from tests.support.completed_work import ended
from tests.support.plant import PUMP, START, TestClock

NOW = START + timedelta(days=30)


async def asking(engine: AsyncEngine, question: str, **terms: Any) -> Answer:
    return await ask(engine, Catalogue(), question, Asked(now=NOW, **terms), ZoneInfo("Europe/Berlin"))


def column(answer: Answer, name: str) -> list[Any]:
    return [getattr(row, name) for row in answer.rows]


def test_the_command_line_knows_every_question() -> None:
    assert [*Name] == [*QUESTIONS]


async def test_the_rule_that_decided_an_order_is_told_with_its_people(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "decided", ref="1001")
    acting = answer.rows[0].model_dump()
    assert (acting["role"], acting["version"], acting["rung"], acting["remade"]) == (
        "active",
        "1.1.0",
        "work_order_and_hold",
        "equal",
    )
    assert acting["approved_by"] == ("grace",)
    assert acting["rule"] in answer.words


async def test_every_act_on_a_version_is_told_and_its_signatures_hold(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "signed", ref="1.1.0")
    assert column(answer, "did") == ["published", "approved", "activated", "assigned"]
    assert column(answer, "signature") == [None, True, True, None]
    assert column(answer, "name")[1:] == ["Grace (grace)", "Olaf (olaf)", "Olaf (olaf)"]
    assert column(answer, "local")[1] == "2015-01-10 07:00:00+01:00 (2015-01-10 06:00:00 UTC)"
    assert "approved by grace, activated by olaf" in answer.words


async def test_a_forged_signature_is_shouted(recorded: AsyncEngine, hostile: Hostile) -> None:
    await hostile.run("UPDATE person_keys SET value = repeat('0', 64) WHERE person = 'grace' AND kind = 'signing'")
    answer = await asking(recorded, "signed", ref="1.1.0")
    assert "1 SIGNATURES DO NOT HOLD" in answer.words


async def test_what_was_in_force_is_told_as_known_then_and_now(read_only: AsyncEngine) -> None:
    before = START - timedelta(days=10)
    answer = await asking(read_only, "in-force", at=before, asset=PUMP)
    # It was put in force from a year before, at first light: then nobody knew.
    assert column(answer, "version") == [None, "rotating-equipment 1.1.0"]
    assert answer.rows[1].ledger is not None


async def test_a_version_s_events_cases_orders_and_holds_are_all_told(recorded: AsyncEngine, hostile: Hostile) -> None:
    answer = await asking(recorded, "affected", ref="1.1.0")
    [[verdicts]] = await hostile.rows(
        "SELECT count(*) FROM verdicts v JOIN policy_versions p ON p.digest = v.version WHERE p.version = '1.1.0'"
    )
    kinds = column(answer, "kind")
    counted = {kind: kinds.count(kind) for kind in ("event", "case", "order", "hold")}
    assert counted == {"event": verdicts, "case": 2, "order": 2, "hold": 2}
    assert {row.model_dump()["id"] for row in answer.rows if row.model_dump()["kind"] == "order"} == {"1001", "1002"}


async def test_a_version_in_shadow_decided_nothing(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "affected", ref="1.0.0")
    assert set(column(answer, "kind")) == {"event"}
    assert set(column(answer, "role")) == {"shadow"}


async def test_changes_are_those_of_versions_people_and_register(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "changed", since=START - timedelta(days=1))
    assert {"person added", "policy published", "policy approved", "policy assigned", "register imported"} <= set(
        column(answer, "did")
    )
    assert not any(subject.startswith("case") for subject in column(answer, "subject"))
    later = await asking(read_only, "changed", since=NOW)
    assert (later.rows, "nothing changed" in later.words) == ((), True)


async def test_a_decision_is_made_again_bit_for_bit(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "remade", ref="tests|fed")
    assert column(answer, "same") == [True] * len(answer.rows)
    assert column(answer, "again") == column(answer, "digest")
    assert column(answer, "remade_by") == [engine_mark().digest] * len(answer.rows)


async def test_a_decision_whose_inputs_are_gone_says_why_it_cannot_be_made_again(
    recorded: AsyncEngine, hostile: Hostile
) -> None:
    await hostile.run("DELETE FROM contexts")
    answer = await asking(recorded, "remade", ref="tests|fed")
    assert set(column(answer, "same")) == {None}
    assert "context" in answer.words


async def test_what_came_too_late_is_told_among_the_suppressed(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "suppressed")
    assert ("too late to be weighed", "event tests|aside") in zip(
        column(answer, "what"), column(answer, "subject"), strict=True
    )


async def test_who_threw_a_kill_switch_and_who_lifted_it_is_told(recorded: AsyncEngine) -> None:
    stops = StopStore(recorded, TestClock(NOW))
    number, _ = await stops.stop(StoppableAction.ORDER, "olaf", "the CMMS is being moved", site="BEDFORD")
    await stops.lift(number, "grace", "moved")
    answer = await asking(recorded, "suppressed", since=NOW)
    assert [(row["what"], row["by"], row["why"]) for row in (answered.model_dump() for answered in answer.rows)] == [
        ("every order stopped for BEDFORD", "olaf", "the CMMS is being moved"),
        ("action stop lifted", "grace", "moved"),
    ]


async def test_a_case_that_was_given_up_is_told(recorded: AsyncEngine, hostile: Hostile) -> None:
    cases = CaseStore(recorded, TestClock(NOW), StoredVersions(Catalogue()))
    [[case]] = await hostile.rows("SELECT id FROM cases WHERE closed_at IS NULL")
    await ended(cases, str(case), ClosedAs.CANCELLED)
    answer = await asking(recorded, "suppressed", since=NOW)
    assert (column(answer, "what"), column(answer, "subject")) == (["case cancelled"], [f"case {case}"])


async def test_a_case_that_was_given_up_is_told_once_though_its_machine_is_released_later(
    recorded: AsyncEngine, hostile: Hostile
) -> None:
    clock = TestClock(NOW)
    cases, holds = CaseStore(recorded, clock, StoredVersions(Catalogue())), HoldStore(recorded, clock)
    [[case]] = await hostile.rows("SELECT id FROM cases WHERE closed_at IS NULL")
    await ended(cases, str(case), ClosedAs.CANCELLED)
    clock.time += timedelta(days=1)
    await holds.end(str(case), HoldStatus.OVERRULED)
    await ended(cases, str(case), ClosedAs.CANCELLED)
    answer = await asking(recorded, "suppressed", since=NOW)
    assert [(row["what"], row["at"]) for row in (row.model_dump() for row in answer.rows)] == [("case cancelled", NOW)]


async def test_nobody_has_two_duties_in_a_plant_where_each_has_one_role(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "duties")
    assert answer.words.startswith("Nobody can both write and approve; 0 times")


async def test_who_may_write_and_approve_is_named(recorded: AsyncEngine, hostile: Hostile) -> None:
    await hostile.run("UPDATE person_roles SET roles = '[\"author\", \"approver\"]' WHERE person = 'grace'")
    answer = await asking(recorded, "duties")
    assert "grace can both write and approve" in answer.words
    assert column(answer, "conflict") == ["author and approver"]
    assert answer.rows[0].ledger is not None


async def test_why_there_was_no_order_names_the_rules_that_missed(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "not-done", ref="tests|weak")
    acting = answer.rows[0].model_dump()
    assert (acting["ordered"], acting["rung"]) == (False, "ignore")
    assert acting["missed"]


async def test_where_there_was_an_order_it_is_said(read_only: AsyncEngine) -> None:
    assert (await asking(read_only, "not-done", ref="1001")).words.startswith("There was one: 1001.")


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("nonsense", {}),
        ("decided", {}),
        ("decided", {"ref": "nobody knows this"}),
        ("decided", {"ref": "1001", "line": "LINE-1"}),
        ("signed", {"ref": "9.9.9"}),
        ("in-force", {"asset": PUMP}),
        ("changed", {"since": NOW, "until": START}),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    read_only: AsyncEngine, question: str, terms: dict[str, Any]
) -> None:
    with pytest.raises(ActRejected):
        await asking(read_only, question, **terms)


@pytest.mark.parametrize("question", ["decided", "affected", "changed", "suppressed"])
async def test_the_ledger_rows_that_prove_an_answer_come_with_it(read_only: AsyncEngine, question: str) -> None:
    refs = {"decided": "1001", "affected": "1.1.0"}
    answer = await asking(read_only, question, **({"ref": refs[question]} if question in refs else {}))
    proofs = {proof.seq: proof for proof in answer.proofs}
    assert {int(row.ledger.split("/")[0]) for row in answer.rows if row.ledger} == set(proofs)
    assert proofs
    for ledger_row in proofs.values():
        assert ledger_row.hash == row_hash(
            ledger_row.seq, ledger_row.at, ledger_row.leaves, ledger_row.root, ledger_row.previous
        )


async def test_rows_are_exported_as_csv_and_no_cell_is_a_formula(recorded: AsyncEngine, hostile: Hostile) -> None:
    await hostile.run("UPDATE acts SET actor = '=1+1' WHERE kind = 'register-imported'")
    answer = await asking(recorded, "changed")
    rows = list(csv.DictReader(io.StringIO(answer.csv())))
    assert len(rows) == len(answer.rows)
    assert "'=1+1" in {row["by"] for row in rows}
    assert list(rows[0]) == list(answer.columns)


async def test_an_empty_answer_has_its_columns_all_the_same(read_only: AsyncEngine) -> None:
    answer = await asking(read_only, "changed", since=NOW)
    assert answer.csv().startswith("at,local,by,name,did,subject,why,terms,ledger,digest")


def test_the_engine_s_mark_is_that_of_everything_that_judging_imports() -> None:
    modules = judging_modules()
    assert {"policies.engine.judging", "policies.engine.memory", "domain.verdict", "domain.canonical"} <= set(modules)
    assert {"policies.engine.timing", "policies.engine.prices", "policies.engine.sensitivity"} <= set(modules)
    assert not any(name.startswith("millwright") for name in modules)
    assert engine_mark().digest != EMPTY_ROOT


def test_the_engine_s_mark_names_the_libraries_that_it_judges_with() -> None:
    named = dict(each.split() for each in engine_mark().libraries.split(", "))
    assert named == {name: version(name) for name in ("cel-expr-python", "orjson", "pydantic", "pydantic-core")}


def test_comments_and_docstrings_make_no_other_engine_and_code_does() -> None:
    code = b'"""A module."""\nLIMIT = 3\n"""The most."""\n\n\ndef f():\n    """Three."""\n    return LIMIT  # why\n'
    prose = b'LIMIT = 3\n"""The highest."""\n\ndef f():\n    "Gives three."\n    # because\n    return LIMIT\n'
    changed = code.replace(b"= 3", b"= 4")
    assert code_of(ast.parse(code)) == code_of(ast.parse(prose))
    assert code_of(ast.parse(code)) != code_of(ast.parse(changed))
