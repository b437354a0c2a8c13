"""Checks the draft of an order before it is released without a person."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from domain.assets import Level
from domain.cases import CaseView
from domain.cmms import TextLimits
from domain.draft_findings import DraftCheck, DraftDefect, DraftFinding
from domain.iso14224 import UNKNOWN_MODES
from domain.order_terms import OrderTerms
from domain.verdict import RuleWords, Rung, Severity
from domain.work_orders import WorkOrderDraft

_BETWEEN_PARAGRAPHS: Final = 2
_KEY_LINE: Final = 30
"""About how long the line with our key is, which each text ends with."""


def check_case(view: CaseView, words: RuleWords, terms: OrderTerms, now: datetime, *, endangers: bool) -> DraftCheck:
    """What a planner would have to complete in the order of a case. Pure.

    Args:
        words: what the rule says to people.
        terms: those of the CMMS that gets the order.
        now: the plant's time.
        endangers: whether the version declares that the fault endangers people or the environment.
    """
    return DraftCheck(findings=tuple(_of_case(view, words, terms, now, endangers=endangers)))


def check_length(draft: WorkOrderDraft, limits: TextLimits) -> tuple[DraftFinding, ...]:
    """Whether the CMMS takes the whole text of a draft. How a connector writes the text may add some characters."""
    text = sum(len(paragraph) + _BETWEEN_PARAGRAPHS for paragraph in draft.paragraphs) + _KEY_LINE
    lengths = (
        (DraftDefect.SUMMARY_LENGTH, len(draft.summary), limits.summary),
        (DraftDefect.TEXT_LENGTH, text, limits.description),
    )
    return tuple(
        DraftFinding(defect=defect, detail=str(length - limit))
        for defect, length, limit in lengths
        if limit is not None and length > limit
    )


def held_back(view: CaseView, check: DraftCheck | None, *, endangers: bool) -> bool:
    """Whether an order waits for a planner although it may be released without one.

    An order for safety or environment, of the highest severity, or with a hold never waits for that. Nor does one that
    a person has accepted.

    Args:
        endangers: whether the version declares that the fault endangers people or the environment.
    """
    if check is None or not check.serious or (view.decision is not None and view.decision.approved):
        return False
    return not (view.rung is Rung.WORK_ORDER_AND_HOLD or view.verdict.severity is Severity.S1 or endangers)


def _of_case(
    view: CaseView, words: RuleWords, terms: OrderTerms, now: datetime, *, endangers: bool
) -> Iterator[DraftFinding]:
    if view.asset.level in (Level.SITE, Level.LINE):
        yield DraftFinding(defect=DraftDefect.ASSET_LEVEL, detail=view.asset.level.value)
    if view.failure_mode.upper() in UNKNOWN_MODES:
        yield DraftFinding(defect=DraftDefect.FAILURE_MODE, detail=view.failure_mode or "none")
    if not words.response.strip():
        yield DraftFinding(defect=DraftDefect.RESPONSE)
    if view.due_at is not None and view.due_at < now:
        yield DraftFinding(defect=DraftDefect.OVERDUE, detail=f"{view.due_at:%Y-%m-%d %H:%M}")
    asset_class = view.context.asset_class
    if terms.job_plans and terms.job_plan(asset_class, view.failure_mode) is None:
        yield DraftFinding(defect=DraftDefect.JOB_PLAN, detail=f"{asset_class}/{view.failure_mode}")
    if view.urgency is not None and view.urgency.not_priced is not None and not endangers:
        yield DraftFinding(defect=DraftDefect.ESTIMATE, detail=view.urgency.not_priced.rstrip("."))
