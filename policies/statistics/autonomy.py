"""Decides when autonomy is earned and lost: by the lower bound of measured precision, not by its estimate."""

from domain.autonomy import AutonomyAdvice, AutonomyMove, AutonomyRecord, AutonomyState
from policies.language.schema import Autonomy
from policies.statistics.intervals import wilson


def weigh(terms: Autonomy, record: AutonomyRecord) -> AutonomyAdvice | None:
    """The move that a record requires; None if the state does not change.

    Promotion is proposed when there are enough confirmed cases and the lower bound (Wilson, 95 %) reaches the target.
    The proposal is withdrawn, or autonomy is lost, as soon as a wrong order brings the bound below the target.
    """
    labelled = record.confirmed + record.wrong
    if labelled == 0:
        return None
    bound = round(wilson(record.confirmed, labelled)[0], 4)
    target = terms.promote_at.precision_lower_bound
    enough = record.confirmed >= terms.promote_at.confirmed
    said = f"{record.confirmed} of {labelled} confirmed: precision at least {bound:.3f}, the target is {target:g}"
    match record.state:
        case AutonomyState.REVIEW if enough and bound >= target:
            move = AutonomyMove.PROPOSED
        case AutonomyState.PROPOSED if not (enough and bound >= target):
            move = AutonomyMove.WITHDRAWN
        # Autonomy by `default: automatic` has no findings yet. It is lost only by a wrong order.
        case AutonomyState.AUTOMATIC if record.wrong and bound < target:
            move = AutonomyMove.LOST
        case _:
            return None
    return AutonomyAdvice(move=move, lower_bound=bound, reason=said)
