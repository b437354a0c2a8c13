"""How the steps of a case read and write what they did: one method, one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from domain.attaching import OrderAttachment
from domain.cases import CaseView, ClosedAs, Lane
from domain.cmms import OrderLease
from domain.counterfactuals import Grounds, VerdictCounterfactuals
from domain.draft_findings import DraftCheck
from domain.hold_proposals import HoldProposal
from domain.open_work import OpenWorkSeen
from domain.outcomes import Label, LabelSources, Outcome, OutcomeClass
from domain.production import ProductionContext
from domain.stops import StoppableAction
from domain.twin_writes import TwinWrite
from domain.unreadable import UnreadableRecord
from domain.verdict import UrgencyDecision
from domain.work_orders import Escalation, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus

LEASE_LASTS: Final = timedelta(minutes=2)
"""How long a step may create an order by itself: longer than its call may take."""

LEARNING_STEP: Final = "record-outcome"
"""The step for which a closed case waits whose outcome nobody can read yet."""


@dataclass(frozen=True, slots=True)
class Waits:
    """What a case waits for, and which step of it; in whose lane it stands, and whether that step has failed.

    `draft_refused` says that the step waits because the CMMS refused the draft of the order.
    """

    step: str
    reason: str | None
    until: datetime | None = None
    lane: Lane | None = None
    failed: bool = False
    draft_refused: bool = False


class CaseStore(Protocol):
    """The cases in storage. Every method may raise `StorageUnavailable`, having written nothing."""

    async def view(self, case: str) -> tuple[CaseView, int]:
        """A case as it is, and its generation for `rest`.

        Raises:
            ActRejected: there is no such case.
        """
        ...

    async def rest(self, case: str, seen: int, next_at: datetime | None, waits: Waits | None = None) -> None:
        """Ends a pass: the case is due again at `next_at`, or when woken. With `waits`, it waits from now on."""
        ...

    async def wait(self, case: str, waits: Waits) -> None:
        """Says in plain words what a case waits for, recorded in the ledger; counts a failure."""
        ...

    async def resume(self, case: str) -> None:
        """The case waits for nothing any more, and its failures are forgotten."""
        ...

    async def grounds(self, case: str) -> Grounds | None:
        """What the verdict was told that opened a case or raised it last; None where that is not whole any more."""
        ...

    async def record_proposal(
        self,
        case: str,
        urgency: UrgencyDecision,
        production: ProductionContext | None,
        explanation: VerdictCounterfactuals | None = None,
    ) -> None:
        """Keeps when the work should happen, what production looked like, and what would have changed the verdict: the
        first explanation of a verdict stands."""
        ...

    async def version_approved(self, version: str) -> bool:
        """Whether a version is in force with its approvals. Without them its clauses on asking production do not
        count."""
        ...

    async def propose_hold(self, case: str, proposal: HoldProposal) -> HoldProposal:
        """Keeps what production is asked; the first question stands, and is returned with its newest answer."""
        ...

    async def intend_order(
        self,
        case: str,
        system: str,
        draft: WorkOrderDraft,
        open_work: OpenWorkSeen | None,
        check: DraftCheck | None,
    ) -> WorkOrderDraft:
        """Writes the draft down before it goes out; the first draft stands, and is returned with what people corrected.

        Args:
            open_work: what was open on the asset then; None with a draft of an earlier build. It is kept with the first
                draft.
            check: what the check of the draft found; None with a draft of an earlier build. It is kept with the first
                draft.

        Raises:
            ActionRequired: the record has no ground for this order: somebody has altered the database.
            Unavailable: the work was called off after the case was read, or the case has an order of a person by now.
        """
        ...

    async def attach_order(
        self,
        case: str,
        system: str,
        draft: WorkOrderDraft,
        open_work: OpenWorkSeen,
        check: DraftCheck | None,
        attachment: OrderAttachment,
    ) -> bool:
        """Attaches an order of a person to a case that has no order, and keeps the draft that was not sent.

        Returns:
            False if the order is, or was, that of another case, or was this one's before; nothing is written then.

        Raises:
            ActionRequired: the record has no ground for an order: somebody has altered the database.
            Unavailable: the work was called off after the case was read, or another step has intended its order.
        """
        ...

    async def detach_order(self, case: str, record: WorkOrderRecord, because: str) -> None:
        """Detaches an order of a person from a case. The case has no order and no draft then, and is due.

        Nothing changes if the case does not have that order any more.

        Args:
            record: the order as it was read last.
            because: the reason, as the end of a sentence that begins with the order's number.
        """
        ...

    async def check_move(self, case: str, order: WorkOrderRef, to: WorkOrderStatus | Escalation) -> None:
        """Makes sure that the record has a ground to approve an order, to withdraw it or to raise its priority, before
        the CMMS is asked to.

        Raises:
            ActionRequired: it has none: somebody has altered the database.
            Unavailable: the work was called off after the case was read.
        """
        ...

    async def record_order(
        self, case: str, record: WorkOrderRecord, read_at: datetime, lease: OrderLease | None = None
    ) -> None:
        """Keeps an order as read back: placed, or changed by people since.

        A reading counts also where the vendor's stamp is earlier than what is known: people date changes back. Where
        something newer was read meanwhile, it changes nothing.

        Args:
            read_at: just before the CMMS was asked.
            lease: under which the order was created; its number is checked in the same transaction.

        Raises:
            Unavailable: the lease is another step's by now. The step is tried again, and looks the order up first.
        """
        ...

    async def wake(self, some: Sequence[str]) -> None:
        """Makes cases due again, closed ones too: their workflows pass what is done and do what is not."""
        ...

    async def record_order_note(self, case: str, key: str, words: str) -> None:
        """Records a note that the case's order carries now; once for each key."""
        ...

    async def record_outcome(self, outcome: Outcome) -> None:
        """Keeps the outcome of a case; the first one stands."""
        ...

    async def reclassify_outcome(self, outcome: Outcome) -> None:
        """Keeps what an outcome is known to mean by now, where it was UNKNOWN; the twin is to be told again."""
        ...

    async def record_twin_update(self, case: str, write: TwinWrite, told: OutcomeClass) -> None:
        """Keeps what the twin was told of the outcome and did not take, unless a person has stated another one
        meanwhile."""
        ...

    async def keep_label(self, label: Label) -> None:
        """Keeps a training label. One that says the same finding as the newest again changes nothing; one that says
        another finding is the next revision."""
        ...

    async def close(
        self, case: str, how: ClosedAs, unread: str | None = None, again_at: datetime | None = None
    ) -> None:
        """Ends the work of a case, so that further evidence opens another one. The case is closed with it, unless the
        machine is held for it: then it awaits the release, and this method closes it when called again afterwards.
        A closed case stays due if completed work has an outcome and no label: a person stated it, or its codes became
        known, after the steps that learn from it.

        Args:
            case: the case.
            how: how it ended; the first word stands.
            unread: what a planner is to explain where nobody can read what was found. The case then stands in the
                planner's lane from the moment it is closed.
            again_at: when the closed case is due again, for a reminder of its outcome or to verify its work; None for
                never.

        Raises:
            ActRejected: what `how` says is not in storage: the outcome, the reason of the withdrawal, or the rejection.
        """
        ...

    async def check_names(self, view: CaseView) -> None:
        """Compares a case's asset and machine, and their names in the MES and in the twins, with the ledger, before
        something is done by these names. A register of an earlier build is compared from its next import on.

        Raises:
            ActionRequired: something differs, so that somebody has altered the database.
        """
        ...

    async def stop_reason(self, case: str, action: StoppableAction) -> str | None:
        """Why an action on a case is not to be taken now, in words; None where nothing stops it."""
        ...

    async def label_sources(self, case: str, until: datetime) -> LabelSources:
        """What was seen of a case's fault at a time of the plant or before, as far as it is known now."""
        ...


class OrderLeases(Protocol):
    """Who may create an order in a CMMS that cannot refuse a second one. Each method is one short transaction; none is
    held open over a call."""

    async def acquire(self, system: str, scope: str, owner: str) -> OrderLease | None:
        """The lease of a scope for `LEASE_LASTS`, or None while another one lasts: also one of the same owner, whose
        earlier attempt may still be calling."""
        ...

    async def give_back(self, lease: OrderLease) -> None:
        """Ends a lease before its time, unless the scope is another's by now."""
        ...


class ChangeStore(Protocol):
    """The changes of records in other systems, as a poll stores them."""

    async def cursor(self, system: str) -> str | None:
        """Where the last poll ended, or None before the first."""
        ...

    async def store_page(
        self,
        system: str,
        records: Sequence[WorkOrderRecord],
        cursor: str,
        unreadable: Sequence[UnreadableRecord] = (),
    ) -> Sequence[str]:
        """Stores a page and advances the cursor in one transaction; gives the cases that it woke.

        Unreadable records are kept, each content once. A record is settled when it is read later.
        """
        ...

    async def finish_poll(self, system: str, seen: int, next_at: datetime) -> None:
        """Ends a poll: due again at `next_at`, or when hinted."""
        ...

    async def poll_generation(self, system: str) -> int:
        """The poll's generation, to be given back to `finish_poll`."""
        ...
