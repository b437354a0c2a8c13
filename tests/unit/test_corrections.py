"""What a person may correct of a refused draft, and what both audits say of it."""

import json
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.canonical import Json, canonical
from domain.corrections import (
    AssetName,
    CorrectedField,
    CorrectedValue,
    DraftChange,
    DraftCorrection,
    corrected,
    time_text,
    value_of,
)
from domain.work_orders import WorkOrderDraft
from millwright.audit.offline_corrections import correction_findings
from tests.support.plant import START

DRAFT: Final = WorkOrderDraft(
    key="MWAAAAAAAA",
    asset="machine-001/comp1",
    asset_attributes={"siteid": "BEDFORD"},
    asset_external_id="M001-COMP1",
    summary="The signal has shifted.",
    paragraphs=("Seen by two.",),
    failure_mode="PDE",
    priority=2,
    released=True,
    reported_at=START,
    due_at=START,
    job_plan="JP-1",
)
MAPPED: Final = AssetName(external_id="11430", attributes={"siteid": "NASHUA"})
VALUES: Final = st.fixed_dictionaries(
    {},
    optional={
        CorrectedField.SUMMARY: st.text(min_size=1),
        CorrectedField.PRIORITY: st.integers(1, 4),
        CorrectedField.DUE_AT: st.sampled_from([None, "2015-01-12T06:00:00Z"]),
        CorrectedField.JOB_PLAN: st.none(),
        CorrectedField.ASSET_NAME: st.just(MAPPED),
    },
)


def change(field: CorrectedField, after: CorrectedValue, draft: WorkOrderDraft = DRAFT) -> DraftChange:
    return DraftChange(field=field, before=value_of(draft, field), after=after)


def correction(*changes: DraftChange) -> DraftCorrection:
    return DraftCorrection(changes=changes, by="paula", reason="as it is there", at=START)


def plain(value: object) -> Json:
    told: Json = json.loads(canonical(value))
    return told


def act(number: int, kind: str, actor: str = "millwright", **detail: object) -> dict[str, object]:
    return {"number": number, "kind": kind, "actor": actor, "at": "", "detail": plain(detail)}


INTENDED: Final = act(1, "order-intended", system="maximo", draft=DRAFT)


def found(*acts: dict[str, object], names: object = None) -> list[str]:
    return [finding.what for finding in correction_findings({"id": DRAFT.key}, acts, lambda _system, _number: names)]


@given(st.lists(VALUES, max_size=3))
def test_a_correction_changes_what_a_person_may_change_and_nothing_else(
    asked: list[dict[CorrectedField, CorrectedValue]],
) -> None:
    made: list[DraftCorrection] = []
    for values in (each for each in asked if each):
        now = corrected(DRAFT, made)
        made.append(correction(*(change(field, value, now) for field, value in values.items())))
    sent = corrected(DRAFT, made)
    kept = ("key", "asset", "failure_mode", "paragraphs", "released", "reported_at", "rung")
    assert [getattr(sent, name) for name in kept] == [getattr(DRAFT, name) for name in kept]
    for field in CorrectedField:
        last = [change.after for each in made for change in each.changes if change.field is field][-1:]
        assert [value_of(sent, field)] == (last or [value_of(DRAFT, field)])
    stored = [DraftCorrection.model_validate_json(each.model_dump_json()) for each in made]
    assert stored == made
    acts = [act(number, "order-corrected", "paula", correction=each) for number, each in enumerate(made, start=2)]
    assert found(INTENDED, *acts) == []


def test_a_correction_is_told_with_what_was_there_before() -> None:
    told = correction(change(CorrectedField.PRIORITY, 3), change(CorrectedField.ASSET_NAME, MAPPED)).words
    assert told == (
        "paula corrected the refused draft on 2015-01-10 06:00 UTC (priority 2, now 3; asset name M001-COMP1 siteid "
        "BEDFORD, now 11430 siteid NASHUA): as it is there"
    )
    assert "job plan JP-1, now none" in correction(change(CorrectedField.JOB_PLAN, None)).words
    assert value_of(DRAFT, CorrectedField.DUE_AT) == time_text(START)


@pytest.mark.parametrize(
    ("acts", "names", "what"),
    [
        ((INTENDED, act(2, "order-corrected", "mallory", correction=correction(change(CorrectedField.PRIORITY, 3)))),
         None, "its draft was not corrected by the person who is named"),
        ((act(2, "order-corrected", "paula", correction=correction(change(CorrectedField.PRIORITY, 3))),),
         None, "a draft was corrected that did not wait to be sent"),
        ((INTENDED, act(2, "order-placed", record={}),
          act(3, "order-corrected", "paula", correction=correction(change(CorrectedField.PRIORITY, 3)))),
         None, "a draft was corrected that did not wait to be sent"),
        ((INTENDED, act(2, "order-corrected", "paula", correction=correction(
            DraftChange(field=CorrectedField.PRIORITY, before=1, after=3)))),
         None, "priority of its draft was not as the correction says"),
        ((INTENDED, act(2, "order-corrected", "paula", correction=correction(change(CorrectedField.PRIORITY, 9)))),
         None, "its draft was given a priority that there is not"),
        ((INTENDED, act(2, "order-corrected", "paula", correction={"by": "paula", "changes": [
            {"field": "failure_mode", "before": "PDE", "after": "LOO"}]})),
         None, "failure_mode of its draft was corrected, which no person may"),
        ((INTENDED, act(2, "order-corrected", "paula", correction=correction(
            change(CorrectedField.ASSET_NAME, MAPPED)))),
         [("M001-COMP1", {"siteid": "BEDFORD"})],
         "its draft was given the name 11430, which was not the asset's, or not so"),
    ],
)  # fmt: skip
def test_a_correction_that_no_person_could_make_is_found(
    acts: tuple[dict[str, object], ...], names: object, what: str
) -> None:
    assert found(*acts, names=names) == [what]


def test_a_name_that_the_asset_had_then_is_right() -> None:
    acts = (
        INTENDED,
        act(2, "order-corrected", "paula", correction=correction(change(CorrectedField.ASSET_NAME, MAPPED))),
    )
    assert found(*acts, names=[("11430", {"siteid": "NASHUA"})]) == []
