"""Checks a draft before a person reads it: shape, meaning, its own cases, and gaps."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from domain.hold_proposals import OnSilence
from policies.checks.crews import crew_findings
from policies.checks.findings import Finding, Kind
from policies.checks.policy_tests import CaseReport, run_cases
from policies.checks.reachability import Reachability
from policies.checks.unpriced import unpriced_findings
from policies.checks.unread import unread_findings
from policies.engine.judging import CompiledPolicy, compile_policy
from policies.language.text import MAX_CHARACTERS, PolicyText, TextRejected, read_text

_CASES = "-cases"
_MOST_BYTES = 4 * MAX_CHARACTERS + 1
_MOST_FILES = 1_000


@dataclass(frozen=True)
class Report:
    """The result of a check. `policy` is None if the document does not compile, `cases` if they could not be run.

    `problems` are errors of the documents themselves, `findings` are about the rules together.
    """

    file: str
    policy: CompiledPolicy | None
    problems: tuple[TextRejected, ...]
    cases: CaseReport | None
    findings: tuple[Finding, ...] = ()

    @property
    def publishable(self) -> bool:
        """Whether nothing blocks publication: there is no problem, all cases pass, every rule is covered."""
        blocked = bool(self.problems) or any(finding.blocks for finding in self.findings)
        return not blocked and self.cases is not None and self.cases.publishable


def check(path: Path) -> Report:
    """Checks a policy document and the cases file beside it. Never raises for their content, or if one is missing.

    It checks shape, names, types, limits, rules that can never decide, tables that are not as declared, contradictory
    actions, the cases, which rules they cover, which machines start again without a person, that no fault whose
    consequence is declared unpriced is delayed or priced, which rules decide while the machine is not known, and which
    classes have no crew where others have one.
    """
    try:
        policy = compile_policy(_read(path), str(path))
    except TextRejected as error:
        return Report(str(path), None, (error, *error.others), None)
    source = read_text(policy.text, str(path))
    findings = (
        *_unattended(policy, source),
        *_unasked(policy, source),
        *unpriced_findings(policy, source),
        *unread_findings(policy, source),
        *crew_findings(policy, source),
        *Reachability(policy, source).findings(),
    )
    beside = path.parent / policy.document.cases
    try:
        cases = run_cases(policy, _read(beside), str(beside))
    except TextRejected as error:
        return Report(str(path), policy, (error, *error.others), None, findings)
    return Report(str(path), policy, (), _spared(policy, cases, findings), findings)


def documents(path: Path) -> Iterator[Path]:
    """The policy documents of a folder and its subfolders, or the one named file."""
    if not path.is_dir():
        yield path
        return
    found = (each for each in sorted(path.rglob("*.yaml")) if not each.stem.endswith(_CASES))
    yield from (each for each, _ in zip(found, range(_MOST_FILES), strict=False))


def _unattended(policy: CompiledPolicy, source: PolicyText) -> Iterator[Finding]:
    machines = ", ".join(policy.document.holds.release_unattended)
    if machines:
        problem = f"{machines}: a machine in this list starts again without a person saying that people are clear"
        fix = "leave a machine out, and its hold waits for a person of production"
        complaint = source.rejected(("holds", "release_unattended"), problem, fix=fix)
        yield Finding(Kind.UNATTENDED, False, (), complaint)


def _unasked(policy: CompiledPolicy, source: PolicyText) -> Iterator[Finding]:
    holds = policy.document.holds
    if holds.place_unasked:
        problem = f"{', '.join(holds.place_unasked)}: assets of these classes are held without asking production"
        fix = "leave a class out, and its holds are proposed to production first"
        complaint = source.rejected(("holds", "place_unasked"), problem, fix=fix)
        yield Finding(Kind.UNASKED, False, (), complaint)
    if holds.on_silence is OnSilence.PLACE:
        problem = "a hold is placed when it is due if production does not answer in time"
        fix = "leave it out: then nothing is placed, and operations are called"
        complaint = source.rejected(("holds", "on_silence"), problem, fix=fix)
        yield Finding(Kind.UNASKED, False, (), complaint)


def _spared(policy: CompiledPolicy, cases: CaseReport, findings: tuple[Finding, ...]) -> CaseReport:
    """The rules that the cases must cover. The last rule is required; if the rules before it decide everything, no case
    can cover it."""
    last = policy.rules[-1].id
    settled = not any(last in finding.rules or finding.kind is Kind.UNKNOWN for finding in findings)
    if not settled:
        return cases
    return replace(cases, uncovered_rules=tuple(each for each in cases.uncovered_rules if each != last))


def _read(path: Path) -> str:
    """The text of a file. Reads no more than the maximum length of a policy, and only plain files."""
    try:
        if path.exists() and not path.is_file():
            raise TextRejected("is no regular file", file=str(path), line=1, column=1, fix="name a file")
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        fix = "write it in UTF-8" if isinstance(error, UnicodeDecodeError) else "name an existing file"
        raise TextRejected(f"cannot be read: {error}", file=str(path), line=1, column=1, fix=fix) from error
