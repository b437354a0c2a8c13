"""What is proved of faults, in memory, with the behaviour of `millwright.storage.cases.returns_to_normal`."""

from datetime import datetime, timedelta
from typing import Final

from domain.cases import CaseView, Phase
from domain.clock import Clock
from domain.return_to_normal import (
    NormalLook,
    NormalProof,
    NormalTerms,
    ReturnToNormal,
    SignalProof,
    Verification,
    VerificationState,
)
from domain.work_orders import WorkOrderStatus
from tests.support.fault_injection import store_call

NORMAL: Final = NormalTerms(
    steady=timedelta(hours=2),
    score=2.0,
    while_running=True,
    stale_after=timedelta(minutes=30),
    verify_within=timedelta(days=3),
)


def proof_at(until: datetime) -> NormalProof:
    """A signal that was at its baseline for as long as `NORMAL` says, until a time."""
    since = until - NORMAL.steady
    return NormalProof(
        signals=(SignalProof(signal="volt", since=since, until=until, readings=9, counted=NORMAL.steady),)
    )


class MemoryNormals:
    """See `domain.return_to_normal.NormalStore`. Tests say which signals are at their baseline.

    Attributes:
        normal: the cases whose signal is at its baseline now.
        looks: how often a case was looked at before its work, and after it.
    """

    def __init__(self, clock: Clock, cases: dict[str, CaseView]) -> None:
        self._clock = clock
        self._cases = cases
        self.normal: set[str] = set()
        self.looks = [0, 0]

    async def look(self, case: str, terms: NormalTerms) -> NormalLook:
        return await store_call(lambda: self._look(case))

    async def verify(self, case: str, terms: NormalTerms, within: timedelta) -> datetime | None:
        return await store_call(lambda: self._verify(case, terms))

    def _look(self, case: str) -> NormalLook:
        self.looks[0] += 1
        view, now = self._cases[case], self._clock.now()
        normal = view.normal if case in self.normal else None
        if case in self.normal and normal is None:
            normal = ReturnToNormal(proof=proof_at(now), version=view.version, at=now)
        waits = view.order is None or view.order.status is WorkOrderStatus.WAITING_APPROVAL
        told = any(key.startswith(f"{case}-doubt-") for key in view.order_notes)
        withdraw = view.withdraw
        if normal is not None and withdraw is None and waits and view.decision is None and not told:
            withdraw = f"its signal was {normal.words}"
        self._cases[case] = view.model_copy(update={"normal": normal, "withdraw": withdraw})
        return NormalLook(normal, withdraw)

    def _verify(self, case: str, terms: NormalTerms) -> datetime | None:
        self.looks[1] += 1
        view, now = self._cases[case], self._clock.now()
        assert view.phase is Phase.CLOSED
        if view.verification is not None:
            return None
        if case not in self.normal:
            return now + terms.look_every
        verified = Verification(
            state=VerificationState.VERIFIED,
            proof=proof_at(now),
            found="the signal was at its baseline",
            version=view.version,
            rework=None,
            at=now,
        )
        self._cases[case] = view.model_copy(update={"verification": verified})
        return None
