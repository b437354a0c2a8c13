"""The command line. Each command imports what it needs when it runs, so that `--help` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from millwright.cli import (
    assets,
    assigning,
    audit,
    audit_questions,
    autonomy,
    backtest,
    capacity,
    case,
    connector,
    database,
    drafting,
    drift,
    engine,
    events,
    floods,
    freshness,
    health,
    hits,
    hold,
    hold_answers,
    home,
    installation_key,
    labels,
    lots,
    mes_certificate,
    missed,
    people,
    plant,
    policy,
    quality,
    services,
    shelving,
    stopping,
    suggest,
    unreadable,
    walk_downs,
    why,
    windows,
)
from millwright.cli.connections import Named
from millwright.cli.errors import Commands

app = typer.Typer(
    name="millwright",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a twin's anomaly to the right work order, and back.",
)


@app.callback()
def _installation(
    context: typer.Context,
    where: Annotated[
        Path | None,
        typer.Option(
            "--home", envvar="MILLWRIGHT_HOME", help="Where the embedded parts keep their files.", show_default=False
        ),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(
            "--api",
            metavar="URL",
            envvar="MILLWRIGHT_API_URL",
            help="The API that commands act through; without it, the one that runs in the home.",
            show_default=False,
        ),
    ] = None,
) -> None:
    context.obj = Named(where, api)


for _module in (plant, engine, services, health, why, floods, capacity, shelving):
    _module.register(app)
app.add_typer(case.app, name="case")
hold_answers.register(hold.app)
walk_downs.register(hold.app)
app.add_typer(hold.app, name="hold")
app.add_typer(quality.app, name="quality")
app.add_typer(lots.app, name="lots")
app.add_typer(missed.app, name="missed")
for _policies in (backtest, suggest, hits, autonomy, drafting, assigning, stopping):
    _policies.register(policy.app)
app.add_typer(policy.app, name="policy")
audit_questions.register(audit.app)
app.add_typer(audit.app, name="audit")
app.add_typer(events.app, name="events")
app.add_typer(unreadable.app, name="unreadable")
app.add_typer(drift.app, name="drift")
app.add_typer(freshness.app, name="freshness")
app.add_typer(windows.app, name="windows")
app.add_typer(labels.app, name="labels")
app.add_typer(assets.app, name="assets")
app.add_typer(people.app, name="people")
app.add_typer(installation_key.app, name="installation-key")
app.add_typer(mes_certificate.app, name="mes-certificate")
app.add_typer(connector.app, name="connector")
app.add_typer(database.app, name="db")
app.add_typer(home.app, name="home")
