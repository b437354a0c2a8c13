"""Holds on the command line: seen by everybody, released by a person of production."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import psycopg
import pytest

from domain.holds import PlacementState
from domain.machine_test_runs import READY_FOR_TEST_RUN
from domain.production import ISOLATION_NOTICE, READY_TO_RUN, HoldEnforcement
from millwright.bootstrap import Storage, open_storage
from millwright.people.persons import key_file
from millwright.settings import Settings
from tests.cli.conftest import Millwright
from tests.support.held_machine import EQUIPMENT, REASON, TEST_RUN, add_people, held_machine, place, work_done
from tests.support.ingress import NOW, set_clock
from tests.support.people import key_of
from tests.support.plant import register

ADVISORY = HoldEnforcement.ADVISORY
ON_TWO_SYSTEMS = f"""
INSERT INTO holds (key, system, equipment, state, intended_at)
VALUES ('MWX', 'other-mes', '{EQUIPMENT}', 'asked', now())
"""


class Installation:
    """An installation whose machine is held for one case."""

    def __init__(self, millwright: Millwright, settings: Settings) -> None:
        self.millwright = millwright
        self.settings = settings
        self.hold = ""

    def prepare(self) -> None:
        async def work(storage: Storage) -> None:
            await storage.register.keep(register(), "tests")
            await add_people(storage)
            self.hold = await held_machine(storage)

        self.do(work)
        for person in ("petra", "paul"):
            file = key_file(self.settings.home / "people", person)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(key_of(person).private_bytes_raw().hex())

    def finish_work(self) -> None:
        self.do(lambda storage: work_done(storage, self.hold))

    def do(self, work: Callable[[Storage], Awaitable[None]]) -> None:
        async def done() -> None:
            async with open_storage(self.settings) as storage:
                await work(storage)

        asyncio.run(done())


@pytest.fixture
def plant(millwright: Millwright, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    clock = f"file:{tmp_path / 'clock'}"
    monkeypatch.setenv("MILLWRIGHT_CLOCK", clock)
    set_clock(tmp_path, NOW)
    settings = Settings.model_validate({"home": millwright.home, "database_url": database_url, "clock": clock})
    made = Installation(millwright, settings)
    made.prepare()
    return made


def release(ref: str, *more: str, key: str = "production") -> tuple[str, ...]:
    return ("hold", "release", ref, "--reason", REASON, "--key", key, *more)


def found(plant: Installation) -> tuple[bool, str]:
    """What the doctor finds of the holds."""
    result = plant.millwright("doctor", "--json")
    [finding] = [each for each in orjson.loads(result.stdout) if each["part"] == "holds"]
    return finding["ok"], finding["sentence"]


def test_a_live_hold_is_listed_and_shown_with_what_it_is_not(plant: Installation) -> None:
    millwright, hold = plant.millwright, plant.hold
    listed = millwright.says("hold", "list")
    for words in (hold, EQUIPMENT, "in effect: job J-1 was read as held", f"the work of case {hold}", ISOLATION_NOTICE):
        assert words in listed
    shown = millwright.says("hold", "show", EQUIPMENT)
    assert shown.startswith(
        f"{hold} on {EQUIPMENT} in fake-mes: in effect: job J-1 was read as held at 2015-01-15 06:00"
    )
    assert ISOLATION_NOTICE in shown
    assert "Press1" in shown
    assert "at work" in shown
    assert millwright.json("hold", "list") == [millwright.json("hold", "show", hold)]


def test_a_case_is_shown_with_how_its_hold_stands(plant: Installation) -> None:
    shown = plant.millwright.says("case", "show", plant.hold)
    assert f"hold {plant.hold} on {EQUIPMENT}: in effect: job J-1 was read as held at 2015-01-15 06:00 UTC" in shown
    assert ISOLATION_NOTICE in shown
    told = plant.millwright.json("case", "show", plant.hold)["hold"]
    assert (told["notice"], told["releasable"]) == (ISOLATION_NOTICE, False)


def test_a_hold_is_not_released_while_work_goes_on(plant: Installation) -> None:
    refused = plant.millwright.refuses(*release(EQUIPMENT, "--ready-to-run"))
    assert f"the work of case {plant.hold} is not done" in refused


def test_a_hold_is_not_released_by_somebody_who_does_not_state_what_that_means(plant: Installation) -> None:
    plant.finish_work()
    assert f"--ready-to-run, which states: {READY_TO_RUN}" in plant.millwright.refuses(*release(EQUIPMENT))
    assert plant.millwright.json("hold", "show", EQUIPMENT)["state"] == "asked"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (("--key", "planner"), "paul may not do this; it needs the role production"),
        (("--key", "nobody's"), "nobody has this API key"),
        ((), "no API key is given, and `local` signs nothing"),
    ],
)
def test_only_a_named_person_of_production_releases_a_hold(
    plant: Installation, key: tuple[str, ...], words: str
) -> None:
    plant.finish_work()
    refused = plant.millwright.refuses("hold", "release", EQUIPMENT, "--reason", REASON, "--ready-to-run", *key)
    assert words in refused
    assert plant.millwright.json("hold", "show", EQUIPMENT)["state"] == "asked"


def test_production_releases_a_hold_whose_work_is_done(plant: Installation) -> None:
    millwright, hold = plant.millwright, plant.hold
    plant.finish_work()
    assert "waits for production to release it, since 2015-01-15 06:00 UTC" in millwright.says("hold", "show", hold)
    said = millwright.says(*release(EQUIPMENT, "--ready-to-run"))
    signed = f"released, signed by Petra (petra) on 2015-01-15 06:00:00 UTC: {READY_TO_RUN} (reason: {REASON})"
    assert f"{hold} on {EQUIPMENT}: {signed}" in said
    assert f"The MES call that lets {EQUIPMENT} run follows" in said
    story = millwright.json("case", "show", hold)["story"]
    assert [act["actor"] for act in story if act["kind"] == "hold-releasing"] == ["petra"]
    assert millwright.json(*release(hold, "--ready-to-run"))["state"] == "releasing"
    assert millwright.json("case", "show", hold)["story"] == story
    assert "waits for the MES call that lets the machine run" in millwright.says("hold", "show", hold)


def test_a_hold_that_has_ended_is_listed_where_all_are_asked_for(plant: Installation) -> None:
    plant.do(lambda storage: place(storage, plant.hold, "J-1", PlacementState.OVERRULED))
    assert plant.millwright.says("hold", "list") == "No hold is live.\n"
    [hold] = plant.millwright.json("hold", "list", "--all")
    assert (hold["state"], hold["overruled_at"]) == ("overruled", "2015-01-15T06:00:00Z")
    shown = plant.millwright.says("hold", "show", plant.hold)
    assert "a person started the machine in the MES; seen 2015-01-15 06:00 UTC" in shown
    assert ISOLATION_NOTICE not in shown


def test_of_two_holds_on_one_equipment_the_key_must_be_given(plant: Installation, database_url: str) -> None:
    plant.finish_work()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(ON_TWO_SYSTEMS)
    refused = plant.millwright.refuses(*release(EQUIPMENT, "--ready-to-run"))
    assert f"several holds are on {EQUIPMENT}: " in refused
    assert f"{plant.hold} (in fake-mes)" in refused
    assert "MWX (in other-mes)" in refused
    assert plant.millwright.json(*release(plant.hold, "--ready-to-run"))["state"] == "releasing"


def test_a_hold_that_nobody_knows_is_one_sentence(plant: Installation) -> None:
    assert plant.millwright.refuses("hold", "show", "MWNOTHERE") == (
        "hold: there is no hold MWNOTHERE, and none is live on an equipment MWNOTHERE "
        "(see `millwright hold list --all`)"
    )
    refused = plant.millwright.refuses(*release("MWNOTHERE", "--ready-to-run"))
    assert refused == "there is no hold MWNOTHERE (see `GET /holds?state=all`)"


def test_a_release_needs_a_reason(plant: Installation) -> None:
    refused = plant.millwright.refuses("hold", "release", EQUIPMENT, "--reason", " ", "--ready-to-run")
    assert refused == "reason: is empty (say why)"


def test_the_doctor_names_a_hold_that_was_accepted_and_is_not_in_effect(plant: Installation) -> None:
    assert found(plant) == (
        True,
        "every hold is proved ours, in effect where it was accepted, and claimed by an open case",
    )
    plant.do(lambda storage: place(storage, plant.hold, "J-2", PlacementState.ACCEPTED))
    named = f"1 accepted by the MES and not in effect: {plant.hold} on {EQUIPMENT}. {ISOLATION_NOTICE}"
    assert found(plant) == (False, named)


def test_the_doctor_names_a_hold_that_waits_for_its_release_for_more_than_a_shift(
    plant: Installation, tmp_path: Path
) -> None:
    plant.finish_work()
    assert found(plant)[0]
    set_clock(tmp_path, NOW.replace(hour=14, minute=1))
    named = f"1 waiting for its release for more than a shift: {plant.hold} on {EQUIPMENT}. {ISOLATION_NOTICE}"
    assert found(plant) == (False, named)


def on_test(plant: Installation) -> None:
    """Production has let the machine run on test."""
    plant.do(lambda storage: work_done(storage, plant.hold, TEST_RUN))
    said = plant.millwright.says(*release(EQUIPMENT, "--ready-for-test-run"))
    assert f"signed by Petra (petra) on 2015-01-15 06:00:00 UTC: {READY_FOR_TEST_RUN}" in said

    async def let_run(storage: Storage) -> None:
        await storage.holds.move_placement(plant.hold, 1, PlacementState.RELEASED)
        await storage.holds.begin_test_run(plant.hold)

    plant.do(let_run)


def test_a_machine_is_let_run_on_test_and_then_released_for_good(plant: Installation) -> None:
    plant.do(lambda storage: work_done(storage, plant.hold, TEST_RUN))
    assert "--ready-for-test-run, which states" in plant.millwright.refuses(*release(EQUIPMENT, "--ready-to-run"))
    shown = plant.millwright.says("hold", "show", EQUIPMENT)
    assert "waits for production to release it for a test run, since 2015-01-15 06:00 UTC" in shown
    assert "which must prove 30 min at a score of at most 2" in shown


def test_a_machine_on_test_is_shown_and_released_for_good_by_its_own_statement(plant: Installation) -> None:
    on_test(plant)
    shown = plant.millwright.says("hold", "list")
    assert "testing" in shown
    assert "its test run must prove 30 min" in plant.millwright.says("hold", "show", EQUIPMENT)
    assert "--runs-as-it-should, which states" in plant.millwright.refuses(*release(EQUIPMENT, "--ready-to-run"))
    assert plant.millwright.json(*release(EQUIPMENT, "--runs-as-it-should"))["state"] == "released"


def test_a_machine_on_test_is_held_again_and_its_rework_is_named(plant: Installation) -> None:
    on_test(plant)
    again = ("hold", "again", EQUIPMENT, "--reason", "it hums again", "--key", "production")
    assert "--did-not-help, which states" in plant.millwright.refuses(*again)
    said = plant.millwright.says(*again, "--did-not-help")
    [claim] = plant.millwright.json("hold", "show", EQUIPMENT)["cases"]
    assert said == f"{plant.hold} on {EQUIPMENT} is asked for again; case {claim['case']} is its rework.\n"
    shown = plant.millwright.says("case", "show", claim["case"])
    assert f"rework of case {plant.hold}" in shown
    assert "it hums again" in shown


def test_a_hold_that_the_mes_does_not_enforce_is_called_advisory_by_every_command_that_tells_of_it(
    plant: Installation, tmp_path: Path
) -> None:
    plant.do(lambda storage: place(storage, plant.hold, "J-2", PlacementState.IN_EFFECT, enforcement=ADVISORY))
    told = [("hold", "list"), ("hold", "show", plant.hold), ("case", "show", plant.hold), ("why", plant.hold)]
    for command in told:
        assert "advisory" in plant.millwright.says(*command)
    assert "advisory" in plant.millwright.json("hold", "show", plant.hold)["notice"]
    plant.millwright.says("audit", "evidence", plant.hold, "--out", str(tmp_path / "pack.json"))
    assert "advisory: the MES does not enforce it" in (tmp_path / "pack.json").read_text()
    assert "advisory: the MES does not enforce it" in (tmp_path / "pack.html").read_text()
