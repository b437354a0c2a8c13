"""The single calls of the port that `connector drive` makes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.errors import Rejected
from domain.keys import CASE_ID, case_id

if TYPE_CHECKING:
    from domain.work_orders import WorkOrderRecord
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


@dataclass(frozen=True)
class CallAnswer:
    """What a call gave: for a program, and in words."""

    told: dict[str, object]
    words: str


async def driven(connector: str, url: str | None, call: str, key: str, wanted: OrderWanted) -> CallAnswer | None:
    """Makes one call; None if it is about an order with the key, and there is none.

    Raises:
        Rejected: the key is none of ours, or the settings are missing or wrong.
        ConnectorError: the system does not do what was asked.
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
        return await _with_order(access, call, found[0])


async def _created(connector: str, url: str | None, key: str, wanted: OrderWanted) -> CallAnswer:
    from domain.work_orders import WorkOrderDraft
    from millwright.cli.connector_access import asset_of, open_connector

    async with open_connector(connector, url) as access:
        asset = await asset_of(access, wanted.asset, wanted.attributes)
    async with open_connector(connector, url, asset.settings) as access:
        draft = WorkOrderDraft(
            key=key,
            asset=asset.external_id,
            asset_attributes=asset.attributes,
            asset_external_id=asset.external_id,
            summary=wanted.summary,
            paragraphs=(_TEXT,),
            failure_mode="OTH",
            priority=wanted.priority,
            released=wanted.released,
            reported_at=access.clock.now(),
        )
        record = await access.cmms.create_work_order(draft)
        return CallAnswer({"order": record}, _line(record))


async def _with_order(access: "ConnectorAccess", call: str, found: "WorkOrderRecord") -> CallAnswer:
    if call == "withdraw":
        record = await access.cmms.withdraw_work_order(found.ref, _MEMO)
        kept = "" if record.status.finished else f"; it was not withdrawn, because it is touched: {record.touched}"
        return CallAnswer({"order": record, "withdrawn": record.status.not_done}, _line(record) + kept)
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
    return (
        f"{record.ref.id}{made}: {record.status} ({record.vendor_status}), asset {record.asset_external_id}, "
        f"priority {record.priority}, touched {record.touched}, changed {record.changed_at.isoformat()}"
    )
