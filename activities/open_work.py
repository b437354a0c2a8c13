"""Looks for the work that is open on an asset, of people and of other cases, before an order for it is drafted."""

from datetime import datetime, timedelta
from typing import Final

from domain.cases import CaseView
from domain.errors import ActionRequired, Refused
from domain.open_work import OpenWorkQuery, OpenWorkSeen
from domain.ports import Cmms

_WINDOW: Final = timedelta(days=90)
"""How long ago work may have been reported that can be the same as a fault of today."""
_KEPT: Final = 10
"""How many open orders, and how many records that cannot be read, are kept with the case."""


async def open_work_seen(cmms: Cmms, view: CaseView, asset: str, now: datetime) -> OpenWorkSeen:
    """What is open on the asset of a case.

    A CMMS that refuses only this search gets the order all the same.

    Args:
        asset: its name in the CMMS.

    Raises:
        ConnectorError: the CMMS does not answer, or refuses us altogether. The step is tried again.
    """
    query = OpenWorkQuery(asset_external_id=asset, asset_attributes=view.cmms_attributes, since=now - _WINDOW)
    try:
        found = await cmms.find_open_work(query)
    except (ActionRequired, Refused) as error:
        # If it is the sign-in, it is refused here too. The draft is then written once the CMMS accepts us again.
        await cmms.check()
        return OpenWorkSeen(at=now, since=query.since, problem=error.problem)
    others = [order for order in found.orders if order.ref.key != view.id]
    return OpenWorkSeen(
        at=now,
        since=query.since,
        orders=tuple(others[:_KEPT]),
        count=len(others),
        complete=found.complete,
        unreadable=found.unreadable[:_KEPT],
        unreadable_count=len(found.unreadable),
    )
