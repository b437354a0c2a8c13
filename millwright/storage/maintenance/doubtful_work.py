"""Records what a person says of doubtful work: whether something had failed."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.clock import Clock
from domain.errors import ActRejected
from domain.missed_failures import DoubtfulWork, FailureStatement, FailureWord
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.maintenance.failure_statements import add_statement, statements_of, subject_of
from millwright.storage.maintenance.failures import failure_record

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")


async def state_failure(engine: AsyncEngine, clock: Clock, word: FailureWord) -> FailureStatement:
    """Records a person's word on doubtful work; gives the statement that stands. The same word again changes nothing.

    Raises:
        ActRejected: the work is not doubtful, it was not on this asset, or somebody said otherwise before.
    """
    async with transaction(engine) as connection:
        await connection.execute(_LOCK, {"subject": subject_of(word.system)})
        entry = ledger.Entry(clock.now())
        stated = await statements_of(connection, {word.system})
        earlier = [said for said in stated.values() if (said.system, said.record) == (word.system, word.record)]
        same = next((said for said in earlier if _says(said) == _says(word)), None)
        if same is not None:
            return same
        known = await failure_record(connection, entry.at)
        work = _meant(word, known.doubtful, earlier)
        said = FailureStatement(**dict(word), machine=work.machine, at=entry.at)
        add_statement(said, entry)
        await ledger.append(connection, entry)
        return said


def _meant(word: FailureWord, doubtful: Sequence[DoubtfulWork], earlier: Sequence[FailureStatement]) -> DoubtfulWork:
    """The doubtful work that a word is on.

    Raises:
        ActRejected: see `state_failure`.
    """
    named = [work for work in doubtful if (work.system, work.record) == (word.system, word.record)]
    meant = [work for work in named if word.asset is None or word.asset in work.assets]
    if len(meant) == 1:
        return meant[0]
    if not named and earlier:
        said = earlier[0]
        raise ActRejected(
            f"{said.by} said on {said.at:%Y-%m-%d %H:%M} UTC what order {word.record} was",
            field="record",
            fix="what a person said of an order is not changed",
        )
    if not named:
        problem = f"there is no doubtful order {word.record} in {word.system}"
        raise ActRejected(problem, field="record", fix="see `missed doubtful`")
    fix = f"one of: {', '.join(asset for work in named for asset in work.assets)}"
    if word.asset is None:
        raise ActRejected(f"{len(named)} orders have the number {word.record}", field="asset", fix=fix)
    raise ActRejected(f"order {word.record} was not on {word.asset}", field="asset", fix=fix)


def _says(said: FailureWord) -> tuple[object, ...]:
    if not said.failed:
        return (False,)
    return (True, said.asset, said.failure_mode, said.found_by)
