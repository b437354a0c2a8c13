"""What the codes on a completed order say, by the tables of its site."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.iso14224 import UNKNOWN_MODES, Iso14224Crosswalk, Iso14224Finding, agreed, of_code
from domain.outcomes import OutcomeClass
from domain.ports import OutcomeCodes
from domain.work_orders import CompletionReport, FindingRole, ReportedCode


class ReadCodes(NamedTuple):
    """What the codes on a completed order say.

    Args:
        outcome: the class of the outcome.
        iso14224: what was found; None if no table names any of it.
    """

    outcome: OutcomeClass
    iso14224: Iso14224Finding | None


@dataclass(frozen=True, slots=True)
class SiteCodes:
    """The tables of one CMMS instance. It is `domain.ports.OutcomeCodes` too.

    Args:
        outcomes: which class a code means.
        failure_modes: which failure mode a problem code means: the setting of the same name of the connector.
        iso14224: what each code means in ISO 14224.
    """

    outcomes: OutcomeCodes
    failure_modes: Mapping[str, str] = field(default_factory=dict)
    iso14224: Iso14224Crosswalk = field(default_factory=Iso14224Crosswalk)

    def classify(self, report: CompletionReport) -> OutcomeClass:
        """See `domain.ports.OutcomeCodes`: the class by the codes alone, whatever was suspected."""
        return self.outcomes.classify(report)

    def read(self, report: CompletionReport, suspected: str) -> ReadCodes:
        """What the codes say of an order that was made for a suspected failure mode.

        A defect whose problem codes all mean other failure modes is not the suspected one, so `confirmed` becomes
        `other_defect`. If only some of them do, and no table says which failure mode the others mean, or if
        the codes mean another defect and the suspected failure mode at once, the outcome is left to a person.
        """
        modes = [self._mode(chosen) for chosen in report.codes if chosen.role is FindingRole.PROBLEM]
        named = {mode for mode in modes if mode is not None and mode not in UNKNOWN_MODES}
        found = self.classify(report)
        if found is OutcomeClass.CONFIRMED and named and suspected not in named | UNKNOWN_MODES:
            found = OutcomeClass.OTHER_DEFECT if named.issuperset(modes) else OutcomeClass.UNKNOWN
        elif found is OutcomeClass.OTHER_DEFECT and suspected in named:
            found = OutcomeClass.UNKNOWN
        meanings = [meaning for chosen in report.codes if (meaning := self.iso14224.meaning(chosen)) is not None]
        said = Iso14224Finding(
            mode=agreed((*modes, *(meaning.mode for meaning in meanings))),
            mechanism=agreed(meaning.mechanism for meaning in meanings),
            cause=agreed(meaning.cause for meaning in meanings),
        )
        return ReadCodes(found, said if said.words else None)

    def unexplained(self, report: CompletionReport) -> tuple[str, ...]:
        """The codes that mean no class by themselves; of a report without codes the word for how the job ended."""
        if not report.codes and report.disposition:
            ended = report.model_copy(update={"notes": ()})
            return (report.disposition,) if self.classify(ended) is OutcomeClass.UNKNOWN else ()
        return tuple(
            chosen.code
            for chosen in report.codes
            if self.classify(CompletionReport(codes=(chosen,))) is OutcomeClass.UNKNOWN
        )

    def _mode(self, chosen: ReportedCode) -> str | None:
        """The failure mode that a problem code means."""
        by_table, meaning = of_code(self.failure_modes, chosen), self.iso14224.meaning(chosen)
        if by_table is not None or meaning is None:
            return by_table
        return meaning.mode
