"""A job list is decoded only if it has changed."""

from typing import Any

import pytest

from connectors.mes.opcua_job_control import list_reading
from domain.production import HoldMethod, PlaceResult
from tests.contract.conftest import JobControlPlant

KEY = "MWABCDEFGH"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The receivers whose lists were decoded."""
    names: list[str] = []
    decode = list_reading._decoded

    async def noted(results: Any, name: str, receiver: Any) -> Any:
        names.append(name)
        return await decode(results, name, receiver)

    monkeypatch.setattr(list_reading, "_decoded", noted)
    return names


async def test_a_list_that_did_not_change_is_not_decoded_again(mes_plant: JobControlPlant, decoded: list[str]) -> None:
    mes = mes_plant.connector()
    first = await mes.plan_hold(mes_plant.equipment, KEY)
    for _ in range(3):
        assert await mes.plan_hold(mes_plant.equipment, KEY) == first
    assert len(decoded) == 1


async def test_a_list_that_changed_is_decoded_again_and_says_so(mes_plant: JobControlPlant, decoded: list[str]) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, KEY)
    assert await mes.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT
    seen = len(decoded)
    assert seen > 1
    assert (await mes.plan_hold(mes_plant.equipment, KEY)).method is HoldMethod.ALREADY_HELD
    assert len(decoded) == seen


async def test_another_connection_decodes_for_itself(mes_plant: JobControlPlant, decoded: list[str]) -> None:
    for mes in (mes_plant.connector(), mes_plant.connector()):
        await mes.plan_hold(mes_plant.equipment, KEY)
    assert len(decoded) == 2
