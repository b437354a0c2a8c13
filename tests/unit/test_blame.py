"""The stage that caused a false alert: exactly one, with evidence, or undetermined."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.blame import BlameFacts, MovedName, Stage, blame
from domain.cases import ClosedAs
from domain.outcomes import OutcomeClass

_MOVED = MovedName(system="maximo", name="P-7", to="pump-8", at=datetime(2026, 1, 1, tzinfo=UTC))
_IDS = st.lists(st.text(min_size=1, max_size=4), max_size=2).map(tuple)


def facts(outcome: OutcomeClass | None = OutcomeClass.NOTHING_FOUND, **known: object) -> BlameFacts:
    """A false alert of which the record holds only what is given."""
    closed_as = ClosedAs.REJECTED if outcome is None else None
    fixed = {"case": "C1", "outcome": outcome, "closed_as": closed_as, "finding_acts": ("act 9",)}
    return BlameFacts.model_validate(fixed | known)


@pytest.mark.parametrize(
    ("known", "stage", "evidence"),
    [
        (facts(OutcomeClass.SENSOR_FAULT), Stage.SENSOR, ("act 9",)),
        (facts(bad_events=("s|1",)), Stage.SENSOR, ("s|1",)),
        (facts(suspected_events=("s|2",)), Stage.SENSOR, ("s|2",)),
        (facts(moved_names=(_MOVED,)), Stage.MAPPING, ("crosswalk maximo/P-7",)),
        (facts(drafted_for="P-7", ordered_for="P-8", order_acts=("act 3",)), Stage.CMMS, ("act 3",)),
        (facts(OutcomeClass.DUPLICATE, open_orders=(), order_acts=("act 3",)), Stage.CMMS, ("act 3",)),
        (facts(twins=("case C2",)), Stage.WORKFLOW, ("case C2",)),
        (facts(normal_before_order="act 2", order_acts=("act 3",)), Stage.WORKFLOW, ("act 2", "act 3")),
        (facts(revised_events=("s|3",)), Stage.GATEWAY, ("s|3",)),
        (facts(approved=True, asked_inspection=True, decision_acts=("act 4",)), Stage.REVIEW, ("act 4",)),
        (facts(OutcomeClass.DUPLICATE, approved=True, open_orders=("maximo 7",)), Stage.REVIEW, ("maximo 7",)),
        (facts(OutcomeClass.DUPLICATE, siblings=("case C3",)), Stage.POLICY, ("case C3",)),
        (facts(OutcomeClass.PROCESS_CHANGE, state_then="setup"), Stage.POLICY, ("act 9",)),
        (facts(None, milder_versions=("verdict of version ab",)), Stage.POLICY, ("verdict of version ab",)),
        (facts(OutcomeClass.PROCESS_CHANGE, state_then="running"), Stage.DETECTOR, ("act 9",)),
        (facts(verified_acts=("act 11",)), Stage.DETECTOR, ("act 9", "act 11")),
        (facts(), Stage.UNDETERMINED, ()),
        (facts(None), Stage.UNDETERMINED, ()),
        (facts(OutcomeClass.DUPLICATE), Stage.UNDETERMINED, ()),
        (facts(drafted_for="P-7", ordered_for="P-7"), Stage.UNDETERMINED, ()),
        (facts(drafted_for="P-7"), Stage.UNDETERMINED, ()),
    ],
)
def test_a_false_alert_has_the_stage_of_which_the_record_has_evidence(
    known: BlameFacts, stage: Stage, evidence: tuple[str, ...]
) -> None:
    found = blame(known)
    assert (found.stage, found.evidence) == (stage, evidence)


def test_an_alert_on_a_wrong_asset_is_not_charged_to_the_detector() -> None:
    assert blame(facts(moved_names=(_MOVED,), verified_acts=("act 11",))).stage is Stage.MAPPING


@given(st.sampled_from([outcome for outcome in OutcomeClass if outcome.false_alarm] + [None]), _IDS, _IDS, _IDS, _IDS)
def test_every_false_alert_has_one_stage_and_only_an_undetermined_one_may_lack_evidence(
    outcome: OutcomeClass | None,
    bad: tuple[str, ...],
    twins: tuple[str, ...],
    milder: tuple[str, ...],
    acts: tuple[str, ...],
) -> None:
    found = blame(facts(outcome, bad_events=bad, twins=twins, milder_versions=milder, verified_acts=acts))
    assert (found.stage is Stage.UNDETERMINED) == (not found.evidence)
