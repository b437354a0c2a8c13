"""`mes-certificate`: the certificate with which we show an OPC UA server who we are."""

from typing import Annotated

import typer

from domain.errors import Rejected
from millwright.cli.connections import settings_of
from millwright.cli.durations import read_valid_for
from millwright.cli.output import Json, say, write_json

app = typer.Typer(no_args_is_help=True, help="Our certificate for secured connections to an MES over OPC UA.")

_CONNECTOR = "opcua_job_control"


@app.callback()
def _mes_certificate() -> None:
    """Makes this a command group, although it has one command."""


@app.command()
def create(
    context: typer.Context,
    instance: Annotated[
        str, typer.Argument(metavar="[INSTANCE]", help="The id of the MES, if there are several.", show_default=False)
    ] = _CONNECTOR,
    valid_for: Annotated[
        str, typer.Option("--valid-for", metavar="DURATION", help="How long the certificate is valid, in ISO 8601.")
    ] = "P1825D",
    json: Json = False,
) -> None:
    """Make a key and a certificate in the files that the MES's client_key and client_certificate name, as the user of
    the workers for cases."""
    from connectors.mes.opcua_job_control.settings import JobControlSettings
    from domain.clock import WallClock
    from millwright.runtime.connector_settings import named_connector, own_settings
    from millwright.runtime.mes_certificate import create as create_certificate

    named = named_connector(settings_of(context).all_mes().get(instance), "mes", (_CONNECTOR,))
    own = own_settings(named, JobControlSettings, "mes", instance)
    if own.client_certificate is None or own.client_key is None:
        raise Rejected(
            "nothing says where certificate and key are to be",
            field="client_certificate",
            fix="set client_certificate and client_key of the MES",
        )
    made = create_certificate(own.client_certificate, own.client_key, WallClock().now(), read_valid_for(valid_for))
    if json:
        write_json(
            {
                "application_uri": made.application_uri,
                "thumbprint": made.thumbprint,
                "thumbprint_sha1": made.thumbprint_sha1,
                "valid_until": made.valid_until,
            }
        )
        return
    say(f"A key and a certificate were made, valid until {made.valid_until:%Y-%m-%d}: {own.client_certificate}")
    say(f"Application URI: {made.application_uri}")
    say(f"SHA-256 thumbprint: {made.thumbprint}")
    say(f"SHA-1 thumbprint: {made.thumbprint_sha1}")
    say("The administrator of the server lets it trust this certificate. Never give the key away.")
