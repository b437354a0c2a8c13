"""What Millwright needs of the world, as Protocols; each docstring says what may be raised.

Every connector port may raise the three of `domain.errors`: `Unavailable` (try later), `ActionRequired` (a person
must act) and `Refused` (we sent nonsense). A method says so only where it means something particular by one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from domain.anomaly import Anomaly
from domain.assets import PlantRegister
from domain.autonomy import AutonomyAdvice, AutonomyRecord, AutonomyTerms
from domain.canonical import Json
from domain.cmms import CmmsCapabilities, OrderQuery
from domain.counterfactuals import Counterfactuals
from domain.outcomes import Label, OutcomeClass
from domain.production import HoldEnforcement, HoldPlan, HoldReading, HoldState, PlaceResult, ProductionContext
from domain.verdict import Context, Explanation, Memory, RuleWords, UrgencyDecision, Verdict
from domain.work_orders import ChangePage, CompletionReport, WorkOrderDraft, WorkOrderRecord, WorkOrderRef


class Cmms(Protocol):
    """A computerised maintenance management system that planners already use."""

    async def check(self) -> str:
        """Says in one line what answers there and as whom we are signed in.

        Raises:
            Unavailable: nothing answers.
            ActionRequired: it answers and does not let us in.
        """
        ...

    @property
    def capabilities(self) -> CmmsCapabilities:
        """What this CMMS can do, from the settings and the vendor's contract; nothing is asked of it."""
        ...

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        """All orders that match, oldest first; people's too where the query names no key.

        Raises:
            ActionRequired: an order carries the key in one place and another one's in another.
        """
        ...

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        """The order of this draft: found by its key, or created and read back.

        Called again, also after a lost answer, it gives the same order. Called at once from two processes, too, unless
        the capabilities say `look_up`: then the caller holds a lease (`domain.casework.OrderLeases`).

        Raises:
            ActionRequired: the asset is not known there, the site demands a field we do not have (`field`), or more
                than one order carries the key.
            Unavailable: also where the answer was lost; the next call finds what was made.
        """
        ...

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        """The order as it is now, with what the technician reported.

        One that is gone is given as `deleted`, stamped with the time of this reading.

        Raises:
            ActionRequired: what stands there does not carry the case's key any more (`field` names where it stood).
        """
        ...

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        """Takes an order out of the vendor's waiting state; one already out of it is returned as it is.

        Args:
            memo: why, for the vendor's log of status changes. Left out where the vendor takes no words with the move.
        """
        ...

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        """Cancels an order of which it is known that nobody has touched it, waiting or released by us. One that was
        touched, or of which that is not known, is returned as it is."""
        ...

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        """Adds a note once: a note that carries the same key is left as it is."""
        ...

    async def changed_since(self, cursor: str | None) -> ChangePage:
        """Our orders whose status changed since the cursor, oldest first, a bounded page; None asks from the beginning.

        What else the vendor's stamp covers may be returned too. What no stamp covers is found when the order is read
        again.

        A record may come again; none is left out. An empty page means that all was read.
        """
        ...


class Mes(Protocol):
    """A manufacturing execution system that says what runs and can keep it from running on."""

    async def check(self) -> str:
        """Says in one line what answers there.

        Raises:
            Unavailable: nothing answers.
            ActionRequired: it answers and does not let us in.
        """
        ...

    async def read_production(self, equipment: str) -> ProductionContext:
        """What the equipment is doing now and when its next planned stop is.

        Raises:
            ActionRequired: the MES does not know the equipment.
        """
        ...

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        """What a hold would do to the job that the equipment is at now; changes nothing.

        Raises:
            ActionRequired: the MES does not know the equipment, or nothing there proves which machine a job is on. An
                equipment class never does.
        """
        ...

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        """Carries out a plan, in the plan's receiver, and reads back what became of it.

        A refusal raises one of the three errors: then nothing is held by us.
        """
        ...

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        """How the planned hold stands by a reading that is recent, with its time."""
        ...

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        """Undoes a plan that we placed, and only that; one already undone is left as it is.

        Raises:
            Unavailable: also where the MES accepted the call and the job is held still.
        """
        ...

    @property
    def enforcement(self) -> HoldEnforcement:
        """What a hold is worth in this system."""
        ...


class Twin(Protocol):
    """A twin as read: its id, its ETag and its properties."""

    @property
    def id(self) -> str: ...
    @property
    def etag(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, Json]: ...


class TwinGraph(Protocol):
    """The graph of digital twins: where assets come from and where outcomes go."""

    async def check(self) -> str:
        """Says in one line what answers there.

        Raises:
            Unavailable: nothing answers.
            ActionRequired: it answers and does not let us in.
        """
        ...

    async def read_register(self, as_of: datetime) -> PlantRegister:
        """The whole hierarchy with its crosswalk and observables, valid from `as_of`.

        Raises:
            ActionRequired: the graph contradicts itself; the message names the twin and the property.
        """
        ...

    async def read_twin(self, twin: str) -> Twin:
        """A point read: current, unlike the query index.

        Raises:
            ActionRequired: there is no such twin.
        """
        ...

    async def patch_twin(self, twin: str, properties: Mapping[str, Json]) -> str:
        """Sets properties under the ETag just read, re-reading on a conflict; gives the new ETag.

        Properties that already have these values are not written again.

        Raises:
            ActionRequired: the twin's model does not declare a property.
            Unavailable: also where the twin changed under us several times running.
        """
        ...


class Judge(Protocol):
    """The one judging function, for live, shadow, backtest and audit alike. Pure and total."""

    def judge(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> tuple[Verdict, Memory]:
        """What a policy version, named by digest, says of an anomaly, and the memory after it.

        Raises:
            PolicyRejected: no such version was loaded, or its text does not match its digest.
        """
        ...

    def explain(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> Explanation:
        """The same judgement with its trace."""
        ...

    def counterfactuals(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> Counterfactuals:
        """For each input of a verdict, its nearest change that would have given another rung."""
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
        context: Context,
        production: ProductionContext | None,
        now: datetime,
    ) -> UrgencyDecision:
        """When the work should happen; `production` is None where the MES is silent."""
        ...

    def autonomy(self, version: str) -> AutonomyTerms:
        """What a version says of acting without review.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...

    def releases_unattended(self, version: str, machine: str) -> bool:
        """Whether a version lets a hold on a machine be released without a person of production saying so.

        It is so only for machines that the version names one by one. A hold on any other machine waits for a person.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...

    def weigh_autonomy(self, version: str, record: AutonomyRecord) -> AutonomyAdvice | None:
        """The move that a record of findings asks for by a version's terms; None where it may stay as it is."""
        ...


class OutcomeCodes(Protocol):
    """The crosswalk from a CMMS's failure codes to outcome classes."""

    def classify(self, report: CompletionReport) -> OutcomeClass:
        """The class of a completed order; UNKNOWN where the codes are missing or not in the crosswalk."""
        ...


class LabelSink(Protocol):
    """Where training labels go."""

    def write(self, labels: Sequence[Label]) -> int:
        """Writes labels, all or none; gives how many.

        Raises:
            ActRejected: the place cannot be written to.
        """
        ...


class WorkflowEngine(Protocol):
    """The engine that runs workflows, as far as others need it."""

    async def wake(self, subjects: Sequence[str]) -> None:
        """Starts or signals the workflow of each subject (`line/…`, `case/…`, `poll/…`); signals carry nothing.

        Raises:
            Unavailable: the engine does not answer; the dispatcher asks again.
        """
        ...
