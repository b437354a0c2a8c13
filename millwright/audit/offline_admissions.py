"""The offline verifier's check that no crew got more new orders within seven days than the versions say. Uses only
standard Python.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from millwright.audit.offline_releases import JudgedMachine
from millwright.audit.offline_signatures import UNREADABLE, OfflineFinding, Row, guarded

_SEVEN_DAYS = timedelta(days=7)
_ENDED_WITHOUT_WORK = ("cancelled", "skipped", "deleted")


class BoundedCrew(NamedTuple):
    """A crew of a version: the classes of assets on which it works, and how many new orders it gets in seven days."""

    classes: frozenset[str]
    new_orders: int


class CapacityClauses(NamedTuple):
    """What a version says of crews, and what a decision on the time of the work says of a fault that it declares
    unpriced."""

    crews: Mapping[str, BoundedCrew]
    consequences: frozenset[str]


def capacity_clauses(policies: Sequence[Row]) -> dict[str, CapacityClauses]:
    """The versions that bound crews, by digest."""
    found: dict[str, CapacityClauses] = {}
    for policy in policies:
        try:
            values = json.loads(policy["values"] or "{}")
            crews = {
                crew["name"]: BoundedCrew(frozenset(crew["classes"]), crew["new_orders_a_week"])
                for crew in (values.get("capacity") or {}).get("crews", ())
            }
            unpriced = (values.get("prices") or {}).get("unpriced", ())
            words = [f"its consequence is {each['consequence']}: {' '.join(each['says'].split())}" for each in unpriced]
        except UNREADABLE:
            continue
        if crews:
            found[policy["digest"]] = CapacityClauses(crews, frozenset(words))
    return found


def admission_findings(
    acts: Iterable[Sequence[Row]], versions: Mapping[str, CapacityClauses], judged: Mapping[JudgedMachine, str]
) -> Iterator[OfflineFinding]:
    """Counts the new orders of each crew again, and finds those beyond its bound, or without a ground to be exempt.

    Args:
        acts: the acts of each case, oldest first; each has its `number` in the order of the ledger.
        versions: see `capacity_clauses`.
        judged: when an active version first judged a fault of an asset.
    """
    of_cases = list(acts)
    told = sorted((act for own in of_cases for act in own), key=lambda act: int(act["number"]))
    # The draft of a case that takes the order of a person is kept in the same transaction, and never sent.
    never_sent = {
        own[place - 1]["number"]
        for own in of_cases
        for place, act in enumerate(own)
        if act["kind"] == "order-attached" and place and own[place - 1]["kind"] == "order-intended"
    }
    cases: dict[str, _AskingCase] = {}
    crews = _Crews()
    for act in told:
        case = cases.setdefault(act["subject"], _AskingCase())
        where = act["subject"].replace("/", " ")
        if act["kind"] in ("order-admitted", "order-awaits-turn"):
            yield from guarded(where, _turn_findings(where, act, case, crews, versions))
        elif act["kind"] == "order-intended" and act["number"] not in never_sent:
            yield from guarded(where, _intended_findings(where, act, case, versions, judged))
        case.follow(act)
        if act["kind"] == "order-admitted":
            crews.admit(act["subject"], case)


class _AskingCase:
    """What the acts of a case tell of its order and of its crew."""

    def __init__(self) -> None:
        self.fault: tuple[Any, Any] | None = None
        self.version = ""
        self.rung = ""
        self.accepted = self.reworks = self.ordered = self.ended = False
        self.not_priced: Any = None
        self.status = ""
        self.admission: Row | None = None

    def follow(self, act: Row) -> None:
        kind, detail = act["kind"], act["detail"]
        if kind == "case-opened":
            self.fault = (detail["asset"], detail["failure_mode"])
        if kind in ("case-opened", "case-raised"):
            self.version, self.rung = act["actor"], detail["rung"]
        elif kind == "case-decided":
            self.accepted = detail["approved"]
        elif kind == "case-reworks":
            self.reworks = True
        elif kind == "work-proposed":
            self.not_priced = detail["urgency"].get("not_priced")
        elif kind in ("order-placed", "order-changed", "order-attached"):
            self.ordered, self.status = True, detail["record"]["status"]
            if kind == "order-attached":
                # The order of a person is no new order of the crew.
                self.admission = None
        elif kind == "order-detached":
            self.ordered, self.status = False, ""
        elif kind in ("case-awaits-release", "case-closed"):
            self.ended = True
        elif kind == "order-admitted":
            self.admission = detail["admission"]

    def counts(self, crew: tuple[Any, Any], since: datetime) -> bool:
        """Whether its order is one of the crew's new orders since a time."""
        told = self.admission
        if told is None or (told["crew"], told["site"]) != crew or _admission_moment(told["admitted_at"]) <= since:
            return False
        return self.status not in _ENDED_WITHOUT_WORK and (self.ordered or not self.ended)

    def clauses(self, versions: Mapping[str, CapacityClauses]) -> CapacityClauses | None:
        """What the version says by which the case is treated."""
        own = [versions[digest] for digest in versions if self.version and digest.startswith(self.version)]
        return own[0] if own else None

    def may_be(self, exempt: Any, clauses: CapacityClauses | None) -> bool:
        """Whether the acts give a ground for an exemption."""
        if exempt == "consequence":
            return clauses is not None and self.not_priced in clauses.consequences
        grounds = {"hold": self.rung == "work_order_and_hold", "person": self.accepted, "rework": self.reworks}
        return grounds.get(exempt, False)


class _Crews:
    """The cases whose orders were admitted, by crew and site, the last one last."""

    def __init__(self) -> None:
        self._admitted: defaultdict[tuple[Any, Any], dict[str, _AskingCase]] = defaultdict(dict)

    def admit(self, subject: str, case: _AskingCase) -> None:
        """Adds a case whose order was just admitted."""
        told = case.admission or {}
        admitted = self._admitted[told["crew"], told["site"]]
        admitted.pop(subject, None)
        admitted[subject] = case

    def used(self, crew: tuple[Any, Any], since: datetime) -> int:
        """The number of the crew's new orders since a time. The acts are followed in the order of the ledger, so that
        what is much older is forgotten; the clocks of two workers may differ a little."""
        admitted = self._admitted[crew]
        for subject in list(admitted):
            told = admitted[subject].admission
            if told is not None and _admission_moment(told["admitted_at"]) > since - _SEVEN_DAYS:
                break
            del admitted[subject]
        return sum(each.counts(crew, since) for each in admitted.values())


def _turn_findings(
    where: str,
    act: Row,
    case: _AskingCase,
    crews: _Crews,
    versions: Mapping[str, CapacityClauses],
) -> Iterator[OfflineFinding]:
    told, clauses = act["detail"]["admission"], case.clauses(versions)
    crew, exempt = told["crew"], told["exempt"]
    admitted = act["kind"] == "order-admitted"
    used = crews.used((crew, told["site"]), _admission_moment(act["at"]) - _SEVEN_DAYS)
    if case.admission is not None:
        yield OfflineFinding("order", where, "its order was admitted, and the case asked again")
    at = told["admitted_at"]
    if (at is None) is admitted or (at is not None and _admission_moment(at) != _admission_moment(act["at"])):
        yield OfflineFinding("order", where, "the time at which its order was admitted is not that of the act")
    if act["detail"]["used"] != used:
        what = f"crew {crew} had {used} new orders in seven days when the case asked, and not {act['detail']['used']}"
        yield OfflineFinding("order", where, what)
    bounded = clauses.crews.get(crew) if clauses is not None else None
    if bounded is None or bounded.new_orders != told["bound"]:
        yield OfflineFinding("order", where, f"its version does not give crew {crew} {told['bound']} new orders")
    elif admitted and exempt is None and used >= bounded.new_orders:
        what = f"its order was admitted beyond the bound: crew {crew} had {used} of {bounded.new_orders} new orders"
        yield OfflineFinding("order", where, what)
    if exempt is not None and not (admitted and case.may_be(exempt, clauses)):
        yield OfflineFinding("order", where, f"its order is exempt as `{exempt}`, for which the acts give no ground")


def _intended_findings(
    where: str,
    act: Row,
    case: _AskingCase,
    versions: Mapping[str, CapacityClauses],
    judged: Mapping[JudgedMachine, str],
) -> Iterator[OfflineFinding]:
    clauses = case.clauses(versions)
    if clauses is None or case.admission is not None:
        return
    classes = {
        asset_class
        for (digest, asset, mode, _, asset_class), first in judged.items()
        if digest.startswith(case.version) and (asset, mode) == case.fault and first <= act["at"]
    }
    for name, crew in sorted(clauses.crews.items()):
        if crew.classes & classes:
            yield OfflineFinding("order", where, f"its order went out, and was not among the new orders of crew {name}")


def _admission_moment(text: str) -> datetime:
    # Without the Z, which Python reads from 3.11 on only.
    return datetime.fromisoformat(text[:-1])
