"""Promise 4: a decision stores what it was made from, and judging that again gives the same, bit for bit."""

import random

from domain.assets import Criticality
from millwright.audit.verifying import verify
from millwright.storage.events.register import RegisterStore
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation, register


async def test_promise_4_every_verdict_is_made_again_whatever_came_late_and_whatever_changed_since(
    judged: Plant,
) -> None:
    events = [deviation(hour) for hour in (1, 1.5, 2, 3, 5, 5.5)] + [code(2.5), code(4.5)]
    random.Random(4).shuffle(events)
    for event in events:
        await judged.take(event)
    await RegisterStore(judged.engine, judged.clock).keep(register(Criticality.A), "tests")
    report = await verify(judged.engine)
    assert report.verified
    assert report.verdicts.stored == report.verdicts.reproduced >= 2 * len(events)
