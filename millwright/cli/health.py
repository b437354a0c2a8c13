"""`doctor`: how every part is, and how to mend it."""

import typer

from millwright.cli.connections import finish, settings_of
from millwright.cli.output import Json, write_json, write_table


def doctor(context: typer.Context, json: Json = False) -> None:
    """Check every part of the installation and say how to mend what is not well; exits 1 if anything is not."""
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
"""Above every level: what libraries have to say of a part that is away stands in the table already."""


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(doctor)
