"""From a site's Maximo failure codes to outcome classes."""

from pydantic import BaseModel, ConfigDict

from domain.outcomes import OutcomeClass, class_of
from domain.work_orders import CompletionReport, FindingRole


class OutcomeTable(BaseModel):
    """What a site's codes mean: code to class, for each kind of failure report row. Upper case, as Maximo keeps them.

    Failure codes are a site's own, so there is no default: an empty table leaves every outcome to a person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: dict[str, OutcomeClass] = {}
    cause: dict[str, OutcomeClass] = {}
    remedy: dict[str, OutcomeClass] = {}


class MaximoOutcomeCodes:
    """`domain.ports.OutcomeCodes` over a site's table; see `domain.outcomes.class_of`."""

    def __init__(self, table: OutcomeTable) -> None:
        self._table = table

    def classify(self, report: CompletionReport) -> OutcomeClass:
        """The class of a completed order; UNKNOWN where the codes are missing, unmapped or at odds."""
        tables = {
            FindingRole.PROBLEM: self._table.problem,
            FindingRole.CAUSE: self._table.cause,
            FindingRole.REMEDY: self._table.remedy,
        }
        meant = {
            tables[chosen.role][chosen.code.upper()]
            for chosen in report.codes
            if chosen.code.upper() in tables.get(chosen.role, {})
        }
        return class_of(meant)
