"""From the codes that people choose on orders to outcome classes, and to failure modes."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from domain.iso14224 import each_once
from domain.outcomes import OutcomeClass, class_of
from domain.work_orders import CompletionReport, FindingRole

Code = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
FailureModes = Annotated[dict[Code, Code], AfterValidator(each_once)]
"""Which failure mode (ISO 14224, such as `PDE`) a site's code for a problem names, by that code. Upper and lower case
are the same.

Codes are a site's own, so there is no default. With an empty table no order of a person is attached to a case.
"""


class FindingCodeTable(BaseModel):
    """What a site's codes mean: code to class, for each role of a finding. Upper and lower case are the same.

    Codes are a site's own, so there is no default: an empty table leaves every outcome to a person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: dict[str, OutcomeClass] = {}
    cause: dict[str, OutcomeClass] = {}
    remedy: dict[str, OutcomeClass] = {}


class FindingCodes:
    """`domain.ports.OutcomeCodes` over a site's table; see `domain.outcomes.class_of`."""

    def __init__(self, table: FindingCodeTable) -> None:
        fields: dict[str, dict[str, OutcomeClass]] = dict(table)
        self._tables = {
            FindingRole(role): {code.casefold(): meant for code, meant in codes.items()}
            for role, codes in fields.items()
        }

    def classify(self, report: CompletionReport) -> OutcomeClass:
        """The class of a completed order; UNKNOWN where the codes are missing, not in the table or at odds."""
        found = (self._tables.get(chosen.role, {}).get(chosen.code.casefold()) for chosen in report.codes)
        return class_of({each for each in found if each is not None})
