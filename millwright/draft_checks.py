"""Saving and checking a draft's text, whoever hands it in: the command line or the API."""

import tempfile
from pathlib import Path

from domain.canonical import canonical
from millwright.storage.drafts import Draft, DraftStore


async def save_draft(
    drafts: DraftStore, *, document: str, cases: str, by: str, reason: str, file: str
) -> tuple[str, str, int, str]:
    """Compiles a document and saves it with its cases; gives policy, version, revision and digest.

    Args:
        file: the document's name, for complaints.

    Raises:
        PolicyRejected: it does not compile, or was submitted already.
        ActRejected: somebody else is its author.
    """
    # The API is a door most of the time, and what compiles policies is most of what a process weighs.
    from policies.engine import compile_policy

    policy = compile_policy(document, file)
    named = policy.document
    revision = await drafts.save(
        policy=named.policy,
        version=named.version,
        digest=policy.digest,
        document=document,
        cases=cases,
        author=named.author,
        by=by,
        reason=reason,
    )
    return named.policy, named.version, revision, policy.digest


def check_draft(draft: Draft) -> tuple[bool, str]:
    """Whether nothing stands against a draft's publication, and what was found, as canonical JSON."""
    from policies.check import check
    from policies.engine import compile_policy

    cases = compile_policy(draft.document, draft.version).document.cases
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"{draft.version}.yaml"
        path.write_text(draft.document, encoding="utf-8")
        (path.parent / cases).write_text(draft.cases, encoding="utf-8")
        report = check(path)
    body = {
        "problems": [one.problem for one in report.problems],
        "cases": len(report.cases.results) if report.cases is not None else 0,
        "publishable": report.publishable,
    }
    return report.publishable, canonical(body).decode()
