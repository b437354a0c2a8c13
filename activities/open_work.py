"""Looks for the work that is open on an asset, of people and of other cases, before an order for it is drafted."""

from datetime import datetime, timedelta
from typing import Final

from domain.cases import CaseView
from domain.errors import ConnectorError, Unavailable
from domain.open_work import OpenWorkQuery, OpenWorkSeen
from domain.ports import Cmms

_WINDOW: Final = timedelta(days=90)
"""How long ago work may have been reported that can be the same as a fault of today."""
_KEPT: Final = 10
"""How many open orders, and how many records that cannot be read, are kept with the case."""
_TRIES: Final = 3
"""How often a search without an answer is tried before the order is created without it."""


async def open_work_seen(cmms: Cmms, view: CaseView, asset: str, failures: int, now: datetime) -> OpenWorkSeen:
    """What is open on the asset of a case.

    A CMMS that fails only in this search gets the order all the same.

    Args:
        asset: its name in the CMMS.
        failures: how often the step has failed until now.

    Raises:
        ConnectorError: the CMMS does not answer, or refuses us altogether. The step is tried again.
    """
    query = OpenWorkQuery(asset_external_id=asset, asset_attributes=view.cmms_attributes, since=now - _WINDOW)
    try:
        found = await cmms.find_open_work(query)
    except ConnectorError as error:
        if isinstance(error, Unavailable) and failures < _TRIES - 1:
            raise
        # If it is more than the search, this fails too. The draft is then written once the CMMS accepts us again.
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
