"""What Millwright needs of other systems, as Protocols.

Every method of a connector may raise the three errors of `domain.errors`: `Unavailable` (try later), `ActionRequired`
(a person must act) and `Refused` (we sent something wrong). A docstring lists only those with a special meaning.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.anomaly import Anomaly
from domain.assets import PlantRegister
from domain.autonomy import AutonomyAdvice, AutonomyRecord, AutonomyTerms
from domain.canonical import Json
from domain.cmms import CmmsCapabilities, OrderQuery
from domain.counterfactuals import Counterfactuals
from domain.dependents import Dependents
from domain.hold_proposals import HoldTerms
from domain.lots import MadeLot
from domain.open_work import OpenWork, OpenWorkQuery
from domain.operating import OperatingState
from domain.outcomes import OutcomeClass
from domain.pricing import TimedFault
from domain.production import (
    HoldEnforcement,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    MarkedHold,
    PlaceResult,
    ProductionContext,
)
from domain.twin_writes import OutcomeWriter
from domain.verdict import Context, Explanation, Memory, ReadInputs, RuleWords, UrgencyDecision, Verdict
from domain.work_orders import ChangePage, CompletionReport, Escalation, WorkOrderDraft, WorkOrderRecord, WorkOrderRef


class Cmms(Protocol):
    """A computerised maintenance management system that planners already use."""

    async def check(self) -> str:
        """Describes in one line the system that answers, and the account with which we signed in. What no order needs
        is not asked here: while this fails, an order may wait.

        Raises:
            Unavailable: the system does not answer.
            ActionRequired: the system refuses our sign-in.
        """
        ...

    @property
    def capabilities(self) -> CmmsCapabilities:
        """What this CMMS can do, from the settings and the vendor's contract. The CMMS is not called."""
        ...

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        """All orders that match, oldest first. Without a key in the query, orders that people created are included.

        Raises:
            ActionRequired: an order has the key in one field, and the key of another case in another field.
        """
        ...

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        """The newest orders and requests of an asset that are open, those of people and ours.

        It is asked before each order is created, so it must be quick: one page is asked for, and the records are not
        read with all that belongs to them. A record that cannot be read is named in `unreadable`, and hides no other.

        Raises:
            ActionRequired: the CMMS does not know the asset, or does not let us search.
        """
        ...

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        """The order of this draft: found by its key, or created and read back.

        A repeated call gives the same order, also after a lost answer. So do two calls at once from two processes,
        unless the capabilities say `look_up`: then the caller holds a lease (`domain.casework.OrderLeases`).

        Raises:
            ActionRequired: the CMMS does not know the asset, the site requires a field that we do not have (`field`),
                or more than one order has the key.
            Unavailable: also if the answer was lost; the next call finds the order if it was created.
        """
        ...

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        """The order as it is now, with what the technician reported.

        If the order no longer exists, its status is `deleted` and its stamp is the time of this reading. A reference
        with an empty key is that of an order which a person created: it is read as theirs, with its codes.

        Raises:
            ActionRequired: the record has another key than the reference, or none and is not known to be ours (`field`
                names where the key was), or a field of it cannot be read (`field` names it).
        """
        ...

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        """Takes an order out of the vendor's waiting state. An order that is not in it is returned unchanged.

        Args:
            memo: why, for the vendor's log of status changes. It is not sent if the vendor accepts no such text.
        """
        ...

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        """Cancels an order, waiting or released by us, if it is known that nobody has touched it. Otherwise it is
        returned unchanged."""
        ...

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        """Raises the priority of an open order, and brings its due date forward where the vendor has one, in place.

        Only a value that we wrote last is replaced. Otherwise, and if it is finished, the order is returned unchanged.

        Raises:
            ActionRequired: the change was accepted, and the order has another value (`field`).
        """
        ...

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        """Adds a note once: if a note with the same key exists, nothing changes. Orders of people take notes too."""
        ...

    async def changed_since(self, cursor: str | None) -> ChangePage:
        """A page of our orders whose status changed since the cursor, oldest first; None asks from the beginning.

        Orders with other changes may be returned too, if the changes set the vendor's stamp. Changes that do not set
        the stamp are found when the order is read again.

        A record may come again; none is left out. A record that cannot be read is reported in `unreadable`, and hides
        no other. It is reported again only if its content changes. A page without records and reports means that all
        changes were read; so does one with the cursor that was given.
        """
        ...


class Mes(Protocol):
    """A manufacturing execution system. It says which job runs on a machine, and can stop it from running."""

    async def check(self) -> str:
        """Describes in one line the system that answers.

        Raises:
            Unavailable: the system does not answer.
            ActionRequired: the system refuses our sign-in.
        """
        ...

    async def read_production(self, equipment: str) -> ProductionContext:
        """What the equipment is doing now and when its next planned stop is.

        Raises:
            ActionRequired: the MES does not know the equipment.
        """
        ...

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        """What machines do now, by their ids. Many are read with few requests.

        A machine that the MES does not know, or of which it says nothing that can be read, is unknown; its word says
        why. So is every machine that a record which cannot be read may be of.
        """
        ...

    async def hold_target(self, equipment: str) -> HoldTarget:
        """The receiver that a hold on the equipment goes through, and the identity of its server now.

        Raises:
            ActionRequired: as for `plan_hold`.
        """
        ...

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        """What a hold would do to the current job of the equipment, and through which target. The call changes nothing.

        Raises:
            ActionRequired: the MES does not know the equipment, or nothing in it proves which machine a job is on. An
                equipment class never proves it.
        """
        ...

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        """Carries out a plan in the plan's receiver, and reads the result back.

        If the MES refuses, it raises one of the three errors, and nothing is held by us.

        Raises:
            NotProved: the plan has a target, and its receiver has another one now. The MES was not told to hold.
        """
        ...

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        """The state of the planned hold from a recent reading, with the time of the reading."""
        ...

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        """Undoes only what the plan did. If it is already undone, nothing changes.

        Raises:
            Unavailable: also if the MES accepted the call and the job is still held.
        """
        ...

    async def marked_holds(self) -> Sequence[MarkedHold] | None:
        """The holds that are in effect now and bear a key of ours, of any machine. It changes nothing.

        A hold is listed only if the MES itself proves that we placed it, not by a text that people can write. None
        means that this MES cannot say whose a hold is. An empty answer means that none of ours is in effect.
        """
        ...

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> Sequence[MadeLot] | None:
        """The lots that were, or are being, made on an equipment in a period, oldest first.

        None means that this MES does not say which lots a machine made. An empty answer means that it made none.

        Raises:
            ActionRequired: the MES does not know the equipment.
        """
        ...

    @property
    def enforcement(self) -> HoldEnforcement:
        """Whether this MES enforces a hold."""
        ...


class Twin(Protocol):
    """A twin as read: its id, its ETag and its properties."""

    @property
    def id(self) -> str: ...
    @property
    def etag(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, Json]: ...


class TwinGraph(OutcomeWriter, Protocol):
    """The graph of digital twins. Assets are read from it, and outcomes are written to it."""

    async def check(self) -> str:
        """Describes in one line the system that answers.

        Raises:
            Unavailable: the system does not answer.
            ActionRequired: the system refuses our sign-in.
        """
        ...

    async def read_register(self, as_of: datetime) -> PlantRegister:
        """The whole hierarchy with its crosswalk and observables, valid from `as_of`.

        Raises:
            ActionRequired: the graph contradicts itself; the message names the twin and the property.
        """
        ...

    async def read_twin(self, twin: str) -> Twin:
        """Reads one twin by its id. The result is current; the query index may be behind.

        Raises:
            ActionRequired: there is no such twin.
        """
        ...

    async def patch_twin(self, twin: str, properties: Mapping[str, Json]) -> str:
        """Sets properties under the ETag just read, and reads again after a conflict; returns the new ETag.

        Properties that already have these values are not written again.

        Raises:
            ActionRequired: the twin's model does not declare a property.
            Unavailable: also if the twin changed between reading and writing several times in a row.
        """
        ...


class Judge(Protocol):
    """The one judging function, for live judging, shadows, backtests and the audit. Pure and total."""

    def judge(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> tuple[Verdict, Memory]:
        """The verdict of a policy version, given by its digest, on an anomaly, and the memory after it.

        Raises:
            PolicyRejected: no such version was loaded, or its text does not match its digest.
        """
        ...

    def explain(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> Explanation:
        """The same verdict with its trace."""
        ...

    def counterfactuals(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> Counterfactuals:
        """For each input of a verdict, the smallest change that would have given another rung."""
        ...

    def words(self, version: str, rule: str) -> RuleWords:
        """What a rule of a version says to people.

        Raises:
            PolicyRejected: no such version was loaded, or it has no such rule.
        """
        ...

    def urgency(
        self,
        version: str,
        verdict: Verdict,
        fault: TimedFault,
        context: Context,
        production: ProductionContext | None,
        now: datetime,
        dependents: Dependents | None = None,
    ) -> UrgencyDecision:
        """When the work should happen.

        Args:
            production: None if the MES did not answer.
            dependents: None if the twins say nothing of what depends on the machine.
        """
        ...

    def endangers(self, version: str, urgency: UrgencyDecision) -> bool:
        """Whether a version declares that the fault of a decision endangers people or the environment.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...

    def read_inputs(self, version: str) -> ReadInputs:
        """What a version is to be told in the context of an anomaly.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...

    def autonomy(self, version: str) -> AutonomyTerms:
        """A version's settings for autonomy.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...

    def releases_unattended(self, version: str, machine: str) -> bool:
        """Whether a version lets a hold on a machine be released without a statement of a person of production.

        It does so only for machines that it names one by one. A hold on any other machine waits for a person.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...

    def hold_terms(self, version: str, asset_class: str) -> HoldTerms:
        """Whether a version lets a hold on an asset of a class be placed without asking production, and how it is asked
        otherwise.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...

    def weigh_autonomy(self, version: str, record: AutonomyRecord) -> AutonomyAdvice | None:
        """The move that a record of findings requires by a version's settings; None if the state does not change."""
        ...


class OutcomeCodes(Protocol):
    """The crosswalk from a CMMS's failure codes to outcome classes."""

    def classify(self, report: CompletionReport) -> OutcomeClass:
        """The class of a completed order; UNKNOWN if the codes are missing or not in the crosswalk."""
        ...


class WorkflowEngine(Protocol):
    """What other code needs of the engine that runs workflows."""

    async def wake(self, subjects: Sequence[str], unanswered: Collection[str] = ()) -> None:
        """Starts or signals the workflow of each subject (`line/…`, `case/…`, `poll/…`); signals carry no data.

        Args:
            subjects: what is due.
            unanswered: those of them that stay due after several signals. A workflow that somebody else started under
                the id of such a subject is ended, and the subject's own workflow is started.

        Raises:
            ConnectorError: the engine does not answer, or refuses; the dispatcher tries again.
        """
        ...
