"""A load of events in our own envelope, and the times at which their verdicts can be read."""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import orjson
import psycopg

from benchmarks.rig.plant import Api
from domain.assets import Asset, Observable, PlantRegister

BATCH = 100
_ACCEPTED = 202
_ATTRIBUTES = '{"specversion":"1.0","source":"benchmark","type":"millwright.anomaly.v1"'
_SAYINGS = 20_000
_LOOK_EVERY = 0.005
# One counter for all streams of a plant, so that the events of a later stream are later in event time, and not late.
_MOMENTS = itertools.count()


class Stream:
    """Events on random assets in order of event time, without repetitions: noise and single shifts, which open no case.

    The data of events are made in advance, so that the load itself costs little. An event is one of these data with
    another id and time.

    Args:
        register: the plant's register.
        assets: the assets of the events.
        began: the plant time; all events are in the hour before it.
        run: a prefix that makes the ids of this stream unique.
    """

    def __init__(self, register: PlantRegister, assets: Sequence[Asset], began: datetime, run: str) -> None:
        seen = {observable.asset: observable for observable in register.observables if observable.kind == "signal"}
        signals = [seen[asset.id] for asset in assets if asset.id in seen]
        self._began = began - timedelta(hours=1)
        self._chance = random.Random(run)
        self._run = run
        self._sayings = [self._saying(self._chance.choice(signals)) for _ in range(_SAYINGS)]
        self.batches = 0

    def texts(self, count: int) -> list[bytes]:
        """The next events, as CloudEvents in JSON. Their ids contain the number of the batch."""
        at = self._began + timedelta(milliseconds=next(_MOMENTS))
        moment = at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        head = f'{_ATTRIBUTES},"id":"{self._run}-{self.batches}-'
        self.batches += 1
        return [
            f'{head}{number}","time":"{moment}{number:03}Z",{saying}'.encode()
            for number, saying in enumerate(self._chance.choices(self._sayings, k=count))
        ]

    def body(self) -> bytes:
        """The next batch as a request's body."""
        return b"[" + b",".join(self.texts(BATCH)) + b"]"

    def _saying(self, signal: Observable) -> str:
        chance = self._chance
        said = {
            "asset": signal.asset,
            "failure_mode": signal.failure_mode,
            "signal": signal.name,
            "value": round(chance.gauss(170, 10), 2),
            "baseline": 170.5,
            "score": round(chance.uniform(0, 6), 3),
            "confidence": round(chance.random(), 3),
            "detector": f"adx:{signal.name}",
        }
        return f'"data":{orjson.dumps(said).decode()}}}'


class Connection:
    """One client's open connection to an API: a minimal HTTP/1.1 client.

    A client library would cost too much CPU. This client understands only the answers of our API.

    Args:
        api: the API, at `http://host:port`.
    """

    def __init__(self, api: Api) -> None:
        parts = urlsplit(api.url)
        self._signed = "".join(f"{name}: {value}\r\n" for name, value in api.headers.items())
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Posts a batch; returns the status and the body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        head = (
            f"POST /events HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Content-Type: application/cloudevents-batch+json\r\nContent-Length: {len(body)}\r\n{self._signed}\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(answer.split(b" ", 2)[1]), await reader.readexactly(length)

    async def close(self) -> None:
        """Closes the connection."""
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()


@dataclass
class Sent:
    """When each batch was sent and when its answer arrived, by its number, in the monotonic clock."""

    at: dict[int, float] = field(default_factory=dict)
    answered: dict[int, float] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return len(self.answered) * BATCH


async def post_for(
    apis: Sequence[Api], stream: Stream, seconds: float, clients: int, rate: float | None = None
) -> Sent:
    """Posts batches for `seconds` with several clients, as fast as answers arrive, or at `rate` events a second.

    Raises:
        SystemExit: the API did not accept all events of a request.
    """
    sent = Sent()
    began = time.monotonic()
    turns: Iterator[int] = iter(range(10**9))

    async def work(connection: Connection) -> None:
        while True:
            if rate is not None:
                due = began + next(turns) * BATCH / rate
                await asyncio.sleep(max(due - time.monotonic(), 0))
            if time.monotonic() - began > seconds:
                return
            number = stream.batches
            body = stream.body()
            sent.at[number] = time.monotonic()
            status, answer = await connection.post(body)
            if status != _ACCEPTED or not answer.startswith(b'{"accepted":100'):
                raise SystemExit(f"{status}: {answer[:300]!r}")
            sent.answered[number] = time.monotonic()

    connections = [Connection(apis[number % len(apis)]) for number in range(clients)]
    try:
        await asyncio.gather(*map(work, connections))
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
    return sent


class LedgerWatch:
    """Records when each row of the ledger could first be read, to within a few milliseconds. From then on its verdicts
    can be read too."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._seen: list[tuple[int, float]] = []

    async def run(self) -> None:
        """Queries the database until cancelled."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            newest = -1
            while True:
                row = await (await connection.execute("SELECT seq FROM ledger_head", prepare=True)).fetchone()
                if row is not None and row[0] != newest:
                    newest = row[0]
                    self._seen.append((newest, time.monotonic()))
                await asyncio.sleep(_LOOK_EVERY)

    def seen_at(self, seq: int) -> float | None:
        """When a row, or a later one, was first read; None if it was not."""
        low, high = 0, len(self._seen)
        while low < high:
            middle = (low + high) // 2
            if self._seen[middle][0] < seq:
                low = middle + 1
            else:
                high = middle
        return self._seen[low][1] if low < len(self._seen) else None


async def undecided(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> bool:
    """Whether any event still waits for its fate."""
    row = await (await connection.execute("SELECT EXISTS (SELECT FROM pending)")).fetchone()
    return bool(row and row[0])


async def wait_until_decided(database_url: str, patience: float = 120.0) -> float:
    """Waits until every event has its fate; returns that time in the monotonic clock."""
    deadline = time.monotonic() + patience
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while await undecided(connection):
            if time.monotonic() > deadline:
                raise SystemExit(f"events still wait for judging after {patience:.0f} s")
            await asyncio.sleep(0.01)
    return time.monotonic()


async def latencies(database_url: str, run: str, sent: Sent, watch: LedgerWatch) -> list[float]:
    """Seconds from the sending of each batch until its last verdict can be read."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        found = await connection.execute(
            "SELECT split_part(e.external_id, '-', 2)::int, max(v.ledger_seq) FROM events e "
            "JOIN verdicts v ON v.event_id = e.id AND v.revision = 0 WHERE e.external_id LIKE %s GROUP BY 1",
            (f"{run}-%",),
        )
        taken = []
        for batch, seq in await found.fetchall():
            there = watch.seen_at(int(seq))
            if there is not None and int(batch) in sent.at:
                taken.append(there - sent.at[int(batch)])
        return taken
