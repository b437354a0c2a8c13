"""Compares what a hold rests on with the record, before the MES is asked to hold a machine."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Unavailable
from domain.verdict import Rung
from millwright.storage.cases.recorded_case import RecordedCase, recorded_case
from millwright.storage.cases.unattended_releases import is_approved


class ClaimGround(StrEnum):
    """Why a hold may be placed that no other case has asked for."""

    ANSWERED = "answered"
    """Production accepted it."""
    SILENCE = "silence"
    """Production did not answer in time, and the version takes that as consent."""
    UNASKED = "unasked"
    """The version lets it be placed without asking."""


async def check_claim(connection: AsyncConnection, case: str) -> RecordedCase:
    """Makes sure that the record has a ground for a case's hold: its rung, and no word against it.

    Returns:
        What the acts tell of the case.

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
    return recorded


async def ground_of_hold(
    connection: AsyncConnection, recorded: RecordedCase, now: datetime, *, unasked: bool
) -> ClaimGround:
    """Why a hold that no other case has asked for may be placed now.

    Args:
        unasked: whether the case's version lets it be placed without asking.

    Raises:
        Unavailable: production has not accepted it for now, or the version that is to decide in its place lacks
            approvals.
    """
    proposal = recorded.said.proposal
    if not unasked:
        if proposal is None or proposal.place_at is None or proposal.place_at > now:
            raise _refused(recorded.case, "production has not accepted a hold for now")
        if proposal.answer is not None:
            return ClaimGround.ANSWERED
    if not await is_approved(connection, recorded.version):
        raise _refused(recorded.case, "its version may place a hold unasked, but is not in force with its approvals")
    return ClaimGround.UNASKED if unasked else ClaimGround.SILENCE


def _refused(case: str, why: str) -> Unavailable:
    return Unavailable(why, system="record", operation="place-hold", key=case)


async def check_take_over(connection: AsyncConnection, case: str) -> None:
    """Makes sure that the record has a ground for a case to keep a machine held that waits for its release.

    Raises:
        ActionRequired: it has none, so that somebody has altered the database.
    """
    recorded = await recorded_case(connection, case, "place-hold")
    if not recorded.said.rung.orders:
        raise recorded.altered(f"in the record {recorded.said.rung.word} asks for no order", "rung")
