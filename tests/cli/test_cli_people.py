"""`people` as administrators and other persons meet it, with an API that runs."""

import asyncio
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from millwright.api.running import run_api
from millwright.bootstrap import open_storage
from millwright.people.persons import signing_key
from millwright.runtime.home import load_settings
from millwright.settings import Settings
from tests.cli.conftest import Millwright

SECRET: Final = "a passphrase of these tests"
VERIFIED: Final = ("--identity-verified-by", "passport, seen by Iris")
PATIENCE: Final = 30


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    async with open_storage(settings) as storage:
        await run_api(settings, storage, stop, None)


@pytest.fixture
def api(millwright: Millwright, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Millwright]:
    """The command line beside an API, with the passphrase in a file."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("MILLWRIGHT_API_PORT", str(port))
    (tmp_path / "passphrase").write_text(f"{SECRET}\n")
    monkeypatch.setenv("MILLWRIGHT_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    loop, stop, listening = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    settings = load_settings(millwright.home)

    async def serve() -> None:
        served = asyncio.create_task(_serve(settings, stop))
        async with asyncio.timeout(PATIENCE):
            while not (millwright.home / "api.json").exists():  # noqa: ASYNC110 another thread waits for the file
                await asyncio.sleep(0.01)
        listening.set()
        await served

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert listening.wait(PATIENCE)
    yield millwright
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE)
    loop.close()


def first(api: Millwright) -> str:
    """Iris is the first administrator; gives her API key."""
    code = api.json("people", "first", "iris", "--name", "Iris Holm")["code"]
    return str(api.json("people", "enrol", "iris", "--code", code)["api_key"])


def test_from_the_first_administrator_to_a_person_who_signs(api: Millwright) -> None:
    key = first(api)
    anna = api.json("people", "add", "anna", "--name", "Anna Berg", "--role", "approver", *VERIFIED, "--key", key)
    assert (anna["waits"], anna["roles"]) == (False, ["approver"])
    enrolled = api.json("people", "enrol", "anna", "--code", anna["code"])
    file = Path(enrolled["signing_key_file"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"ENCRYPTED PRIVATE KEY" in file.read_bytes()
    assert signing_key(file, lambda: SECRET)
    listed = api.json("people", "list", "--key", enrolled["api_key"])
    assert listed["you"] == "anna"
    assert [(row["id"], row["printed_name"]) for row in listed["people"]] == [
        ("anna", "Anna Berg"),
        ("iris", "Iris Holm"),
    ]
    assert "role administrator" in api.refuses("people", "end-keys", "iris", "--key", enrolled["api_key"])
    assert "roles" in api.says("people", "list", "--key", key)
    assert "has no permissions" in api.says("people", "leave", "anna", "--key", key)
    assert api.json("audit", "verify")["findings"] == []


def test_one_person_with_a_database_adds_no_approver_beside_the_administrators(api: Millwright) -> None:
    first(api)
    assert "is or was an administrator" in api.refuses("people", "first", "mallory", "--name", "Mallory")
    asked = ("people", "add", "mallory", "--name", "Mallory", "--role", "approver", *VERIFIED)
    assert "no API key is given" in api.refuses(*asked)
    assert "nobody has this API key" in api.refuses(*asked, "--key", "guessed")


def test_a_second_administrator_confirms_who_may_act(api: Millwright) -> None:
    iris = first(api)
    berta = ("people", "add", "berta", "--name", "Berta Roth", "--role", "administrator", *VERIFIED, "--key", iris)
    berta_key = api.json("people", "enrol", "berta", "--code", api.json(*berta)["code"])["api_key"]
    anna = api.json("people", "add", "anna", "--name", "Anna Berg", "--role", "planner", *VERIFIED, "--key", iris)
    assert anna["waits"]
    assert "no such code" in api.refuses("people", "enrol", "anna", "--code", anna["code"])
    assert not list((api.home / "people").glob("*anna*"))
    assert "has its effect" in api.says("people", "confirm", "anna", "--yes", "--key", berta_key)
    assert api.json("people", "enrol", "anna", "--code", anna["code"])["api_key"]


def test_a_lost_answer_leaves_a_key_that_enrols_again(api: Millwright, monkeypatch: pytest.MonkeyPatch) -> None:
    code = api.json("people", "first", "iris", "--name", "Iris Holm")["code"]
    with monkeypatch.context() as cut:
        cut.setenv("MILLWRIGHT_API_URL", "http://127.0.0.1:9")
        assert "does not answer" in api.refuses("people", "enrol", "iris", "--code", code)
    assert [file.name for file in (api.home / "people").iterdir()] == [".iris.key.new"]
    assert api.json("people", "enrol", "iris", "--code", code)["api_key"]
    assert [file.name for file in (api.home / "people").iterdir()] == ["iris.key"]


@pytest.mark.parametrize("person", ["../iris", "a/b", "/etc/x"])
def test_no_key_is_written_outside_its_folder(api: Millwright, person: str) -> None:
    assert "is no id of a person" in api.refuses("people", "enrol", person, "--code", "x")
    assert not (api.home / "people").exists()


def test_no_key_is_sent_over_a_network_without_tls(api: Millwright, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLWRIGHT_API_URL", "http://millwright.example")
    assert "not sent over plain http" in api.refuses("people", "list", "--key", "secret")
    assert "not sent over plain http" in api.refuses("people", "enrol", "iris", "--code", "secret")


def test_a_short_passphrase_is_refused_and_writes_nothing(api: Millwright, tmp_path: Path) -> None:
    code = api.json("people", "first", "iris", "--name", "Iris Holm")["code"]
    (tmp_path / "passphrase").write_text("short")
    assert "is too short" in api.refuses("people", "enrol", "iris", "--code", code)
    assert not (api.home / "people").exists()
