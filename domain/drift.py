"""Drift: what our record, a CMMS and the twins say differently. The comparisons are pure; a reconcile makes the
readings and keeps what they find.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.canonical import Json
from domain.model import Model, Moment
from domain.twin_writes import value_at
from domain.work_orders import WorkOrderRecord, WorkOrderRef, WorkOrderStatus

HINTS_QUIET: Final = timedelta(days=3)
"""How long hints may be absent, while polls find changes, before people are told that they have stopped."""
HINT_AHEAD: Final = timedelta(hours=1)
"""How much later than its hint a change may be found."""
HINTS_GIVEN_UP: Final = timedelta(days=90)
"""A system that has sent no hint for so long is not expected to send one."""
FEWEST_CHANGES: Final = 3
"""How many changes polls must have found without a hint: a single one may be of a kind that sends none."""


class DriftKind(StrEnum):
    """What differs."""

    UNKNOWN_ORDER = "unknown_order"
    """An order in the CMMS has a key of ours, and there is no order of that case here."""
    DOUBLE_ORDER = "double_order"
    """A second order in the CMMS has the key of a case."""
    KEY_DIFFERS = "key_differs"
    """The order of a case has the key of another case now."""
    STATUS_DIFFERS = "status_differs"
    """An order has another status in the CMMS than here, and no poll has brought it."""
    ASSET_DIFFERS = "asset_differs"
    """An order is on another asset in the CMMS than the one that it was created for."""
    OPEN_AGAIN = "open_again"
    """The case of an order is closed, and the order is not finished in the CMMS."""
    NOT_READ = "not_read"
    """An order cannot be read, so that nothing is known of its state."""
    ASSET_GONE = "asset_gone"
    """An asset has a name in the CMMS under which no order can be created there: it was renamed, retired or deleted."""
    NO_ASSETS = "no_assets"
    """The CMMS does not list its assets, although assets have names there."""
    TWIN_DIFFERS = "twin_differs"
    """A twin does not say what was written to it last."""
    WEBHOOKS_STOPPED = "webhooks_stopped"
    """A webhook subscription that the settings name is gone."""
    HINTS_STOPPED = "hints_stopped"
    """Polls find changes, and the hints that used to come before them come no more."""


_FIXES: Final = {
    DriftKind.UNKNOWN_ORDER: "finish or cancel the order, or take the key off it; if another installation made it, "
    "give each installation a CMMS user of its own",
    DriftKind.DOUBLE_ORDER: "cancel one of the two orders, or take the key off it",
    DriftKind.KEY_DIFFERS: "write the key of its own case on the order again",
    DriftKind.STATUS_DIFFERS: "nothing: the order was read again, and its case goes on",
    DriftKind.ASSET_DIFFERS: "put the order back on its asset; if the asset was renamed, use `assets map`",
    DriftKind.OPEN_AGAIN: "finish or cancel the order in the CMMS; new evidence opens another case",
    DriftKind.NOT_READ: "correct what it names; the order is read again in the next reconcile",
    DriftKind.ASSET_GONE: "if it was renamed, give it its new name with `assets map` (`assets suggest` names "
    "candidates); if it was retired by mistake, make it active again there",
    DriftKind.NO_ASSETS: "let the user of the connector read assets",
    DriftKind.TWIN_DIFFERS: "set the properties in the twin, and look who else writes them",
    DriftKind.WEBHOOKS_STOPPED: "create the subscription again, and set its id and its secret; until then a change is "
    "seen at the next poll",
    DriftKind.HINTS_STOPPED: "look at the webhook or the automation in the CMMS; until then a change is seen at the "
    "next poll",
}


def fix_of(kind: DriftKind) -> str:
    """What to do about a difference, in words."""
    return _FIXES[kind]


class Drift(Model):
    """One difference.

    Args:
        system: the CMMS instance, or the one whose cases wrote to the twin.
        identity: what differs, once for each system: `order/…` with the vendor's own id, `asset/…` with our id,
            `assets`, `twin/…`, or `webhooks`.
        subject: what people call it: the order's number, the asset's or the twin's id, or the system.
        case: the case that it is about; None if there is none.
        ref: the order, so that it can be read again; None if it is about no order.
        ours: what our record says.
        theirs: what the other system says.
    """

    system: str
    kind: DriftKind
    identity: str
    subject: str
    case: str | None = None
    ref: WorkOrderRef | None = None
    ours: str
    theirs: str


class RecordedOrder(Model):
    """A case and its order, as our record has them.

    Args:
        closed: whether the case is closed.
        goes_on: whether the case has something to do when its order changes: it is open, or what the work found is not
            known yet.
        asset_name: the name in the CMMS for which the order was drafted, or corrected; None if none was drafted.
        order: the order as it was last read; None if none is known.
        read_at: when it was last read.
    """

    case: str
    closed: bool
    goes_on: bool
    asset_name: str | None
    order: WorkOrderRecord | None
    read_at: Moment | None


class ToldTwin(Model):
    """A twin, and the properties that were written to it last, for a case."""

    twin: str
    case: str
    properties: dict[str, str]


class ReadOrder(Model):
    """An order as the CMMS gave it, and the time just before it was asked.

    Args:
        case: the case for which this one order was read; None if it came for no case.
    """

    record: WorkOrderRecord
    asked_at: Moment
    case: str | None = None


class ComparedFrom(Model):
    """Since when orders are compared.

    Args:
        since: finished orders that changed before are not compared.
        settled_before: a status that changed later may still come with the next poll, and is no drift.
    """

    since: Moment
    settled_before: Moment


def order_identity(ref: WorkOrderRef) -> str:
    """What an order is known by in a list of drift."""
    return f"order/{ref.locator or ref.id}"


def twin_identity(twin: str) -> str:
    """What a twin is known by in a list of drift."""
    return f"twin/{twin}"


WEBHOOKS_IDENTITY: Final = "webhooks"
"""What the webhooks of a system are known by in a list of drift."""


def order_drift(read: ReadOrder, recorded: Sequence[RecordedOrder], compared: ComparedFrom) -> tuple[Drift, ...]:
    """How an order that bears, or has borne, a key of ours differs from our record.

    An order of a person is that person's to change, also where it is the order of a case: the case reads it itself.

    Args:
        read: the order.
        recorded: the case of the key, if there is one, and the cases with an order of this number.
    """
    found = read.record
    over = found.status.finished and found.changed_at < compared.since
    owner = next((each for each in recorded if each.case == found.ref.key), None)
    holder = _holder(found.ref, owner, recorded)
    theirs = holder is not None and holder.order is not None and holder.order.of_a_person
    if found.of_a_person and (holder is None or theirs):
        return ()
    if holder is not None and holder is not owner and not theirs:
        return (
            ()
            if over
            else (_of_order(DriftKind.KEY_DIFFERS, found, holder.case, f"key {holder.case}", f"key {found.ref.key}"),)
        )
    if owner is None or owner.asset_name is None:
        case = None if owner is None else owner.case
        ours = "no such case" if owner is None else "the case has no order"
        drift = _of_order(DriftKind.UNKNOWN_ORDER, found, case, ours, _state(found))
        return () if over or found.status.not_done else (drift,)
    if owner.order is not None and holder is not owner:
        known = owner.order.ref
        ours = f"order {known.id} of {known.system}"
        drift = _of_order(DriftKind.DOUBLE_ORDER, found, owner.case, ours, f"{_state(found)} too")
        return () if over or found.status.not_done else (drift,)
    return (*_status_drift(read, owner, compared), *(() if over else _asset_drift(found, owner)))


def _holder(ref: WorkOrderRef, owner: RecordedOrder | None, recorded: Sequence[RecordedOrder]) -> RecordedOrder | None:
    """The case whose order this is; None if it is the order of no case.

    Args:
        owner: the case of its key.
    """
    if owner is not None and owner.order is not None and owner.order.ref.same_record(ref):
        return owner
    for each in recorded:
        known = None if each.order is None else each.order.ref
        if known is None or not known.same_record(ref):
            continue
        # Two sites may have orders of one number. Without its key, only the vendor's own id tells which one it is.
        if known.locator is None or ref.locator is None or known.locator == ref.locator:
            return each
    return None


def _status_drift(read: ReadOrder, owner: RecordedOrder, compared: ComparedFrom) -> tuple[Drift, ...]:
    """How the status of a case's order differs from our record of it, or from a record without any."""
    found = read.record
    ours = "not placed" if owner.order is None else owner.order.status.value
    if owner.closed and not found.status.finished:
        return (_of_order(DriftKind.OPEN_AGAIN, found, owner.case, "the case is closed", _state(found)),)
    if ours == found.status.value or not _is_settled(read, owner, compared):
        return ()
    return (_of_order(DriftKind.STATUS_DIFFERS, found, owner.case, ours, found.status.value),)


def _asset_drift(found: WorkOrderRecord, owner: RecordedOrder) -> tuple[Drift, ...]:
    name, asset = owner.asset_name, found.asset_external_id
    # A CMMS that writes names in capitals is no drift. One that tells no asset says nothing of it.
    if name is None or asset is None or asset.casefold() == name.casefold():
        return ()
    return (_of_order(DriftKind.ASSET_DIFFERS, found, owner.case, name, asset),)


def unread_drift(system: str, ref: WorkOrderRef, case: str | None, problem: str) -> Drift:
    """An order that could not be read, with the reason."""
    return Drift(
        system=system,
        kind=DriftKind.NOT_READ,
        identity=order_identity(ref),
        subject=ref.id,
        case=case,
        ref=ref,
        ours="an order to be read",
        theirs=problem,
    )


def twin_drift(system: str, told: ToldTwin, properties: Mapping[str, Json] | None) -> tuple[Drift, ...]:
    """How a twin differs from what was written to it last.

    Args:
        system: the CMMS instance of the case that wrote it.
        properties: what the twin says; None if it is gone, or cannot be read.
    """
    differing = {
        name: value
        for name, value in told.properties.items()
        if properties is None or value_at(properties, name) != value
    }
    if not differing:
        return ()
    said = None if properties is None else {name: value_at(properties, name) for name in differing}
    return (
        Drift(
            system=system,
            kind=DriftKind.TWIN_DIFFERS,
            identity=twin_identity(told.twin),
            subject=told.twin,
            case=told.case,
            ours=_told(differing),
            theirs="the twin cannot be read" if said is None else _told(said),
        ),
    )


class HintsKnown(Model):
    """What is known of the hints of a system.

    Args:
        last_at: when the last hint came.
        changes: how many changes polls have found since, without those of the first hour after it.
    """

    last_at: Moment
    changes: int


def hint_drift(system: str, hints: HintsKnown | None, now: datetime) -> tuple[Drift, ...]:
    """Whether the hints of a system have stopped. A system that never sent one is not expected to."""
    if hints is None or not HINTS_QUIET <= now - hints.last_at < HINTS_GIVEN_UP or hints.changes < FEWEST_CHANGES:
        return ()
    last = f"the last hint came on {hints.last_at:%Y-%m-%d %H:%M} UTC"
    theirs = f"polls found {hints.changes} changes since"
    return (_of_webhooks(system, DriftKind.HINTS_STOPPED, last, theirs),)


def subscription_drift(system: str, problem: str) -> Drift:
    """A webhook subscription that is gone, in the words of the connector."""
    return _of_webhooks(system, DriftKind.WEBHOOKS_STOPPED, "the settings name a subscription", problem)


def _of_webhooks(system: str, kind: DriftKind, ours: str, theirs: str) -> Drift:
    return Drift(system=system, kind=kind, identity=WEBHOOKS_IDENTITY, subject=system, ours=ours, theirs=theirs)


def _of_order(kind: DriftKind, found: WorkOrderRecord, case: str | None, ours: str, theirs: str) -> Drift:
    return Drift(
        system=found.ref.system,
        kind=kind,
        identity=order_identity(found.ref),
        subject=found.ref.id,
        case=case,
        ref=found.ref,
        ours=ours,
        theirs=theirs,
    )


def _is_settled(read: ReadOrder, owner: RecordedOrder, compared: ComparedFrom) -> bool:
    """Whether polls have had their time to bring the change, and our reading is the older one."""
    found, ours_is_older = read.record, owner.read_at is None or owner.read_at < read.asked_at
    # No poll brings an order that is gone, and its stamp is the time of this reading.
    gone = found.status is WorkOrderStatus.DELETED
    return ours_is_older and (gone or found.changed_at < compared.settled_before)


def _state(found: WorkOrderRecord) -> str:
    return f"order {found.ref.id} with key {found.ref.key} is {found.status.value}"


def _told(properties: Mapping[str, Json]) -> str:
    return ", ".join(f"{name}={'-' if value is None else value}" for name, value in properties.items())
