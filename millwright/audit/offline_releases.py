"""The offline verifier's check of releases without a person: a version must allow each, and its work must be done. Uses
only standard Python.

Releases by a person are checked in `offline_actors`: they bear the person's signature.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from millwright.audit.offline_in_force import AssetPlace
from millwright.audit.offline_policies import allowed_since, hold_clauses
from millwright.audit.offline_signatures import OfflineFinding, Row, guarded

JudgedMachine = tuple[str, str, str, str, str]
"""Version, asset, failure mode, machine and class of a verdict of an active version."""


class Unattended(NamedTuple):
    """A version that releases machines without a person: what a release by it says, and from when it was approved."""

    by: str
    machines: frozenset[str]
    approved_at: str


def unattended_versions(policies: Sequence[Row], people: dict[str, Row]) -> dict[str, Unattended]:
    """The versions that release machines without a person, by digest. One that is not as it was published, or not
    approved, is not among them."""
    found: dict[str, Unattended] = {}
    for policy in policies:
        machines = frozenset(hold_clauses(policy).get("release_unattended", ()))
        approved_at = allowed_since(policy, policies, people) if machines else None
        if approved_at is not None:
            by = f"policy {policy['policy']} {policy['version']}"
            found[policy["digest"]] = Unattended(by, machines, approved_at)
    return found


def note_machine(
    row: Row, stood: Mapping[str, AssetPlace | None], judged: dict[JudgedMachine, str]
) -> Iterator[OfflineFinding]:
    """Notes the machine and class of a verdict of an active version, from its context; it finds nothing.

    Args:
        row: the verdict.
        stood: the places of assets, by the digests of contexts.
        judged: gets when the version first judged the fault of the machine.
    """
    body = json.loads(row["body"])
    place = stood.get(body["context"])
    if body["role"] == "active" and place is not None:
        key = (body["version"], row["asset"], row["failure_mode"], place[1], place[2])
        judged[key] = min(judged.get(key, body["judged_at"]), body["judged_at"])
    yield from ()


def release_findings(
    acts: Iterable[Sequence[Row]], versions: Mapping[str, Unattended], judged: Mapping[JudgedMachine, str]
) -> Iterator[OfflineFinding]:
    """Finds the releases without a person that no version allowed, or whose work was not done.

    That a version was in force where it judged is checked with its verdicts.

    Args:
        acts: the acts of each case, oldest first; each has its `number` in the order of the ledger.
        versions: see `unattended_versions`.
        judged: when an active version first judged a fault of a machine.
    """
    told = sorted((act for own in acts for act in own), key=lambda act: int(act["number"]))
    cases: dict[str, Row] = {}
    claimed: dict[str, set[str]] = {}
    for act in told:
        case, detail = act["subject"], act["detail"]
        if act["kind"] == "case-opened":
            cases[case] = {"asset": detail["asset"], "failure_mode": detail["failure_mode"], "how": None}
        elif act["kind"] in ("case-awaits-release", "case-closed"):
            cases.setdefault(case, {})["how"] = detail["how"]
        elif act["kind"] in ("hold-intended", "hold-shared", "hold-passed"):
            claimed.setdefault(detail["hold"], set()).add(case)
        elif act["kind"] == "hold-releasing" and act["actor"] == "millwright":
            where = f"hold {detail['hold']}"
            mine = {claiming: cases.get(claiming, {}) for claiming in sorted(claimed.get(detail["hold"], set()))}
            yield from guarded(where, _findings(where, act, mine, versions, judged))


def _findings(
    where: str,
    act: Row,
    cases: Mapping[str, Row],
    versions: Mapping[str, Unattended],
    judged: Mapping[JudgedMachine, str],
) -> Iterator[OfflineFinding]:
    release = act["detail"]["release"]
    version = versions.get(release["version"])
    if version is None or release["by"] != version.by or version.approved_at > act["at"]:
        yield OfflineFinding(
            "hold", where, f"was released without a person, which no approved version allows: {release['by']}"
        )
        return
    faults = {(case["asset"], case["failure_mode"]) for case in cases.values() if "asset" in case}
    machines = {
        machine
        for (digest, asset, mode, machine, _), at in judged.items()
        if digest == release["version"] and (asset, mode) in faults and at <= act["at"]
    }
    if machines.isdisjoint(version.machines):
        yield OfflineFinding(
            "hold",
            where,
            f"was released without a person, and {version.by} allows this for no machine that it judged here",
        )
    undone = [case.removeprefix("case/") for case, told in cases.items() if told.get("how") != "done"]
    if undone or not cases:
        yield OfflineFinding(
            "hold",
            where,
            f"was released without a person before the work of {', '.join(undone) or 'any case'} was done",
        )
