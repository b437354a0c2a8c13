"""When autonomy is earned, and when it is lost: by the lower bound of measured precision, never by its estimate."""

from domain.autonomy import AutonomyAdvice, AutonomyMove, AutonomyRecord, AutonomyState
from policies.language.schema import Autonomy
from policies.statistics.intervals import wilson


def weigh(terms: Autonomy, record: AutonomyRecord) -> AutonomyAdvice | None:
    """The move that a record asks for; None where it may stay as it is.

    Promotion is proposed once there are enough confirmed cases and the lower bound (Wilson, 95 %) reaches the target;
    the proposal is withdrawn, and autonomy lost, as soon as a wrong order brings the bound below it.
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
        # What a version was given from the beginning has nothing to show yet, and is lost by a wrong order alone.
        case AutonomyState.AUTOMATIC if record.wrong and bound < target:
            move = AutonomyMove.LOST
        case _:
            return None
    return AutonomyAdvice(move=move, lower_bound=bound, reason=said)
