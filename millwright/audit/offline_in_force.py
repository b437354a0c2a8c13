"""Checks which version was in force for a verdict, from the earlier acts in the ledger. Uses only standard Python.

An assignment takes a lock that excludes judging, so the ledger's order is the order of events: a verdict was given
under the assignments in the rows before its own, at its time of judging.
"""

from __future__ import annotations

import bisect
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from millwright.audit.offline_placing import BARRED_IN_A_FREEZE, OfflineWindow
from millwright.audit.offline_policies import approved_when
from millwright.audit.offline_signatures import UNREADABLE, OfflineFinding, Row

AssetPlace = tuple[str, str, str, str]
"""Asset, machine, asset class and line: the place of an asset at the time of a verdict on it."""

_LONGEST = timedelta(hours=1)
"""A row of the ledger has the time of its verdicts. Earlier builds wrote the end of the transaction instead; no
transaction lasts as long as this."""
_SIGNED = {"policy-approved": "approve", "policy-emergency-signed": "emergency"}
_NAMED = ("site", "class", "line")
_EVERYTHING, _SHARE, _SITE = 0, 1, 2


class _Assigned(NamedTuple):
    number: int
    digest: str
    role: str
    width: int
    reach: str
    begins: str
    ends: str | None
    expires: str | None
    recorded: str
    act: str


class _Judging(NamedTuple):
    """The versions that may have acted at a place, and all that may have judged there; several if the site of an asset
    is not known."""

    acting: frozenset[str]
    beside: frozenset[str]


FOLLOWED = ("policy-", "policies-")
"""How the kinds of the acts begin that decide what is in force: on versions, and on freezes."""


class InForce:
    """Follows the acts on versions and freezes, and checks whether a version was in force at the place and in the role
    of its verdict.

    Args:
        acts: the number of each act's ledger row and its body, in the ledger's order; `until` reads them.
        sites: the sites on which each asset was ever registered, an empty text for none; without it, any site is
            possible.
    """

    def __init__(
        self, acts: Iterable[tuple[int, Row]] = (), sites: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self._waiting = iter(acts)
        self._next = next(self._waiting, None)
        self._sites = sites
        self._assigned: dict[int, _Assigned] = {}
        self._early: dict[int, list[tuple[str, str]]] = {}
        self._versions: dict[str, Row] = {}
        self._drafts: dict[tuple[str, str], list[Row]] = {}
        self._windows: dict[str, OfflineWindow] = {}
        self._approved: dict[str, str | None] = {}
        self._turns: list[str] | None = None
        self._at = ""
        self._turn = -1
        self._known: dict[AssetPlace, _Judging] = {}

    def until(self, seq: int) -> None:
        """Follows the acts in the rows before this one."""
        while self._next is not None and self._next[0] < seq:
            self.follow(self._next[1])
            self._next = next(self._waiting, None)

    def follow(self, act: Row) -> None:
        """Reads the next act of the ledger; an unreadable act is reported elsewhere."""
        try:
            self._note(act)
        except UNREADABLE:
            return
        self._turns = None

    def _note(self, act: Row) -> None:
        kind, detail, digest = act["kind"], act["detail"], act["subject"].split("/", 1)[1]
        if kind == "policy-published":
            named = {name: detail[name] for name in ("policy", "version")}
            version: Row = {**named, "author": act["actor"], "published_at": act["at"]}
            self._versions[digest] = {**version, "evidence": [], "signatures": []}
        elif kind == "policy-drafted":
            policy, number = digest.split("/", 1)
            self._drafts.setdefault((policy, number), []).append({"by": act["actor"]})
        elif kind == "policy-evidence":
            found = {"kind": detail["kind"], "at": act["at"], "body": detail["body"]}
            self._versions[digest]["evidence"].append(found)
        elif kind in _SIGNED:
            signed = {"act": _SIGNED[kind], "person": act["actor"], "at": act["at"]}
            self._versions[digest]["signatures"].append(signed)
        elif kind == "policy-assigned":
            width, reach = _reach(detail["scope"])
            terms = (detail["from"], detail["to"], detail["expires_at"], act["at"], detail["act"])
            self._assigned[detail["assignment"]] = _Assigned(
                detail["assignment"], digest, detail["role"], width, reach, *terms
            )
        elif kind == "policy-assignment-ended":
            self._early.setdefault(detail["assignment"], []).append((detail["at"], act["at"]))
        elif kind == "policies-frozen":
            self._windows[digest] = OfflineWindow(digest, detail["from"], detail["to"], act["at"], None)
        elif kind == "policies-thawed":
            self._windows[digest] = self._windows[digest]._replace(thawed=act["at"])

    def findings(
        self, row: Row, stood: Mapping[str, AssetPlace | None], recorded_at: str | None
    ) -> Iterator[OfflineFinding]:
        """What is wrong with the time, place and role of the next verdict of the ledger.

        Args:
            row: the verdict.
            stood: the places of assets, by the digests of contexts.
            recorded_at: the time of its ledger row; None where that is gone.
        """
        self.until(row["seq"])
        body = json.loads(row["body"])
        told = body["version"], body["role"], body["judged_at"]
        fault = self.fault(*told, stood.get(body["context"]), recorded_at)
        if fault is not None:
            yield OfflineFinding("verdict-assignment", f"verdict {row['id']} on event {'|'.join(body['event'])}", fault)

    def fault(
        self, version: str, role: str, judged_at: str, standing: AssetPlace | None, recorded_at: str | None
    ) -> str | None:
        """What is wrong, as a sentence; None if nothing is.

        Args:
            judged_at: its time of judging; this and other times are in the format of the record.
            standing: the place of its asset; None if its context is missing, which is reported elsewhere.
            recorded_at: the time of its ledger row; None where that is gone.
        """
        if recorded_at is not None and recorded_at != judged_at and not _within(judged_at, recorded_at):
            return f"says that it was given at {judged_at}, and the ledger tells of it at {recorded_at}"
        if standing is None:
            return None
        if judged_at != self._at or self._turns is None:
            self._turn_to(judged_at)
        judging = self._known.get(standing)
        if judging is None:
            judging = self._known[standing] = self._judging(standing)
        if version in (judging.acting if role == "active" else judging.beside):
            return None
        acting = ", ".join(sorted(digest[:12] for digest in judging.acting)) or "none"
        beside = ", ".join(sorted(digest[:12] for digest in judging.beside - judging.acting)) or "none"
        told = f"version {version[:12]} was not {role} there at {judged_at}"
        return f"{told}; by the ledger the active one was {acting}, in shadow {beside}"

    def _turn_to(self, judged_at: str) -> None:
        if self._turns is None:
            self._approved = {
                assigned.digest: self._approved_at(assigned.digest) for assigned in self._assigned.values()
            }
            turns = {moment for assigned in self._assigned.values() for moment in (assigned.begins, assigned.recorded)}
            turns |= {
                moment for assigned in self._assigned.values() for moment in (assigned.ends, assigned.expires) if moment
            }
            turns |= {moment for each in self._early.values() for end in each for moment in end}
            turns |= {moment for moment in self._approved.values() if moment}
            self._turns, self._turn = sorted(turns), -1
        turn = bisect.bisect_right(self._turns, judged_at)
        self._at = judged_at
        if turn != self._turn:
            self._turn, self._known = turn, {}

    def _approved_at(self, digest: str) -> str | None:
        version = self._versions.get(digest)
        if version is None:
            return None
        first = min((assigned.recorded for assigned in self._assigned.values()), default=None)
        version = {**version, "drafts": self._drafts.get((version["policy"], version["version"]), [])}
        try:
            return approved_when(version, version["signatures"], first is None or version["published_at"] <= first)
        except UNREADABLE:
            return None

    def _judging(self, standing: AssetPlace) -> _Judging:
        live = [assigned for assigned in self._assigned.values() if self._holds(assigned)]
        named = {"", *(assigned.reach for assigned in live if assigned.width == _SITE)}
        possible = named if self._sites is None else self._sites.get(standing[0], {""})
        acting: set[str] = set()
        beside: set[str] = set()
        for site in sorted(possible):
            there = [assigned for assigned in live if _covers(assigned, standing, site)]
            canary, active = (_winner(there, role) for role in ("canary", "active"))
            winner = canary or active
            acting |= {winner.digest} if winner is not None else set()
            beside |= {judging.digest for judging in (canary, active) if judging is not None}
            beside |= {assigned.digest for assigned in there if assigned.role == "shadow"}
        return _Judging(frozenset(acting), frozenset(beside))

    def _holds(self, assigned: _Assigned) -> bool:
        ends = [assigned.ends] if assigned.ends is not None else []
        ends += [at for at, recorded in self._early.get(assigned.number, []) if recorded <= self._at]
        if assigned.expires is not None:
            approved = self._approved.get(assigned.digest)
            if approved is None or not assigned.begins <= approved <= min(self._at, assigned.expires):
                ends.append(assigned.expires)
        start = max(assigned.begins, assigned.recorded)
        if assigned.act in BARRED_IN_A_FREEZE and any(window.keeps_out(start) for window in self._windows.values()):
            return False
        return start <= self._at and all(self._at < end for end in ends)


def asset_place(context: str) -> AssetPlace | None:
    """The place of an asset, from the text of a verdict's context; None if it cannot be read."""
    try:
        told = json.loads(context)
        return told["asset"], told["machine"], told["asset_class"], told["line"]
    except UNREADABLE:
        return None


def _within(judged_at: str, recorded_at: str) -> bool:
    judged, recorded = (datetime.fromisoformat(text.rstrip("Z")) for text in (judged_at, recorded_at))
    return timedelta() <= recorded - judged <= _LONGEST


def _reach(scope: str) -> tuple[int, str]:
    """The kind of a scope, and the value that it names."""
    first, _, rest = scope.partition(" ")
    if first in _NAMED:
        return _SITE + _NAMED.index(first), rest
    if rest == "percent of machines":
        return _SHARE, first
    if scope != "every line":
        raise ValueError(f"{scope!r} is no scope")
    return _EVERYTHING, ""


def _covers(assigned: _Assigned, standing: AssetPlace, site: str) -> bool:
    asset, machine, asset_class, line = standing
    if assigned.width == _SHARE:
        drawn = int.from_bytes(hashlib.sha256((machine or asset).encode()).digest()[:8], "big") / 2**64 * 100
        return drawn < float(assigned.reach)
    return assigned.width == _EVERYTHING or assigned.reach == (site, asset_class, line)[assigned.width - _SITE]


def _winner(there: Iterable[_Assigned], role: str) -> _Assigned | None:
    def precedence(assigned: _Assigned) -> Any:
        return assigned.width, assigned.begins, assigned.number

    return max((assigned for assigned in there if assigned.role == role), key=precedence, default=None)
