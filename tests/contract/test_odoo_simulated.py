"""The sandbox's Odoo answers as a real Odoo 19.0 was recorded: the requests of our connector, and many more."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sandbox.odoo.server import DATABASE
from tests.contract import odoo_questions, odoo_scenes
from tests.contract.odoo_maintenance_plant import API_KEY, OdooMaintenancePlant

MESSAGES = re.compile(r"/mail\.message/")
PEOPLE = ("cmms", "planner", "technician", "operator")


@pytest.fixture
async def plant() -> AsyncIterator[OdooMaintenancePlant]:
    made = OdooMaintenancePlant()
    await made.start()
    yield made
    await made.stop()


def comparable(scenes: odoo_scenes.Recording) -> Any:
    """Scenes without times, and with messages numbered as they come: a real server has had others before."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", json.dumps(scenes))
    masked: odoo_scenes.Recording = json.loads(text)
    places: dict[int, int] = {}
    for exchange in (each for scene in masked.values() for each in scene if MESSAGES.search(each["ask"])):
        for number in message_ids(exchange):
            places.setdefault(number, len(places) + 1)
        if not exchange["ask"].endswith("search_read"):
            exchange["body"]["ids"] = [places[number] for number in exchange["body"].get("ids", [])]
        exchange["answer"] = numbered(exchange["answer"], places)
    return masked


def message_ids(exchange: dict[str, Any]) -> Iterator[int]:
    answer = exchange["answer"]
    rows = [row["id"] for row in answer] if isinstance(answer, list) else answer.get("ids", [])
    yield from rows
    yield from exchange["body"].get("ids", [])


def numbered(answer: Any, places: dict[int, int]) -> Any:
    """An answer about messages with their places for their ids: rows, the answer of `load`, or external ids."""
    if isinstance(answer, list):
        return [{**row, "id": places[row["id"]]} for row in answer]
    if "ids" in answer:
        return {**answer, "ids": [places[number] for number in answer["ids"]]}
    return {str(places[int(number)]): name for number, name in answer.items()}


async def test_every_request_of_our_connector_is_answered_as_recorded(plant: OdooMaintenancePlant) -> None:
    kept = comparable(json.loads(odoo_scenes.FILE.read_text(encoding="utf-8")))
    scenes = comparable(await odoo_scenes.played(plant, plant.server.url, DATABASE, API_KEY))
    assert list(scenes) == list(kept)
    for name, exchanges in scenes.items():
        assert exchanges == kept[name]


async def test_further_questions_are_answered_and_refused_as_recorded(plant: OdooMaintenancePlant) -> None:
    keys = {person: plant.server.key_of(person) for person in PEOPLE}
    answers = await odoo_questions.asked(plant.server.url, DATABASE, keys)
    for ours, theirs in zip(answers, odoo_questions.recorded(), strict=True):
        assert ours == theirs
