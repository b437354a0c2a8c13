"""`doctor`: the state of every part, and how to repair it."""

import typer

from millwright.cli.connections import finish, settings_of
from millwright.cli.output import Json, write_json, write_table


def doctor(context: typer.Context, json: Json = False) -> None:
    """Check every part of the installation and say how to repair it; exits 1 if a check fails. Works directly on the
    database."""
    from millwright.cli.doctor import examine

    findings = finish(examine(settings_of(context, _QUIET)))
    if json:
        write_json(findings)
    else:
        rows = [
            ("ok" if finding.ok else "NO", finding.part, finding.sentence, "" if finding.ok else finding.mend or "")
            for finding in findings
        ]
        write_table(("", "part", "what was found", "how to mend it"), rows, "")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


_QUIET = 50
"""Above every log level, because the table already has the state of each part."""


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(doctor)
