"""Which rows of the crosswalk a change begins and ends, and what of it is refused. Reads and writes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from domain.assets import Alias, retired_words
from domain.crosswalk import ChangedName, NewName, RefusedName, contradictions, has_one_name
from domain.errors import Rejected

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when the first row of a key is valid: it has always been true."""

_Key = tuple[str, str]


class EndedRow(NamedTuple):
    """A stored row that ends, by its key, with the time of its end."""

    system: str
    external_id: str
    valid_from: datetime
    valid_to: datetime


class CrosswalkPlan(NamedTuple):
    """What a change writes.

    Attributes:
        changed: the names that are given.
        refused: the names that cannot be given. If there are any, nothing may be written.
        deleted: stored rows that began only now and were never in force, each by system, name and beginning.
        ended: stored rows that end.
        begun: new rows. One of them has an end if a later name of the same change follows it.
    """

    changed: tuple[ChangedName, ...]
    refused: tuple[RefusedName, ...]
    deleted: tuple[tuple[str, str, datetime], ...]
    ended: tuple[EndedRow, ...]
    begun: tuple[Alias, ...]


@dataclass(slots=True)
class _Row:
    """A row of the crosswalk while the change is worked out."""

    alias: Alias
    stored: bool
    valid_to: datetime | None

    @property
    def name(self) -> str:
        return self.alias.external_id

    def holds(self, at: datetime) -> bool:
        return self.alias.valid_from <= at and (self.valid_to is None or at < self.valid_to)


def plan_names(
    names: Sequence[NewName],
    stored: Iterable[Alias],
    assets: Mapping[str, datetime | None],
    now: datetime,
    by: str,
    *,
    again: bool = False,
) -> CrosswalkPlan:
    """Works out a change of the crosswalk, in the order of the times at which its names begin.

    Args:
        names: what is asked for.
        stored: every row with one of these names, and every row of one of these assets in one of these systems.
        assets: the assets that are known; with the time of its retirement if one was retired.
        now: the present time of the plant.
        by: who changes the crosswalk.
        again: whether a name that an asset has already is given to it again, so that the ledger has it.
    """
    draft = _Draft(stored, assets, now, by, again=again)
    refused = {refusal.row: refusal for refusal in contradictions(names, now)}
    changed: list[ChangedName] = []
    for row, name in sorted(enumerate(names), key=lambda numbered: numbered[1].valid_from or now):
        if row in refused:
            continue
        try:
            change = draft.give(row, name)
        except Rejected as error:
            refused[row] = RefusedName(row=row, field=error.field, problem=error.problem, fix=error.fix)
        else:
            changed += [] if change is None else [change]
    changed.sort(key=lambda change: change.row)
    return draft.plan(changed, [refused[row] for row in sorted(refused)])


class _Draft:
    """The crosswalk with the change as far as it was worked out."""

    def __init__(
        self, stored: Iterable[Alias], assets: Mapping[str, datetime | None], now: datetime, by: str, *, again: bool
    ) -> None:
        self._assets, self._now, self._by, self._again = assets, now, by, again
        self._by_key: dict[_Key, list[_Row]] = defaultdict(list)
        self._by_asset: dict[_Key, list[_Row]] = defaultdict(list)
        self._dropped: list[_Row] = []
        for alias in sorted(stored, key=lambda alias: alias.valid_from):
            self._add(_Row(alias, stored=True, valid_to=alias.valid_to))

    def give(self, row: int, name: NewName) -> ChangedName | None:
        """Gives a name; None if the asset has it already."""
        self._check_asset(name)
        at = self._now if name.valid_from is None else name.valid_from
        if at > self._now:
            fix = f"give a time that is not later than {_told(self._now)}, and import what is planned when it is done"
            raise Rejected(f"{_told(at)} is in the future", field="valid_from", fix=fix)
        rows = self._by_key[name.system, name.external_id]
        holding = next((each for each in rows if each.holds(at)), None)
        same = holding is not None and (holding.alias.asset, holding.alias.attributes) == (name.asset, name.attributes)
        if same and not self._again:
            return None
        last = rows[-1] if rows else None
        self._check_order(name, last, at)
        others = self._other_names(name, at)
        begins = EPOCH if last is None and name.valid_from is None else at
        if last is not None and last.valid_to is None:
            self._end(last, at)
        for other in others:
            self._end(other, at)
        alias = Alias(**name.model_dump(exclude={"valid_from"}), valid_from=begins, owner=self._by)
        self._add(_Row(alias, stored=False, valid_to=None))
        return ChangedName(
            row=row,
            **name.model_dump(exclude={"valid_from"}),
            valid_from=begins,
            was=None if holding is None else holding.alias.asset,
            attributes_before={} if holding is None else holding.alias.attributes,
            replaces=tuple(sorted(other.name for other in others)),
        )

    def plan(self, changed: Sequence[ChangedName], refused: Sequence[RefusedName]) -> CrosswalkPlan:
        rows = [row for of_key in self._by_key.values() for row in of_key]
        return CrosswalkPlan(
            changed=tuple(changed),
            refused=tuple(refused),
            deleted=tuple((row.alias.system, row.name, row.alias.valid_from) for row in self._dropped if row.stored),
            ended=tuple(
                EndedRow(row.alias.system, row.name, row.alias.valid_from, row.valid_to)
                for row in rows
                if row.stored and row.valid_to is not None and row.valid_to != row.alias.valid_to
            ),
            begun=tuple(row.alias.model_copy(update={"valid_to": row.valid_to}) for row in rows if not row.stored),
        )

    def _check_asset(self, name: NewName) -> None:
        if name.asset not in self._assets:
            raise Rejected(f"there is no asset {name.asset}", field="asset", fix="import the register first")
        left = self._assets[name.asset]
        if left is not None:
            fix = "name the asset that took its place, or import it again if it is in the plant"
            raise Rejected(retired_words(name.asset, left), field="asset", fix=fix)

    def _check_order(self, name: NewName, last: _Row | None, at: datetime) -> None:
        """Refuses a beginning before what is known of the name: the past is never rewritten."""
        if last is None or name.valid_from is None:
            return
        words = f"{name.external_id} has been the name of {last.alias.asset} in {name.system}"
        if last.valid_to is None and at <= last.alias.valid_from:
            problem = f"{words} since {_told(last.alias.valid_from)}, which is not before {_told(at)}"
            raise Rejected(problem, field="valid_from", fix="give a later time, or none")
        if last.valid_to is not None and at < last.valid_to:
            problem = f"{words} until {_told(last.valid_to)}, which is after {_told(at)}"
            raise Rejected(problem, field="valid_from", fix="give a later time, or none")

    def _other_names(self, name: NewName, at: datetime) -> list[_Row]:
        """The names that the new one replaces."""
        if not has_one_name(name.system):
            return []
        others = [
            row
            for row in self._by_asset[name.asset, name.system]
            if row.name != name.external_id and row.valid_to is None
        ]
        for row in others:
            if row.alias.valid_from >= at:
                since = _told(row.alias.valid_from)
                problem = f"{name.asset} has the name {row.name} in {name.system} since {since}"
                raise Rejected(problem, field="external_id", fix="give a time after that, or keep that name")
        return others

    def _add(self, row: _Row) -> None:
        self._by_key[row.alias.system, row.name].append(row)
        self._by_asset[row.alias.asset, row.alias.system].append(row)

    def _end(self, row: _Row, at: datetime) -> None:
        if row.alias.valid_from < at:
            row.valid_to = at
            return
        self._dropped.append(row)
        self._by_key[row.alias.system, row.name].remove(row)
        self._by_asset[row.alias.asset, row.alias.system].remove(row)


def _told(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
