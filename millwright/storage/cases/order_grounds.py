"""Compares what the CMMS is about to be told of an order with the record, before anything is sent."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assets import CMMS_SYSTEM, system_of
from domain.corrections import DraftCorrection
from domain.work_orders import Escalation, WorkOrderDraft, WorkOrderRef, WorkOrderStatus
from millwright.storage.cases.recorded_case import RecordedCase, Said, recorded_case


async def check_draft(
    connection: AsyncConnection,
    case: str,
    system: str,
    draft: WorkOrderDraft,
    *,
    kept: bool,
    corrections: Sequence[DraftCorrection] = (),
) -> None:
    """Compares a draft with the case as the record tells of it: what it rests on, its asset, and the asset's name.

    A kept draft is compared with the act that recorded it, and with what the record told before that act: since then
    the case may have risen, or its asset got another name.

    Args:
        system: the CMMS instance that it goes to.
        kept: whether an earlier attempt had written the draft down.
        corrections: what people corrected since.

    Raises:
        ActionRequired: something differs, so that somebody has altered the database.
        Unavailable: the work was called off after the step had read the case.
    """
    recorded = await recorded_case(connection, case, "create-work-order")
    intended = recorded.intended
    if kept != (intended is not None) or (kept and draft != recorded.draft):
        raise recorded.altered("the draft is not the one in the record", "draft")
    # Earlier builds did not record the system.
    if intended is not None and intended.detail.get("system", system) != system:
        raise recorded.altered(f"the order goes to {system}, and not where the record says", "system")
    wrong_correction = recorded.correction_fault(corrections, (CMMS_SYSTEM, system_of(CMMS_SYSTEM, system)))
    if wrong_correction is not None:
        raise recorded.altered(wrong_correction, "corrections")
    if recorded.said.called_off is not None:
        raise recorded.called_off()
    said = recorded.said_before(intended)
    for field, wrong in (
        ("rung", _wish_fault(said, draft)),
        ("priority", _verdict_fault(recorded, said, draft)),
        ("asset", _asset_fault(recorded, system, draft)),
    ):
        if wrong is not None:
            raise recorded.altered(wrong, field)


async def check_move(
    connection: AsyncConnection, case: str, order: WorkOrderRef, to: WorkOrderStatus | Escalation
) -> None:
    """Compares what the CMMS is about to be asked for with the record: to approve an order, to withdraw it, or to raise
    its priority.

    Raises:
        ActionRequired: the record has no ground for it, or another order, so that somebody has altered the database.
        Unavailable: the work was called off after the step had read the case.
    """
    recorded = await recorded_case(connection, case, "move-order")
    said = recorded.said
    if said.order is None or said.order.ref != order:
        raise recorded.altered(f"{order.id} is not the order in the record", "order")
    if said.order.of_a_person:
        raise recorded.altered(f"{order.id} is an order of a person, and only people move it", "order")
    if to is WorkOrderStatus.CANCELLED:
        # Earlier builds did not record why a case was to be withdrawn.
        if said.called_off is None and said.tells_support:
            raise recorded.altered("in the record nobody and nothing called the work off", "decision")
    elif said.called_off is not None:
        raise recorded.called_off()
    elif isinstance(to, Escalation):
        verdict = recorded.verdict(said, "", "")
        if verdict is not None and verdict.priority < to.priority:
            raise recorded.moved_on("the case was raised further meanwhile")
        if verdict is None or verdict.priority != to.priority:
            raise recorded.altered(f"in the record no verdict gives the case the priority {to.priority}", "priority")
    elif not said.wants_no_review:
        raise recorded.altered(f"in the record {said.rung.word} asks for a planner's review", "rung")


def _wish_fault(said: Said, draft: WorkOrderDraft) -> str | None:
    if not said.wants_order:
        return f"in the record {said.rung.word} asks for no order, and nobody accepted the case"
    if draft.released and not said.wants_no_review:
        return f"the draft goes out without a review, for which {said.rung.word} in the record asks"
    return None


def _verdict_fault(recorded: RecordedCase, said: Said, draft: WorkOrderDraft) -> str | None:
    verdict = recorded.verdict(said, "", "")
    if verdict is None:
        return "the verdict that the draft rests on is gone or was altered"
    if draft.priority != verdict.priority:
        return f"the draft has priority {draft.priority}, and the verdict in the record {verdict.priority}"
    return None


def _asset_fault(recorded: RecordedCase, system: str, draft: WorkOrderDraft) -> str | None:
    if (draft.key, draft.asset, draft.failure_mode) != (recorded.case, recorded.asset, recorded.failure_mode):
        return (
            f"the draft is on {draft.asset} for {draft.failure_mode}, and its case on {recorded.asset} for "
            f"{recorded.failure_mode}"
        )
    names = recorded.names(recorded.intended)
    if names is None:
        return None
    systems = (CMMS_SYSTEM, system_of(CMMS_SYSTEM, system))
    there = [(name["external_id"], name["attributes"]) for name in names if name["system"] in systems]
    if (draft.asset_external_id, draft.asset_attributes) not in there:
        return f"in the record {draft.asset} has another name or other attributes than {draft.asset_external_id}"
    return None
