"""Which codes of a site the notes on an order suggest, and which of its recorded tables know a code."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.code_descriptions import CodeDescriptions
from domain.code_suggestions import suggest
from domain.outcomes import OutcomeStatement
from domain.work_orders import FindingRole, ReportedCode
from millwright.storage.cases.recorded_tables import tables_of
from tests.support.ingress import NOW

SITE: Final = CodeDescriptions.model_validate(
    {
        "problem": {
            "SEAL": "Shaft seal leaks",
            "BEAR": "Bearing worn",
            "VIB": "Vibración excesiva",
            "PM01/0010": "Überhitzung",
        },
        "remedy": {"REPL": "Replaced shaft seal"},
    }
)


def named(*notes: str) -> list[tuple[str, int]]:
    return [(each.name, each.score) for each in suggest(notes, SITE)]


@pytest.mark.parametrize(
    ("note", "first"),
    [
        ("SHAFT SEAL LEAKS", "problem:SEAL"),
        ("at the drive end the shaft seal leaks badly, oil everywhere", "problem:SEAL"),
        ("bearing, worn!", "problem:BEAR"),
        ("vibracion excesiva en el motor", "problem:VIB"),
        ("VIBRACIÓN EXCESIVA", "problem:VIB"),
        ("UBERHITZUNG", "problem:PM01/0010"),
        ("\uff33\uff28\uff21\uff26\uff34 seal leaks", "problem:SEAL"),
        ("done\nshaft seal leaks\nregards", "problem:SEAL"),
    ],
)
def test_notes_suggest_the_code_whose_description_they_have(note: str, first: str) -> None:
    assert named(note)[0] == (first, 100)


def test_a_misspelt_note_suggests_with_a_lower_score() -> None:
    [(name, score)] = named("bearng worn")
    assert name == "problem:BEAR"
    assert 75 <= score < 100


@pytest.mark.parametrize("note", ["", "   ", "...", "bearing", "done", "seal", "完了"])
def test_a_note_that_says_too_little_suggests_nothing(note: str) -> None:
    assert named(note) == []


def test_without_descriptions_nothing_is_suggested() -> None:
    assert suggest(["shaft seal leaks"], CodeDescriptions()) == ()


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_notes_are_read_and_at_most_three_codes_suggested_the_most_alike_first(notes: list[str]) -> None:
    scores = [score for _, score in named(*notes)]
    assert len(scores) <= 3
    assert scores == sorted(scores, reverse=True)
    assert named(*notes) == named(*(note.casefold() for note in notes))


def test_a_statement_without_a_suggestion_has_the_form_of_earlier_builds() -> None:
    statement = OutcomeStatement(by="pia", reason="it was worn", at=NOW)
    assert "suggestion" not in statement.model_dump(mode="json")


def code(name: str, role: FindingRole = FindingRole.PROBLEM, group: str | None = None) -> ReportedCode:
    return ReportedCode(role=role, group=group, code=name)


RECORDED: Final = {
    "cmms.maximo.connector": "maximo",
    "cmms.maximo.outcomes": {"problem": {"SEAL": "confirmed"}, "cause": {}, "remedy": {}},
    "cmms.maximo.failure_modes": {"PUMPS/PLAY": "PDE"},
    "cmms.maximo.iso14224": {"cause": {"WORN": {"mechanism": "2.4"}}},
    "cmms.sap.connector": "sap_pm",
    "cmms.sap.outcomes": {"damage": {"PM01/0010": "confirmed"}, "cause": {}, "activity": {"PM01/0320": "prevented"}},
    "mes.fake.connector": "odoo_mrp",
}


@pytest.mark.parametrize(
    ("system", "chosen", "a_class", "anything"),
    [
        ("maximo", code("seal"), True, True),
        ("maximo", code("SEAL", group="PUMPS"), True, True),
        ("maximo", code("SEAL", FindingRole.CAUSE), False, False),
        ("maximo", code("PLAY", group="pumps"), False, True),
        ("maximo", code("PLAY"), False, False),
        ("maximo", code("worn", FindingRole.CAUSE), False, True),
        ("sap", code("0010", group="pm01"), True, True),
        ("sap", code("0010", group="PM02"), False, False),
        ("sap", code("0320", FindingRole.REMEDY, "PM01"), True, True),
    ],
)
def test_the_recorded_tables_of_each_vendor_know_a_code_by_its_role_and_group(
    system: str, chosen: ReportedCode, a_class: bool, anything: bool
) -> None:
    tables = tables_of(RECORDED)
    assert tables.keys() == {"maximo", "sap"}
    assert (tables[system].means_a_class(chosen), tables[system].means_anything(chosen)) == (a_class, anything)


def test_only_where_stages_mean_a_class_they_are_codes() -> None:
    tables = tables_of({"cmms.odoo.connector": "odoo", "cmms.odoo.outcomes": {"stages": {"Repaired": "confirmed"}}})
    assert tables["odoo"].stages == {"Repaired": "confirmed"}
    assert tables_of(RECORDED)["sap"].stages is None
