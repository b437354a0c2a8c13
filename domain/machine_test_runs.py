"""A test run: the machine runs after the work, and is released for good once its signal was at the baseline.

Only what was received counts: silence is never read as the baseline, and a machine of which the MES says nothing is not
read as running.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from domain.anomaly import Anomaly, AnomalyKind, Quality
from domain.model import Model, Moment
from domain.verdict import Rung

READY_FOR_TEST_RUN: Final = "people clear, locks and tags removed, ready for a test run"
"""What a person of production states to let a machine run on test."""

RUNS_AS_IT_SHOULD: Final = "the machine was watched on its test run and runs as it should"
"""What a person of production states to release a machine for good whose test run proved nothing."""

HOLD_AGAIN: Final = "the work did not help, hold this machine again"
"""What a person of production states to have a machine held again that runs on test."""


class BaselineTerms(Model):
    """When a version says that a signal is at its baseline.

    Args:
        steady: for how long the machine must run with its signal at the baseline.
        score: the highest score at which a reading is at the baseline.
    """

    steady: timedelta
    score: float

    @property
    def longest_gap(self) -> timedelta:
        """How far two readings in succession may be apart. A longer silence begins the steady time anew."""
        return self.steady / 2

    @property
    def look_every(self) -> timedelta:
        """How often it is looked whether the steady time has passed."""
        return self.steady / 4


class RunTerms(BaselineTerms):
    """What a version asks for before a machine is released for good; `within` is how long the test run may take."""

    within: timedelta


class FaultProof(Model):
    """The readings that show one fault at its baseline.

    Args:
        since: the time of the first reading, `until` that of the last.
        readings: how many there were; each was at the baseline.
    """

    asset: str
    failure_mode: str
    since: Moment
    until: Moment
    readings: int


class BaselineProof(Model):
    """Why a machine was released for good without a person: it ran, and every fault that it was held for was at its
    baseline."""

    running_since: Moment
    read_at: Moment
    faults: tuple[FaultProof, ...]


class MachineTestRun(Model):
    """The test run of a held machine.

    Args:
        terms: what the version asks for.
        version: its digest.
        begun_at: when the machine was let run; None before that.
        running_since: the first of the unbroken readings of the MES in which the machine ran; None if the last did not
            say so.
        read_at: the latest reading of the MES.
        proof: why it was released for good; None if it was not, or by a person.
    """

    terms: RunTerms
    version: str
    begun_at: Moment | None = None
    running_since: Moment | None = None
    read_at: Moment | None = None
    proof: BaselineProof | None = None

    @property
    def until(self) -> Moment | None:
        """By when it must be over."""
        return None if self.begun_at is None else self.begun_at + self.terms.within

    def after_reading(self, at: datetime, *, running: bool) -> "MachineTestRun":
        """The test run after the MES was read. A reading that is not newer than the last one, or is of before the test
        run, says nothing."""
        if self.begun_at is None or at < self.begun_at or (self.read_at is not None and at <= self.read_at):
            return self
        unbroken = self.read_at is not None and at - self.read_at <= self.terms.longest_gap
        before = self.running_since if unbroken else None
        return self.model_copy(update={"running_since": (before or at) if running else None, "read_at": at})


class JudgedReading(NamedTuple):
    """An event on a fault with the verdict of the version in force."""

    anomaly: Anomaly
    rung: Rung

    def is_normal(self, terms: BaselineTerms) -> bool:
        """Whether it says that the signal is at its baseline: a good reading of a detector with a low score, of which
        the version asks for nothing."""
        seen = self.anomaly
        at_baseline = seen.kind is AnomalyKind.DEVIATION and seen.quality is Quality.GOOD
        return at_baseline and self.rung is Rung.IGNORE and seen.score is not None and seen.score <= terms.score

    @property
    def words(self) -> str:
        """What was seen, for people."""
        seen = self.anomaly
        what = seen.code or (f"{seen.signal} at {seen.score:.1f} standard errors" if seen.score is not None else "")
        return f"{what or seen.detector} on {seen.asset} at {seen.at:%Y-%m-%d %H:%M} UTC"


class BaselineStretch(NamedTuple):
    """The latest readings in succession that are at the baseline: the times of the first and the last, and how many."""

    since: datetime
    until: datetime
    readings: int


def baseline_stretch(
    readings: Sequence[JudgedReading], terms: BaselineTerms, silence: Callable[[datetime, datetime], timedelta]
) -> BaselineStretch | None:
    """The latest unbroken readings at the baseline; None if the last one is not at it, or there is none.

    Args:
        silence: how much of the time between two readings in succession counts as silence.
    """
    found: BaselineStretch | None = None
    for each in sorted(readings, key=lambda each: each.anomaly.at):
        at = each.anomaly.at
        if not each.is_normal(terms):
            found = None
        elif found is None or silence(found.until, at) > terms.longest_gap:
            found = BaselineStretch(at, at, 1)
        else:
            found = found._replace(until=at, readings=found.readings + 1)
    return found


FaultReadings = Mapping[tuple[str, str], Sequence[JudgedReading]]
"""The readings of each fault (asset and failure mode) that a machine is held for."""


class RunStanding(NamedTuple):
    """How a test run stands.

    Attributes:
        proof: why the machine is released for good; None if that is not proved.
        asks: why a person of production must decide; None while the test run goes on, or with a proof.
        missing: what is not proved yet, for people.
        fault: the fault that was seen again, else the first one that is not at its baseline; None if there is none.
    """

    proof: BaselineProof | None
    asks: str | None
    missing: str
    fault: tuple[str, str] | None = None


def standing_of(run: MachineTestRun, readings: FaultReadings, reopened: Sequence[str], now: datetime) -> RunStanding:
    """How a test run stands by its readings.

    Args:
        readings: every fault that the machine was held for, with its readings; a fault without any is not proved.
        reopened: the orders of its cases that were opened again.
    """
    if run.begun_at is None or run.until is None:
        return RunStanding(None, None, "the test run has not begun")
    proofs = {fault: _at_baseline(run, fault, own) for fault, own in readings.items()}
    faults = [each for each in proofs.values() if each is not None and each.until - each.since >= run.terms.steady]
    unproved = next((fault for fault, proof in proofs.items() if proof not in faults), None)
    missing = "; ".join(_missing(run, proofs))
    seen = [
        each for own in readings.values() for each in own if each.rung.opens_case and each.anomaly.at >= run.begun_at
    ]
    if seen:
        first = min(seen, key=lambda each: each.anomaly.at)
        fault = (first.anomaly.asset, first.anomaly.failure_mode)
        return RunStanding(
            None, f"the fault was seen again: {first.words}, judged as {first.rung.word}", missing, fault
        )
    if reopened:
        return RunStanding(None, f"order {', '.join(reopened)} was opened again", missing, unproved)
    if now >= run.until:
        asks = f"its time is over since {run.until:%Y-%m-%d %H:%M} UTC, and it is not proved: {missing}"
        return RunStanding(None, asks, missing, unproved)
    if missing or not faults or run.running_since is None or run.read_at is None:
        return RunStanding(None, None, missing, unproved)
    proof = BaselineProof(running_since=run.running_since, read_at=run.read_at, faults=tuple(faults))
    return RunStanding(proof, None, "")


def _at_baseline(run: MachineTestRun, fault: tuple[str, str], readings: Sequence[JudgedReading]) -> FaultProof | None:
    """The latest unbroken readings at the baseline, while the MES said that the machine runs."""
    if run.running_since is None or run.read_at is None:
        return None
    seen = [each for each in readings if run.running_since <= each.anomaly.at <= run.read_at]
    found = baseline_stretch(seen, run.terms, lambda earlier, later: later - earlier)
    return None if found is None else FaultProof(asset=fault[0], failure_mode=fault[1], **found._asdict())


def _missing(run: MachineTestRun, proofs: Mapping[tuple[str, str], FaultProof | None]) -> Iterator[str]:
    if run.running_since is None:
        yield "the MES does not say that the machine runs"
    for (asset, mode), proof in proofs.items():
        if proof is None:
            yield f"no reading shows {mode} of {asset} at its baseline"
        elif proof.until - proof.since < run.terms.steady:
            yield f"{mode} of {asset} is at its baseline only since {proof.since:%Y-%m-%d %H:%M} UTC"
