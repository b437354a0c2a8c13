"""The settings of the connector to each CMMS and MES that the sandbox plant can have."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr

from millwright.cli.plant import Cmms, Mes
from millwright.demo.installation import _SECRET
from millwright.demo.plant_systems import (
    PLANT_CMMS,
    PLANT_MES,
    USUAL_CMMS,
    USUAL_MES,
    cmms_variables,
    mes_variables,
)
from millwright.steering.values import PORTS, settings_model
from sandbox import cmms, mes
from sandbox.plant.findings import NOTHING_FOUND, REPAIRED_IN_TIME, TRADES
from sandbox.sap_pm.screen import CODES

ENDPOINTS = {
    "cmms_url": "http://127.0.0.1:1",
    "cmms_apikey": "key",
    "cmms_user": "MILLWRIGHT",
    "cmms_email": "millwright@plant.local",
    "cmms_password": "password",
    "cmms_database": "plant",
    "mes_url": "http://127.0.0.1:1",
    "mes_token_url": "http://127.0.0.1:1/oauth/token",
    "mes_client_id": "id",
    "mes_client_secret": "secret",
    "mes_plant": "P1",
    "mes_database": "plant",
    "mes_apikey": "key",
    "mes_user": "MILLWRIGHT",
    "mes_password": "password",
}


def test_the_sandbox_has_a_server_for_each_and_there_is_a_connector_to_each() -> None:
    assert (tuple(PLANT_CMMS), tuple(PLANT_MES)) == (cmms.NAMES, mes.NAMES)
    assert set(PLANT_CMMS) <= set(PORTS["cmms"][1])
    assert set(PLANT_MES) <= set(PORTS["mes"][1])
    assert (USUAL_CMMS, USUAL_MES) == (cmms.MAXIMO, mes.OPCUA_JOB_CONTROL)


@pytest.mark.parametrize(
    ("port", "name"), [*(("CMMS", name) for name in PLANT_CMMS), *(("MES", name) for name in PLANT_MES)]
)
def test_its_settings_are_taken_and_no_secret_of_them_is_written_to_the_environment(port: str, name: str) -> None:
    endpoints = ENDPOINTS | ({"mes_url": "opc.tcp://127.0.0.1:1"} if name == USUAL_MES else {})
    variables = (cmms_variables if port == "CMMS" else mes_variables)(name, endpoints)
    prefix = f"MILLWRIGHT_{port}__"
    assert variables.pop(f"{prefix}CONNECTOR") == name
    own = {variable.removeprefix(prefix).lower(): value for variable, value in variables.items()}
    given = {setting: json.loads(value) if value[0] in "{[" else value for setting, value in own.items()}
    settings = settings_model(name).model_validate(given)
    secrets = {f"{prefix}{setting.upper()}" for setting in own if isinstance(getattr(settings, setting), SecretStr)}
    assert secrets <= set(_SECRET)


def test_every_finding_of_the_plants_technicians_has_a_meaning_in_saps_codes() -> None:
    table = json.loads(cmms_variables("sap_pm", ENDPOINTS)["MILLWRIGHT_CMMS__OUTCOMES"])
    for trade in TRADES.values():
        group = trade.failure_class
        assert table["damage"][f"{group}/{CODES[trade.problem]}"] == "confirmed"
        assert table["damage"][f"{group}/{CODES[NOTHING_FOUND[0]]}"] == "nothing_found"
        assert table["activity"][f"{group}/{CODES[REPAIRED_IN_TIME]}"] == "prevented"


def test_every_name_is_told_by_the_command_and_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    for port, option, known in (("CMMS", Cmms, PLANT_CMMS), ("MES", Mes, PLANT_MES)):
        told = str(get_args(option)[1].help)
        (line,) = re.findall(rf"names the plant's {port} by its connector:\n(.*?)[;.]", page)
        assert [name for name in known if name not in told or f"`{name}`" not in line] == []
