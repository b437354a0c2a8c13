"""All that can be said of a draft before a person reads it: shape, meaning, and its own cases."""

from dataclasses import dataclass
from pathlib import Path

from policies.cases import CaseReport, run_cases
from policies.engine import CompiledPolicy, compile_policy
from policies.text import TextRejected


@dataclass(frozen=True)
class Report:
    """What was found. `policy` is None where the document does not compile, `cases` where they could not be run."""

    file: str
    policy: CompiledPolicy | None
    problems: tuple[TextRejected, ...]
    cases: CaseReport | None

    @property
    def publishable(self) -> bool:
        """Whether nothing stands against publication: no problem, all cases pass, every rule is covered."""
        return not self.problems and self.cases is not None and self.cases.publishable


def check(path: Path) -> Report:
    """Checks a policy document and the cases file beside it; never raises for what is in them or missing.

    Shape, names, types, limits, rules that can never decide (behind one that always holds, or that asks the same),
    contradictory actions, the cases, and which rules they cover.
    """
    try:
        policy = compile_policy(_read(path), str(path))
    except TextRejected as error:
        return Report(str(path), None, (error, *error.others), None)
    beside = path.parent / policy.document.cases
    try:
        return Report(str(path), policy, (), run_cases(policy, _read(beside), str(beside)))
    except TextRejected as error:
        return Report(str(path), policy, (error, *error.others), None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fix = "write it in UTF-8" if isinstance(error, UnicodeDecodeError) else "name a file that is there"
        raise TextRejected(f"cannot be read: {error}", file=str(path), line=1, column=1, fix=fix) from error
