"""How many new orders a crew gets within seven days, and which of the cases that wait for their turn is next. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from domain.assets import Criticality
from domain.cases import CaseView
from domain.model import Model, Moment
from domain.priorities import priority_key
from domain.verdict import Rung, Severity, UrgencyDecision

WEEK: Final = timedelta(days=7)
"""The period in which the new orders of a crew are counted. It moves: it ends at the moment of counting."""

GIVES_WAY: Final = timedelta(minutes=5)
"""How long a case lets a riskier one go first that has its turn and has not used it yet."""


class CrewBound(Model):
    """What a version says of the crew that works on an asset.

    Args:
        crew: the name of the crew. Of each site it is another crew.
        new_orders: how many new orders it gets within seven days.
        consequence: whether the version declares that the fault endangers people or the environment.
    """

    crew: str
    new_orders: int
    consequence: bool

    @property
    def words(self) -> str:
        """What a case waits for whose crew has all the new orders that it gets."""
        return turn_words(self.crew, self.new_orders)


def turn_words(crew: str, new_orders: int) -> str:
    """What a case waits for. It names no rank, because that changes with each case that comes."""
    return f"its turn: new orders of crew {crew} in 7 days: at most {new_orders}"


class CrewBounds(Protocol):
    """What versions say of crews."""

    def crew_bound(self, version: str, asset_class: str, urgency: UrgencyDecision) -> CrewBound | None:
        """How many new orders a version gives the crew that works on assets of a class; None if it does not say.

        Args:
            urgency: the decision on the time of the work, which says whether the fault endangers people or the
                environment.

        Raises:
            PolicyRejected: no such version was loaded.
        """
        ...


class Exemption(StrEnum):
    """Why an order goes out whatever its crew has."""

    HOLD = "hold"
    """The rung asks for a hold on the machine."""
    PERSON = "person"
    """A person accepted the case."""
    REWORK = "rework"
    """The machine failed its test run, and a person had it held again."""
    CONSEQUENCE = "consequence"
    """The version declares that the fault endangers people or the environment."""


def exemption(view: CaseView, bound: CrewBound) -> Exemption | None:
    """Why the order of a case is exempt from the bound; None if it is not. Whatever is exempt is counted too."""
    if view.decision is not None and view.decision.approved:
        return Exemption.PERSON
    if view.rung >= Rung.WORK_ORDER_AND_HOLD:
        return Exemption.HOLD
    if view.rework is not None:
        return Exemption.REWORK
    return Exemption.CONSEQUENCE if bound.consequence else None


class Admission(Model):
    """A case that has asked for an order of its crew: it waits for its turn, or its order is among the new ones.

    Args:
        asked_at: when it asked first.
        admitted_at: when its order became one of the crew's new orders; None while the case waits.
        exempt: why it did not have to wait; None if the bound counted for it.
    """

    crew: str
    site: str | None
    bound: int
    asked_at: Moment
    admitted_at: Moment | None = None
    exempt: Exemption | None = None


class RiskRank(NamedTuple):
    """The place of a case among those that wait: the lowest goes first.

    Severity and criticality come first, by the key that also orders calls (`domain.priorities`), then the rung and the
    priority of the order. Of equals the older case goes first.
    """

    key: int
    below_highest_rung: int
    priority: int
    opened_at: datetime
    case: str

    @classmethod
    def of(
        cls,
        case: str,
        severity: Severity,
        criticality: Criticality | None,
        rung: Rung,
        priority: int,
        opened_at: datetime,
    ) -> "RiskRank":
        """The risk of a case, from its verdict and its asset."""
        return cls(priority_key(severity, criticality), max(Rung) - rung, priority, opened_at, case)


class Asking(NamedTuple):
    """A case that asks, or waits, for its turn, with the bound that its version gives."""

    risk: RiskRank
    bound: int


class CrewFigures(NamedTuple):
    """The figures that decide whether a case has its turn.

    Args:
        used: how many new orders the crew got within the last seven days.
        rank: the place of the case among those that wait, by risk, from 1.
        waiting: how many cases wait, with this one.
        again_at: when the case looks again; None if it has its turn.
    """

    used: int
    rank: int
    waiting: int
    again_at: datetime | None


def counted_since(now: datetime) -> datetime:
    """New orders that were admitted after this time count."""
    return now - WEEK


def next_free_at(admitted: Sequence[datetime], bound: int, now: datetime) -> datetime | None:
    """When the crew gets another new order; None if it gets one now.

    Args:
        admitted: when each order that counts was admitted, in any order.
    """
    counted = sorted(at for at in admitted if at > counted_since(now))
    return None if len(counted) < bound else counted[len(counted) - bound] + WEEK


def crew_figures(own: Asking, others: Iterable[Asking], admitted: Sequence[datetime], now: datetime) -> CrewFigures:
    """Whether a case has its turn, with the figures of its crew.

    Args:
        own: the case.
        others: the other cases that wait for their turn with the crew.
        admitted: when each order that counts was admitted, in any order.
    """
    used, waiting = sum(at > counted_since(now) for at in admitted), list(others)
    riskier = [each for each in waiting if each.risk < own.risk]
    # A case whose own version gives the crew no more orders does not go out now, and nobody gives way to it.
    again_at = next_free_at(admitted, own.bound, now)
    if again_at is None and used + sum(each.bound > used for each in riskier) >= own.bound:
        again_at = now + GIVES_WAY
    return CrewFigures(used, 1 + len(riskier), 1 + len(waiting), again_at)


class AdmissionStore(Protocol):
    """The new orders of crews, and the cases that wait for their turn."""

    async def ask(self, case: str, bound: CrewBound, exempt: Exemption | None) -> datetime | None:
        """Admits the order of a case, or has the case wait for its turn; gives when it is to ask again. None once its
        order is admitted, which is never taken back.

        Of one crew, cases ask one after another. An act records that an order was admitted, or that a case waits, each
        once, with the figures.

        Raises:
            StorageUnavailable: nothing was written.
        """
        ...
