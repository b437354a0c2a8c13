"""The recordings that the tests without a server use are what FactorySemantics MES answers, but for times."""

import json
import re

import pytest

from tests.contract import factorysemantics_questions
from tests.contract.foreign.factorysemantics_recordings import FILE, Recording, answers, record
from tests.contract.foreign.factorysemantics_server import FactorySemanticsServer

pytestmark = pytest.mark.foreign


def without_times(recording: Recording) -> Recording:
    masked = re.sub(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?)?", "<time>", json.dumps(recording))
    found: Recording = json.loads(masked)
    return found


async def test_the_mes_answers_further_questions_as_recorded(factorysemantics_server: FactorySemanticsServer) -> None:
    assert await answers(factorysemantics_server) == factorysemantics_questions.recorded()


async def test_the_mes_is_asked_and_answers_as_recorded(factorysemantics_server: FactorySemanticsServer) -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert without_times(await record(factorysemantics_server)) == without_times(kept)
