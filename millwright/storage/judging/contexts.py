"""What is known of the assets of a line's events, as judging is told it: kept once per digest."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from domain.judging import JudgedContext
from domain.verdict import Context
from millwright.storage.database.engine import Cursor

# The codes of each asset by themselves and by their index: joined, they are counted for every asset anew where the
# planner knows nothing of the tables yet.
_CONTEXTS = """
SELECT a.id, coalesce(a.asset_class, ''), a.criticality, coalesce(a.machine, a.id), coalesce(a.line, ''),
       (SELECT count(*) FROM observables o WHERE o.asset = a.id AND o.kind = 'code'), a.site
FROM assets a WHERE a.id = ANY(%s) AND a.valid_to IS NULL
"""
# Arrays go in binary: written as text, every quote in them is escaped, and contexts are full of quotes.
_KEEP_CONTEXTS = """
INSERT INTO contexts (digest, body) SELECT * FROM unnest(%b::text[], %b::text[]) ON CONFLICT DO NOTHING
"""
_ENOUGH = 50_000


class _AssetRow(NamedTuple):
    asset: str
    asset_class: str
    criticality: str | None
    machine: str
    line: str
    codes: int
    site: str | None


class ContextStore:
    """Contexts by asset, for one process; what was made of a row of the register once is not made again."""

    def __init__(self) -> None:
        self._made: dict[_AssetRow, JudgedContext] = {}
        self._kept: set[str] = set()

    async def ask(self, cursor: Cursor, assets: Collection[str]) -> None:
        """Asks for assets; the answer is read by `answer`."""
        await cursor.execute(_CONTEXTS, (list(assets),))

    async def answer(self, cursor: Cursor) -> Mapping[str, JudgedContext]:
        """The contexts of those assets that are in the register now."""
        found = {}
        for row in map(_AssetRow._make, await cursor.fetchall()):
            made = self._made.get(row)
            if made is None:
                if len(self._made) >= _ENOUGH:
                    self._made.clear()
                known = row._asdict()
                del known["site"]
                made = JudgedContext.of(Context.model_validate(known), row.site)
                self._made[row] = made
            found[made.context.asset] = made
        return found

    async def keep(self, cursor: Cursor, contexts: Mapping[str, JudgedContext]) -> Sequence[str]:
        """Stores contexts by digest that are not known to be stored; gives their digests, for `kept`."""
        new = [context for digest, context in contexts.items() if digest not in self._kept]
        if new:
            await cursor.execute(
                _KEEP_CONTEXTS, ([context.digest for context in new], [context.text.decode() for context in new])
            )
        return [context.digest for context in new]

    def kept(self, digests: Sequence[str]) -> None:
        """Remembers that contexts are stored for good: their transaction was committed, and none is ever deleted."""
        if len(self._kept) >= _ENOUGH:
            self._kept.clear()
        self._kept.update(digests)
