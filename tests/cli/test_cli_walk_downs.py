"""Walk-downs on the command line: signed at the machine by two persons."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from domain.production import ISOLATION_NOTICE, READY_TO_RUN
from domain.walk_downs import MAY_BE_STOPPED, STANDS_STILL
from millwright.bootstrap import Storage, open_storage
from millwright.people.persons import key_file
from millwright.settings import Settings
from millwright.storage.cases.hold_proofs import suspend
from tests.cli.conftest import Millwright
from tests.support.ingress import NOW, set_clock
from tests.support.people import add, key_of
from tests.support.plant import register
from tests.support.walk_downs import plan, prove, target


class Installation:
    """An installation with a machine, and two persons who stand at it."""

    def __init__(self, millwright: Millwright, settings: Settings) -> None:
        self.millwright = millwright
        self.settings = settings

    def prepare(self) -> None:
        async def work(storage: Storage) -> None:
            await storage.register.keep(register(), "tests")
            for name, role in (("petra", "production"), ("paula", "planner")):
                await add(storage.people, name, [role], NOW, api_key=name)

        self.do(work)
        for person in ("petra", "paula"):
            file = key_file(self.settings.home / "people", person)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(key_of(person).private_bytes_raw().hex())

    def do(self, work: Callable[[Storage], Awaitable[None]]) -> None:
        async def done() -> None:
            async with open_storage(self.settings) as storage:
                await work(storage)

        asyncio.run(done())

    def hold(self, key: str) -> None:
        """What the worker does: the machine is held."""

        async def work(storage: Storage) -> None:
            walk_down, _ = await storage.walk_downs.read(key)
            await storage.walk_downs.intend(key, plan(walk_down, target()))
            await storage.walk_downs.record_held(key, NOW)

        self.do(work)

    def let_run(self, key: str) -> None:
        """What the worker does: the machine runs again."""

        async def work(storage: Storage) -> None:
            await storage.walk_downs.record_release_call(key, unanswered=True)
            await storage.walk_downs.finish(key, NOW)

        self.do(work)

    def proved(self) -> str:
        """Two persons have proved the machine; gives the key of the proof."""
        keys: list[str] = []

        async def work(storage: Storage) -> None:
            keys.append((await prove(storage.walk_downs, NOW, "opcua_job_control")).key)

        self.do(work)
        return keys[0]

    def suspend(self, key: str) -> None:
        """Another server was met when the machine was to be held."""

        async def work(storage: Storage) -> None:
            walk_down, _ = await storage.walk_downs.read(key)
            await suspend(storage.engine, NOW, key, plan(walk_down, target("R2")))

        self.do(work)


@pytest.fixture
def plant(millwright: Millwright, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    clock = f"file:{tmp_path / 'clock'}"
    monkeypatch.setenv("MILLWRIGHT_CLOCK", clock)
    monkeypatch.setenv("MILLWRIGHT_MES__CONNECTOR", "opcua_job_control")
    monkeypatch.setenv("MILLWRIGHT_MES__URL", "opc.tcp://127.0.0.1:1")
    set_clock(tmp_path, NOW)
    settings = Settings.model_validate({"home": millwright.home, "database_url": database_url, "clock": clock})
    made = Installation(millwright, settings)
    made.prepare()
    return made


def test_two_persons_prove_a_machine_by_its_name_in_the_mes(plant: Installation) -> None:
    millwright = plant.millwright
    assert millwright.json("hold", "proofs")[0]["state"] == "not_proved"
    said = millwright.says("hold", "prove", "EQ-001", "--may-be-stopped", "--key", "petra")
    assert ISOLATION_NOTICE in said
    key = millwright.json("hold", "proofs")[0]["walk_down"]
    plant.hold(key)
    assert "holds the job" not in millwright.says("hold", "proofs")
    said = millwright.says("hold", "looked", key, "--stands-still", "--key", "paula")
    assert STANDS_STILL in said
    said = millwright.says("hold", "let-run", key, "--ready-to-run", "--key", "petra")
    assert READY_TO_RUN in said
    plant.let_run(key)
    [machine] = millwright.json("hold", "proofs")
    assert (machine["state"], machine["proof"], machine["walk_down"]) == ("proved", key, None)
    said = millwright.says("hold", "withdraw-proof", key, "--reason", "the press was moved", "--key", "paula")
    assert "withdrawn: the press was moved" in said
    assert "not proved" in millwright.says("hold", "proofs")


def test_nobody_proves_a_machine_without_what_they_state(plant: Installation) -> None:
    millwright = plant.millwright
    assert f"--may-be-stopped, which states: {MAY_BE_STOPPED}" in millwright.refuses("hold", "prove", "EQ-001")
    assert f"--stands-still, which states: {STANDS_STILL}" in millwright.refuses("hold", "looked", "WDX")
    assert f"--ready-to-run, which states: {READY_TO_RUN}" in millwright.refuses("hold", "let-run", "WDX")


def test_a_machine_that_no_mes_knows_is_named(plant: Installation) -> None:
    refused = plant.millwright.refuses("hold", "prove", "M9", "--may-be-stopped", "--key", "petra")
    assert "no MES knows a machine M9" in refused


def test_each_act_takes_its_role(plant: Installation) -> None:
    refused = plant.millwright.refuses("hold", "prove", "EQ-001", "--may-be-stopped", "--key", "paula")
    assert "paula may not do this; it needs the role production" in refused


def test_the_doctor_and_the_list_of_holds_say_which_machines_are_proved(plant: Installation) -> None:
    millwright = plant.millwright
    assert "Machines that can be held: 1 not proved (machine-001)" in millwright.says("hold", "list")
    assert condition(millwright) == {"ok": True, "sentence": "1 not proved (machine-001)", "mend": None}
    key = plant.proved()
    assert condition(millwright)["sentence"] == "1 proved"
    plant.suspend(key)
    found = condition(millwright)
    assert (found["ok"], found["sentence"]) == (False, "1 suspended (machine-001)")
    assert "millwright hold prove MACHINE" in str(found["mend"])
    [machine] = millwright.json("hold", "proofs")
    assert machine["how_it_stands"] == "suspended: its receiver was R1 and is R2"


def condition(millwright: Millwright) -> dict[str, object]:
    """What the doctor says of proofs."""
    [found] = [each for each in orjson.loads(millwright("doctor", "--json").stdout) if each["part"] == "proofs"]
    return {name: found[name] for name in ("ok", "sentence", "mend")}
