"""`policy check` and `policy schema`: check drafts, and print the JSON Schema for editors."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.connections import settings_of
from millwright.cli.output import Json, say, write_json

if TYPE_CHECKING:
    from policies.checks.check import Report
    from policies.checks.findings import Finding
    from policies.checks.waivers import WaiverNotice
    from policies.engine.trial import Situation
    from policies.language.text import TextRejected


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(check)
    app.command()(schema)


def check(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="FILE|DIR", help="A policy document, its cases beside it; or a folder.")
    ],
    notes: Annotated[
        bool, typer.Option("--notes", help="Also show findings that do not block publication: overlaps, gaps.")
    ] = False,
    json: Json = False,
) -> None:
    """Check policy documents and their cases; exits 1 if a finding blocks publication."""
    from millwright.runtime.plant_clock import clock_of
    from policies.checks.check import check as check_policy
    from policies.checks.check import documents

    now = clock_of(settings_of(context).clock).now()
    reports = [check_policy(each) for each in documents(path)]
    if json:
        write_json([_summary(checked, now) for checked in reports] if path.is_dir() else _summary(reports[0], now))
    else:
        for report in reports:
            _tell(report, notes)
            for notice in _notices(report, now):
                say(f"note: {notice.words}")
        if not reports:
            say(f"{path} holds no policy document.")
    if not reports or not all(report.publishable for report in reports):
        raise typer.Exit(1)


def schema() -> None:
    """Print the JSON Schema of policy documents, for editors."""
    from policies.language.json_schema import schema_text

    say(schema_text(), end="")


def _notices(report: "Report", now: datetime) -> "tuple[WaiverNotice, ...]":
    from policies.checks.waivers import waiver_notices

    return waiver_notices(report.policy.document, now) if report.policy else ()


def _summary(report: "Report", now: datetime) -> dict[str, object]:
    policy, cases = report.policy, report.cases
    return {
        "file": report.file,
        "policy": policy.document.policy if policy else None,
        "version": policy.document.version if policy else None,
        "digest": policy.digest if policy else None,
        "publishable": report.publishable,
        "problems": [_placed(problem) for problem in report.problems],
        "findings": [_found(finding) for finding in report.findings],
        "waivers": _notices(report, now),
        "cases": [{"name": result.name, "passed": result.passed, "problem": result.problem} for result in cases.results]
        if cases
        else None,
        "uncovered_rules": cases.uncovered_rules if cases else None,
        "uncovered_timing": cases.uncovered_timing if cases else None,
    }


def _placed(rejected: "TextRejected") -> dict[str, object]:
    place = {"file": rejected.file, "line": rejected.line, "column": rejected.column, "field": rejected.field}
    return place | {"problem": rejected.problem, "fix": rejected.fix}


def _found(finding: "Finding") -> dict[str, object]:
    witness = finding.witness.model_dump(mode="json", exclude_defaults=True) if finding.witness else None
    told = {"kind": finding.kind.value, "blocks": finding.blocks, "rules": finding.rules}
    return told | _placed(finding.complaint) | {"witness": witness}


def _tell(report: "Report", notes: bool) -> None:
    for problem in report.problems:
        say(str(problem))
    for finding in report.findings:
        if finding.told_unasked or notes:
            _tell_finding(finding)
    if report.cases is not None:
        failed = [result for result in report.cases.results if not result.passed]
        for case in failed:
            say(f"case {case.name}: {case.problem}")
        for rule in report.cases.uncovered_rules:
            say(f"rule {rule}: no passing case covers it")
        for rule in report.cases.uncovered_timing:
            say(f"timing {rule}: no passing case covers it")
        say(f"{len(report.cases.results) - len(failed)} of {len(report.cases.results)} cases pass.")
    noted = sum(not finding.told_unasked for finding in report.findings)
    if noted and not notes:
        say(f"{noted} note{'s' if noted > 1 else ''} on overlaps and gaps; --notes shows them.")
    if report.policy is not None and report.publishable:
        document = report.policy.document
        say(f"{document.policy} {document.version} can be published; digest {report.policy.digest}.")


def _tell_finding(finding: "Finding") -> None:
    say(f"{'' if finding.blocks else 'warning: ' if finding.told_unasked else 'note: '}{finding.complaint}")
    if finding.witness is not None:
        say(f"    for example: {_seen(finding.witness)}")


def _seen(situation: "Situation") -> str:
    from millwright.explaining.why import seen

    context, before = situation.context, len(situation.events) - 1
    after = f", after {before} earlier event{'' if before == 1 else 's'}" if before else ""
    about = f"{context.asset_class or 'asset without a class'} of criticality {context.criticality or 'none'}"
    return f"{seen(situation.events[-1])} On a {about}{after}."
