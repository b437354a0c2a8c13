"""From a site's SAP catalog codes to outcome classes."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from domain.outcomes import OutcomeClass, class_of
from domain.work_orders import CompletionReport, FindingRole, ReportedCode

CatalogCode = Annotated[str, StringConstraints(to_upper=True, pattern=r"^[^\s/]{1,8}/[^\s/]{1,4}$")]
"""A code group and a code of it, as `PM01/0010`: a code alone means something else in each group."""


class SapPmOutcomeTable(BaseModel):
    """What a site's codes mean: code group and code to class, for each catalog.

    Codes are a site's own, so there is no default: an empty table leaves every outcome to a person.

    Args:
        damage: codes of the catalog of damages.
        cause: codes of the catalog of causes.
        activity: codes of the catalog of activities.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    damage: dict[CatalogCode, OutcomeClass] = {}
    cause: dict[CatalogCode, OutcomeClass] = {}
    activity: dict[CatalogCode, OutcomeClass] = {}


class SapPmOutcomeCodes:
    """`domain.ports.OutcomeCodes` over a site's table; see `domain.outcomes.class_of`."""

    def __init__(self, table: SapPmOutcomeTable) -> None:
        self._tables: Mapping[FindingRole, Mapping[str, OutcomeClass]] = {
            FindingRole.PROBLEM: table.damage,
            FindingRole.CAUSE: table.cause,
            FindingRole.REMEDY: table.activity,
        }

    def classify(self, report: CompletionReport) -> OutcomeClass:
        """The class of a completed order; UNKNOWN if the codes are missing, not in the table, or contradict."""
        meant = {found for chosen in report.codes if (found := self._meaning(chosen)) is not None}
        return class_of(meant)

    def _meaning(self, chosen: ReportedCode) -> OutcomeClass | None:
        return self._tables.get(chosen.role, {}).get(f"{chosen.group or ''}/{chosen.code}".upper())
