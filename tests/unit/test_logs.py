"""Logging: plain or JSON, never with a secret in it."""

import json
import logging
from collections.abc import Iterator

import pytest

from millwright.runtime.logs import MASK, QUIETED, configure, secrets
from millwright.settings import CmmsSettings, ConnectorSettings, MesSettings, Settings
from tests.support.logging_as_found import logging_as_found

log = logging.getLogger("millwright.test")


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    with logging_as_found():
        yield


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


def _fail(words: str) -> None:
    raise ValueError(words)


def test_a_line_says_when_how_grave_where_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings())
    log.info("%d events", 3)
    time, rest = capsys.readouterr().err.split(" ", 1)
    assert time.endswith("Z")
    assert rest == "info millwright.test: 3 events\n"


def test_json_lines_are_one_object_each_with_the_traceback_inside(capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings(log="json"))
    try:
        _fail("two\nlines")
    except ValueError:
        log.exception("it failed")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == ("error", "millwright.test", "it failed")
    assert "ValueError: two\nlines" in told["error"]


@pytest.mark.parametrize("shape", ["text", "json"])
def test_no_secret_is_written_in_message_argument_or_traceback(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    bus = "Endpoint=sb://plant.example;SharedAccessKeyName=mine;SharedAccessKey=c2VjcmV0LWtleQ==;EntityPath=t"
    known = settings(
        log=shape,
        database_url="postgresql://millwright:p%40ssw0rd@db.example/plant",
        temporal_api_key="engine-key-1",
        cmms=CmmsSettings.model_validate(
            {"connector": "maximo", "url": "https://cmms.example", "api_key": "cmms-key-1"}
        ),
        mes=MesSettings.model_validate({"connector": "opcua", "sign_in": {"password": "mes-word-1"}}),
        bus=ConnectorSettings.model_validate({"connector": "service_bus", "connection_string": bus}),
    )
    configure(known)
    words = ("engine-key-1", "cmms-key-1", "mes-word-1", "c2VjcmV0LWtleQ==", "p%40ssw0rd", "p@ssw0rd", bus)
    try:
        _fail(f"refused cmms-key-1 by {bus}")
    except ValueError:
        log.exception("sent %s to https://cmms.example", " and ".join(words))
    written = capsys.readouterr().err
    assert MASK in written
    assert "https://cmms.example" in written
    assert [word for word in words if word in written] == []


def test_short_values_are_no_secrets() -> None:
    cmms = CmmsSettings.model_validate({"connector": "maximo", "key": "a", "token": "long-enough"})
    assert secrets(settings(cmms=cmms)) == ["long-enough"]


def test_configuring_again_replaces_what_it_did_before(capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings())
    configure(settings())
    log.warning("once")
    assert capsys.readouterr().err.count("once") == 1


@pytest.mark.parametrize("name", QUIETED)
def test_libraries_are_quiet_below_a_warning(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings())
    library = logging.getLogger(f"{name}.part")
    library.info("business as usual")
    library.setLevel(logging.DEBUG)
    library.info("business as usual, and it insists")
    assert capsys.readouterr().err == ""
