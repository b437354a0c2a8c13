"""Secrets: never unencrypted over a network, and never in a message, a log or a repr."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.azure import service_bus
from connectors.cmms import atlas, maintainx, maximo, odoo, sap_pm
from connectors.mes import factorysemantics, odoo_mrp, opcua_job_control, packml, sap_dm
from domain.cmms import OrderQuery
from domain.errors import MillwrightError, Rejected
from millwright.bootstrap import open_systems
from millwright.runtime import logs
from millwright.runtime.home import settings_from
from millwright.settings import Settings
from millwright.storage.database.engine import open_engine, transaction
from millwright.workflow_engine.temporal import engine_client
from tests.support.plant import START, TestClock

NOWHERE = "127.0.0.1:9"
CMMS = {"MILLWRIGHT_CMMS__CONNECTOR": "maximo", "MILLWRIGHT_CMMS__API_KEY": "the-key-of-maximo"}
SECRETS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=8, max_size=24).map(
    "{}7qZ".format
)
"""Hypothesis also draws words of our own modules, so an end is added that no message has by itself."""


def environment(secret: str) -> dict[str, str]:
    """Settings in which every secret is this one, and nothing answers."""
    return {
        "MILLWRIGHT_DATABASE_URL": f"postgresql://role:{quote(secret, safe='')}@{NOWHERE}/plant",
        "MILLWRIGHT_TEMPORAL_API_KEY": secret,
        "MILLWRIGHT_TEMPORAL_TLS": "true",
        "MILLWRIGHT_CMMS__CONNECTOR": "maximo",
        "MILLWRIGHT_CMMS__URL": f"http://{NOWHERE}/maximo/api",
        "MILLWRIGHT_CMMS__API_KEY": f"k{secret}",
        "MILLWRIGHT_MES__CONNECTOR": "opcua_job_control",
        "MILLWRIGHT_MES__URL": f"opc.tcp://{NOWHERE}",
        "MILLWRIGHT_MES__USER": "millwright",
        "MILLWRIGHT_MES__PASSWORD": f"k{secret}",
        "MILLWRIGHT_TWINS__CONNECTOR": "digital_twins",
        "MILLWRIGHT_TWINS__ENDPOINT": f"http://{NOWHERE}",
    }


async def _database(made: Settings) -> None:
    assert made.database_url is not None
    engine = open_engine(made.database_url.get_secret_value())
    try:
        async with transaction(engine):
            pass
    finally:
        await engine.dispose()


async def _engine(made: Settings) -> None:
    async with engine_client(made, NOWHERE):
        pass


async def _maximo(made: Settings) -> None:
    async with open_systems(made, TestClock(START)) as systems:
        await systems.cmms["maximo"].find_work_orders(OrderQuery(key="MWAAAAAAAA"))


async def _mes(made: Settings) -> None:
    async with open_systems(made, TestClock(START)) as systems:
        await systems.mes["opcua_job_control"].read_production("EQ-001")


@pytest.mark.parametrize("connect", [_database, _engine, _maximo, _mes])
@given(secret=SECRETS)
@settings(max_examples=15, deadline=None)
async def test_a_system_that_cannot_be_reached_is_told_without_the_secret(
    connect: Callable[[Settings], Awaitable[None]], secret: str
) -> None:
    made = settings_from(environment(secret))
    with pytest.raises(MillwrightError) as failed:
        await connect(made)
    record = logging.LogRecord("millwright", logging.ERROR, "", 0, "%s", (failed.value,), None)
    shown = [
        repr(made),
        str(made),
        str(failed.value),
        repr(failed.value),
        logs.Masking(logs.PlainText(), ()).format(record),
        "".join(traceback.format_exception_only(failed.value)),
    ]
    assert [text for text in shown if secret in text or quote(secret, safe="") in text] == []


@given(secret=SECRETS)
@settings(max_examples=50, deadline=None)
def test_a_wrong_setting_is_told_without_any_secret(secret: str) -> None:
    for name, wrong in (("MILLWRIGHT_POLL_INTERVAL", "soon"), ("MILLWRIGHT_API_PORT", f"k{secret}")):
        with pytest.raises(Rejected) as refused:
            settings_from({**environment(secret), name: wrong})
        told = "".join(traceback.format_exception(refused.value))
        assert secret not in str(refused.value)
        assert f"k{secret}" not in told


@given(secret=SECRETS, instance=st.sampled_from(["CMMS_INSTANCES__NORTH", "MES_INSTANCES__NORTH"]))
@settings(max_examples=25, deadline=None)
def test_the_secrets_of_every_instance_are_masked_in_the_log(secret: str, instance: str) -> None:
    made = settings_from(
        {f"MILLWRIGHT_{instance}__CONNECTOR": "maximo", f"MILLWRIGHT_{instance}__API_KEY": f"k{secret}"}
    )
    assert f"k{secret}" in logs.secrets(made)


@pytest.mark.parametrize("password", ["alpha@omega", "alpha/omega", "alpha:omega", "alpha?omega", "alpha#omega"])
def test_a_password_that_is_not_escaped_is_refused_and_no_part_of_it_is_told(password: str) -> None:
    with pytest.raises(Rejected, match="write @ as %40") as refused:
        settings_from({"MILLWRIGHT_DATABASE_URL": f"postgresql://role:{password}@db.test:5432/plant"})
    assert refused.value.field == "database_url"
    told = "".join(traceback.format_exception(refused.value))
    assert ("alpha" in told, "omega" in told) == (False, False)


def test_a_password_that_is_escaped_is_taken() -> None:
    for url in ("postgresql://role:first%40second@db:5432/plant", "postgresql://db/plant?options=-csearch_path%3Dtwin"):
        assert settings_from({"MILLWRIGHT_DATABASE_URL": url}).database_url is not None


def test_the_url_of_the_anchor_is_told_nowhere() -> None:
    made = settings_from({"MILLWRIGHT_HEAD_ANCHOR": "https://anchor.test/heads?sig=a-secret"})
    assert "a-secret" not in repr(made)
    assert "https://anchor.test/heads?sig=a-secret" in logs.secrets(made)


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"MILLWRIGHT_HEAD_ANCHOR": "http://anchor.plant.test/heads"}, "head_anchor"),
        ({**CMMS, "MILLWRIGHT_CMMS__URL": "http://maximo.plant.test/maximo/api"}, "cmms__url"),
        ({**CMMS, "MILLWRIGHT_CMMS__URL": "http://10.1.2.3/maximo/api"}, "cmms__url"),
        ({**CMMS, "MILLWRIGHT_CMMS__URL": "http://localhost.evil.test/maximo/api"}, "cmms__url"),
        ({**CMMS, "MILLWRIGHT_CMMS__URL": "https://role:word@maximo.plant.test/maximo/api"}, "cmms__url"),
    ],
)
async def test_a_secret_is_not_sent_over_plain_http(variables: dict[str, str], field: str) -> None:
    with pytest.raises(Rejected) as refused:
        async with open_systems(settings_from(variables), TestClock(START)):
            pass
    assert (refused.value.field, refused.value.fix) == (field, f"set MILLWRIGHT_{field.upper()}")
    assert "the-key-of-maximo" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_the_sandbox_on_this_machine_needs_no_encryption(host: str) -> None:
    made = maximo.MaximoSettings.model_validate({"url": f"http://{host}:9000/maximo/api", "api_key": "sandbox"})
    assert made.url.startswith("http://")


def test_a_bus_without_tls_is_on_this_machine_only() -> None:
    def bus(host: str) -> dict[str, object]:
        key = "SharedAccessKeyName=a;SharedAccessKey=the-key-of-the-bus;UseDevelopmentEmulator=true"
        return {"connection_string": f"Endpoint=sb://{host};{key}", "entities": [{"queue": "q"}]}

    service_bus.ServiceBusSettings.model_validate(bus("127.0.0.1:5672"))
    with pytest.raises(ValueError, match="connects without TLS") as refused:
        service_bus.ServiceBusSettings.model_validate(bus("bus.plant.test"))
    assert "the-key-of-the-bus" not in str(refused.value)


def test_a_connector_that_is_given_wrong_settings_tells_none_of_them() -> None:
    for model in (
        maximo.MaximoSettings,
        odoo.OdooMaintenanceSettings,
        sap_pm.SapPmSettings,
        atlas.AtlasSettings,
        maintainx.MaintainXSettings,
        opcua_job_control.JobControlSettings,
        odoo_mrp.OdooSettings,
        sap_dm.SapDmSettings,
        factorysemantics.FactorySemanticsSettings,
        packml.PackMlSettings,
    ):
        with pytest.raises(ValueError, match="validation error") as refused:
            model.model_validate({"url": "ftp://role:word-of-mouth@host", "password": {"word-of-mouth": 1}})
        assert "word-of-mouth" not in str(refused.value)
