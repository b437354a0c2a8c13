"""A job list is decoded off the event loop, and only if it has changed."""

import threading
from typing import Any

import pytest

from connectors.mes.opcua_job_control import list_reading
from domain.production import HoldMethod, PlaceResult
from tests.contract.conftest import JobControlPlant

KEY = "MWABCDEFGH"


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads in which lists were decoded."""
    threads: list[int] = []
    decode = list_reading._decoded

    def decoded(*arguments: Any) -> Any:
        threads.append(threading.get_ident())
        return decode(*arguments)

    monkeypatch.setattr(list_reading, "_decoded", decoded)
    return threads


async def test_a_list_that_did_not_change_is_not_decoded_again(mes_plant: JobControlPlant, decoding: list[int]) -> None:
    mes = mes_plant.connector()
    first = await mes.plan_hold(mes_plant.equipment, KEY)
    for _ in range(3):
        assert await mes.plan_hold(mes_plant.equipment, KEY) == first
    assert len(decoding) == 1
    assert threading.get_ident() not in decoding


async def test_a_list_that_changed_is_decoded_again_and_says_so(
    mes_plant: JobControlPlant, decoding: list[int]
) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, KEY)
    assert await mes.place_hold(plan, "bearing") is PlaceResult.IN_EFFECT
    seen = len(decoding)
    assert seen > 1
    assert (await mes.plan_hold(mes_plant.equipment, KEY)).method is HoldMethod.ALREADY_HELD
    assert len(decoding) == seen


async def test_another_connection_decodes_for_itself(mes_plant: JobControlPlant, decoding: list[int]) -> None:
    for mes in (mes_plant.connector(), mes_plant.connector()):
        await mes.plan_hold(mes_plant.equipment, KEY)
    assert len(decoding) == 2
