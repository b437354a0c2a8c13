"""The MES systems that the sandbox plant can have, and the settings of our connector to each.

A further one needs a line in `PLANT_MES`, and its server in `sandbox.mes`.
"""

from collections.abc import Callable, Mapping
from typing import Final

Endpoints = Mapping[str, object]


def _opcua_job_control(endpoints: Endpoints) -> dict[str, str]:
    return {"URL": str(endpoints["mes_url"])}


def _sap_dm(endpoints: Endpoints) -> dict[str, str]:
    return {
        "URL": str(endpoints["mes_url"]),
        "TOKEN_URL": str(endpoints["mes_token_url"]),
        "CLIENT_ID": str(endpoints["mes_client_id"]),
        "CLIENT_SECRET": str(endpoints["mes_client_secret"]),
        "PLANT": str(endpoints["mes_plant"]),
        # The sandbox's plant refuses to start an SFC on a disabled resource.
        "ENFORCEMENT": "enforced",
    }


PLANT_MES: Final[Mapping[str, Callable[[Endpoints], dict[str, str]]]] = {
    "opcua_job_control": _opcua_job_control,
    "sap_dm": _sap_dm,
}
"""The settings of each connector, from what the sandbox says of its servers."""

USUAL: Final = "opcua_job_control"


def mes_variables(mes: str, endpoints: Endpoints) -> dict[str, str]:
    """The environment variables that name the plant's MES.

    Args:
        mes: a name of `PLANT_MES`.
        endpoints: what the sandbox says of its servers.
    """
    own = {f"MILLWRIGHT_MES__{name}": value for name, value in PLANT_MES[mes](endpoints).items()}
    return {"MILLWRIGHT_MES__CONNECTOR": mes, **own}
