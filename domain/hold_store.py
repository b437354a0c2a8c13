"""How steps and people read and write holds: one method, one transaction."""

from datetime import datetime
from typing import Protocol

from domain.holds import HoldAgain, HoldStatus, HoldView, Placement, PlacementState, Release
from domain.machine_test_runs import MachineTestRun, RunStanding
from domain.production import HoldPlan


class HoldStore(Protocol):
    """The holds in storage. Each method is one transaction. Every method may raise `StorageUnavailable`, having written
    nothing."""

    async def read(self, case: str) -> HoldView | None:
        """The hold of a case, or None where it never had one.

        Raises:
            ActionRequired: its machine, or the plan of a placement, is not as recorded in the ledger. So do the other
                methods that give a hold or a placement.
        """
        ...

    async def stands_on(self, system: str, equipment: str) -> bool:
        """Whether a hold of ours is live on an equipment: then a case shares it, and production is not asked."""
        ...

    async def claim(self, case: str, system: str, equipment: str, *, unasked: bool = False) -> HoldView:
        """Claims a hold on an equipment: one of ours that stands there is shared, else a new one is asked for.

        Args:
            unasked: whether the case's version lets the hold be placed without asking production.

        Raises:
            ActionRequired: the record has no ground for this hold: somebody has altered the database.
            Unavailable: the hold there is just being released, the case's machine was retired, its work was called off
                after the case was read, or production has not accepted a new hold for now.
        """
        ...

    async def intend_placement(self, key: str, plan: HoldPlan, by: str) -> Placement | None:
        """Writes a plan down before the call to the MES, with the case that makes it.

        Of the cases that share a hold one at a time calls the MES for a job: another one takes an intended placement
        over only once it is older than `PLACING_LASTS`.

        Args:
            by: the case whose step is to make the call.

        Returns:
            The placement to make now. None where the job is placed already, or another case is placing it.

        Raises:
            Unavailable, NotProved: the hold was released or overruled meanwhile; or no proof of its target is in force.
        """
        ...

    async def move_placement(
        self,
        key: str,
        number: int,
        state: PlacementState,
        *,
        read_at: datetime | None = None,
        reason: str | None = None,
        release: Release | None = None,
    ) -> None:
        """Moves a placement on, where `PLACEMENT_MOVES` allows it. The hold of one that a person let run is overruled,
        or released where `release` is given: nothing more is placed, and it ends with its last live placement.

        Args:
            read_at: when the job was read, where a reading tells the state.
            release: who let the job run, where that was seen after the work was done.
        """
        ...

    async def record_reading(self, key: str, number: int, read_at: datetime) -> None:
        """Keeps that a placement in effect was read as held again."""
        ...

    async def mark_ready(self, case: str, test_run: MachineTestRun | None = None) -> HoldView | None:
        """The case's work is done: it no longer needs the machine held. One case answers for a hold that waits for its
        release: where another one is at work under it, this case's claim is dropped; where others wait with it already,
        theirs are, and they are woken to close. The hold, or None where the case has no claim on one that is live.

        Args:
            test_run: what its version asks for before the machine is released for good. The first such terms of a hold
                stay: a later case without any does not take them away.
        """
        ...

    async def approve_release(self, key: str, release: Release) -> None:
        """A releasable hold is to be released; wakes the cases that claim it. A hold whose machine runs on test is
        released for good with that: the MES has nothing to do.

        Raises:
            ActRejected: the hold is not releasable, or not by this statement, and why.
        """
        ...

    async def begin_test_run(self, key: str) -> None:
        """The machine was let run on test: the hold stays live, and its time begins."""
        ...

    async def follow_test_run(self, key: str, running: bool | None, read_at: datetime | None) -> RunStanding:
        """Keeps a reading of the MES, and releases the hold for good if the test run is proved by what was received.

        Args:
            running: whether the machine ran; None where the MES did not say.
            read_at: when it was read.

        Raises:
            ActionRequired: the test run, or a reading of the fault, is not as recorded in the ledger.
        """
        ...

    async def hold_again(self, key: str, again: HoldAgain) -> str:
        """Asks for a hold again whose machine runs on test, and opens the rework: the case that answers for it from
        now on.

        Returns:
            The case of the rework: a new one, or one of the same fault that is open already.

        Raises:
            ActRejected: the machine does not run on test, nobody signed this, or the open case of the fault asks for no
                order.
        """
        ...

    async def revalidate_release(self, key: str, release: Release | None) -> bool:
        """Whether an approved release may still be carried out. One that was not, for a quarter of an hour, or whose
        work goes on again, lapses: the hold is asked for as before, and production is asked again.

        Args:
            release: the one that is being carried out.

        Raises:
            ActionRequired: the release, or whether the work is done, is not as recorded in the ledger; or nobody
                signed it.
        """
        ...

    async def record_release_call(self, key: str, number: int, *, unanswered: bool) -> None:
        """Keeps, before the call, that the MES is told to let a placement's job run; or that it refused that."""
        ...

    async def doubt_release(self, key: str, number: int) -> None:
        """The job is held though the MES was told to let it run: it may be held by somebody else by now. The placement
        is unproven, and the release lapses."""
        ...

    async def end(self, key: str, status: HoldStatus, reason: str | None = None) -> None:
        """Ends a hold as `released`, `overruled` or `void`, with all its claims."""
        ...

    async def record_twin_update(self, key: str, twin: str) -> None:
        """Keeps what the machine's twin says of a hold."""
        ...
