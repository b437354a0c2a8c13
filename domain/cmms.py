"""What a CMMS can do, as its connector declares it, and the queries for its orders."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.model import Model, Moment
from domain.vendor_texts import VendorName, VendorText


class Idempotency(StrEnum):
    """What prevents two orders from one draft."""

    ATOMIC = "atomic"
    """The CMMS itself never makes a second record with the same key: it refuses the request, or returns the first
    record. If it would overwrite the first record, the connector looks it up before."""
    KEYED = "keyed"
    """The CMMS refuses a request that it has carried out already, while it remembers the request's key. After that the
    order is found by our key."""
    LOOK_UP = "look_up"
    """Two requests at once make two records. So one step at a time may create, and it looks up first."""


class OrderApproval(StrEnum):
    """Where an order waits for a planner's approval."""

    STATE = "state"
    """In a state of the order itself."""
    REQUEST = "request"
    """As a request, a record of its own, which becomes an order when it is approved."""
    NONE = "none"
    """Nowhere: a new order is approved at once. It is created only after a person approved it in Millwright."""


class OrderCancellation(StrEnum):
    """How an order is cancelled."""

    STATE = "state"
    """By a cancelled state."""
    DO_NOT_EXECUTE = "do_not_execute"
    """By a mark on the order that the work must not be done, or by archiving the order."""
    NONE = "none"
    """Only by a planner."""


class ChangeFeed(StrEnum):
    """How we learn of changes. We poll in both cases, because a pushed change may be lost."""

    POLL = "poll"
    PUSH = "push"
    """The CMMS also calls us, which makes the next poll due at once."""


class TextLimits(Model):
    """How many characters each text may have; None if the CMMS sets no limit that matters."""

    summary: int | None = None
    description: int | None = None
    note: int | None = None


class CmmsCapabilities(Model):
    """What a CMMS can do.

    The steps of a case follow `idempotency`, `one_at_a_time_per_asset`, `approval`, `cancellation`, `search_by_key`,
    `raises_priority` and `failure_modes`.
    The other fields are for the connector itself and for people.

    Args:
        idempotency: `look_up`: the order is created under a lease.
        key_lifetime: for how long the CMMS remembers a request, if idempotency is `keyed`.
        approval: `none`: the order is created only after a person has accepted it here.
        cancellation: `none`: the planner is asked to cancel.
        search_by_key: whether it can be searched for our key. Otherwise an order of ours is looked for by asset and
            time, and the connector proves it by the key in its text.
        changes: how the CMMS tells us of changes.
        tombstones: whether its changes include deleted records.
        priorities: its values for ours, 1 (highest) to 4; several of ours may have the same value.
        limits: how long texts may be. The connector shortens them.
        one_at_a_time_per_asset: whether it fails if two orders of one asset are created at once: then orders of an
            asset are created under a lease.
        raises_priority: whether the connector can raise the priority of an open order.
        failure_modes: the failure mode (ISO 14224) that a code on an open order names, by the code. If it is empty, no
            order of a person is attached to a case.
    """

    idempotency: Idempotency
    key_lifetime: timedelta | None = None
    approval: OrderApproval
    cancellation: OrderCancellation
    search_by_key: bool
    changes: ChangeFeed
    tombstones: bool
    priorities: dict[int, str]
    limits: TextLimits
    one_at_a_time_per_asset: bool = False
    raises_priority: bool = False
    failure_modes: dict[str, str] = {}

    def own_priority(self, vendor_value: str | None) -> int | None:
        """Our priority for a value of the CMMS; None if the value stands for none of ours, or for several."""
        ours = [own for own, theirs in self.priorities.items() if theirs == vendor_value]
        return ours[0] if len(ours) == 1 else None


class OrderQuery(Model):
    """A query for orders. It finds the orders that match every given field.

    Args:
        key: our key.
        asset_external_id: the asset's name in the CMMS.
        asset_attributes: the crosswalk's attributes of the asset, e.g. `siteid`.
        since: the earliest time at which the order was reported.
        open_only: excludes finished orders.
    """

    key: str | None = None
    asset_external_id: str | None = None
    asset_attributes: dict[str, str] = {}
    since: Moment | None = None
    open_only: bool = False


class FoundAsset(Model):
    """An asset that a connector found by itself.

    Args:
        external_id: its name, as a draft names it.
        attributes: the attributes that a draft must have besides.
        settings: the connector's settings that give it this name, if they are not as they are now.
    """

    external_id: str
    attributes: dict[str, str] = {}
    settings: dict[str, str] = {}


class ListedAsset(Model):
    """An asset as a CMMS lists it.

    Args:
        external_id: its name, as a draft names it.
        attributes: the attributes that a draft must have besides, such as `siteid`.
        description: what people call it.
        serial: the manufacturer's serial number.
        parent: the name of the asset that it is part of.
    """

    external_id: VendorName
    attributes: dict[str, VendorName] = {}
    description: VendorText | None = None
    serial: VendorName | None = None
    parent: VendorName | None = None


class ListedAssets(NamedTuple):
    """The assets of a CMMS, as it lists them.

    Args:
        assets: those for which an order can be created.
        left_out: how many records cannot be read. Each may be of an asset that is not in `assets`.
    """

    assets: Sequence[ListedAsset]
    left_out: int = 0


class PreviewedField(Model):
    """A field of a record that would be created.

    Args:
        meaning: what it is for, such as `priority`; None if the connector does not say.
        field: its name there.
        value: its value, as text.
    """

    meaning: str | None
    field: str
    value: str


class PreviewedRecord(Model):
    """A record that would be created.

    Args:
        kind: what the vendor calls such a record.
        fields: what is sent, in its order.
        status: its status after that, in the vendor's words.
    """

    kind: str
    fields: tuple[PreviewedField, ...]
    status: str


class OrderLease(Model):
    """The right of one step to create an order where the CMMS cannot refuse a second one.

    Args:
        system: the CMMS instance.
        scope: the case's key, or the asset where the CMMS takes one order of an asset at a time.
        number: larger with each lease of the scope. A step with an older lease records nothing.
    """

    system: str
    scope: str
    number: int
