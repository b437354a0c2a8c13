"""Compares what a hold rests on with the record, before the MES is asked to hold a machine."""

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.verdict import Rung
from millwright.storage.cases.recorded_case import recorded_case


async def check_claim(connection: AsyncConnection, case: str) -> None:
    """Makes sure that the record has a ground for a case's hold: its rung, and no word against it.

    Raises:
        ActionRequired: it has none, so that somebody has altered the database.
        Unavailable: the work was called off after the step had read the case.
    """
    recorded = await recorded_case(connection, case, "place-hold")
    said = recorded.said
    if said.rung < Rung.WORK_ORDER_AND_HOLD:
        raise recorded.altered(f"in the record {said.rung.word} asks for no hold", "rung")
    if said.overruled or (said.order is None and said.called_off is not None):
        raise recorded.called_off()


async def check_take_over(connection: AsyncConnection, case: str) -> None:
    """Makes sure that the record has a ground for a case to keep a machine held that waits for its release.

    Raises:
        ActionRequired: it has none, so that somebody has altered the database.
    """
    recorded = await recorded_case(connection, case, "place-hold")
    if not recorded.said.rung.orders:
        raise recorded.altered(f"in the record {recorded.said.rung.word} asks for no order", "rung")
