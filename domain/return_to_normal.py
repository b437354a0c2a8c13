"""Return to normal: the signal of a fault is at its baseline again, before the work or after it.

Only readings that were received prove it, and only time in which the machine ran counts. Silence proves nothing, and
neither does a machine that stands still or of which nothing is known.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from domain.machine_test_runs import BaselineTerms, JudgedReading, baseline_stretch
from domain.model import Model, Moment

LOOK_BACK: Final = timedelta(days=14)
"""A proof before the work rests on readings of this time at most."""

VERIFIED_WITHIN: Final = timedelta(days=30)
"""A verification ends at the latest this long after the work, also if the machine stands still."""


class NormalTerms(BaselineTerms):
    """When a version says that a fault has returned to normal.

    Args:
        while_running: whether a reading counts only while the MES says that the machine runs. Otherwise it also counts
            while the MES does not say what the machine does. It never counts while the machine is known to stand.
        stale_after: for how long a reading of the MES says what the machine does.
        verify_within: within what time after the work the signal must be at its baseline; None does not ask.
    """

    while_running: bool
    stale_after: timedelta
    verify_within: timedelta | None


class SignalProof(Model):
    """The readings that show one signal at its baseline.

    Args:
        since: the time of the first reading, `until` that of the last.
        readings: how many there were; each was at the baseline.
        counted: how much of the time between them counts: the machine ran.
    """

    signal: str
    since: Moment
    until: Moment
    readings: int
    counted: timedelta


class NormalProof(Model):
    """The readings that show a fault at its baseline: of each signal that had shown it."""

    signals: tuple[SignalProof, ...]

    @property
    def since(self) -> datetime:
        """The time of the first reading."""
        return min(each.since for each in self.signals)

    @property
    def until(self) -> datetime:
        """The time of the last reading."""
        return max(each.until for each in self.signals)

    @property
    def readings(self) -> int:
        """How many there were."""
        return sum(each.readings for each in self.signals)


class ReturnToNormal(Model):
    """That the fault of a case returned to normal before its work, and was not back since.

    Args:
        version: the digest of the version that says when it has.
        at: when it was found.
    """

    proof: NormalProof
    version: str
    at: Moment

    @property
    def words(self) -> str:
        """The proof, for people."""
        return f"at its baseline from {_minute(self.proof.since)} to {_minute(self.proof.until)} UTC"


class VerificationState(StrEnum):
    """What is known of the effect of completed work."""

    VERIFIED = "verified"
    """The signal was at its baseline within the time that the version gives."""
    NOT_VERIFIED = "not_verified"
    """Nothing proves the baseline, and nothing shows the fault. This is not healthy: it is not known."""
    DID_NOT_HELP = "did_not_help"
    """The fault was seen again within that time: there is a rework."""


class Verification(Model):
    """What is known of the effect of the completed work of a case.

    Args:
        proof: the readings that showed the baseline; None if there was no such proof.
        found: the reason, in words.
        version: the digest of the version that asks for it.
        rework: the case that is the rework; None if there is none.
        at: when it was found.
    """

    state: VerificationState
    proof: NormalProof | None
    found: str
    version: str
    rework: str | None
    at: Moment


class NormalClauses(Protocol):
    """The clauses of policy versions on a return to normal."""

    def normal_terms(self, version: str, asset_class: str) -> NormalTerms | None:
        """When a version says that a fault of an asset of this class has returned to normal; None if it does not say.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...


class MachineSpell(NamedTuple):
    """A time in which it is known whether the machine ran, without a break."""

    since: datetime
    until: datetime
    running: bool


class MachineTime:
    """What is known of what a machine did.

    Args:
        spells: what is known, oldest first, without overlaps.
        while_running: see `NormalTerms`.
    """

    def __init__(self, spells: Sequence[MachineSpell], *, while_running: bool) -> None:
        self._running = [each for each in spells if each.running]
        self._standing = [each for each in spells if not each.running]
        self._while_running = while_running

    def counts_at(self, at: datetime) -> bool:
        """Whether a reading of this time says anything of the fault."""
        if any(each.since <= at <= each.until for each in self._standing):
            return False
        return not self._while_running or any(each.since <= at <= each.until for each in self._running)

    def counted(self, since: datetime, until: datetime) -> timedelta:
        """How much of a time counts as time at the baseline."""
        if not self._while_running:
            return self.passed(since, until)
        return _overlap(self._running, since, until)

    def passed(self, since: datetime, until: datetime) -> timedelta:
        """How much of a time has passed for the fault: all in which the machine is not known to stand."""
        return until - since - _overlap(self._standing, since, until)

    def counted_end(self, since: datetime, span: timedelta) -> datetime | None:
        """When the machine has run for so long since then; None if it is not known to have."""
        left = span
        for each in self._running:
            start = max(each.since, since)
            if each.until - start > left:
                return start + left
            left -= max(each.until - start, timedelta())
        return None

    def end_of(self, since: datetime, span: timedelta) -> datetime:
        """When so much time has passed for the fault since then, by what is known."""
        end = since + span
        for each in self._standing:
            if each.until > since and each.since < end:
                end += each.until - max(each.since, since)
        return end


def _overlap(spells: Sequence[MachineSpell], since: datetime, until: datetime) -> timedelta:
    parts = (min(each.until, until) - max(each.since, since) for each in spells)
    return sum((part for part in parts if part > timedelta()), timedelta())


class SeenFault(NamedTuple):
    """What was received of a fault since some time.

    Attributes:
        readings: the events with the newest verdict of the version in force.
        signals: the signals, or else the detectors, whose readings showed the fault.
    """

    readings: Sequence[JudgedReading]
    signals: Collection[str]


def signal_of(reading: JudgedReading) -> str:
    """Which signal a reading is of; the detector where it names none."""
    return reading.anomaly.signal or reading.anomaly.detector


def normal_proof(seen: SeenFault, terms: NormalTerms, time: MachineTime) -> NormalProof | None:
    """Why a fault has returned to normal; None if that is not proved.

    Each signal that showed the fault must be at its baseline for the whole time. A reading that is not at the baseline
    begins the time of all signals anew, whatever the machine did. A fault that only codes showed has no baseline.
    """
    broken = max((each.anomaly.at for each in seen.readings if not each.is_normal(terms)), default=None)
    counting = [
        each
        for each in seen.readings
        if (broken is None or each.anomaly.at > broken) and time.counts_at(each.anomaly.at)
    ]
    proofs = [_signal_proof(signal, counting, terms, time) for signal in sorted(seen.signals)]
    proved = [each for each in proofs if each is not None and each.counted >= terms.steady]
    return NormalProof(signals=tuple(proved)) if proved and len(proved) == len(proofs) else None


def _signal_proof(
    signal: str, readings: Sequence[JudgedReading], terms: NormalTerms, time: MachineTime
) -> SignalProof | None:
    own = [each for each in readings if signal_of(each) == signal]
    found = baseline_stretch(own, terms, time.passed)
    if found is None:
        return None
    return SignalProof(signal=signal, counted=time.counted(found.since, found.until), **found._asdict())


class Recurrence(NamedTuple):
    """The events that asked for a case, by the newest verdicts, and that nothing held back: their times in order."""

    times: Sequence[datetime]

    def between(self, after: datetime, until: datetime) -> "Recurrence":
        """Those after a time and not after another one."""
        return Recurrence([at for at in self.times if after < at <= until])


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


class VerificationStanding(NamedTuple):
    """How the verification of completed work stands.

    Attributes:
        state: what is known by now; None while nothing is.
        proof: the readings that show the baseline.
        found: the reason, for people.
        ends_at: by when it is decided, as far as is known now.
    """

    state: VerificationState | None
    proof: NormalProof | None
    found: str
    ends_at: datetime


def verification_standing(
    done_at: datetime,
    proved: NormalProof | None,
    seen: SeenFault,
    again: Recurrence,
    terms: NormalTerms,
    within: timedelta,
    time: MachineTime,
    now: datetime,
) -> VerificationStanding:
    """How the verification of completed work stands.

    Args:
        done_at: from when readings count.
        proved: the proof that was recorded before; None if there is none.
        seen: what was received since then.
        again: the events since then that asked for a case.
        within: the time that the version gives.
    """
    ends_at = min(time.end_of(done_at, within), done_at + VERIFIED_WITHIN)
    in_time = seen._replace(readings=[each for each in seen.readings if done_at < each.anomaly.at <= ends_at])
    proof = proved or normal_proof(in_time, terms, time)
    since = done_at if proof is None else proof.since
    back = again.between(since, ends_at).times
    if proof is not None and not back:
        found = f"the signal was at its baseline from {_minute(proof.since)} to {_minute(proof.until)} UTC"
        return VerificationStanding(VerificationState.VERIFIED, proof, found, ends_at)
    if proof is not None:
        found = f"the signal was at its baseline until {_minute(proof.until)} UTC, and {seen_again(back)}"
        return VerificationStanding(VerificationState.DID_NOT_HELP, proof, found, ends_at)
    if now < ends_at:
        return VerificationStanding(None, None, "", ends_at)
    if back:
        found = f"the signal was not at its baseline by {_minute(ends_at)} UTC, and {seen_again(back)}"
        return VerificationStanding(VerificationState.DID_NOT_HELP, None, found, ends_at)
    found = f"no reading proves the baseline by {_minute(ends_at)} UTC, and none shows the fault"
    return VerificationStanding(VerificationState.NOT_VERIFIED, None, found, ends_at)


def seen_again(times: Sequence[datetime]) -> str:
    """When a fault was seen again.

    Args:
        times: at least one, in order.
    """
    last = _minute(times[-1])
    if len(times) == 1:
        return f"the fault was seen again at {last} UTC"
    return f"the fault was seen {len(times)} times, last at {last} UTC"


class NormalLook(NamedTuple):
    """What a look at a case before its work has found: whether its fault has returned to normal, and why its work is
    called off."""

    returned: ReturnToNormal | None
    withdraw: str | None


class NormalStore(Protocol):
    """Keeps what was proved of faults. Each method is one transaction. Every method may raise `StorageUnavailable`,
    having written nothing."""

    async def look(self, case: str, terms: NormalTerms) -> NormalLook:
        """Looks whether the fault of a case whose work is not done has returned to normal, or is back since, and keeps
        that. A case that has no order, or one that waits for approval, is called off by a proof, once.

        Raises:
            ActionRequired: a reading is not as recorded: somebody has altered the database.
        """
        ...

    async def verify(self, case: str, terms: NormalTerms, within: timedelta) -> datetime | None:
        """Follows the verification of a closed case whose work was completed, and opens the rework if the work did not
        help: once for each case.

        Returns:
            When it is to be looked at again; None if nothing more is to come.

        Raises:
            ActionRequired: a reading, or the case, is not as recorded: somebody has altered the database.
        """
        ...
