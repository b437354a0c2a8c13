"""A plant that takes the contract suites of a CMMS by importing their tests takes all of them but those named here."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from millwright.connector_trial.behaviours import BEHAVIOURS, NEEDS_PEOPLE

_CONTRACT = Path(__file__).parents[1] / "contract"
_PLAYED = "test_cmms_contract"
"""What needs the people of a CMMS, or its inside."""
_TRIED = "test_cmms_behaviours"
"""What `millwright connector try` tries too."""
_LEFT_OUT = {
    # No request waits for a release there.
    "test_foreign_odoo_cmms_stock_stages": {
        "test_a_release_that_was_not_done_is_done_by_the_next_call",
        "test_a_release_whose_answer_was_lost_is_found_done",
    },
    # These make faults on a wire of JSON. By XML-RPC they are made on the sandbox's Odoo.
    "test_foreign_odoo_cmms_xml_rpc": {
        "test_a_field_that_the_site_demands_is_named",
        "test_a_release_that_was_not_done_is_done_by_the_next_call",
        "test_a_release_whose_answer_was_lost_is_found_done",
        "test_a_session_that_has_ended_needs_a_person_and_then_goes_on",
        "test_an_order_that_cannot_be_read_is_reported_and_hides_no_other",
        "test_answers_in_disorder_lose_nothing",
    },
}
_NOT_TRIED = {"test_foreign_odoo_cmms_xml_rpc"}
"""Files that take the suite with people only, because what is tried makes faults on the wire too."""


def body_of(file: Path) -> list[ast.stmt]:
    return ast.parse(file.read_text(encoding="utf-8")).body


def functions_of(suite: str) -> set[str]:
    functions = (node for node in body_of(_CONTRACT / f"{suite}.py") if isinstance(node, ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def takers(suite: str) -> Mapping[str, set[str]]:
    """The tests that each file takes from a suite."""
    return {
        file.stem: {alias.name for alias in node.names}
        for file in sorted(_CONTRACT.rglob("test_*.py"))
        for node in body_of(file)
        if isinstance(node, ast.ImportFrom) and node.module == f"tests.contract.{suite}"
    }


def test_three_files_take_the_suites() -> None:
    assert len(takers(_PLAYED)) == 3
    assert takers(_TRIED).keys() == takers(_PLAYED).keys() - _NOT_TRIED


@pytest.mark.parametrize("taker", takers(_PLAYED))
def test_the_suite_with_people_is_taken_but_for_what_is_named(taker: str) -> None:
    assert functions_of(_PLAYED) - takers(_PLAYED)[taker] == _LEFT_OUT.get(taker, set())


@pytest.mark.parametrize("taker", takers(_TRIED))
def test_what_is_tried_is_taken_whole(taker: str) -> None:
    assert functions_of(_TRIED) - takers(_TRIED)[taker] == set()


def test_what_a_trial_leaves_to_people_is_played_in_the_suite() -> None:
    assert {f"test_{name}" for name in NEEDS_PEOPLE} <= functions_of(_PLAYED)


def test_each_behaviour_has_a_name_and_a_sentence_of_its_own() -> None:
    assert len(BEHAVIOURS) >= 40
    assert len({behaviour.id for behaviour in BEHAVIOURS} | NEEDS_PEOPLE.keys()) == len(BEHAVIOURS) + len(NEEDS_PEOPLE)
    assert len({behaviour.sentence for behaviour in BEHAVIOURS}) == len(BEHAVIOURS)
    assert [each.id for each in BEHAVIOURS if not each.sentence.endswith(".")] == []
