"""Which settings steer, what is recorded of them, and how two processes differ."""

import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson
import pytest

import connectors
from domain.errors import Rejected
from domain.processes import ProcessKind
from millwright.settings import Settings
from millwright.steering.declared import DOES_NOT_STEER, STEERS
from millwright.steering.differing import differing_settings
from millwright.steering.values import settings_model, steering_values
from millwright.storage.ledger.settings_taken import TakenSettings, connection_name

WHOLE = {
    "database_url": "postgresql://millwright:hidden@127.0.0.1/plant",
    "head_anchor": "https://anchor.example/keep?code=hidden",
    "cmms": {"connector": "maximo", "url": "https://m.example/maximo/api", "api_key": "hidden"},
    "cmms_instances": {
        "hamburg": {
            "connector": "maximo", "url": "https://h.example/maximo/api", "api_key": "hidden", "sites": ["HH", "HB"],
        },
    },
    "mes": {"connector": "opcua_job_control", "url": "opc.tcp://mes:4840", "user": "u", "password": "hidden"},
    "twins": {"connector": "digital_twins", "endpoint": "https://t.api.weu.digitaltwins.azure.net"},
    "bus": {
        "connector": "service_bus",
        "connection_string": "Endpoint=sb://b;SharedAccessKeyName=a;SharedAccessKey=hidden",
        "entities": [{"queue": "events"}],
    },
}  # fmt: skip
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def connectors_with_settings() -> Iterator[str]:
    """The ids of all connectors: the names of the packages that have settings."""
    for found in pkgutil.walk_packages(connectors.__path__, "connectors."):
        if found.name.endswith(".settings"):
            yield found.name.split(".")[-2]


def every_setting() -> set[str]:
    own = {f"{name}.{field}" for name in connectors_with_settings() for field in settings_model(name).model_fields}
    return set(Settings.model_fields) | own


def changed(**more: object) -> Settings:
    return Settings.model_validate({**WHOLE, **more})


def test_every_setting_steers_or_is_listed_with_the_reason_why_it_does_not() -> None:
    assert sorted([*STEERS, *DOES_NOT_STEER]) == sorted(every_setting())
    assert all(STEERS.values())
    assert all(DOES_NOT_STEER.values())


@pytest.mark.parametrize("process", ProcessKind)
def test_what_is_recorded_is_every_setting_that_steers_the_process_and_no_secret(process: ProcessKind) -> None:
    values = steering_values(changed(), process)
    assert b"hidden" not in orjson.dumps(values)
    steering = {name for name, processes in STEERS.items() if process in processes and "." not in name}
    assert steering - {"cmms", "cmms_instances", "mes", "mes_instances", "twins", "bus"} <= values.keys()
    assert ("cmms.hamburg.url" in values) == (process is ProcessKind.CASES)


def test_of_a_secret_only_that_it_is_set_is_recorded() -> None:
    values = steering_values(changed(), ProcessKind.CASES)
    assert (values["cmms.maximo.api_key"], values["mes.opcua_job_control.password"]) == ("set", "set")
    assert values["head_anchor"] == "set"
    other = changed(head_anchor="https://other.example/keep?code=another")
    assert steering_values(other, ProcessKind.CASES) == values
    assert steering_values(changed(head_anchor=None), ProcessKind.CASES)["head_anchor"] is None


def test_no_secret_is_within_a_setting_that_is_recorded_with_its_value() -> None:
    secrets = {
        name
        for name in STEERS
        if "." in name
        and "SecretStr" in str(settings_model(name.split(".")[0]).model_fields[name.split(".")[1]].annotation)
    }
    assert secrets == {
        "atlas.password",
        "factorysemantics.password",
        "maintainx.api_key",
        "maximo.api_key",
        "odoo.api_key",
        "odoo_mrp.api_key",
        "opcua_job_control.password",
        "packml.password",
        "rest.password",
        "rest.token",
        "sap_dm.client_secret",
        "sap_pm.password",
        "service_bus.connection_string",
    }


def test_what_is_recorded_has_defaults_and_durations_in_iso_8601() -> None:
    values = steering_values(changed(), ProcessKind.CASES)
    assert (values["order_interval"], values["cmms.hamburg.overlap"]) == ("P1D", "PT2M")
    assert values["cmms.hamburg.sites"] == ["HB", "HH"]


def test_the_language_of_orders_steers_the_cases_alone() -> None:
    spanish = changed(cmms={"connector": "maximo", "url": "https://h.example", "api_key": "x", "order_language": "es"})
    values = steering_values(spanish, ProcessKind.CASES)
    assert (values["cmms.maximo.order_language"], values["cmms.hamburg.order_language"]) == ("es", "en")
    assert values["cmms.hamburg.job_plans"] == {}
    assert "cmms.maximo.order_language" not in steering_values(spanish, ProcessKind.API)
    taken_values = [
        TakenSettings(ProcessKind.CASES, steering_values(each, ProcessKind.CASES), NOON)
        for each in (spanish, changed(cmms={"connector": "maximo", "url": "https://h.example", "api_key": "x"}))
    ]
    assert differing_settings(taken_values) == ["cmms.maximo.order_language is es for cases and en for cases"]


def test_a_wrong_setting_of_a_connector_is_a_sentence_without_its_value() -> None:
    wrong = changed(cmms={"connector": "maximo", "url": "hidden", "api_key": "hidden"})
    with pytest.raises(Rejected) as refused:
        steering_values(wrong, ProcessKind.CASES)
    assert refused.value.field == "cmms__url"
    assert "hidden" not in str(refused.value)
    assert steering_values(wrong, ProcessKind.API)["cmms.maximo.connector"] == "maximo"


def test_the_name_of_a_connection_fits_into_what_the_database_shows() -> None:
    name = connection_name(
        {process: steering_values(changed(), process) for process in (ProcessKind.JUDGING, ProcessKind.CASES)}
    )
    assert len(name) <= 63
    assert "hidden" not in name


def taken(process: ProcessKind, **more: object) -> TakenSettings:
    return TakenSettings(process, steering_values(changed(**more), process), NOON)


def test_processes_with_the_same_settings_do_not_differ_though_each_reads_its_own() -> None:
    assert differing_settings([taken(process) for process in ProcessKind]) == []


@pytest.mark.parametrize(
    ("one", "other", "more", "sentences"),
    [
        (
            ProcessKind.CASES,
            ProcessKind.CASES,
            {"hold_interval": "PT1M"},
            ["hold_interval is PT5M for cases and PT1M for cases"],
        ),
        (
            ProcessKind.JUDGING,
            ProcessKind.CASES,
            {"poll_interval": "PT1M"},
            ["poll_interval is PT15M for judging and PT1M for cases"],
        ),
        (ProcessKind.JUDGING, ProcessKind.CASES, {"hold_interval": "PT1M"}, []),
        (
            ProcessKind.CASES,
            ProcessKind.API,
            {"cmms_instances": {}},
            [
                "cmms.hamburg.connector is maximo for cases and None for api",
                "cmms.hamburg.sites is ['HB', 'HH'] for cases and None for api",
            ],
        ),
    ],
)
def test_what_differs_between_two_processes_that_it_steers_is_named(
    one: ProcessKind, other: ProcessKind, more: dict[str, object], sentences: list[str]
) -> None:
    assert differing_settings([taken(one), taken(other, **more)]) == sentences
