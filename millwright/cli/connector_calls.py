"""The single calls of the port that `connector drive` makes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from domain.errors import ActionRequired, ConnectorError, Rejected
from domain.keys import CASE_ID, case_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.cmms import FoundAsset, PreviewedRecord
    from domain.work_orders import WorkOrderDraft, WorkOrderRecord
    from millwright.cli.connector_access import ConnectorAccess

_MEMO: Final = "Withdrawn by hand with `millwright connector drive`."
_TEXT: Final = "Made by hand with `millwright connector drive`."


@dataclass(frozen=True)
class OrderWanted:
    """What the command line says of an order to create."""

    asset: str | None
    attributes: dict[str, str]
    summary: str
    priority: int
    released: bool
    mode: str = "OTH"
    due_in: timedelta | None = None


@dataclass(frozen=True)
class CallAnswer:
    """What a call gave: for a program, and in words."""

    told: dict[str, object]
    words: str


async def driven(connector: str, url: str | None, call: str, key: str, wanted: OrderWanted) -> CallAnswer | None:
    """Makes one call; None if it is about an order with the key, and there is none.

    Raises:
        Rejected: the key is none of ours, or the settings are missing or wrong.
        ConnectorError: the system does not do what was asked, or several orders have the key of the one to follow.
    """
    from domain.cmms import OrderQuery
    from millwright.cli.connector_access import open_connector

    _check_key(key)
    if call == "create":
        return await _created(connector, url, key, wanted)
    async with open_connector(connector, url) as access:
        found = await access.cmms.find_work_orders(OrderQuery(key=key))
        if call == "find":
            words = "\n".join(map(_line, found)) or f"no order there has the key {key}"
            return CallAnswer({"orders": found}, words)
        if not found:
            return None
        if call == "withdraw":
            return await _withdrawn(access, found)
        return await _followed(access, call, _the_one(connector, call, key, found))


async def _created(connector: str, url: str | None, key: str, wanted: OrderWanted) -> CallAnswer:
    from millwright.cli.connector_access import asset_of, open_connector

    async with open_connector(connector, url) as access:
        asset = await asset_of(access, wanted.asset, wanted.attributes)
    async with open_connector(connector, url, asset.settings) as access:
        record = await access.cmms.create_work_order(_draft(key, asset, wanted, access.clock.now()))
        return CallAnswer({"order": record}, _line(record))


async def previewed(connector: str, url: str | None, wanted: OrderWanted) -> "Sequence[PreviewedRecord]":
    """The records that creating the order would make. Nothing is created.

    Raises:
        Rejected: the settings are missing or wrong, or the connector cannot show an order before it is created.
        ConnectorError: the system does not answer, or the order could not be created.
    """
    from domain.cmms_offers import OrderPreviewer
    from millwright.cli.connector_access import asset_of, open_connector

    async with open_connector(connector, url) as access:
        asset = await asset_of(access, wanted.asset, wanted.attributes)
    async with open_connector(connector, url, asset.settings) as access:
        if not isinstance(access.cmms, OrderPreviewer):
            raise Rejected(f"the connector {connector} cannot show an order before it is created", field="ID")
        draft = _draft(case_id("", "preview", "connector-preview", connector), asset, wanted, access.clock.now())
        return await access.cmms.preview_order(draft)


def _draft(key: str, asset: "FoundAsset", wanted: OrderWanted, now: datetime) -> "WorkOrderDraft":
    from domain.work_orders import WorkOrderDraft

    return WorkOrderDraft(
        key=key,
        asset=asset.external_id,
        asset_attributes=asset.attributes,
        asset_external_id=asset.external_id,
        summary=wanted.summary,
        paragraphs=(_TEXT,),
        failure_mode=wanted.mode,
        priority=wanted.priority,
        released=wanted.released,
        reported_at=now,
        due_at=None if wanted.due_in is None else now + wanted.due_in,
    )


async def _withdrawn(access: "ConnectorAccess", found: "Sequence[WorkOrderRecord]") -> CallAnswer:
    """Withdraws every order that is not finished: a trial of a connector may have made two with one key."""
    records, lines, errors = [], [], []
    for each in found:
        try:
            record = each if each.status.finished else await access.cmms.withdraw_work_order(each.ref, _MEMO)
        except ConnectorError as error:
            # One that cannot be withdrawn keeps no other open.
            errors.append(error)
            continue
        kept = "" if record.status.finished else f"; it was not withdrawn, because it is touched: {record.touched}"
        records.append(record)
        lines.append(_line(record) + kept)
    if errors:
        raise errors[0]
    told = {"orders": records, "withdrawn": all(record.status.not_done for record in records)}
    return CallAnswer(told, "\n".join(lines))


def _the_one(connector: str, call: str, key: str, found: "Sequence[WorkOrderRecord]") -> "WorkOrderRecord":
    """The order that a case with this key would follow.

    Raises:
        ActionRequired: there are several.
    """
    candidates = [record for record in found if not record.status.not_done] or found
    if len(candidates) > 1:
        numbers = ", ".join(record.ref.id for record in candidates)
        words = f"several orders there have the key {key}: {numbers}; `find` shows them; cancel all but one there"
        raise ActionRequired(words, system=connector, operation=call, key=key)
    return candidates[0]


async def _followed(access: "ConnectorAccess", call: str, found: "WorkOrderRecord") -> CallAnswer:
    record = await access.cmms.read_work_order(found.ref)
    if call == "follow":
        return CallAnswer({"order": record}, _line(record))
    outcome = None if record.report is None else access.codes.classify(record.report)
    told = {"order": record.ref, "status": record.status, "report": record.report, "outcome": outcome}
    words = "there is no report, because the work is not completed" if outcome is None else f"outcome {outcome}"
    return CallAnswer(told, f"{_line(record)}; {words}")


def _check_key(key: str) -> None:
    """Refuses a key that no case could have: a connector would not find it again.

    Raises:
        Rejected: it is none.
    """
    if not CASE_ID.fullmatch(key):
        raise Rejected(
            f"{key!r} is no key of Millwright, which has MW and eight characters of A-Z and 2-7",
            field="--key",
            fix=f"for this word use {case_id('', 'drive', 'connector-drive', key)}",
        )


def _line(record: "WorkOrderRecord") -> str:
    """An order in one line."""
    made = f" (order {record.order.id})" if record.order is not None else ""
    until = f", put off until {record.put_off_until.isoformat()}" if record.put_off_until is not None else ""
    why = f", rejected: {record.rejection.words}" if record.rejection is not None else ""
    return (
        f"{record.ref.id}{made}: {record.status} ({record.vendor_status}), asset {record.asset_external_id}, "
        f"priority {record.priority}, touched {record.touched}, changed {record.changed_at.isoformat()}{until}{why}"
    )
