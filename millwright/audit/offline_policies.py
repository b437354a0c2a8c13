"""The offline verifier's check of people and policies: who allowed a version to judge, and where. Uses only standard
Python.

Acts are the bodies of the acts on one subject, oldest first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from millwright.audit.offline_people import key_as_of, nobody, roles_as_of
from millwright.audit.offline_signatures import UNREADABLE, OfflineFinding, Row, differing, sha256, statement_holds

_ROLES = {
    "submit": {"author"},
    "approve": {"approver"},
    "withdraw": {"author", "approver", "operator"},
    "activate": {"operator"},
    "canary": {"operator"},
    "shadow": {"operator"},
    "emergency": {"operator"},
    "rollback": {"operator"},
}
_PLACES = {
    "activate": "active",
    "emergency": "active",
    "rollback": "active",
    "canary": "canary",
    "shadow": "shadow",
}
_SMALL, _LARGE = 10, 2000
_MOST = 3


def _told(acts: Sequence[Row], kind: str, *, at: str) -> list[Row]:
    return [{**act["detail"], "by": act["actor"], at: act["at"]} for act in acts if act["kind"] == kind]


def kind_of(act: str) -> str:
    """The kind of the ledger's act for a signature."""
    return f"policy-{act}d" if act in ("approve", "activate") else f"policy-{act}-signed"


def policy_findings(policy: Row, acts: Sequence[Row], draft_acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Compares a version's row and its dependent rows with their acts."""
    where = f"policy {policy['policy']} {policy['version']}"
    published = [act for act in acts if act["kind"] == "policy-published"]
    told = [(a["actor"], a["at"], *(a["detail"][n] for n in ("policy", "version", "digest"))) for a in published]
    if told != [tuple(policy[name] for name in ("author", "published_at", "policy", "version", "digest"))]:
        yield OfflineFinding(
            "policy-record", where, "author, time, name or digest is not as recorded when it was published"
        )
    kinds = {kind_of(act): act for act in _ROLES}
    signed = [
        {"act": kinds[act["kind"]], "person": act["actor"], "at": act["at"], **act["detail"]}
        for act in acts
        if act["kind"] in kinds
    ]
    pairs = (
        ("signature", policy["signatures"], signed),
        ("assignment", policy["assignments"], _told(acts, "policy-assigned", at="recorded_at")),
        ("end of an assignment", policy["ends"], _told(acts, "policy-assignment-ended", at="recorded_at")),
        ("piece of evidence", policy["evidence"], _told(acts, "policy-evidence", at="at")),
        ("draft", policy["drafts"], _told(draft_acts, "policy-drafted", at="saved_at")),
    )
    for what, stored, recorded in pairs:
        here, there = _texts(stored, recorded), _texts(recorded, recorded)
        if here != there:
            number = ((here - there) + (there - here)).total()
            yield OfflineFinding("policy-record", where, f"not as recorded: {number} of {what}")


def _texts(rows: Sequence[Row], told: Sequence[Row]) -> Counter[str]:
    """Rows as texts, with the names that acts use, each with how often it is there."""
    names = {name for told_row in told for name in told_row if name != "texts"}
    return Counter(
        json.dumps({name: row.get(name) for name in names} if names else row, sort_keys=True, default=str)
        for row in rows
    )


def _signature_fault(policy: Row, given: Row, people: dict[str, Row]) -> str | None:
    person = people.get(given["person"], nobody())
    key = key_as_of(person, given["at"])
    name = f"the {given['act']} signature of {given['person']}"
    if given["act"] not in _ROLES or not statement_holds(key, policy["digest"], given["act"], given, given["person"]):
        return f"{name} is forged"
    if person["left_at"] is not None and given["at"] >= person["left_at"]:
        return f"{name} was made after they had left"
    if not _ROLES[given["act"]] & roles_as_of(person, given["at"]):
        return f"{name} takes a role that they did not hold then"
    return None


def barred_people(policy: Row, signatures: Sequence[Row]) -> set[str]:
    """The people whose approval of a version does not count: its authors, and who put it in force in an emergency."""
    authors = {policy["author"], *(draft["by"] for draft in policy["drafts"])}
    return authors | {signature["person"] for signature in signatures if signature["act"] == "emergency"}


def approved_when(policy: Row, signatures: Sequence[Row], first_light: bool) -> str | None:
    """When a version had enough approvals; None if it has not."""
    barred = barred_people(policy, signatures)
    approvals = [
        signature for signature in signatures if signature["act"] == "approve" and signature["person"] not in barred
    ]
    backtests = [
        (evidence["at"], json.loads(evidence["body"])["changed"])
        for evidence in policy["evidence"]
        if evidence["kind"] == "backtest"
    ]
    for moment in sorted({approval["at"] for approval in approvals} | {at for at, _ in backtests}):
        people = {approval["person"] for approval in approvals if approval["at"] <= moment}
        needed = [_needed(found) for at, found in backtests if at <= moment]
        if len(people) >= (1 if first_light else max(needed, default=_MOST)):
            return str(moment)
    return None


def proved_approval(policy: Row, policies: Sequence[Row], people: dict[str, Row]) -> str | None:
    """When a version had enough approvals with valid signatures; None if it has not. See `signing_findings`."""
    first = min((assignment["recorded_at"] for each in policies for assignment in each["assignments"]), default=None)
    first_light = first is None or policy["published_at"] <= first
    return approved_when(policy, _sound_signatures(policy, people), first_light)


def allowed_since(policy: Row, policies: Sequence[Row], people: dict[str, Row]) -> str | None:
    """From when the clauses of a version on holds count; None if it is not as it was published, has not enough
    approvals, or something of it cannot be read. Its own check names that."""
    try:
        published = sha256(policy["values"]) == policy["digest"]
        return proved_approval(policy, policies, people) if published else None
    except UNREADABLE:
        return None


def hold_clauses(policy: Row) -> Row:
    """What a version says of holds; empty if it says nothing, or cannot be read."""
    try:
        return json.loads(policy["values"] or "{}").get("holds") or {}
    except UNREADABLE:
        return {}


def _sound_signatures(policy: Row, people: dict[str, Row]) -> list[Row]:
    return [given for given in policy["signatures"] if _signature_fault(policy, given, people) is None]


def _needed(changed: Row) -> int:
    blast = changed["assets"] * changed["max_rung_change"]
    # Backtests that earlier builds attached do not have the number of added machines.
    least = 2 if changed.get("unattended", 0) > 0 else 1
    return least if blast <= _SMALL else 2 if blast <= _LARGE else _MOST


def signing_findings(policy: Row, policies: Sequence[Row], people: dict[str, Row]) -> Iterator[OfflineFinding]:
    """Checks a version's text against its digest, and every signature, approval, assignment and end against its
    signers.

    Args:
        policies: every version.
        people: everybody, by name.
    """
    where = f"policy {policy['policy']} {policy['version']}"
    values = json.loads(policy["values"] or "{}")
    if sha256(policy["values"] or "") != policy["digest"]:
        yield OfflineFinding("policy-document", where, f"its text is not the one with digest {policy['digest'][:12]}")
    elif differing(policy, values, ("policy", "version", "author")):
        yield OfflineFinding("policy-record", where, "calls itself something else than the row it is stored in")
    for signature in policy["signatures"]:
        fault = _signature_fault(policy, signature, people)
        if fault is not None:
            yield OfflineFinding("policy-signature", where, fault)
    sound = _sound_signatures(policy, people)
    approved_at = proved_approval(policy, policies, people)
    acting = [assignment for assignment in policy["assignments"] if assignment["act"] != "emergency"]
    if acting and approved_at is None:
        yield OfflineFinding(
            "policy-approval", where, f"not enough people but its author {policy['author']} approved it"
        )
    withdrawn = [
        signature["at"]
        for signature in sound
        if signature["act"] == "withdraw" and signature["meaning"].startswith("withdraw ")
    ]
    for row in policy["assignments"]:
        fault = _assignment_fault(row, policy)
        late = approved_at is not None and row in acting and row["recorded_at"] < approved_at
        if fault is not None or late or any(row["recorded_at"] > at for at in withdrawn):
            what = fault or "was recorded before the version was approved, or after it was withdrawn"
            yield OfflineFinding("policy-assignment", where, f"as {row['role']} for {row['scope']}: {what}")
    for row in policy["ends"]:
        if not _end_holds(row, policy, policies):
            yield OfflineFinding("policy-assignment", where, f"the end of assignment {row['assignment']} is not signed")


def _assignment_fault(row: Row, policy: Row) -> str | None:
    signed = [signature for signature in policy["signatures"] if signature["id"] == row["signed"]]
    if not signed or (signed[0]["person"], signed[0]["act"]) != (row["by"], row["act"]):
        return f"is not signed by {row['by']}"
    together = sorted(
        assignment["scope"] for assignment in policy["assignments"] if assignment["signed"] == row["signed"]
    )
    said = f"{row['act']} for {', '.join(together)} from {row['from']}"
    said += f" until {row['to']}" if row["to"] is not None else ""
    said += f" in the place of {row['replaces']}" if row["replaces"] is not None else ""
    said += f" within {row['band']}" if row["band"] is not None else ""
    expires = (row["expires_at"] is not None) == (row["act"] == "emergency")
    if f"{said}: {row['reason']}" != signed[0]["meaning"] or _PLACES[row["act"]] != row["role"] or not expires:
        return f"is not what {row['by']} signed"
    return None


def _end_holds(row: Row, policy: Row, policies: Sequence[Row]) -> bool:
    if row["cause"] == "halted":
        return row["role"] == "canary" and row["signed"] is None
    signing: list[tuple[Any, Row]] = [(p, s) for p in policies for s in p["signatures"] if s["id"] == row["signed"]]
    if len(signing) != 1 or signing[0][1]["person"] != row["by"]:
        return False
    owner, signed = signing[0]
    if row["cause"] == "withdrawn":
        said = (f"withdraw this version: {row['reason']}", f"end as {row['role']}: {row['reason']}")
        return owner is policy and signed["act"] == "withdraw" and signed["meaning"] in said
    if row["cause"] == "graduated":
        return owner is policy and signed["act"] == "activate" and row["role"] != "active"
    replaced = {assignment["replaces"] for assignment in owner["assignments"] if assignment["signed"] == row["signed"]}
    return signed["act"] == "rollback" and replaced == {policy["digest"]}
