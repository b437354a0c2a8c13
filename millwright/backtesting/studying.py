"""A study as a separate process: `python -m millwright.backtesting.studying`, started by the API.

It reads the question as JSON on stdin. One line on stdout says whether it has begun: its number, or an error. After
that it is independent of the API: its progress and its result are stored.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from pydantic import Field

from domain.canonical import canonical, duration
from domain.clock import Clock
from domain.errors import MillwrightError, Rejected, StorageUnavailable
from domain.loops import repeat
from domain.model import Model
from millwright.runtime.installation_key import InstallationKey
from millwright.runtime.plant_clock import clock_of
from millwright.runtime.process_limits import limit_this_process
from millwright.storage.database.engine import open_engine
from millwright.storage.ledger.attesting import INSTALLATION_KEY
from millwright.storage.policies.lifecycle import Lifecycle
from millwright.storage.reporting.studies import AskedStudy, StudyStore

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from millwright.backtesting.replaying import Progress
    from policies.engine.judging import CompiledPolicy

_TOLD_EVERY = 1.0
_BEGUN_WITHIN = 60
"""Seconds; a process that has not begun by then ends, because the API no longer waits for it."""
_LONGEST = timedelta(hours=1)
_LARGEST = 4 << 30
"""Bytes of address space of each process of a study."""


class StudyOrder(Model):
    """The input from the API: the places of the plant's data and time, the question, and the texts to compare.

    Args:
        attach: whether to store a backtest's result with the version too.
        installation_key: the file of the key that attests who asked for that.
    """

    database_url: str = Field(repr=False)
    clock: str
    asked: AskedStudy
    document: str
    against: str | None
    failures: str | None = None
    attach: bool = False
    installation_key: Path | None = None


class Begun(Model):
    """The answer line: a number, or an error."""

    number: int | None = None
    problem: str | None = None
    field: str | None = None
    fix: str | None = None


def main() -> None:
    """Answers the question from stdin."""
    signal.alarm(_BEGUN_WITHIN)
    limit_this_process(memory=_LARGEST)
    asyncio.run(_study(StudyOrder.model_validate_json(sys.stdin.buffer.read())))


async def _study(order: StudyOrder) -> None:
    engine, clock = open_engine(order.database_url), clock_of(order.clock)
    store = StudyStore(engine)
    try:
        if order.installation_key is not None:
            engine = engine.execution_options(**{INSTALLATION_KEY: InstallationKey(order.installation_key)})
        async with store.begun(order.asked) as number:
            _answer(Begun(number=number))
            await _kept(store, number, clock, order, engine)
    except Rejected as error:
        _answer(Begun(problem=error.problem, field=error.field, fix=error.fix))
    finally:
        await engine.dispose()


async def _kept(store: StudyStore, number: int, clock: Clock, order: StudyOrder, engine: "AsyncEngine") -> None:
    try:
        async with _told(store, number) as progress, asyncio.timeout(_LONGEST.total_seconds()):
            result, page = await _found(engine, clock, order, progress)
        await store.done(number, result, page, clock.now())
    except TimeoutError:
        problem = f"it took longer than {duration(_LONGEST)}"
        await store.failed(number, problem, "ask for a shorter period", clock.now())
    except MemoryError:
        problem = f"it needed more than {_LARGEST >> 30} GiB of memory"
        await store.failed(number, problem, "ask for a shorter period", clock.now())
    except Rejected as error:
        await store.failed(number, error.problem, error.fix, clock.now())
    except MillwrightError as error:
        await store.failed(number, str(error), "ask for it again", clock.now())


async def _found(
    engine: "AsyncEngine", clock: Clock, order: StudyOrder, progress: "Progress"
) -> tuple[bytes, bytes | None]:
    """The JSON that the command line would write, and the page of a backtest."""
    asked = order.asked
    policy = _compiled(order.document, asked.digest, asked.version)
    if order.against is None or asked.against is None:
        from millwright.backtesting.suggesting import Search, suggest

        search = Search(policy=policy, since=asked.since, until=asked.until)
        suggestions = await suggest(engine, search, progress)
        return orjson.dumps(suggestions.model_dump(mode="json")), None
    from millwright.backtesting.backtest import Question, run_backtest, trace
    from millwright.backtesting.page import TRACED, write_page

    against = _compiled(order.against, asked.against, "the version it is held against")
    with _register(order.failures) as failures:
        question = Question(policy, against, asked.since, asked.until, failures, asked.crews)
        found = await run_backtest(engine, question, progress)
    if order.attach:
        body = canonical(found.evidence()).decode()
        lifecycle = Lifecycle(engine, clock)
        await lifecycle.attach(asked.digest, "backtest", passed=found.exit_code == 0, body=body, by=asked.asked_by)
    traced = await trace(engine, question, found.until, found.decisions[:TRACED])
    return orjson.dumps(found.model_dump(mode="json")), write_page(found, traced).encode()


@contextmanager
def _register(failures: str | None) -> Iterator[Path | None]:
    """A failure register as a file."""
    if failures is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="millwright-study-") as folder:
        file = Path(folder) / "failures.csv"
        file.write_text(failures, encoding="utf-8")
        yield file


def _compiled(document: str, digest: str, name: str) -> "CompiledPolicy":
    from policies.engine.judging import compile_policy

    policy = compile_policy(document, name)
    if policy.digest != digest:
        raise Rejected(f"{name} was altered in storage: it is {policy.digest[:12]}", field="version")
    return policy


@asynccontextmanager
async def _told(store: StudyStore, number: int) -> "AsyncIterator[Progress]":
    """Stores the progress once a second, and once more at the end."""
    judged, total = 0, 0

    def progress(more: int, size: int) -> None:
        nonlocal judged, total
        judged, total = judged + more, size

    async def keep() -> None:
        # The next progress is stored a second later.
        with contextlib.suppress(StorageUnavailable):
            await store.told(number, judged, total)

    keeping = asyncio.create_task(repeat(keep, every=_TOLD_EVERY, delay_first=True), name="progress")
    try:
        yield progress
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
    await store.told(number, judged, total)


def _answer(begun: Begun) -> None:
    signal.alarm(0)
    sys.stdout.write(begun.model_dump_json() + "\n")
    sys.stdout.flush()
    # The API stops reading here, so later output must go elsewhere.
    nobody = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nobody, sys.stdout.fileno())
    os.close(nobody)


if __name__ == "__main__":
    main()
