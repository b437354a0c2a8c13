"""Shelving and windows on the command line, and what `why` says of them."""

import asyncio
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from activities.judging import Judging
from domain.anomaly import Received
from millwright.bootstrap import open_storage
from millwright.settings import Settings
from tests.cli.conftest import Millwright
from tests.support.judged_plant import judge_to_rest
from tests.support.people import join
from tests.support.plant import PUMP, START, code, deviation, publish_policies, register


class Installation:
    """An installation in the plant's time, moved by hand."""

    def __init__(self, millwright: Millwright, database_url: str, clock: Path) -> None:
        self.millwright = millwright
        self.settings = Settings.model_validate(
            {"home": millwright.home, "database_url": database_url, "clock": f"file:{clock}"}
        )
        self._clock = clock

    def at(self, hours: float) -> None:
        self._clock.write_text((START + timedelta(hours=hours)).isoformat())

    def prepare(self) -> None:
        async def work() -> None:
            async with open_storage(self.settings) as storage:
                await storage.register.keep(register(), "tests")
                await publish_policies(storage.versions, storage.people)

        asyncio.run(work())

    def take(self, *items: Received) -> None:
        async def work() -> None:
            async with open_storage(self.settings) as storage:
                await storage.inbox.store(items, storage.clock.now())
                judging = Judging(storage.lines, storage.catalogue)
                await judge_to_rest(judging)

        asyncio.run(work())

    def returns(self) -> None:
        async def work() -> None:
            async with open_storage(self.settings) as storage:
                await storage.suppression_end.return_due()

        asyncio.run(work())


@pytest.fixture
def plant(millwright: Millwright, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    clock = tmp_path / "clock"
    monkeypatch.setenv("MILLWRIGHT_CLOCK", f"file:{clock}")
    made = Installation(millwright, database_url, clock)
    made.at(0)
    made.prepare()
    return made


def shelve(plant: Installation, *more: str) -> str:
    return plant.millwright.says("shelve", PUMP, "--for", "PT8H", "--reason", "sensor is being moved", *more)


@pytest.mark.parametrize("length", ["05:00", "3600"])
def test_a_duration_that_is_not_iso_8601_is_refused_with_an_example(plant: Installation, length: str) -> None:
    said = plant.millwright.refuses("shelve", PUMP, "--for", length, "--reason", "x")
    assert said == f"for: must be an ISO 8601 duration, such as PT8H or P1D ({length!r} is none)"


@pytest.mark.parametrize("length", ["PT1H", "P1D"])
def test_an_iso_8601_duration_shelves(plant: Installation, length: str) -> None:
    assert "is shelved until" in plant.millwright.says("shelve", PUMP, "--for", length, "--reason", "x")


def test_a_shelf_is_made_listed_and_ended(plant: Installation) -> None:
    said = shelve(plant)
    assert "is shelved until 2015-01-10 14:00 UTC" in said
    assert said.endswith(" It reaches 1 machine.\n")
    [seen] = plant.millwright.json("shelved")
    shelf = seen["suppression"]
    assert (shelf["asset"], shelf["made_by"], seen["arrived"]) == (PUMP, "local", 0)
    assert shelf["id"] in plant.millwright.says("unshelve", PUMP, "--reason", "done sooner")
    assert "done sooner" in plant.millwright.says("shelved", shelf["id"])
    plant.returns()
    assert plant.millwright.json("shelved") == []
    assert len(plant.millwright.json("shelved", "--all")) == 1


def test_why_says_by_whom_an_event_was_shelved_until_when_and_because_of_what(plant: Installation) -> None:
    shelve(plant)
    plant.take(code(1), deviation(2, external_id="shift"))
    told = plant.millwright.json("why", "shift")
    assert "nothing was done: it was shelved by local until 2015-01-10 14:00 UTC because: sensor" in told["answer"]
    assert told["consequences"] is None
    plant.at(9)
    plant.returns()
    told = plant.millwright.json("why", "shift")
    assert "was opened" in told["answer"]
    assert "It acted when its suppression ended: first it was shelved by local" in told["answer"]
    shelf = told["suppressed"][0]["id"]
    assert "acted at the end" in plant.millwright.says("shelved", shelf)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--for", "PT99H"), "PT86400S at most"),
        (("--for", "long"), "'long' is none"),
        (("--for", "PT1H", "--key", "nobody's"), "nobody has this API key"),
    ],
)
def test_what_cannot_be_shelved_is_refused_in_a_sentence(
    plant: Installation, arguments: tuple[str, ...], words: str
) -> None:
    assert words in plant.millwright.refuses("shelve", PUMP, "--reason", "why", *arguments)


def test_a_reader_may_not_shelve(plant: Installation) -> None:
    key = join(plant.millwright.home, "rita", "reader")
    assert "role operator or planner" in plant.millwright.refuses(
        "shelve", PUMP, "--for", "PT1H", "--reason", "why", "--key", key
    )


ICS = """BEGIN:VCALENDAR\r
VERSION:2.0\r
BEGIN:VEVENT\r
UID:PM-12@plan\r
DTSTART;TZID=America/New_York:20150110T020000\r
DURATION:PT6H\r
SUMMARY:Yearly overhaul\\, both\r
  pumps\r
LOCATION:machine-001\r
BEGIN:VALARM\r
TRIGGER:-PT15M\r
SUMMARY:Soon\r
END:VALARM\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:PM-13@plan\r
STATUS:CANCELLED\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_a_calendars_windows_are_imported_and_hold_back(plant: Installation, tmp_path: Path) -> None:
    (tmp_path / "plan.ics").write_text(ICS, newline="")
    said = plant.millwright.says("windows", "import", str(tmp_path / "plan.ics"))
    assert said == "1 new, 0 moved, 0 as they were, 0 over already. It reaches 1 machine.\n"
    [seen] = plant.millwright.json("windows", "list")
    window = seen["suppression"]
    assert (window["from_at"], window["reason"]) == ("2015-01-10T07:00:00Z", "Yearly overhaul, both pumps")
    plant.take(code(1), deviation(2, external_id="shift"))
    assert "in a window of planned work" in plant.millwright.says("why", "shift").replace("\n", " ")


def test_a_table_of_windows_is_imported(plant: Installation, tmp_path: Path) -> None:
    table = tmp_path / "stops.csv"
    table.write_text("id,asset,from,until,reason\nS1,LINE-1,2015-01-11T00:00:00Z,2015-01-11T08:00:00Z,Sunday\n")
    report = {"new": 1, "moved": 0, "unchanged": 0, "past": 0, "machines": 1, "odd": [], "refused": []}
    assert plant.millwright.json("windows", "import", str(table)) == report


def test_a_refused_entry_is_named_and_the_others_are_imported(plant: Installation, tmp_path: Path) -> None:
    lost = ICS.replace("PM-12", "PM-11").replace("New_York", "Nowhere")
    (tmp_path / "plan.ics").write_text(lost + ICS, newline="")
    found = plant.millwright("windows", "import", str(tmp_path / "plan.ics"), "--json")
    assert found.exit_code == 1
    [refused] = orjson.loads(found.stdout)["refused"]
    assert (refused["field"], refused["fix"]) == ("DTSTART", "use an IANA name: Europe/Berlin")
    assert "event PM-11@plan: time zone 'America/Nowhere' is unknown" in found.stderr
    [seen] = plant.millwright.json("windows", "list")
    assert seen["suppression"]["source"] == "PM-12@plan"
    again = plant.millwright("windows", "import", str(tmp_path / "plan.ics"))
    assert (again.exit_code, again.stdout.split(".")[0]) == (1, "0 new, 0 moved, 1 as they were, 0 over already")


def test_a_local_time_that_clocks_skip_is_told(plant: Installation, tmp_path: Path) -> None:
    (tmp_path / "plan.ics").write_text(ICS.replace("20150110T020000", "20150308T023000"), newline="")
    said = plant.millwright.says("windows", "import", str(tmp_path / "plan.ics"))
    assert "event PM-12@plan: its start 2015-03-08 02:30 in America/New_York does not exist" in said
    assert said.endswith(": 2015-03-08 07:30 UTC\n")


def test_an_event_without_a_zone_gets_the_one_that_the_person_names(plant: Installation, tmp_path: Path) -> None:
    (tmp_path / "plan.ics").write_text(ICS.replace(";TZID=America/New_York", ""), newline="")
    assert plant.millwright.says("windows", "import", str(tmp_path / "plan.ics"), "--zone", "America/New_York")
    [seen] = plant.millwright.json("windows", "list")
    assert seen["suppression"]["from_at"] == "2015-01-10T07:00:00Z"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.ics", ICS.replace("DURATION:PT6H", "DURATION:PT6H\r\nRRULE:FREQ=DAILY"), "recurs"),
        ("a.ics", ICS.replace(";TZID=America/New_York", ""), "no time zone"),
        ("a.ics", ICS.replace("New_York", "Nowhere"), "is unknown"),
        ("a.ics", ICS.replace("LOCATION:machine-001", "LOCATION:machine-999"), "no asset machine-999"),
        ("a.ics", "hello", "no property"),
        ("a.csv", "asset,from\n", "no column until, reason, id"),
        ("a.csv", "id,asset,from,until,reason\nS1,LINE-1,2015-01-11,2015-01-12T00:00:00Z,x\n", "line 2"),
        ("a.txt", "", "no calendar"),
    ],
)
def test_a_calendar_that_cannot_be_read_is_refused_by_its_place(
    plant: Installation, tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text, newline="")
    assert words in plant.millwright.refuses("windows", "import", str(tmp_path / name))
    assert plant.millwright.json("windows", "list") == []
