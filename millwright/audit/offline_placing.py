"""The offline verifier's check of when and by whom a version was put in force: freezes, rollbacks, emergencies and the
second person. Uses only standard Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from millwright.audit.offline_policies import approved_when, barred_people, kind_of
from millwright.audit.offline_signatures import OfflineFinding, Row

BARRED_IN_A_FREEZE = ("activate", "canary")
_CHANGES = ("policy-evidence", "policy-assigned", "policy-assignment-ended")


class OfflineWindow(NamedTuple):
    """A freeze window by its acts; times are in the format of the record."""

    number: str
    begins: str
    ends: str
    recorded: str
    thawed: str | None

    def keeps_out(self, start: str) -> bool:
        """Whether what was to start at a time does not start."""
        lifted = self.thawed is not None and self.thawed <= start
        return self.recorded < start and self.begins <= start < self.ends and not lifted


def freeze_windows(acts: Mapping[str, Sequence[Row]]) -> list[OfflineWindow]:
    """The freeze windows, from the acts by subject."""
    found = []
    for subject, told in acts.items():
        if not subject.startswith("freeze/"):
            continue
        thawed = next((act["at"] for act in told if act["kind"] == "policies-thawed"), None)
        found += [
            OfflineWindow(subject.split("/")[1], act["detail"]["from"], act["detail"]["to"], act["at"], thawed)
            for act in told
            if act["kind"] == "policies-frozen"
        ]
    return found


def placing_findings(
    policy: Row, policies: Sequence[Row], acts: Sequence[Row], windows: Sequence[OfflineWindow]
) -> Iterator[OfflineFinding]:
    """Checks each assignment of a version against the rules of its time.

    Args:
        policies: every version.
        acts: the bodies of the acts on the version.
        windows: every freeze window.
    """
    where = f"policy {policy['policy']} {policy['version']}"
    first = min((assignment["recorded_at"] for each in policies for assignment in each["assignments"]), default=None)
    approved = {
        each["digest"]: approved_when(each, each["signatures"], first is None or each["published_at"] <= first)
        for each in policies
    }
    for row in policy["assignments"]:
        for fault in _faults(row, policy, approved[policy["digest"]], acts, windows):
            yield OfflineFinding("policy-assignment", where, f"as {row['role']} for {row['scope']}: {fault}")
        if row["act"] == "rollback" and not _replaces_what_stood(row, policies, approved, windows):
            what = "was rolled back to, in the place of another version than the one named"
            yield OfflineFinding("policy-assignment", where, f"as {row['role']} for {row['scope']}: {what}")
    for fault in _backdated(policy, acts):
        yield OfflineFinding("policy-signature", where, fault)


def _backdated(policy: Row, acts: Sequence[Row]) -> Iterator[str]:
    """The signatures with a time before a change of the version that was recorded earlier. They change the past."""
    signed = {kind_of(signature["act"]): signature["act"] for signature in policy["signatures"]}
    last = ""
    for act in acts:
        if act["kind"] in signed and act["at"] < last:
            yield f"the {signed[act['kind']]} signature of {act['actor']} has a time before the change that it follows"
        elif act["kind"] in _CHANGES and act["detail"].get("kind", "backtest") == "backtest":
            last = max(last, act["at"])


def _faults(
    row: Row, policy: Row, approved: str | None, acts: Sequence[Row], windows: Sequence[OfflineWindow]
) -> Iterator[str]:
    no_more = any(
        act["kind"] == "policy-compared"
        and act["at"] == row["recorded_at"]
        and act["detail"]["with"] == row["replaces"]
        for act in acts
    )
    widens = row["act"] in BARRED_IN_A_FREEZE or (row["act"] == "rollback" and not no_more)
    for window in windows:
        known = window.recorded < row["recorded_at"] and (window.thawed is None or window.thawed > row["recorded_at"])
        if widens and known and window.keeps_out(_start(row)):
            yield f"was signed by {row['by']} to come into force in freeze window {window.number}"
    if widens and not _approved_by_another(row, policy):
        yield f"nobody but {row['by']}, who put it in force, had approved it"
    if row["act"] == "rollback" and not _was_active(row, policy, approved, windows):
        yield "was rolled back to, and was never active there"
    if row["act"] == "emergency":
        yield from _emergency_faults(row, policy, approved)


def _emergency_faults(row: Row, policy: Row, approved: str | None) -> Iterator[str]:
    signed = [signature["at"] for signature in policy["signatures"] if signature["id"] == row["signed"]]
    if signed and row["from"] != signed[0]:
        yield "is an emergency that did not begin when it was signed"
    earlier = [
        other for other in policy["assignments"] if other["act"] == "emergency" and other["signed"] < row["signed"]
    ]
    if earlier and (approved is None or row["recorded_at"] < approved):
        yield "is another emergency of a version that nobody had approved since the first"


def _approved_by_another(row: Row, policy: Row) -> bool:
    return any(
        signature["act"] == "approve"
        and signature["person"] not in barred_people(policy, policy["signatures"]) | {row["by"]}
        and signature["at"] <= row["recorded_at"]
        for signature in policy["signatures"]
    )


def _was_active(row: Row, policy: Row, approved: str | None, windows: Sequence[OfflineWindow]) -> bool:
    return any(
        earlier["role"] == "active"
        and earlier["assignment"] < row["assignment"]
        and earlier["signed"] != row["signed"]
        and _contains(earlier["scope"], row["scope"])
        and _started(earlier, policy, approved, windows, row["recorded_at"])
        for earlier in policy["assignments"]
    )


def _replaces_what_stood(
    row: Row, policies: Sequence[Row], approved: Mapping[str, str | None], windows: Iterable[OfflineWindow]
) -> bool:
    """Whether the version that a rollback replaces was the one in force there, and not one that had been superseded."""
    stood = max(
        (
            (_start(earlier), earlier["assignment"], each["digest"])
            for each in policies
            for earlier in each["assignments"]
            if earlier["role"] == "active"
            and earlier["scope"] == row["scope"]
            and earlier["assignment"] < row["assignment"]
            and earlier["signed"] != row["signed"]
            and _in_force(earlier, each, approved[each["digest"]], windows, row)
        ),
        default=None,
    )
    return stood is not None and stood[2] == row["replaces"]


def _in_force(row: Row, policy: Row, approved: str | None, windows: Iterable[OfflineWindow], until: Row) -> bool:
    """Whether an assignment was in force when another one was recorded, apart from what that one ended itself."""
    at = until["recorded_at"]
    before = {**policy, "ends": [end for end in policy["ends"] if end["signed"] != until["signed"]]}
    ended = any(end <= at for end in _ends(row, before, approved, at))
    return _started(row, before, approved, windows, at) and not ended


def _started(row: Row, policy: Row, approved: str | None, windows: Iterable[OfflineWindow], by: str) -> bool:
    """Whether an assignment was in force at any time until then, by the records of then."""
    start = _start(row)
    kept_out = row["act"] in BARRED_IN_A_FREEZE and any(window.keeps_out(start) for window in windows)
    return start <= by and not kept_out and all(start < end for end in _ends(row, policy, approved, by))


def _ends(row: Row, policy: Row, approved: str | None, by: str) -> list[str]:
    """When an assignment ends, by each of the records of then."""
    ends = [row["to"]] if row["to"] is not None else []
    ends += [end["at"] for end in policy["ends"] if end["assignment"] == row["assignment"] and end["recorded_at"] <= by]
    if row["expires_at"] is not None and (
        approved is None or not row["from"] <= approved <= min(by, row["expires_at"])
    ):
        ends.append(row["expires_at"])
    return ends


def _start(row: Row) -> str:
    return max(str(row["from"]), str(row["recorded_at"]))


def _contains(wide: str, narrow: str) -> bool:
    if wide in (narrow, "every line"):
        return True
    shares = [words.removesuffix(" percent of machines") for words in (wide, narrow)]
    return shares[0] != wide and shares[1] != narrow and float(shares[1]) <= float(shares[0])
