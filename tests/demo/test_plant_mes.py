"""The settings of the connector to each MES that the sandbox plant can have."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from millwright.cli.plant import Mes
from millwright.demo.installation import _SECRET
from millwright.demo.plant_mes import PLANT_MES, USUAL, mes_variables
from millwright.steering.values import PORTS, settings_model
from sandbox import mes

ENDPOINTS = {
    "mes_url": "http://127.0.0.1:1",
    "mes_token_url": "http://127.0.0.1:1/oauth/token",
    "mes_client_id": "id",
    "mes_client_secret": "secret",
    "mes_plant": "P1",
}


def test_the_sandbox_has_a_server_for_each_and_there_is_a_connector_to_each() -> None:
    assert tuple(PLANT_MES) == mes.NAMES
    assert set(PLANT_MES) <= set(PORTS["mes"][1])
    assert USUAL == mes.OPCUA_JOB_CONTROL


@pytest.mark.parametrize("name", PLANT_MES)
def test_its_settings_are_taken_and_no_secret_of_them_is_written_to_the_environment(name: str) -> None:
    endpoints = ENDPOINTS | ({"mes_url": "opc.tcp://127.0.0.1:1"} if name == USUAL else {})
    variables = mes_variables(name, endpoints)
    assert variables.pop("MILLWRIGHT_MES__CONNECTOR") == name
    own = {variable.removeprefix("MILLWRIGHT_MES__").lower(): value for variable, value in variables.items()}
    settings = settings_model(name).model_validate(own)
    secrets = {
        f"MILLWRIGHT_MES__{setting.upper()}" for setting in own if isinstance(getattr(settings, setting), SecretStr)
    }
    assert secrets <= set(_SECRET)


def test_every_name_is_told_by_the_command_and_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    told = str(Mes.__metadata__[0].help)  # type: ignore[attr-defined]
    (line,) = re.findall(r"names the plant's MES by its connector:\n(.*?);", page)
    assert [name for name in PLANT_MES if name not in told or f"`{name}`" not in line] == []
