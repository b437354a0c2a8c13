"""Saves, checks and proves a draft's text, for the command line and the API."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from domain.canonical import canonical
from domain.errors import PolicyRejected
from domain.model import Model
from millwright.storage.policies.drafts import Draft, DraftStore, MachineFindings
from millwright.storage.policies.versions import StoredVersion

if TYPE_CHECKING:
    from policies.checks.check import Report
    from policies.engine.judging import CompiledPolicy


class DraftName(Model):
    """What a compiled document says of itself, and its digest."""

    policy: str
    version: str
    author: str
    digest: str


def draft_name(document: str, file: str) -> DraftName:
    """Compiles a document.

    Args:
        file: the document's name, for complaints.

    Raises:
        PolicyRejected: it does not compile.
    """
    # Imported late, because the compiler needs most of a process's memory.
    from policies.engine.judging import compile_policy

    policy = compile_policy(document, file)
    named = policy.document
    return DraftName(policy=named.policy, version=named.version, author=named.author, digest=policy.digest)


async def save_draft(
    drafts: DraftStore, *, document: str, cases: str, by: str, reason: str, file: str
) -> tuple[str, str, int, str]:
    """Compiles a document and saves it with its cases; returns policy, version, revision and digest.

    Args:
        file: the document's name, for complaints.

    Raises:
        PolicyRejected: it does not compile, or was submitted already.
        ActRejected: somebody else is its author.
    """
    named = draft_name(document, file)
    revision = await drafts.save(**dict(named), document=document, cases=cases, by=by, reason=reason)
    return named.policy, named.version, revision, named.digest


def examine_draft(draft: Draft, stored: Sequence[StoredVersion]) -> MachineFindings:
    """The results of checks and proofs for a draft that may be submitted for review.

    Args:
        stored: the stored versions, which its properties may name.

    Raises:
        PolicyRejected: a finding blocks its publication, or one of its properties is not proved; the error names the
            first.
    """
    from policies.engine.judging import compile_policy

    policy = compile_policy(draft.document, draft.version)
    return MachineFindings(check=_check(draft, policy), proof=_prove(policy, stored))


def never_asks_for_more(document: str, other: str) -> bool:
    """Whether it is proved that another stored version never asks for more than a stored version.

    Raises:
        PolicyRejected: one of them does not compile.
    """
    from policies.checks.difference import asks_for_no_more
    from policies.engine.judging import compile_policy

    return asks_for_no_more(compile_policy(document, "the version"), compile_policy(other, "the other version"))


def _check(draft: Draft, policy: "CompiledPolicy") -> str:
    from policies.checks.check import check

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"{draft.version}.yaml"
        path.write_text(draft.document, encoding="utf-8")
        (path.parent / policy.document.cases).write_text(draft.cases, encoding="utf-8")
        report = check(path)
    if not report.publishable:
        problem = f"the machine checks did not pass: {_against(report)}"
        raise PolicyRejected(problem, field="version", fix="see `millwright policy check`")
    cases = len(report.cases.results) if report.cases is not None else 0
    return canonical({"problems": [], "cases": cases, "publishable": True}).decode()


def _against(report: "Report") -> str:
    """The first blocking finding, as a sentence."""
    said = [f"{problem.field}: {problem.problem}" if problem.field else problem.problem for problem in report.problems]
    said += [finding.complaint.problem for finding in report.findings if finding.blocks]
    if report.cases is not None:
        said += [f"case {result.name}: {result.problem}" for result in report.cases.results if not result.passed]
        said += [f"no passing case covers {rule}" for rule in report.cases.uncovered_rules]
        said += [f"no passing case covers timing {rule}" for rule in report.cases.uncovered_timing]
    return said[0]


def _prove(policy: "CompiledPolicy", stored: Sequence[StoredVersion]) -> str | None:
    from policies.proof.prover import Prover

    document = policy.document

    def version(number: str) -> "CompiledPolicy":
        from policies.engine.judging import compile_policy

        for published in stored:
            if published.policy == document.policy and published.version == number:
                return compile_policy(published.document, number)
        raise PolicyRejected(f"no version {number} is stored", field="properties")

    proofs = list(Prover(policy, version).prove(document.properties))
    for proof in proofs:
        if proof.result != "proved":
            why = f": {proof.why}" if proof.why is not None else ""
            problem = f"its property {proof.property} ({proof.says}) is {proof.result}{why}"
            raise PolicyRejected(problem, field="properties", fix=f"see `millwright policy prove {document.version}`")
    told = [{"property": proof.property, "says": proof.says, "result": proof.result} for proof in proofs]
    return canonical({"properties": told}).decode() if told else None
