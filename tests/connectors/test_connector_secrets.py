"""The secrets of every connector: in no repr, message, log or address, in whichever form they are sent."""

import logging
import traceback
from pathlib import Path

import httpx
import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from connectors.manifest import connector_folders, load_manifest
from domain.errors import ConnectorError
from millwright.connector_trial.secret_forms import forms_of
from millwright.runtime.setting_files import SecretInFile
from millwright.steering.values import settings_model
from tests.support.http_connectors import WAYS_IN, Vendor, WayIn

EACH_WAY = pytest.mark.parametrize("way", WAYS_IN, ids=lambda way: way.name)
SECRET = "Mallow-Copper-0417"
ELSEWHERE = {
    ("opcua_job_control", "password"): "tests/contract/test_mes_contract.py",
    ("packml", "password"): "tests/contract/test_mes_contract.py",
    ("service_bus", "connection_string"): "tests/connectors/test_service_bus_faults.py",
}
"""Secrets of connectors that do not speak HTTP, each with the tests that look for it."""


def every_secret() -> set[tuple[str, str]]:
    """The settings that are secret, by connector: those that a manifest calls so, and those that a model hides."""
    declared = {
        (folder.name, setting.name)
        for folder in connector_folders()
        for setting in load_manifest(folder).settings
        if setting.secret
    }
    hidden = {
        (folder.name, name)
        for folder in connector_folders()
        for name, field in settings_model(folder.name).model_fields.items()
        if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    }
    assert declared == hidden
    return declared


def test_every_setting_that_is_secret_is_looked_for() -> None:
    ways = {(way.connector, way.secret) for way in WAYS_IN}
    assert every_secret() == ways | set(ELSEWHERE)
    assert all((Path(__file__).parents[2] / file).is_file() for file in ELSEWHERE.values())


@EACH_WAY
def test_the_settings_show_no_secret(way: WayIn, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    for secret in (SECRET, SecretInFile(file, "THE_SECRET_FILE")):
        made: BaseModel = way.settings(secret)
        dumped = made.model_dump()
        shown = f"{made!r} {made} {dumped!r} {made.model_dump_json()} {getattr(made, way.secret)!r} {vars(made)!r}"
        assert SECRET not in shown
        assert getattr(made, way.secret).get_secret_value() == SECRET


@EACH_WAY
def test_settings_that_are_refused_are_told_without_the_secret(way: WayIn) -> None:
    with pytest.raises(ValidationError) as refused:
        way.settings(SECRET, timeout="soon", no_such_setting=SECRET)
    assert SECRET not in str(refused.value)


@EACH_WAY
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
async def test_no_error_and_no_log_line_has_a_secret_though_the_vendor_repeats_it(
    way: WayIn, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        usual = vendor(request)
        if usual.status_code == httpx.codes.OK:
            return usual
        words = f"{dict(request.headers)} {request.content.decode()} {SECRET}"
        return httpx.Response(status, json={"message": words, "error": "invalid_client", "error_description": words})

    caplog.set_level(logging.DEBUG)
    vendor = Vendor(right=SECRET, ended=way.ended)
    addresses: list[str] = []

    async def noted(request: httpx.Request) -> None:
        addresses.append(str(request.url))

    http = httpx.AsyncClient(transport=httpx.MockTransport(echo), event_hooks={"request": [noted]})
    with pytest.raises(ConnectorError) as failed:
        await way.connected(http, SECRET).check()
    told = [
        str(failed.value),
        repr(failed.value),
        str(vars(failed.value)),
        "".join(traceback.format_exception(failed.value)),
        caplog.text,
        *addresses,
    ]
    assert [form for form in forms_of([SECRET, *vendor.tokens]) for text in told if form in text] == []
