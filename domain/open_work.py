"""The work that is open on an asset in a CMMS, of people and of other cases, when an order is to be made for it."""

from collections.abc import Mapping
from textwrap import shorten
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from domain.model import Model, Moment
from domain.vendor_texts import VendorText
from domain.wording import ENGLISH, Wording, message
from domain.work_orders import ReportedCode, WorkOrderRef, WorkOrderStatus, no_codes

_LONGEST_WORDS: Final = 100
_NAMED: Final = 3
"""How many orders are named in a text."""
_STATUS: Final[Mapping[WorkOrderStatus, str]] = {
    WorkOrderStatus.WAITING_APPROVAL: message("waiting approval"),
    WorkOrderStatus.APPROVED: message("approved"),
    WorkOrderStatus.IN_PROGRESS: message("in progress"),
    WorkOrderStatus.ON_HOLD: message("on hold"),
    WorkOrderStatus.COMPLETED: message("completed"),
    WorkOrderStatus.CANCELLED: message("cancelled"),
    WorkOrderStatus.SKIPPED: message("skipped"),
    WorkOrderStatus.DELETED: message("deleted"),
}


def _on_one_line(words: str) -> str:
    return shorten(words, _LONGEST_WORDS, placeholder=" …")


ShortWords = Annotated[VendorText, AfterValidator(_on_one_line)]
"""Words of another system on one line, shortened."""


class OpenWorkQuery(Model):
    """A query for the open work on an asset.

    Args:
        asset_external_id: the asset's name in the CMMS.
        asset_attributes: the crosswalk's attributes of the asset, e.g. `siteid`.
        since: the earliest time at which the work was reported.
    """

    asset_external_id: str
    asset_attributes: dict[str, str] = {}
    since: Moment


class OpenOrder(Model):
    """An order or request that is open, with what a planner needs to recognise the work.

    Args:
        ref: the record. Its key is empty on one that people created.
        order: the order that the CMMS made from it, if `ref` is a request and the vendor has two records.
        reported_at: when the work was reported; None if the CMMS does not say.
        reported_by: the person who reported it, as the CMMS names people.
        codes: the codes of the failure that people chose on it. They are read only where the site has a table that
            says what they name.
    """

    later: ClassVar[tuple[str, ...]] = ("codes",)

    ref: WorkOrderRef
    order: WorkOrderRef | None = None
    status: WorkOrderStatus
    vendor_status: VendorText
    reported_at: Moment | None = None
    reported_by: ShortWords | None = None
    summary: ShortWords | None = None
    codes: tuple[ReportedCode, ...] = Field(default=(), exclude_if=no_codes)

    def words_in(self, say: Wording) -> str:
        """The order with its state, who reported it and what it is about."""
        name = self.ref.id
        if self.order is not None:
            name = say("{record} with order {order}", record=name, order=self.order.id)
        if self.ref.key:
            name = say("{record} of case {case}", record=name, case=self.ref.key)
        told = [say(_STATUS[self.status])]
        at = f"{self.reported_at:%Y-%m-%d}" if self.reported_at is not None else ""
        if at and self.reported_by:
            told.append(say("reported {at} by {person}", at=at, person=self.reported_by))
        elif at:
            told.append(say("reported {at}", at=at))
        elif self.reported_by:
            told.append(say("reported by {person}", person=self.reported_by))
        about = f": {self.summary}" if self.summary else ""
        return f"{name} ({', '.join(told)}{about})"


class OpenWork(Model):
    """The newest open work on an asset, as a CMMS tells it.

    Args:
        orders: newest first.
        unreadable: the records of the asset that cannot be read, each with the reason.
        complete: whether these are all that are open. A CMMS is asked for a limited number.
    """

    orders: tuple[OpenOrder, ...]
    unreadable: tuple[ShortWords, ...] = ()
    complete: bool = True


class OpenWorkSeen(Model):
    """What was open on the asset of a case when the draft of its order was written.

    Args:
        at: when the CMMS was asked.
        since: work that was reported earlier was not looked for.
        orders: the newest open ones, newest first.
        count: how many open orders the CMMS told of; more than `orders` if there were many.
        complete: whether the CMMS told of all.
        unreadable: the first records that could not be read.
        unreadable_count: how many could not be read.
        problem: why open work could not be looked for; None if it was.
    """

    at: Moment
    since: Moment
    orders: tuple[OpenOrder, ...] = ()
    count: int = 0
    complete: bool = True
    unreadable: tuple[ShortWords, ...] = ()
    unreadable_count: int = 0
    problem: VendorText | None = None

    def hint_in(self, say: Wording) -> str | None:
        """What the planner should compare the new order with; None if there is nothing, or nothing was looked for."""
        asked = say(
            "Asked at {at} UTC for work reported since {since}.",
            at=f"{self.at:%Y-%m-%d %H:%M}",
            since=f"{self.since:%Y-%m-%d}",
        )
        if not self.orders and not self.unreadable:
            if self.complete:
                return None
            none_seen = say(
                "Perhaps other work is open on this asset: there is none among its newest records, and only those were "
                "asked for."
            )
            return f"{none_seen} {asked} {say('Look there for the same work.')}"
        told = []
        if self.orders:
            named = say(" or ").join(order.words_in(say) for order in self.orders[:_NAMED])
            told.append(say("Possibly the same as {orders}.", orders=named))
        others = self.count - min(len(self.orders), _NAMED)
        if others and self.complete:
            told.append(say("Also open on this asset: {count} more.", count=others))
        elif others:
            told.append(say("Also open on this asset: at least {count} more.", count=others))
        elif not self.complete:
            told.append(say("Perhaps more is open on this asset."))
        if self.unreadable:
            told.append(
                say(
                    "Not readable, and perhaps open: {count} more ({first}).",
                    count=self.unreadable_count,
                    first=self.unreadable[0],
                )
            )
        return " ".join([*told, asked, say("If it is the same work, cancel one of the orders.")])

    @property
    def words(self) -> str:
        """The same in English for the history of the case, also if there was nothing."""
        if self.problem is not None:
            return f"Open work on the asset could not be looked for: {self.problem.rstrip('.')}."
        hint = self.hint_in(ENGLISH)
        if hint is None:
            return f"No other work on the asset was open, reported since {self.since:%Y-%m-%d}."
        return hint
