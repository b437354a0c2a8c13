"""The offline verifier's check of test runs: what versions ask for, how each went, and the readings of each proof. Uses
only standard Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from millwright.audit.offline_policies import hold_clauses
from millwright.audit.offline_releases import JudgedMachine
from millwright.audit.offline_signatures import OfflineFinding, Row, guarded

FOR_TEST_RUN = "people clear, locks and tags removed, ready for a test run"
FOR_GOOD = "the machine was watched on its test run and runs as it should"
"""What a person states to release a machine for a test run, and for good after it, as in `domain.machine_test_runs`."""
_SPAN = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?")


def span_of(text: str) -> timedelta:
    """A duration in ISO 8601, without years and months."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no duration")
    weeks, days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def run_moment(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class FollowedRun:
    """The test run of one hold, followed by its acts in their order.

    Attributes:
        state: the test run as the newest act tells it; None where the version asks for none.
    """

    def __init__(self) -> None:
        self.state: Any = None
        self._released: Any = None
        """The release that was stated last, with who stated it."""
        self._testing = False

    def follow(self, kind: str, detail: Row, at: str, actor: str) -> Iterator[str]:
        """What is wrong with an act, as far as the test run is concerned."""
        before, self.state = self.state, detail.get("test_run", self.state)
        if kind == "hold-releasing":
            yield from self._steps(detail["release"], actor)
            self._released = (detail["release"].get("meaning"), actor)
        elif kind == "hold-testing":
            if self._released is None or self._released[0] != FOR_TEST_RUN or self._released[1] == "millwright":
                yield "runs on test, and no person released it for a test run"
            if self.state != {**(before or {}), "begun_at": _brief(at)}:
                yield "the time of its test run, or what is to be proved, is not as recorded"
            self._testing = True
        elif kind == "hold-test-read":
            if not self._testing or self.state != _after_reading(before, self.state, detail["running"]):
                yield "what the MES said of its test run does not follow from the readings"
        elif kind == "hold-asked-again":
            if not self._testing:
                yield "was asked for again, and its machine did not run on test"
            self._testing, self._released = False, None
            if self.state != {**_bare(before), "terms": (before or {}).get("terms")}:
                yield "what is to be proved changed when it was asked for again"
        elif kind == "hold-released" and self._testing:
            self._testing = False
            yield from self._for_good(before)
        elif kind == "hold-release-lapsed":
            self._released = None
        elif before is not None and self.state != before:
            yield "what is to be proved on its test run changed"

    def _steps(self, release: Row, actor: str) -> Iterator[str]:
        meaning = release.get("meaning")
        wanted = FOR_GOOD if self._testing else FOR_TEST_RUN if self.state is not None else None
        if wanted is None and meaning in (FOR_TEST_RUN, FOR_GOOD):
            yield f"was released as if for a test run by {actor}, and its version asks for none"
        elif wanted == FOR_TEST_RUN and meaning != wanted:
            yield "was released without the test run that its version asks for"
        elif wanted == FOR_GOOD and meaning != wanted:
            yield "was released for good by another statement"

    def _for_good(self, before: Any) -> Iterator[str]:
        proof = (self.state or {}).get("proof")
        if proof is None:
            if self._released is None or self._released[0] != FOR_GOOD or self._released[1] == "millwright":
                yield "was released for good after its test run without proof, and no person signed that"
            return
        if {**self.state, "proof": None} != before or not _proves(self.state, proof):
            yield "was released for good on a proof that the readings of its test run do not give"


def _brief(at: str) -> str:
    """A time of an act as models tell it: without a fraction of zero."""
    return at.replace(".000000Z", "Z")


def _bare(run: Any) -> Row:
    return {**dict.fromkeys(("begun_at", "running_since", "read_at", "proof")), "version": (run or {}).get("version")}


def _after_reading(before: Row, told: Row, running: bool) -> Row:
    """A test run after a reading of the MES; see `domain.machine_test_runs.MachineTestRun.after_reading`."""
    gap = span_of(before["terms"]["steady"]) / 2
    at = told["read_at"]
    unbroken = before["read_at"] is not None and run_moment(at) - run_moment(before["read_at"]) <= gap
    since = (before["running_since"] if unbroken else None) or at
    newer = before["read_at"] is None or run_moment(before["read_at"]) < run_moment(at)
    if not newer or run_moment(at) < run_moment(before["begun_at"]):
        return before
    return {**before, "running_since": since if running else None, "read_at": at}


def _proves(run: Row, proof: Row) -> bool:
    if (proof["running_since"], proof["read_at"]) != (run["running_since"], run["read_at"]) or not proof["faults"]:
        return False
    steady = span_of(run["terms"]["steady"])
    ends = run_moment(run["begun_at"]) + span_of(run["terms"]["within"])
    return all(
        run_moment(run["running_since"]) <= run_moment(fault["since"])
        and run_moment(fault["until"]) - run_moment(fault["since"]) >= steady
        and run_moment(fault["until"]) <= min(run_moment(run["read_at"]), ends)
        for fault in proof["faults"]
    )


def run_clauses(policies: Sequence[Row]) -> dict[str, Row]:
    """What versions ask to be proved on a test run, by digest."""
    asked = {policy["digest"]: hold_clauses(policy).get("test_run") for policy in policies}
    return {digest: clause for digest, clause in asked.items() if clause}


def run_findings(
    acts: Iterable[Sequence[Row]], clauses: Mapping[str, Row], judged: Mapping[JudgedMachine, str]
) -> Iterator[OfflineFinding]:
    """Finds test runs that no version asks for in this way, and holds of which a version asks for one and none was.

    Args:
        acts: the acts of each case, oldest first; each has its `number` in the order of the ledger.
        clauses: see `run_clauses`.
        judged: when an active version first judged a fault of a machine.
    """
    told = sorted((act for own in acts for act in own), key=lambda act: int(act["number"]))
    faults: dict[str, tuple[Any, Any]] = {}
    versions: dict[str, str] = {}
    asked: set[str] = set()
    for act in told:
        kind, case, detail = act["kind"], act["subject"], act["detail"]
        if kind == "case-opened":
            faults[case] = (detail["asset"], detail["failure_mode"])
        if kind in ("case-opened", "case-raised"):
            versions[case] = act["actor"]
        elif kind in ("hold-ready", "hold-dropped") and "hold" in detail:
            where = f"hold {detail['hold']}"
            clause = _clause_of(faults.get(case), versions.get(case), clauses, judged)
            yield from guarded(where, _asked_findings(where, act, clause, clauses, asked))


def _clause_of(
    fault: tuple[Any, Any] | None, version: str | None, clauses: Mapping[str, Row], judged: Mapping[JudgedMachine, str]
) -> Row | None:
    """What the version of a case asks for of its machine; None if nothing, or if the class is not certain."""
    for digest, clause in clauses.items():
        classes = {each for (by, asset, mode, _, each) in judged if by == digest and (asset, mode) == fault}
        if version and digest.startswith(version) and classes and classes <= set(clause["classes"]):
            return clause
    return None


def _asked_findings(
    where: str, act: Row, clause: Row | None, clauses: Mapping[str, Row], asked: set[str]
) -> Iterator[OfflineFinding]:
    run = act["detail"].get("test_run")
    if run is None:
        ready = act["kind"] == "hold-ready"
        if ready and clause is not None and where not in asked:
            yield OfflineFinding("hold", where, "its version asks for a test run, and none was asked for")
        return
    asked.add(where)
    own = clauses.get(run["version"])
    spans = own and (span_of(own["within"]), span_of(own["steady"]), float(own["score"]))
    terms = run["terms"]
    if spans != (span_of(terms["within"]), span_of(terms["steady"]), float(terms["score"])):
        yield OfflineFinding("hold", where, "what is to be proved on its test run is not what its version says")


_RESTED_ON = {
    "hold-released": "was released for good",
    "fault-normal": "was said to be back to normal",
    "work-verified": "was called verified",
}
"""What acts say on the ground of readings at the baseline."""


def _rested_on(act: Row) -> Iterator[tuple[str, Row]]:
    """What an act rests on: the readings of each fault, or of each signal of the fault of its case; and whose they
    are."""
    kind, detail = act.get("kind"), act["detail"]
    if kind == "hold-released":
        for fault in ((detail.get("test_run") or {}).get("proof") or {}).get("faults", ()):
            yield f"hold {detail['hold']}", fault
    elif kind in _RESTED_ON:
        for signal in (detail.get("normal") or detail["verification"])["proof"]["signals"]:
            yield act["subject"].replace("/", " "), signal


class ProofReadings:
    """Compares the proofs of test runs, of returns to normal and of verified work with the verdicts on the readings.

    Args:
        acts: the acts of each case, oldest first.
    """

    def __init__(self, acts: Iterable[Sequence[Row]]) -> None:
        self._proofs: list[tuple[str, Row, Row]] = []
        """Whose proof it is, the act that rests on it, and the proof of one fault."""
        self._seen: dict[tuple[str, str], dict[int, list[tuple[str, str, int]]]] = {}
        self._unread = [finding for own in acts for finding in guarded("proofs", self._collect(own))]
        """The acts with an unexpected form."""

    def _collect(self, own: Sequence[Row]) -> Iterator[OfflineFinding]:
        """Collects the proofs of a case; it finds nothing."""
        fault: Row = {}
        for act in own:
            if act.get("kind") == "case-opened":
                fault = {name: act["detail"][name] for name in ("asset", "failure_mode")}
            for where, proof in _rested_on(act):
                whole = {**fault, **proof}
                self._proofs.append((where, act, whole))
                self._seen[whole["asset"], whole["failure_mode"]] = {}
        yield from ()

    @property
    def faults(self) -> list[tuple[str, str]]:
        """The faults (asset and failure mode) whose verdicts are to be noted."""
        return sorted(self._seen)

    def note(self, row: Row) -> Iterator[OfflineFinding]:
        """Notes a verdict; it finds nothing."""
        own = self._seen.get((row["asset"], row["failure_mode"]))
        if own is not None and row["role"] == "active":
            judged_at = json.loads(row["body"])["judged_at"]
            own.setdefault(row["event"], []).append((judged_at, row["at"], row["rung"]))
        yield from ()

    def findings(self) -> Iterator[OfflineFinding]:
        """Finds the proofs that the verdicts do not give."""
        yield from self._unread
        for where, act, fault in self._proofs:
            yield from guarded(where, self._of_proof(where, act, fault))

    def _of_proof(self, where: str, act: Row, fault: Row) -> Iterator[OfflineFinding]:
        said_at = act["at"]
        since, until = run_moment(fault["since"]), run_moment(fault["until"])
        own = self._seen[fault["asset"], fault["failure_mode"]]
        normal: set[datetime] = set()
        count, against = 0, False
        for verdicts in own.values():
            known = [each for each in sorted(verdicts) if each[0] <= said_at]
            if not known or not since <= run_moment(known[-1][1]) <= until:
                continue
            if known[-1][2] == 0:
                count += 1
                normal.add(run_moment(known[-1][1]))
            # What was judged at the very time of the act may have come after it.
            elif known[-1][0] < said_at:
                against = True
        if against or count < fault["readings"] or not {since, until} <= normal:
            mode = f"{fault['failure_mode']} of {fault['asset']}"
            what = f"{_RESTED_ON[act['kind']]} on a proof for {mode} that the verdicts do not give"
            yield OfflineFinding(where.partition(" ")[0], where, what)
