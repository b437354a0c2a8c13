"""The question to production whether a machine may be held, with its answer (F14)."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import ActRejected
from domain.machine_test_runs import RunTerms
from domain.model import Model, Moment

ANSWER_WITHIN: Final = timedelta(minutes=30)
"""How long production has to answer, where the version says nothing."""

FURTHEST: Final = timedelta(days=30)
"""How far ahead production may set the time of a hold. A later time is a refusal."""


class OnSilence(StrEnum):
    """What follows if production does not answer in time."""

    ESCALATE = "escalate"
    """Nothing is placed, and the case is in the operations lane."""
    PLACE = "place"
    """The hold is placed when it is due."""


class HoldTerms(Model):
    """What a version says of a hold on an asset: how production is asked before, and how the machine is released after.

    Args:
        unasked: whether it lets the hold be placed without asking.
        answer_within: how long production has to answer.
        on_silence: what follows if it does not.
        test_run: what must be proved before the machine is released for good; None where one release is enough.
    """

    unasked: bool
    answer_within: timedelta = ANSWER_WITHIN
    on_silence: OnSilence = OnSilence.ESCALATE
    test_run: RunTerms | None = None


class HoldAnswer(Model):
    """What a person of production answered.

    Args:
        accepted: whether the machine may be held.
        hold_at: from when; None where it is refused.
        by: the person.
        reason: why it is refused; what else the person said of an acceptance, or None.
        at: when the person answered.
    """

    accepted: bool
    hold_at: Moment | None
    by: str
    reason: str | None
    at: Moment


class HoldProposal(Model):
    """A hold as it was proposed to production.

    Args:
        asked_at: when production was asked.
        hold_at: when the hold is due by the policy.
        answer_by: until when production has to answer.
        on_silence: what follows if it does not.
        answer: the newest answer; None before the first.
    """

    asked_at: Moment
    hold_at: Moment
    answer_by: Moment
    on_silence: OnSilence
    answer: HoldAnswer | None = None

    @property
    def refused(self) -> bool:
        return self.answer is not None and not self.answer.accepted

    @property
    def place_at(self) -> Moment | None:
        """From when the machine may be held; None where production refused, or did not answer and its silence is no
        consent."""
        if self.answer is not None:
            return self.answer.hold_at
        return max(self.hold_at, self.answer_by) if self.on_silence is OnSilence.PLACE else None

    def unanswered_at(self, now: datetime) -> bool:
        """Whether production did not answer in time."""
        return self.answer is None and self.answer_by <= now


def proposed(terms: HoldTerms, hold_at: datetime, now: datetime) -> HoldProposal:
    """The question of a case whose hold is due at a time, by the terms of its version."""
    return HoldProposal(
        asked_at=now, hold_at=max(hold_at, now), answer_by=now + terms.answer_within, on_silence=terms.on_silence
    )


def check_answer(answer: HoldAnswer, due_at: datetime, now: datetime) -> None:
    """Refuses an answer that says nothing certain.

    Args:
        due_at: when the hold is due by the policy. This time may always be accepted.

    Raises:
        ActRejected: a refusal has no reason, or the time of the hold is past or more than `FURTHEST` ahead.
    """
    if not answer.accepted:
        if not (answer.reason or "").strip():
            raise ActRejected("is empty", field="reason", fix="say why production cannot spare the machine")
        return
    if answer.hold_at is None or answer.hold_at < now:
        raise ActRejected("is past", field="hold_at", fix="give a time to come, or none to accept the proposed time")
    if answer.hold_at > max(now + FURTHEST, due_at):
        raise ActRejected(
            f"is more than {FURTHEST.days} days ahead", field="hold_at", fix="give an earlier time, or refuse the hold"
        )
