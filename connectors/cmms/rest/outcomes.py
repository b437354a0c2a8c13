"""From the codes of a description's report to outcome classes."""

from pydantic import BaseModel, ConfigDict

from domain.outcomes import OutcomeClass, class_of
from domain.work_orders import CompletionReport, FindingRole


class RestOutcomeTable(BaseModel):
    """What a site's codes mean: code to class, for each kind of code. Upper and lower case are the same.

    Codes are a site's own, so there is no default: an empty table leaves every outcome to a person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    object_part: dict[str, OutcomeClass] = {}
    problem: dict[str, OutcomeClass] = {}
    cause: dict[str, OutcomeClass] = {}
    remedy: dict[str, OutcomeClass] = {}


class RestOutcomeCodes:
    """`domain.ports.OutcomeCodes` over a site's table; see `domain.outcomes.class_of`."""

    def __init__(self, table: RestOutcomeTable) -> None:
        self._tables = {
            role: {code.casefold(): meant for code, meant in getattr(table, role.value).items()} for role in FindingRole
        }

    def classify(self, report: CompletionReport) -> OutcomeClass:
        """The class of a completed order; UNKNOWN where the codes are missing, not in the table or at odds."""
        found = (self._tables[chosen.role].get(chosen.code.casefold()) for chosen in report.codes)
        return class_of({each for each in found if each is not None})
