"""From a site's stages, and the words that its technicians write, to outcome classes."""

from pydantic import BaseModel, ConfigDict, field_validator

from domain.outcomes import OutcomeClass, class_of
from domain.work_orders import CompletionReport


class OdooOutcomeTable(BaseModel):
    """What the end of a request means at a site.

    Odoo has no failure codes. A stage says only that the work ended, so there is no default: an empty table leaves
    every outcome to a person.

    Args:
        stages: by the stage in which the request ended, as the setting `stages` names it.
        words: by a word or phrase that a technician writes in a note, alone on a line. Upper and lower case are the
            same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stages: dict[str, OutcomeClass] = {}
    words: dict[str, OutcomeClass] = {}

    @field_validator("words")
    @classmethod
    def _in_lower_case(cls, words: dict[str, OutcomeClass]) -> dict[str, OutcomeClass]:
        lower = {_compared(word): outcome for word, outcome in words.items()}
        if len(lower) < len(words) or "" in lower:
            raise ValueError("needs words that differ in more than upper and lower case, and none that is empty")
        return lower


class OdooOutcomeCodes:
    """`domain.ports.OutcomeCodes` over a site's table; see `domain.outcomes.class_of`."""

    def __init__(self, table: OdooOutcomeTable) -> None:
        self._table = table

    def classify(self, report: CompletionReport) -> OutcomeClass:
        """The class of a completed request; UNKNOWN where the table says nothing, or two things."""
        lines = {_compared(line) for note in report.notes for line in note.splitlines()}
        meant = {outcome for word, outcome in self._table.words.items() if word in lines}
        if report.disposition in self._table.stages:
            meant.add(self._table.stages[report.disposition])
        return class_of(meant)


def _compared(text: str) -> str:
    return " ".join(text.casefold().split())
