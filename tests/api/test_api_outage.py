"""What the API says while storage cannot be used."""

import logging

import httpx
import orjson
import pytest

from tests.support.demotion import read_only
from tests.support.ingress import cloud_event, row

HEADERS = {"Content-Type": "application/cloudevents+json"}


async def test_a_database_that_turned_read_only_is_told_in_one_sentence_and_taken_up_again(
    api: httpx.AsyncClient, plant_url: str, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "millwright.api")
    body = orjson.dumps(cloud_event(row(1), "a"))
    with read_only(plant_url, postgres_url):
        replies = [await api.post("/events", content=body, headers=HEADERS) for _ in range(4)]
        ready = await api.get("/ready")
    again = await api.post("/events", content=body, headers=HEADERS)
    assert [reply.status_code for reply in replies] == [503] * 4
    said = {reply.json()["detail"] for reply in replies}
    assert said == {"storage does not answer; nothing of this was stored"}
    assert (ready.status_code, ready.json()["storage"]) == (503, "answers, but is read-only: is it the primary?")
    assert (again.status_code, again.json()["accepted"]) == (202, 1)
    assert caplog.text.count("storage cannot be used: ") == 1
    assert caplog.text.count("storage is back") == 1
