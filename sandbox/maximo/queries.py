"""A collection query: filtered, sorted, cut into pages."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sandbox.clock import Clock
from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Mbo, rank
from sandbox.maximo.statuses import StatusDomain
from sandbox.maximo.structures import ObjectStructure
from sandbox.maximo.where import parse_internal_where, parse_where, persistent_attribute

_IDLE = timedelta(minutes=5)


@dataclass(frozen=True)
class Page:
    """One page of an answer; `following` holds the query parameters that lead to the next, None on the last."""

    members: Sequence[Mbo]
    number: int
    size: int | None
    total: int
    following: Mapping[str, str] | None


@dataclass
class _StableSet:
    members: list[Mbo]
    given: int
    touched: datetime


class Queries:
    """Answers collection queries; a set of stable paging expires after five idle minutes of plant time."""

    def __init__(self, domain: StatusDomain, zone: tzinfo, clock: Clock, max_page_size: int) -> None:
        self._domain = domain
        self._zone = zone
        self._clock = clock
        self._max_page_size = max_page_size
        self._stable: dict[str, _StableSet] = {}
        self._stable_ids = itertools.count(1)

    def answer(self, params: Mapping[str, str], structure: ObjectStructure, mbos: Iterable[Mbo]) -> Page:
        """The page `params` asks for; without `oslc.pageSize` the only page.

        Raises:
            MaximoError: 400 for a filter, order or page size that is refused, 410 for a stable page that expired.
        """
        size = self._page_size(params)
        if "stableid" in params:
            return self._stable_page(params, size)
        found = self._sorted(params, structure, self._filtered(params, structure, mbos))
        if params.get("stablepaging") == "1" and size is not None:
            stable_id = str(next(self._stable_ids))
            self._stable[stable_id] = _StableSet(found, 0, self._clock.now())
            return self._stable_page({**params, "stableid": stable_id}, size)
        number = _positive(params.get("pageno", "1"), "pageno")
        if size is None:
            return Page(found, number, None, len(found), None)
        start = (number - 1) * size
        following = {**params, "pageno": str(number + 1)} if start + size < len(found) else None
        return Page(found[start : start + size], number, size, len(found), following)

    def _filtered(self, params: Mapping[str, str], structure: ObjectStructure, mbos: Iterable[Mbo]) -> list[Mbo]:
        where = params.get("oslc.where", "")
        conditions = parse_where(where, structure.root, self._zone) if where.strip() else ()
        found = [*mbos]
        for condition in sorted(conditions, key=lambda each: each.is_like):
            found = [mbo for mbo in found if condition.holds(mbo)]
        if "domaininternalwhere" in params:
            name, among, values = parse_internal_where(params["domaininternalwhere"], structure.root)
            found = [mbo for mbo in found if (self._domain.internal_or_same(mbo.text(name)) in values) == among]
        return found

    def _sorted(self, params: Mapping[str, str], structure: ObjectStructure, found: list[Mbo]) -> list[Mbo]:
        written = params.get("oslc.orderBy", "")
        for part in reversed(written.split(",") if written else []):
            if part[:1] not in ("+", "-"):
                raise _refused("oslc.orderBy", part, "has neither + nor - before it (a + needs URL encoding)")
            name = persistent_attribute(structure.root, part[1:]).name
            with_value = [mbo for mbo in found if name in mbo.attributes]
            without = [mbo for mbo in found if name not in mbo.attributes]
            found = _by(with_value, name, descending=part[0] == "-") + without
        return found

    def _page_size(self, params: Mapping[str, str]) -> int | None:
        if "oslc.pageSize" not in params:
            return None
        size = _positive(params["oslc.pageSize"], "oslc.pageSize")
        if size > self._max_page_size:
            raise _refused("oslc.pageSize", str(size), f"is more than mxe.oslc.maxpagesize={self._max_page_size}")
        return size

    def _stable_page(self, params: Mapping[str, str], size: int | None) -> Page:
        """The next page of a stable set; a page given once has expired, and so has a set left idle."""
        now = self._clock.now()
        stable_id, number = params["stableid"], _positive(params.get("pageno", "1"), "pageno")
        held = self._stable.get(stable_id)
        if held is None or number != held.given + 1 or now - held.touched > _IDLE or size is None:
            self._stable.pop(stable_id, None)
            raise MaximoError(UNSTATED, "The page has expired.", status=410)
        start = (number - 1) * size
        held.given, held.touched = number, now
        more = start + size < len(held.members)
        if not more:
            del self._stable[stable_id]
        following = {**params, "pageno": str(number + 1)} if more else None
        return Page(held.members[start : start + size], number, size, len(held.members), following)


def _by(mbos: list[Mbo], name: str, *, descending: bool) -> list[Mbo]:
    return sorted(mbos, key=lambda mbo: rank(mbo.attributes[name]), reverse=descending)


def _positive(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise _refused(name, text, "is not a positive number")
    return int(text)


def _refused(name: str, value: str, why: str) -> MaximoError:
    return MaximoError(UNSTATED, f"{name}: {value} {why}.", attribute=name, value=value)
