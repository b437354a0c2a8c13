"""The offline verifier's check of why holds were placed: production accepted each, or an approved version let it be
placed without that. Uses only standard Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from millwright.audit.offline_policies import allowed_since, hold_clauses
from millwright.audit.offline_releases import JudgedMachine
from millwright.audit.offline_signatures import OfflineFinding, Row, guarded


class Unasked(NamedTuple):
    """A version that lets holds be placed without production's acceptance, and from when it was approved."""

    classes: frozenset[str]
    by_silence: bool
    approved_at: str


def unasked_versions(policies: Sequence[Row], people: dict[str, Row]) -> dict[str, Unasked]:
    """The versions that let holds be placed without production's acceptance, by digest. One that is not as it was
    published, or not approved, is not among them."""
    found: dict[str, Unasked] = {}
    for policy in policies:
        holds = hold_clauses(policy)
        classes, by_silence = frozenset(holds.get("place_unasked", ())), holds.get("on_silence") == "place"
        approved_at = allowed_since(policy, policies, people) if classes or by_silence else None
        if approved_at is not None:
            found[policy["digest"]] = Unasked(classes, by_silence, approved_at)
    return found


def hold_ground_findings(
    acts: Iterable[Sequence[Row]], versions: Mapping[str, Unasked], judged: Mapping[JudgedMachine, str]
) -> Iterator[OfflineFinding]:
    """Finds the holds that nothing let be placed. Earlier builds asked nobody and recorded no reason; from the first
    recorded one on, each hold has one.

    Args:
        acts: the acts of each case, oldest first; each has its `number` in the order of the ledger.
        versions: see `unasked_versions`.
        judged: when an active version first judged a fault of an asset.
    """
    told = sorted((act for own in acts for act in own), key=lambda act: int(act["number"]))
    cases: dict[str, _AskedCase] = {}
    recorded = False
    for act in told:
        case = cases.setdefault(act["subject"], _AskedCase())
        case.follow(act)
        if act["kind"] == "hold-intended":
            ground = act["detail"].get("ground")
            recorded = recorded or ground is not None
            if recorded:
                where = f"hold {act['detail']['hold']}"
                yield from guarded(where, _ground_faults(where, act, case, ground, versions, judged))


class _AskedCase:
    """What the acts of a case tell of its hold."""

    def __init__(self) -> None:
        self.fault: tuple[Any, Any] | None = None
        self.version = ""
        self.proposal: Row | None = None

    def follow(self, act: Row) -> None:
        kind, detail = act["kind"], act["detail"]
        if kind == "case-opened":
            self.fault = (detail["asset"], detail["failure_mode"])
        if kind in ("case-opened", "case-raised"):
            self.version = act["actor"]
        elif kind == "hold-proposed":
            self.proposal = detail["proposal"]
        elif kind == "hold-answered":
            self.proposal = {**(self.proposal or {}), "answer": detail["answer"]}


def _ground_faults(
    where: str,
    act: Row,
    case: _AskedCase,
    ground: Any,
    versions: Mapping[str, Unasked],
    judged: Mapping[JudgedMachine, str],
) -> Iterator[OfflineFinding]:
    at = act["at"]
    if ground == "answered":
        answer = (case.proposal or {}).get("answer") or {}
        if not answer.get("accepted") or _when(answer["hold_at"]) > _when(at):
            yield OfflineFinding("hold", where, "was placed, and production had not accepted it for this time")
        return
    digests = [digest for digest in versions if case.version and digest.startswith(case.version)]
    allowed = [versions[digest] for digest in digests if versions[digest].approved_at <= at]
    if ground == "silence":
        proposal = case.proposal or {}
        silent = proposal.get("answer") is None and _when(proposal["answer_by"]) <= _when(at)
        if not silent or not any(version.by_silence for version in allowed):
            yield OfflineFinding("hold", where, "was placed without an answer, which no approved version allows")
        return
    classes = {
        asset_class
        for (digest, asset, mode, _, asset_class), first in judged.items()
        if digest in digests and (asset, mode) == case.fault and first <= at
    }
    if ground != "unasked" or not any(version.classes & classes for version in allowed):
        yield OfflineFinding("hold", where, "was placed unasked, which no approved version allows for this class")


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)
