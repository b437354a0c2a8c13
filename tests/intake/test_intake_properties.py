"""Whatever is settled is stored, and every message that was received has a fate: however senders and buses repeat."""

import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.anomaly import Received
from domain.identity import content, label_key
from millwright.bootstrap import Storage, open_storage
from millwright.intake.reading import read_message
from millwright.intake.redrive import mend
from millwright.intake.register import Register
from tests.support.ingress import NOW, rows, settings_over
from tests.support.plant import register

LAWS = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
REGISTER = Register.of(register())
CONTENTS = "SELECT count(*), (SELECT count(*) FROM duplicates), (SELECT count(*) FROM acts) FROM events"
_queues = itertools.count()


@dataclass(frozen=True)
class Sent:
    """A message in an entity, as often as it is delivered."""

    entity: str
    message_id: str | None
    body: bytes
    application_properties: Mapping[str, str] = field(default_factory=dict)
    sequence_number: int = 0
    enqueued_at: datetime | None = None
    content_type: str | None = None
    problem: str | None = None

    @property
    def origin(self) -> str:
        return self.entity.removesuffix("/$deadletter")


SAID = {
    "20": b'{"temperature": 20}',
    "21": b'{"temperature": 21}',
    "error1": b'{"errorCode": "error1", "timestamp": "2015-01-10T07:00:00Z"}',
    "error2": b'{"errorCode": "error2", "timestamp": "2015-01-10T07:00:00Z"}',
}
BODIES = st.sampled_from(["20", "21", "error1", "error2", "{nonsense", "", "[1, 2]"])
EVENTS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2"]),
        "time": st.sampled_from(["2015-01-10T07:00:00Z", "2015-01-10T08:00:00Z"]),
        "score": st.sampled_from([5.0, 6.0, -1.0]),
        "asset": st.sampled_from(["machine-001-comp1", "nobody knows it"]),
    },
    optional={"traceparent": st.sampled_from(["00-a", "00-b"]), "confidence": st.sampled_from([0.5, 7.0])},
)
PLAIN = st.tuples(st.sampled_from([None, "1", "2"]), st.sampled_from(["A", "B"]), BODIES)
STEPS = st.lists(
    st.one_of(PLAIN, EVENTS, st.just("made anew"), st.integers(0, 30), st.just("stored")), min_size=3, max_size=25
)


def made(drawn: object, ingress: str) -> Sent:
    """A device's message as IoT Hub routes it, or a detector's event."""
    if isinstance(drawn, tuple):
        message_id, device, said = drawn
        return Sent(
            ingress, message_id, SAID.get(said, said.encode()), {"iothub-connection-device-id": f"{ingress}-{device}"}
        )
    if not isinstance(drawn, dict):
        raise TypeError(drawn)
    data = {name: drawn[name] for name in ("asset", "score", "confidence") if name in drawn}
    event: dict[str, object] = {name: drawn[name] for name in ("id", "time", "traceparent") if name in drawn}
    event |= {"specversion": "1.0", "source": f"detector of {ingress}", "type": "millwright.anomaly.v1", "data": data}
    return Sent(ingress, None, orjson.dumps(event))


def played(steps: list[object], ingress: str) -> tuple[list[list[Sent]], list[Sent]]:
    """The deliveries in their batches, and the messages that were sent. A number delivers an earlier one again."""
    batches: list[list[Sent]] = [[]]
    sent: list[Sent] = []
    sequence = 0
    for tick, step in enumerate(steps):
        at = NOW - timedelta(hours=1) + timedelta(milliseconds=tick)
        if step == "made anew":
            sequence = 0
        elif step == "stored":
            batches.append([])
        elif isinstance(step, int):
            batches[-1] += sent[step : step + 1]
        else:
            sequence += 1
            sent.append(replace(made(step, ingress), sequence_number=sequence, enqueued_at=at))
            batches[-1].append(sent[-1])
    return batches, sent


async def settled(storage: Storage, batch: list[Sent]) -> list[Received]:
    """What intake does with a batch before it settles it."""
    items = [read_message(message, NOW, REGISTER) for message in batch]
    stored = await storage.inbox.take(items, NOW)
    await mend(storage, stored.again, "tests")
    return items


@pytest.fixture(scope="module")
async def kept(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storage]:
    """Storage that all examples share: each has an ingress of its own."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE millwright_properties TEMPLATE millwright_template STRATEGY FILE_COPY")
    url = postgres_url.replace("/postgres?", "/millwright_properties?")
    async with open_storage(settings_over(url, tmp_path_factory.mktemp("kept"))) as storage:
        await storage.register.keep(register(), "tests")
        yield storage


@LAWS
@given(steps=STEPS)
async def test_whatever_is_settled_is_stored_and_has_a_fate(kept: Storage, steps: list[object]) -> None:
    ingress = f"queue-{next(_queues)}"
    batches, sent = played(steps, ingress)
    items = [item for batch in batches for item in await settled(kept, batch)]
    events = await rows(
        kept.engine, "SELECT raw, corrected, natural_key FROM events WHERE ingress = :ingress", ingress=ingress
    )
    said = {content(text) for raw, corrected, _ in events for text in (raw, corrected) if isinstance(text, bytes)}
    observed = {key for _, _, key in events}
    for item in items:
        # One observation under two names is one event; a name alone is no observation.
        names_one = item.natural_key not in (None, label_key(item.source, item.external_id))
        assert content(item.raw) in said or (names_one and item.natural_key in observed)
    ((receipts,),) = await rows(
        kept.engine, "SELECT count(*) FROM duplicates WHERE ingress = :ingress", ingress=ingress
    )
    assert len(events) + int(str(receipts)) == len(sent)
    counts = await kept.inbox.counts()
    assert counts.pop("received") == sum(counts.values())


@LAWS
@given(steps=STEPS)
async def test_what_is_delivered_again_changes_nothing(kept: Storage, steps: list[object]) -> None:
    batches, _ = played(steps, f"queue-{next(_queues)}")
    for batch in batches:
        await settled(kept, batch)
    before = await rows(kept.engine, CONTENTS)
    for batch in batches:
        await settled(kept, batch)
    assert await rows(kept.engine, CONTENTS) == before
