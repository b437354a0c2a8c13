"""A plant that takes the contract suite of a CMMS by importing its tests takes all of them but those named here."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

_CONTRACT = Path(__file__).parents[1] / "contract"
_SUITE = "test_cmms_contract"
_LEFT_OUT = {
    # No request waits for a release there.
    "test_foreign_odoo_cmms_stock_stages": {
        "test_a_release_that_was_not_done_is_done_by_the_next_call",
        "test_a_release_whose_answer_was_lost_is_found_done",
    },
}


def body_of(file: Path) -> list[ast.stmt]:
    return ast.parse(file.read_text(encoding="utf-8")).body


def takers() -> Mapping[str, set[str]]:
    """The tests that each file takes from the suite."""
    return {
        file.stem: {alias.name for alias in node.names}
        for file in sorted(_CONTRACT.rglob("test_*.py"))
        for node in body_of(file)
        if isinstance(node, ast.ImportFrom) and node.module == f"tests.contract.{_SUITE}"
    }


def test_two_files_take_the_suite() -> None:
    assert len(takers()) == 2


@pytest.mark.parametrize("taker", takers())
def test_the_suite_is_taken_whole(taker: str) -> None:
    functions = (node for node in body_of(_CONTRACT / f"{_SUITE}.py") if isinstance(node, ast.AsyncFunctionDef))
    suite = {function.name for function in functions if function.name.startswith("test_")}
    assert suite - takers()[taker] == _LEFT_OUT.get(taker, set())
