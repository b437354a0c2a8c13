"""The settings of an MES that stands apart: what each zone needs, and what it must not have."""

from pathlib import Path

import pytest

from domain.errors import Rejected
from domain.processes import ProcessKind
from millwright.plant_zone.connecting import connected_mes, open_mes
from millwright.runtime.home import settings_from
from millwright.steering.values import steering_values
from tests.support.plant import START, TestClock
from tests.support.plant_zone import write_keys

APART = {
    "MILLWRIGHT_MES_INSTANCES__HALL3__CONNECTOR": "opcua_job_control",
    "MILLWRIGHT_MES_INSTANCES__HALL3__APART": "true",
}
URL = {"MILLWRIGHT_MES_INSTANCES__HALL3__URL": "opc.tcp://127.0.0.1:9"}
ENGINE = {"MILLWRIGHT_TEMPORAL_ADDRESS": "127.0.0.1:9"}


async def opened(variables: dict[str, str]) -> set[str]:
    async with open_mes(settings_from(variables), TestClock(START)) as mes:
        return set(mes)


async def test_the_central_zone_needs_the_engine_and_the_key_and_nothing_of_the_mes(tmp_path: Path) -> None:
    keys = {"MILLWRIGHT_MES_INSTANCES__HALL3__PAYLOAD_KEYS": str(write_keys(tmp_path))}
    assert await opened({**APART, **ENGINE, **keys}) == {"hall3"}


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({**APART, **ENGINE}, "mes_instances__hall3__payload_keys"),
        ({**APART}, "temporal_address"),
        ({**APART, **ENGINE, **URL}, "mes_instances__hall3__url"),
    ],
    ids=["no key", "no engine", "a setting of the MES"],
)
async def test_the_central_zone_is_refused_without_what_it_needs_and_with_what_it_must_not_have(
    variables: dict[str, str], field: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await opened(variables)
    assert refused.value.field == field
    assert f"MILLWRIGHT_{field.upper()}" in (refused.value.fix or "")


async def test_the_worker_in_the_plant_zone_takes_the_settings_of_its_instance_and_of_no_other() -> None:
    settings = settings_from({**APART, **URL})
    async with connected_mes(settings, "hall3", TestClock(START)) as mes:
        assert mes.enforcement.value == "enforced"
    with pytest.raises(Rejected, match="no MES instance hall4 is named"):
        async with connected_mes(settings, "hall4", TestClock(START)):
            pass


def test_of_an_mes_that_stands_apart_it_is_recorded_that_it_does() -> None:
    values = steering_values(settings_from(APART), ProcessKind.CASES)
    assert {name: value for name, value in values.items() if name.startswith("mes.")} == {
        "mes.hall3.apart": True,
        "mes.hall3.connector": "opcua_job_control",
        "mes.hall3.sites": [],
    }
    with pytest.raises(Rejected, match="only, because the MES stands apart"):
        steering_values(settings_from({**APART, **URL}), ProcessKind.CASES)


def test_no_other_system_stands_apart() -> None:
    variables = {"MILLWRIGHT_CMMS__CONNECTOR": "maximo", "MILLWRIGHT_CMMS__APART": "true"}
    cmms = settings_from(variables).cmms
    assert cmms is not None
    assert cmms.own() == {"apart": "true"}
