"""`installation-key` as an administrator and whoever runs the API's host meet it."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.canonical import sha256
from domain.clock import WallClock
from domain.installation_keys import CONFIRM, END
from millwright.runtime.installation_key import InstallationKey
from millwright.storage.policies.installation_keys import InstallationKeyStore
from tests.cli.conftest import Millwright, on_plant
from tests.support.installation_keys import attesting, signs_key, with_key
from tests.support.judged_plant import Plant
from tests.support.people import join


def confirming(public_key: str, file: Path) -> Callable[[Plant], Coroutine[Any, Any, None]]:
    """Lets the other administrator confirm what waits."""

    async def confirm(plant: Plant) -> None:
        own = with_key(plant.engine, InstallationKey(file))
        waiting = (await InstallationKeyStore(own).condition()).waiting
        assert waiting is not None
        await signs_key(own, CONFIRM, public_key, WallClock().now(), confirms=sha256(waiting.encode()))

    return confirm


def doctor(millwright: Millwright) -> tuple[bool, str]:
    """What the doctor says of attestation."""
    parts = {check["part"]: check for check in orjson.loads(millwright("doctor", "--json").stdout)}
    found = parts["attestation"]
    return found["ok"], found["sentence"].removeprefix("installation_key: ")


def test_from_a_new_key_to_an_attested_decision(
    played: Millwright, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert played.api is not None
    assert "set MILLWRIGHT_INSTALLATION_KEY" in played.refuses("installation-key", "create")
    file = tmp_path / "installation.key"
    monkeypatch.setenv("MILLWRIGHT_INSTALLATION_KEY", str(file))
    public_key = played.json("installation-key", "create")["public_key"]
    planner, by = join(played.home, "paul", "planner"), ("--key", join(played.home, "iris", "administrator"))
    played.api.start()
    assert "none, so acts of people are not attested" in played.says("installation-key", "show", *by)
    assert played.json("installation-key", "show", *by)["held"] == [public_key]
    assert "waits until another administrator" in played.says("installation-key", "register", public_key, *by)
    assert "For a second administrator" in played.says("installation-key", "show", *by)
    on_plant(database_url, confirming(public_key, file))
    assert doctor(played)[0]

    (case,) = [row["id"] for row in played.json("case", "list")]
    played.says("case", "decide", case, "--approve", "--reason", "seen it", "--key", planner)
    assert played.json("audit", "verify")["findings"] == []
    assert "no installation key was in force" not in played.says("audit", "verify")

    async def end(plant: Plant) -> None:
        assert not await signs_key(plant.engine, END, public_key, WallClock().now())

    on_plant(database_url, end)
    assert "It has its effect now" in played.says("installation-key", "confirm", "--yes", *by)
    assert "nothing waits" in played.refuses("installation-key", "confirm", *by)
    assert "waits until" not in played.says("installation-key", "show", *by)
    assert doctor(played)[1].startswith("acts of people are not attested")
    assert "is not the key in force" in played.refuses("installation-key", "end", public_key, *by)


def test_the_doctor_says_when_this_host_has_another_key(
    played: Millwright, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_plant(database_url, lambda plant: _registered(plant, tmp_path))
    assert "only an API that has it takes what people do" in doctor(played)[1]
    monkeypatch.setenv("MILLWRIGHT_INSTALLATION_KEY", str(tmp_path / "other.key"))
    assert doctor(played) == (False, f"{tmp_path / 'other.key'} is not there")
    played.says("installation-key", "create")
    ok, sentence = doctor(played)
    assert (ok, f"{tmp_path / 'other.key'} holds another one" in sentence) == (False, True)


async def _registered(plant: Plant, folder: Path) -> None:
    await attesting(plant.engine, folder, WallClock().now())


def test_an_api_whose_key_is_not_there_does_not_start(
    played: Millwright, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MILLWRIGHT_INSTALLATION_KEY", str(tmp_path / "gone.key"))
    refused = played("api")
    assert refused.exit_code == 1
    assert "gone.key is not there" in refused.output
