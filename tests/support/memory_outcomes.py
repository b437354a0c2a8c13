"""What completed work found, in memory. `tests/storage/test_stated_outcomes.py` has the real one."""

from collections.abc import Callable

from domain.cases import CaseView, Phase
from domain.errors import ActRejected
from domain.outcomes import Label, Outcome, OutcomeClass, OutcomeStatement
from domain.twin_writes import TwinWrite


class MemoryOutcomes:
    """See the methods of `domain.casework.CaseStore` on outcomes.

    Args:
        cases: the cases of the store, by id.
        wake: makes a case due.
    """

    def __init__(self, cases: dict[str, CaseView], wake: Callable[[str], None]) -> None:
        self._cases = cases
        self._wake = wake
        self.of_case: dict[str, Outcome] = {}
        self.labels: dict[str, Label] = {}

    def record(self, outcome: Outcome) -> None:
        """Keeps the first outcome of a case."""
        if outcome.case not in self.of_case:
            self.of_case[outcome.case] = outcome
            self._set(outcome.case, outcome=outcome.outcome, iso14224=outcome.iso14224, phase=Phase.LEARN)

    def reclassify(self, outcome: Outcome) -> None:
        """Keeps what an unknown outcome is known to mean by now."""
        if self.of_case[outcome.case].outcome is OutcomeClass.UNKNOWN:
            self.of_case[outcome.case] = outcome
            known = {"outcome": outcome.outcome, "iso14224": outcome.iso14224}
            self._set(outcome.case, **known, twin_told=False, twin_write=None)

    def state(self, case: str, outcome: OutcomeClass, statement: OutcomeStatement) -> OutcomeStatement:
        """Keeps what a person says of an unknown outcome."""
        found, order = self.of_case.get(case), self._cases[case].order
        if found is not None and found.stated is not None and found.outcome is outcome:
            return found.stated
        if found is None or found.outcome is not OutcomeClass.UNKNOWN or order is None:
            raise ActRejected("not known to be unknown")
        if not order.status.finished or order.status.not_done:
            raise ActRejected("not completed")
        self.of_case[case] = found.model_copy(update={"outcome": outcome, "stated": statement})
        self._set(case, outcome=outcome, stated=statement, twin_told=False, twin_write=None)
        self._wake(case)
        return statement

    def tell(self, case: str, write: TwinWrite, told: OutcomeClass) -> None:
        """Keeps what the twin was told, unless the outcome is another one by now."""
        if self._cases[case].outcome is told:
            self._set(case, twin_told=write.told, twin_write=write)

    def keep_label(self, label: Label) -> None:
        """Keeps the label of a case, or its next revision."""
        self.labels[label.case] = label.following(self.labels.get(label.case)) or self.labels[label.case]
        self._set(label.case, labelled=True)

    def _set(self, case: str, **values: object) -> None:
        self._cases[case] = self._cases[case].model_copy(update=values)
