"""A person's corrections of a draft that the CMMS refused, before the order is in the CMMS."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from domain.canonical import canonical
from domain.model import Model, Moment
from domain.work_orders import WorkOrderDraft

SUMMARY_LENGTH: Final = 500
PRIORITIES: Final = range(1, 5)


class CorrectedField(StrEnum):
    """What of a draft a person may correct.

    The rest is what the policy decided and why, or what proves the order ours: the asset, the failure mode, the rung,
    the texts, whether it waits for approval, and the key.
    """

    SUMMARY = "summary"
    PRIORITY = "priority"
    DUE_AT = "due_at"
    JOB_PLAN = "job_plan"
    ASSET_NAME = "asset_name"
    """The name of the asset in the CMMS with its attributes, such as `siteid`: only as the crosswalk has them now."""


class AssetName(Model):
    """The name of an asset in a CMMS, with the attributes that a draft has besides."""

    external_id: str
    attributes: dict[str, str]


CorrectedValue = AssetName | int | str | None
"""A value of a draft as JSON has it: a time is a text."""


class DraftChange(Model):
    """A field of a draft, as it was and as a person corrected it."""

    field: CorrectedField
    before: CorrectedValue
    after: CorrectedValue

    @property
    def words(self) -> str:
        """The change as people read it."""
        return f"{self.field.replace('_', ' ')} {_shown(self.before)}, now {_shown(self.after)}"


class DraftCorrection(Model):
    """What a person corrected at one time, and why."""

    changes: Annotated[tuple[DraftChange, ...], Field(min_length=1)]
    by: str
    reason: str
    at: Moment

    @property
    def words(self) -> str:
        """The correction as a sentence."""
        changed = "; ".join(change.words for change in self.changes)
        return f"{self.by} corrected the refused draft on {self.at:%Y-%m-%d %H:%M} UTC ({changed}): {self.reason}"


def value_of(draft: WorkOrderDraft, field: CorrectedField) -> CorrectedValue:
    """What a draft has in a field."""
    values: Mapping[CorrectedField, CorrectedValue] = {
        CorrectedField.SUMMARY: draft.summary,
        CorrectedField.PRIORITY: draft.priority,
        CorrectedField.DUE_AT: None if draft.due_at is None else time_text(draft.due_at),
        CorrectedField.JOB_PLAN: draft.job_plan,
        CorrectedField.ASSET_NAME: AssetName(external_id=draft.asset_external_id, attributes=draft.asset_attributes),
    }
    return values[field]


def time_text(moment: datetime) -> str:
    """A time as a change has it, which is how acts tell of it."""
    return canonical(moment).decode().strip('"')


def corrected(draft: WorkOrderDraft, corrections: Sequence[DraftCorrection]) -> WorkOrderDraft:
    """The draft as it is sent: the first one, with what people corrected since."""
    values = draft.model_dump()
    for change in (change for correction in corrections for change in correction.changes):
        if isinstance(change.after, AssetName):
            values |= {"asset_external_id": change.after.external_id, "asset_attributes": change.after.attributes}
        else:
            values[change.field.value] = change.after
    return WorkOrderDraft.model_validate(values) if corrections else draft


def _shown(value: CorrectedValue) -> str:
    if isinstance(value, AssetName):
        told = [value.external_id, *(f"{name} {each}" for name, each in sorted(value.attributes.items()))]
        return " ".join(told)
    return "none" if value is None else str(value)
