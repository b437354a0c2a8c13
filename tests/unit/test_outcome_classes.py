"""What each class of outcome does, and which class codes have that mean another failure mode than the suspected one."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.finding_codes import FindingCodes, FindingCodeTable
from domain.canonical import canonical
from domain.iso14224 import UNKNOWN_MODES, Iso14224Crosswalk, Iso14224Finding
from domain.outcomes import EFFECTS, Outcome, OutcomeClass, OutcomeEffect, Worth, class_of
from domain.site_codes import SiteCodes
from domain.work_orders import CompletionReport, FindingRole, ReportedCode
from tests.support.ingress import NOW

FALSE_ALARMS: Final = ("nothing_found", "sensor_fault", "process_change", "duplicate")
FINDINGS: Final = ("confirmed", "other_defect", "prevented", *FALSE_ALARMS)


@pytest.mark.parametrize(
    ("outcome", "worth", "label", "health"),
    [
        ("confirmed", "right", True, "repaired"),
        ("other_defect", "other_defect", True, None),
        ("nothing_found", "wrong", True, None),
        ("sensor_fault", "wrong", True, "sensor_suspect"),
        ("process_change", "wrong", True, None),
        ("duplicate", "wrong", True, None),
        ("prevented", "prevented", True, "repaired"),
        ("not_inspected", "unlabelled", False, None),
        ("deferred", "unlabelled", False, None),
        ("unknown", "unlabelled", False, None),
    ],
)
def test_each_class_has_one_effect(outcome: str, worth: str, label: bool, health: str | None) -> None:
    assert EFFECTS[OutcomeClass(outcome)] == OutcomeEffect(Worth(worth), label, health)


def test_every_class_has_an_effect_and_only_what_is_known_of_completed_work_is_final() -> None:
    assert EFFECTS.keys() == set(OutcomeClass)
    assert {each for each in OutcomeClass if each.final} == {*FINDINGS, "not_inspected"}
    assert {each for each in OutcomeClass if each.finding} == set(FINDINGS)


def test_false_alarms_are_what_found_no_such_defect() -> None:
    assert {each for each in OutcomeClass if each.false_alarm} == set(FALSE_ALARMS)


def test_another_defect_is_neither_a_hit_nor_a_false_alarm() -> None:
    assert not OutcomeClass.OTHER_DEFECT.false_alarm
    assert OutcomeClass.OTHER_DEFECT.worth is not Worth.RIGHT


@given(st.sets(st.sampled_from([each for each in OutcomeClass if each.final])))
def test_a_special_class_outranks_confirmed_and_two_of_them_are_left_to_a_person(meant: set[OutcomeClass]) -> None:
    special = meant - {OutcomeClass.CONFIRMED}
    one = next(iter(special or meant), OutcomeClass.UNKNOWN)
    assert class_of(meant) is (one if len(special) < 2 else OutcomeClass.UNKNOWN)


def problem(code: str, group: str | None = None) -> ReportedCode:
    return ReportedCode(role=FindingRole.PROBLEM, group=group, code=code)


def cause(code: str) -> ReportedCode:
    return ReportedCode(role=FindingRole.CAUSE, code=code)


CONFIRMED, OTHER, UNKNOWN = OutcomeClass.CONFIRMED, OutcomeClass.OTHER_DEFECT, OutcomeClass.UNKNOWN
MODES: Final = {"BEARING": "PDE", "PLAY": "PDE", "SEAL": "ELP", "PM01/0010": "STP", "ODD": "OTH"}
MEANT: Final = FindingCodeTable(
    problem={
        **dict.fromkeys(("BEARING", "PLAY", "SEAL", "0010", "NOISE", "ODD"), CONFIRMED),
        "BESIDE": OTHER,
        "NOFAULT": OutcomeClass.NOTHING_FOUND,
    },
    cause={"WORN": CONFIRMED, "ASIDE": OTHER, "EARLY": OutcomeClass.PREVENTED},
)
SITE: Final = SiteCodes(FindingCodes(MEANT), MODES)


@pytest.mark.parametrize(
    ("codes", "suspected", "found"),
    [
        ([problem("BEARING")], "PDE", CONFIRMED),
        ([problem("bearing"), cause("WORN")], "PDE", CONFIRMED),
        ([problem("SEAL")], "PDE", OTHER),
        ([problem("seal"), cause("WORN")], "PDE", OTHER),
        ([problem("0010", "PM01")], "PDE", OTHER),
        ([problem("0010", "PM02")], "PDE", CONFIRMED),
        ([problem("SEAL"), problem("BEARING")], "PDE", CONFIRMED),
        ([problem("SEAL"), problem("0010", "PM01")], "PDE", OTHER),
        ([problem("SEAL"), problem("NOISE")], "PDE", UNKNOWN),
        ([problem("SEAL"), problem("ODD")], "PDE", UNKNOWN),
        ([problem("NOISE")], "PDE", CONFIRMED),
        ([problem("ODD")], "PDE", CONFIRMED),
        ([cause("WORN")], "PDE", CONFIRMED),
        ([problem("SEAL")], "UNK", CONFIRMED),
        ([problem("SEAL")], "OTH", CONFIRMED),
        ([problem("BESIDE")], "PDE", OTHER),
        ([problem("BEARING"), cause("ASIDE")], "PDE", UNKNOWN),
        ([problem("SEAL"), cause("EARLY")], "PDE", OutcomeClass.PREVENTED),
        ([problem("NOFAULT")], "PDE", OutcomeClass.NOTHING_FOUND),
        ([problem("STRANGE")], "PDE", UNKNOWN),
        ([], "PDE", UNKNOWN),
    ],
)
def test_a_defect_whose_codes_mean_other_failure_modes_is_another_defect(
    codes: list[ReportedCode], suspected: str, found: OutcomeClass
) -> None:
    assert SITE.read(CompletionReport(codes=tuple(codes)), suspected).outcome is found


CODES = st.lists(st.sampled_from(["BEARING", "PLAY", "SEAL", "NOISE", "ODD"]).map(problem), max_size=3)


@given(CODES, st.sampled_from(["PDE", "ELP", "STP", "UNK", "OTH"]))
def test_a_hit_never_has_codes_that_mean_only_other_failure_modes(codes: list[ReportedCode], suspected: str) -> None:
    found = SITE.read(CompletionReport(codes=tuple(codes)), suspected).outcome
    modes = {MODES.get(chosen.code) for chosen in codes} - UNKNOWN_MODES - {None}
    contradicted = bool(modes) and suspected not in modes | UNKNOWN_MODES
    assert (found is CONFIRMED) == (bool(codes) and not contradicted)
    assert not found.false_alarm


@given(CODES, st.sampled_from(["PDE", "ELP"]))
def test_without_a_table_of_failure_modes_the_class_is_that_of_the_codes(
    codes: list[ReportedCode], suspected: str
) -> None:
    report = CompletionReport(codes=tuple(codes))
    bare = SiteCodes(FindingCodes(MEANT))
    assert bare.read(report, suspected).outcome is bare.classify(report)


CROSSWALK: Final = Iso14224Crosswalk.model_validate(
    {
        "problem": {"BEARING": {"mode": "VIB"}, "LEAK": {"mode": "ELP", "mechanism": "1.1"}},
        "cause": {"worn": {"mechanism": "2.4", "cause": "3.4"}, "PM02/0010": {"cause": "3.3"}},
        "remedy": {"REPLACE": {"cause": "3.4"}},
    }
)
WITH_ISO: Final = SiteCodes(FindingCodes(MEANT), iso14224=CROSSWALK)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([problem("bearing"), cause("WORN")], {"mode": "VIB", "mechanism": "2.4", "cause": "3.4"}),
        ([cause("WORN")], {"mechanism": "2.4", "cause": "3.4"}),
        ([ReportedCode(role=FindingRole.CAUSE, group="pm02", code="0010")], {"cause": "3.3"}),
        ([ReportedCode(role=FindingRole.CAUSE, group="PM03", code="0010")], None),
        ([problem("BEARING"), problem("LEAK")], {"mechanism": "1.1"}),
        ([problem("LEAK"), cause("WORN")], {"mode": "ELP", "cause": "3.4"}),
        ([problem("WORN")], None),
        ([], None),
    ],
)
def test_codes_say_what_was_found_in_iso_14224_and_what_they_contradict_is_left_open(
    codes: list[ReportedCode], said: dict[str, str] | None
) -> None:
    found = WITH_ISO.read(CompletionReport(codes=tuple(codes)), "UNK").iso14224
    assert found == (None if said is None else Iso14224Finding.model_validate(said))


def test_the_failure_mode_of_either_table_makes_another_defect() -> None:
    report = CompletionReport(codes=(problem("BEARING"),))
    assert WITH_ISO.read(report, "VIB").outcome is CONFIRMED
    assert WITH_ISO.read(report, "PDE").outcome is OTHER
    assert SITE.read(report, "PDE").iso14224 == Iso14224Finding(mode="PDE")


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"problem": {"LEAK": {}}}, "needs a mode, a mechanism or a cause"),
        ({"problem": {"LEAK": {"mode": "elp"}}}, "mode"),
        ({"cause": {"WORN": {"mechanism": "wear"}}}, "mechanism"),
        ({"cause": {"WORN": {"cause": "3.4"}, "worn": {"cause": "3.3"}}}, "WORN and worn, which are one code"),
        ({"damage": {}}, "damage"),
    ],
)
def test_a_table_of_iso_14224_that_says_nothing_or_no_code_is_refused(table: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Iso14224Crosswalk.model_validate(table)


def test_an_outcome_and_a_view_without_iso_14224_have_the_form_of_earlier_builds() -> None:
    outcome = Outcome(case="MWAAAAAAAA", outcome=CONFIRMED, cancelled=False, found_at=NOW, report=CompletionReport())
    assert "iso14224" not in outcome.model_dump(mode="json")
    assert b"iso14224" not in canonical(outcome)
    assert Outcome.model_validate(outcome.model_dump(mode="json")) == outcome
