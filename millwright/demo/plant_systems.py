"""The CMMS and MES systems that the sandbox plant can have, and the settings of our connector to each.

A further one needs a line in `PLANT_CMMS` or `PLANT_MES`, and its server in `sandbox.cmms` or `sandbox.mes`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

Endpoints = Mapping[str, object]

_OUTCOMES: Final = {
    "problem": {
        "OVERVOLT": "confirmed",
        "LOWSPEED": "confirmed",
        "OVERPRES": "confirmed",
        "HIGHVIB": "confirmed",
        "NOFAULT": "nothing_found",
        "INSTRUM": "sensor_fault",
        "PROCCHG": "process_change",
    },
    "remedy": {"REPAIR": "prevented"},
}
"""The meaning of the sandbox's failure codes; each site has its own."""
_SAP_OUTCOMES: Final = {
    "damage": {
        "ELEC/0110": "confirmed",
        "ROTATE/0120": "confirmed",
        "PRESS/0130": "confirmed",
        "VIBR/0140": "confirmed",
        **{f"{group}/0900": "nothing_found" for group in ("ELEC", "ROTATE", "PRESS", "VIBR")},
    },
    "activity": {f"{group}/0320": "prevented" for group in ("ELEC", "ROTATE", "PRESS", "VIBR")},
}
"""The same in the catalogs of the sandbox's SAP."""
_ODOO_OUTCOMES: Final = {"words": {word: outcome for codes in _OUTCOMES.values() for word, outcome in codes.items()}}
"""The same as words that technicians write: Odoo has no failure codes."""
_PLANNER_WORDS: Final = {"rejected": "Rejected"}
"""With what the planners begin the line of a note."""
_SANDBOX_ZONE: Final = "Etc/GMT+5"
_AS_MANY_AS_COME: Final = "1000000"
"""The plant's months pass in minutes, and its systems enforce no limit on the requests of a minute."""


def _maximo(endpoints: Endpoints) -> dict[str, str]:
    return {
        "URL": str(endpoints["cmms_url"]),
        "API_KEY": str(endpoints["cmms_apikey"]),
        "TIME_ZONE": _SANDBOX_ZONE,
        "OUTCOMES": json.dumps(_OUTCOMES),
        "FAILURE_MODES": json.dumps({"OVERVOLT": "PDE", "LOWSPEED": "LOO", "OVERPRES": "HIO", "HIGHVIB": "VIB"}),
        "WORK_KINDS": json.dumps({"CM": "corrective", "EM": "corrective", "PM": "preventive"}),
    }


def _sap_pm(endpoints: Endpoints) -> dict[str, str]:
    return {
        "URL": str(endpoints["cmms_url"]),
        "USER": str(endpoints["cmms_user"]),
        "PASSWORD": str(endpoints["cmms_password"]),
        "OUTCOMES": json.dumps(_SAP_OUTCOMES),
        "PLANNER_WORDS": json.dumps(_PLANNER_WORDS),
    }


def _atlas(endpoints: Endpoints) -> dict[str, str]:
    return {
        "URL": str(endpoints["cmms_url"]),
        "EMAIL": str(endpoints["cmms_email"]),
        "PASSWORD": str(endpoints["cmms_password"]),
        "REQUESTS_A_MINUTE": _AS_MANY_AS_COME,
        "FINDING_FIELDS": json.dumps({"problem": "Problem", "cause": "Cause", "remedy": "Remedy"}),
        "OUTCOMES": json.dumps(_OUTCOMES),
    }


def _odoo(endpoints: Endpoints) -> dict[str, str]:
    return {
        "URL": str(endpoints["cmms_url"]),
        "DATABASE": str(endpoints["cmms_database"]),
        "API_KEY": str(endpoints["cmms_apikey"]),
        "APPROVED_STAGE": "Approved",
        "OUTCOMES": json.dumps(_ODOO_OUTCOMES),
        "PLANNER_WORDS": json.dumps(_PLANNER_WORDS),
    }


def _maintainx(endpoints: Endpoints) -> dict[str, str]:
    return {
        "URL": str(endpoints["cmms_url"]),
        "API_KEY": str(endpoints["cmms_apikey"]),
        "REQUESTS_A_MINUTE": _AS_MANY_AS_COME,
        "FINDING_FIELDS": json.dumps({"problem": "Problem", "cause": "Cause", "remedy": "Remedy"}),
        "NOTE_FIELDS": json.dumps(["Remarks"]),
        "REJECTION_FIELD": "Why not",
        "OUTCOMES": json.dumps(_OUTCOMES),
    }


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


def _odoo_mrp(endpoints: Endpoints) -> dict[str, str]:
    return {
        "URL": str(endpoints["mes_url"]),
        "DATABASE": str(endpoints["mes_database"]),
        "API_KEY": str(endpoints["mes_apikey"]),
    }


def _factorysemantics(endpoints: Endpoints) -> dict[str, str]:
    return {
        "URL": str(endpoints["mes_url"]),
        "USER": str(endpoints["mes_user"]),
        "PASSWORD": str(endpoints["mes_password"]),
        # The sandbox's machines stop while their work order is on hold.
        "ENFORCEMENT": "enforced",
    }


PLANT_CMMS: Final[Mapping[str, Callable[[Endpoints], dict[str, str]]]] = {
    "maximo": _maximo,
    "sap_pm": _sap_pm,
    "atlas": _atlas,
    "odoo": _odoo,
    "maintainx": _maintainx,
}
"""The settings of each connector to a CMMS, from what the sandbox says of its servers."""
PLANT_MES: Final[Mapping[str, Callable[[Endpoints], dict[str, str]]]] = {
    "opcua_job_control": _opcua_job_control,
    "sap_dm": _sap_dm,
    "odoo_mrp": _odoo_mrp,
    "factorysemantics": _factorysemantics,
}
"""Likewise of each connector to an MES."""

USUAL_CMMS: Final = "maximo"
USUAL_MES: Final = "opcua_job_control"


def cmms_variables(cmms: str, endpoints: Endpoints) -> dict[str, str]:
    """The environment variables that name the plant's CMMS.

    Args:
        cmms: a name of `PLANT_CMMS`.
        endpoints: what the sandbox says of its servers.
    """
    return _variables("MILLWRIGHT_CMMS", cmms, PLANT_CMMS[cmms](endpoints))


def mes_variables(mes: str, endpoints: Endpoints) -> dict[str, str]:
    """Likewise those that name its MES, a name of `PLANT_MES`."""
    return _variables("MILLWRIGHT_MES", mes, PLANT_MES[mes](endpoints))


def _variables(port: str, connector: str, own: Mapping[str, str]) -> dict[str, str]:
    return {f"{port}__CONNECTOR": connector, **{f"{port}__{name}": value for name, value in own.items()}}
