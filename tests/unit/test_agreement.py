"""Twin, label and ledger are compared for every closed case."""

import pytest

from millwright.demo.agreement import compare
from millwright.storage.reporting.closed_cases import ClosedCase

EARLIER = ClosedCase("MW1", "pump", "nothing_found", "nothing_found", "nothing_found")
CASE = ClosedCase("MW2", "pump", "confirmed", "confirmed", "confirmed")
TWINS: dict[str, dict[str, object]] = {"pump": {"lastCaseId": "MW2", "lastOutcome": "confirmed"}}


def test_cases_agree_whose_class_is_in_ledger_label_and_twin_or_whose_twin_names_a_later_case() -> None:
    found = compare([EARLIER, CASE], TWINS)
    assert (found.closed, found.agree, found.differ) == (2, 2, ())


@pytest.mark.parametrize(
    "case",
    [
        CASE._replace(label="prevented"),
        CASE._replace(label=None),
        CASE._replace(ledger="prevented"),
        CASE._replace(outcome="prevented", label="prevented", ledger="prevented"),
        CASE._replace(twin=None),
        CASE._replace(twin="motor"),
        CASE._replace(outcome="unknown", ledger="unknown"),
        CASE._replace(outcome=None),
    ],
)
def test_a_case_differs_where_one_of_them_says_something_else_or_nothing(case: ClosedCase) -> None:
    assert compare([EARLIER, case], TWINS).differ == ("MW2",)


def test_a_twin_that_names_an_earlier_case_does_not_agree() -> None:
    assert compare([CASE, EARLIER], TWINS).differ == ("MW1",)


def test_a_case_without_work_and_one_that_teaches_nothing_have_no_label() -> None:
    rejected = ClosedCase("MW3", "motor", None, None, None)
    deferred = ClosedCase("MW2", "pump", "deferred", None, "deferred")
    twins: dict[str, dict[str, object]] = {"pump": {"lastCaseId": "MW2", "lastOutcome": "deferred"}}
    assert compare([rejected, deferred], twins).agree == 2
