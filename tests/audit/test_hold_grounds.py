"""Each hold was accepted by production, or let be placed by an approved version; the verifiers name the others."""

from datetime import timedelta

import pytest

from domain.canonical import timestamp
from millwright.audit.offline_hold_grounds import Unasked, hold_ground_findings
from tests.support.ingress import NOW

CASE = "case/MW1"
EARLY, LATE = "2000-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"
VERSION = Unasked(frozenset({"pump"}), by_silence=True, approved_at=EARLY)
JUDGED = {("d1", "P1", "PDE", "M1", "pump"): EARLY}
Act = dict[str, object]


def told(number: int, kind: str, actor: str = "millwright", **detail: object) -> Act:
    return {
        "number": number, "kind": kind, "subject": CASE, "actor": actor, "at": timestamp(NOW), "detail": detail,
    }  # fmt: skip


def opened() -> Act:
    return told(1, "case-opened", "d1", asset="P1", failure_mode="PDE")


def asked(answer_by: str = EARLY) -> Act:
    return told(2, "hold-proposed", proposal={"answer_by": answer_by, "on_silence": "place", "answer": None})


def answer(*, accepted: bool = True, hold_at: str | None = EARLY) -> Act:
    return told(3, "hold-answered", "petra", answer={"accepted": accepted, "hold_at": hold_at})


def held(ground: str | None) -> Act:
    return told(4, "hold-intended", hold="MW1", system="mes", equipment="EQ-001", ground=ground)


@pytest.mark.parametrize(
    "acts",
    [
        [opened(), asked(), answer(), held("answered")],
        [opened(), asked(), answer(accepted=False, hold_at=None), answer(), held("answered")],
        [opened(), asked(), held("silence")],
        [opened(), held("unasked")],
        [opened(), held(None)],
    ],
)
def test_a_hold_with_a_ground_is_no_finding_and_neither_is_one_of_an_earlier_build(acts: list[Act]) -> None:
    assert list(hold_ground_findings([acts], {"d1": VERSION}, JUDGED)) == []


NOT_ACCEPTED = "production had not accepted it for this time"
NO_SILENCE = "without an answer, which no approved version allows"
NOT_UNASKED = "unasked, which no approved version allows for this class"


@pytest.mark.parametrize(
    ("acts", "version", "words"),
    [
        ([opened(), asked(), held("answered")], VERSION, NOT_ACCEPTED),
        ([opened(), asked(), answer(accepted=False, hold_at=None), held("answered")], VERSION, NOT_ACCEPTED),
        ([opened(), asked(), answer(hold_at=LATE), held("answered")], VERSION, NOT_ACCEPTED),
        ([opened(), held("answered")], VERSION, NOT_ACCEPTED),
        ([opened(), asked(LATE), held("silence")], VERSION, NO_SILENCE),
        ([opened(), asked(), answer(accepted=False, hold_at=None), held("silence")], VERSION, NO_SILENCE),
        ([opened(), asked(), held("silence")], VERSION._replace(by_silence=False), NO_SILENCE),
        ([opened(), asked(), held("silence")], VERSION._replace(approved_at=LATE), NO_SILENCE),
        ([opened(), held("unasked")], VERSION._replace(classes=frozenset({"robot"})), NOT_UNASKED),
        ([opened(), held("unasked")], VERSION._replace(approved_at=LATE), NOT_UNASKED),
        ([opened(), held("because")], VERSION, NOT_UNASKED),
    ],
)
def test_a_hold_that_nothing_allowed_is_named(acts: list[Act], version: Unasked, words: str) -> None:
    [finding] = hold_ground_findings([acts], {"d1": version}, JUDGED)
    assert (finding.kind, finding.where, words in finding.what) == ("hold", "hold MW1", True)


def test_from_the_first_ground_on_every_hold_has_one() -> None:
    later = {**held(None), "number": 9, "subject": "case/MW2", "at": timestamp(NOW + timedelta(hours=1))}
    found = list(hold_ground_findings([[opened(), held("unasked")], [later]], {"d1": VERSION}, JUDGED))
    assert [NOT_UNASKED in each.what for each in found] == [True]


def test_a_silence_without_a_question_is_unreadable_and_says_so() -> None:
    [finding] = hold_ground_findings([[opened(), held("silence")]], {"d1": VERSION}, JUDGED)
    assert finding.kind == "unreadable"
