"""The offline verifier's check of returns to normal and of the verification of work: what versions ask for, and what
each proof shows. Uses only standard Python.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from millwright.audit.offline_signatures import UNREADABLE, OfflineFinding, Row, guarded
from millwright.audit.offline_test_runs import run_moment, span_of

_VERIFICATIONS = {
    "work-verified": "verified",
    "work-not-verified": "not_verified",
    "work-did-not-help": "did_not_help",
}
NORMAL_KINDS = ("fault-normal", *_VERIFICATIONS)
"""The kinds of acts on a fault that is over, or is not."""


def normal_clauses(policies: Sequence[Row]) -> dict[str, Row]:
    """When versions say that a fault has returned to normal, by digest."""
    found: dict[str, Row] = {}
    for policy in policies:
        try:
            clause = json.loads(policy["values"] or "{}").get("return_to_normal")
        except UNREADABLE:
            continue
        if clause:
            found[policy["digest"]] = clause
    return found


def normal_findings(acts: Iterable[Sequence[Row]], clauses: Mapping[str, Row]) -> Iterator[OfflineFinding]:
    """Finds returns to normal and verifications that no version asks for in this way, or whose proof is too short; and
    reworks that no verification asked for, or more than one for a case.

    Args:
        acts: the acts of each case, oldest first.
        clauses: see `normal_clauses`.
    """
    asked: dict[str, Any] = {}
    reworks: list[tuple[str, Any]] = []
    for own in acts:
        done_at, verified = None, None
        for act in own:
            kind, detail, where = act["kind"], act["detail"], act["subject"].replace("/", " ")
            if kind == "case-closed":
                done_at = act["at"] if detail["how"] == "done" else None
            elif kind == "case-reworks" and detail["rework"]["by"] is None:
                reworks.append((act["subject"].partition("/")[2], detail["rework"]["case"]))
            elif kind == "fault-normal":
                yield from guarded(where, _normal_findings(where, act, clauses))
            elif kind in _VERIFICATIONS:
                yield from guarded(where, _verified_findings(where, act, clauses, done_at, verified))
                verified = detail["verification"]["state"]
                asked[act["subject"].partition("/")[2]] = detail["verification"]["rework"]
    for rework, case in reworks:
        if asked.get(case) != rework:
            what = f"is the rework of case {case}, and no verification asks for it"
            yield OfflineFinding("case", f"case {rework}", what)
    if len({case for _, case in reworks}) != len(reworks):
        yield OfflineFinding("case", "reworks", "a case has more than one rework that its verification asked for")


def _normal_findings(where: str, act: Row, clauses: Mapping[str, Row]) -> Iterator[OfflineFinding]:
    normal = act["detail"]["normal"]
    clause = clauses.get(normal["version"])
    if clause is None:
        yield OfflineFinding("case", where, "is said to be back to normal, and its version does not say when it is")
    elif not _proves_normal(normal["proof"], clause, act["at"]):
        yield OfflineFinding("case", where, "is said to be back to normal on a proof that is too short")


def _verified_findings(
    where: str, act: Row, clauses: Mapping[str, Row], done_at: str | None, before: Any
) -> Iterator[OfflineFinding]:
    told = act["detail"]["verification"]
    clause = clauses.get(told["version"])
    if done_at is None:
        yield OfflineFinding("case", where, "was verified, and its work was not done then")
    if clause is None or not clause.get("verify_within"):
        yield OfflineFinding("case", where, "was verified, and its version does not ask for it")
    if told["state"] != _VERIFICATIONS[act["kind"]] or before in ("not_verified", "did_not_help"):
        yield OfflineFinding("case", where, "was verified otherwise before, or as something else")
    if told["state"] != "verified":
        return
    proof = told["proof"]
    after = proof is not None and done_at is not None and _first_reading(proof) > run_moment(done_at)
    if not after or clause is None or not _proves_normal(proof, clause, act["at"]):
        what = "is called verified on a proof that is too short, or from before its work was done"
        yield OfflineFinding("case", where, what)


def _first_reading(proof: Row) -> Any:
    return min(run_moment(each["since"]) for each in proof["signals"])


def _proves_normal(proof: Row, clause: Row, at: str) -> bool:
    steady = span_of(clause["steady"])
    return bool(proof["signals"]) and all(
        steady <= span_of(each["counted"]) <= run_moment(each["until"]) - run_moment(each["since"])
        and run_moment(each["until"]) <= run_moment(at)
        for each in proof["signals"]
    )
