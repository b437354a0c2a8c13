"""Several CMMS and MES in one installation: which one serves a site, and what settings say of that cannot be true."""

import os
from datetime import timedelta

import pytest

from activities.progress import CaseRef
from activities.routes import Routes
from domain.cases import CaseView
from domain.errors import Rejected
from domain.verdict import Rung
from millwright.runtime.home import settings_from
from millwright.runtime.plant_instances import plant_instances
from tests.support.fault_injected_cmms import FaultInjectedCmms
from tests.support.fault_injection import Played
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"


@pytest.fixture(autouse=True)
def _two_cmms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLWRIGHT_CMMS__CONNECTOR", "maximo")
    monkeypatch.setenv("MILLWRIGHT_CMMS_INSTANCES__HAMBURG__CONNECTOR", "maximo")
    monkeypatch.setenv("MILLWRIGHT_CMMS_INSTANCES__HAMBURG__URL", "https://hamburg.example/maximo/api")
    monkeypatch.setenv("MILLWRIGHT_CMMS_INSTANCES__HAMBURG__SITES", '["HH", "HB"]')


def test_a_site_is_served_by_the_instance_that_names_it_and_any_other_one_by_the_first() -> None:
    settings = settings_from(os.environ)
    serving = plant_instances(settings).cmms.serving
    assert [serving(site) for site in ("HH", "HB", "BEDFORD", None)] == ["hamburg", "hamburg", "maximo", "maximo"]
    assert settings.all_cmms()["hamburg"].own() == {"url": "https://hamburg.example/maximo/api"}
    assert plant_instances(settings).mes.serving("HH") is None


@pytest.mark.parametrize("instance", ["CMMS", "CMMS_INSTANCES__HAMBURG"])
@pytest.mark.parametrize("password", ["12345678", "0012", "1e5", "true", "null", "007.50", '"quoted"'])
def test_a_setting_of_a_connector_stays_a_text(instance: str, password: str) -> None:
    given = {
        f"MILLWRIGHT_{instance}__{name}": value for name, value in {"CONNECTOR": "maximo", "API_KEY": password}.items()
    }
    (settings,) = settings_from(given).all_cmms().values()
    assert settings.own() == {"api_key": password}


@pytest.mark.parametrize(
    ("sites", "words"),
    [("[]", "only one instance may name no sites"), ('["HH"]', "HH is among the sites of more than one")],
)
def test_two_instances_for_one_site_are_refused(monkeypatch: pytest.MonkeyPatch, sites: str, words: str) -> None:
    monkeypatch.setenv("MILLWRIGHT_CMMS_INSTANCES__BREMEN__CONNECTOR", "maximo")
    monkeypatch.setenv("MILLWRIGHT_CMMS_INSTANCES__BREMEN__SITES", sites)
    with pytest.raises(Rejected, match=words):
        settings_from(os.environ)


def opened(**changes: object) -> tuple[SagaPlant, FaultInjectedCmms]:
    """A case, and a second CMMS beside the first."""
    plant = SagaPlant(timedelta(0))
    hamburg = FaultInjectedCmms(plant.clock)
    plant.cmms_by_id["hamburg"] = hamburg
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER).model_copy(update=changes))
    return plant, hamburg


def settle(plant: SagaPlant) -> CaseView:
    for _ in range(3):
        plant.dispatch()
        for _ in range(60):
            plant.workflows[CASE].played.play()
    return plant.store.now(CASE)


def test_an_order_goes_to_the_instance_of_its_site_and_to_no_other() -> None:
    plant, hamburg = opened(cmms_system="hamburg")
    settle(plant)
    assert (hamburg.made, plant.cmms.made) == ([CASE], [])


def test_where_no_instance_serves_a_site_a_person_is_told() -> None:
    plant, hamburg = opened(cmms_system=None)
    assert "no CMMS instance serves site" in str(settle(plant).waiting_for)
    assert (hamburg.made, plant.cmms.made) == ([], [])


def test_an_order_in_an_instance_that_is_named_no_more_waits_for_a_person() -> None:
    plant, _ = opened(cmms_system="bremen")
    assert "this installation names no CMMS instance bremen any more" in str(settle(plant).waiting_for)


@pytest.mark.parametrize(("system", "queue"), [("hamburg", "hamburg"), ("fake", "fake"), (None, "fake")])
def test_calls_wait_in_the_queue_of_their_instance(system: str | None, queue: str) -> None:
    plant, _ = opened(cmms_system=system)
    routing = Played(Routes(plant.store, ["fake", "hamburg"], ["fake"]).route_case(CaseRef(case=CASE)))
    while not routing.ended:
        routing.play()
    assert routing.result is not None
    assert routing.result.cmms == queue
