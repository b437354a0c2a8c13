"""`policy`: what a draft lacks, and what a version says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import Rejected
from millwright.cli import differing, proving
from millwright.cli.opening import finish, opened, settings_of
from millwright.cli.output import Json, write_json, write_table

if TYPE_CHECKING:
    from millwright.settings import Settings
    from millwright.storage.versions import StoredVersion
    from policies.check import Report

app = typer.Typer(no_args_is_help=True, help="Policies: versioned rule sets, never changed once published.")
for _module in (proving, differing):
    _module.register(app)


@app.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A policy document; its cases file lies beside it.")],
    json: Json = False,
) -> None:
    """Check a policy document and its cases; exits 1 while anything stands against its publication."""
    from policies.check import check as check_policy

    report = check_policy(path)
    if json:
        write_json(_summary(report))
    else:
        _tell(report)
    if not report.publishable:
        raise typer.Exit(1)


def _summary(report: "Report") -> dict[str, object]:
    policy, cases = report.policy, report.cases
    return {
        "file": report.file,
        "policy": policy.document.policy if policy else None,
        "version": policy.document.version if policy else None,
        "digest": policy.digest if policy else None,
        "publishable": report.publishable,
        "problems": [
            {"file": one.file, "line": one.line, "column": one.column, "field": one.field, "problem": one.problem}
            | {"fix": one.fix}
            for one in report.problems
        ],
        "cases": [{"name": one.name, "passed": one.passed, "problem": one.problem} for one in cases.results]
        if cases
        else None,
        "uncovered_rules": cases.uncovered_rules if cases else None,
        "uncovered_timing": cases.uncovered_timing if cases else None,
    }


def _tell(report: "Report") -> None:
    for one in report.problems:
        typer.echo(str(one))
    if report.cases is not None:
        failed = [one for one in report.cases.results if not one.passed]
        for case in failed:
            typer.echo(f"case {case.name}: {case.problem}")
        for rule in report.cases.uncovered_rules:
            typer.echo(f"rule {rule}: no passing case covers it")
        for rule in report.cases.uncovered_timing:
            typer.echo(f"timing {rule}: no passing case covers it")
        typer.echo(f"{len(report.cases.results) - len(failed)} of {len(report.cases.results)} cases pass.")
    if report.policy is not None and report.publishable:
        document = report.policy.document
        typer.echo(f"{document.policy} {document.version} can be published; digest {report.policy.digest}.")


@app.command()
def show(
    context: typer.Context,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="A version's number or digest; without it, all.")
    ] = None,
    json: Json = False,
) -> None:
    """Show the stored versions and where they are assigned, or the text of one."""
    stored = finish(_stored(settings_of(context)))
    if version is None:
        if json:
            write_json([_listed(one) for one in stored])
            return
        rows = [(one.policy, one.version, ", ".join(one.roles) or "-", one.author, one.digest[:12]) for one in stored]
        write_table(("policy", "version", "assigned as", "author", "digest"), rows, "No version is stored.")
        return
    found = [one for one in stored if one.version == version or one.digest.startswith(version)]
    if not found:
        known = ", ".join(one.version for one in stored) or "none"
        raise Rejected(f"no version {version} is stored", field="version", fix=f"there are {known}")
    if json:
        write_json([_listed(one) | {"document": one.document} for one in found])
        return
    for one in found:
        typer.echo(one.document)


def _listed(one: "StoredVersion") -> dict[str, object]:
    names = ("policy", "version", "digest", "author", "roles")
    return {name: getattr(one, name) for name in names}


async def _stored(settings: "Settings") -> "list[StoredVersion]":
    async with opened(settings) as storage:
        return await storage.versions.versions()
