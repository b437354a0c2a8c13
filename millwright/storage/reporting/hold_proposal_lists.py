"""Lists of holds that are proposed to production."""

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.hold_proposals import HoldProposal
from domain.model import Model, Moment
from domain.production import ProductionContext, hold_notice
from domain.verdict import Rung, UrgencyDecision, Verdict
from millwright.storage.database.engine import transaction

# Those of open cases whose hold was not asked for in the MES. The first due comes first.
_PAGE = text("""
SELECT c.id, c.asset, c.machine, m.name AS machine_name, c.line, c.site, c.failure_mode, c.verdict, c.urgency,
    c.production, c.hold_proposal
FROM cases c LEFT JOIN assets m ON m.id = c.machine AND m.valid_to IS NULL
WHERE c.closed_as IS NULL AND c.hold_proposal IS NOT NULL AND c.urgency IS NOT NULL
  AND c.rung >= :rung
  AND CASE WHEN c.decision IS NULL THEN c.withdraw IS NULL ELSE CAST(c.decision ->> 'approved' AS boolean) END
  AND NOT EXISTS (SELECT FROM hold_claims k WHERE k.case_id = c.id)
  AND (:answered OR jsonb_typeof(c.hold_proposal -> 'answer') = 'null')
ORDER BY c.hold_proposal ->> 'hold_at', c.id LIMIT :limit
""")


class SeenProposal(Model):
    """A proposed hold in a list.

    Args:
        case: the case that asks for it.
        severity, rule: of the verdict that asks for it.
        because: why the work is to be done at `work_at`.
        work_at: when it is to be done by the policy's timing.
        production: the state of production as it was read for the case; None if the MES did not answer.
        proposal: what production was asked, and its newest answer.
        notice: that a hold is not an isolation, and that it is advisory where the MES does not enforce it.
    """

    case: str
    asset: str
    machine: str
    machine_name: str | None
    line: str
    site: str | None
    failure_mode: str
    severity: str
    rule: str
    because: str
    work_at: Moment
    production: ProductionContext | None
    proposal: HoldProposal
    notice: str


async def proposal_page(engine: AsyncEngine, *, answered: bool = False, limit: int = 100) -> list[SeenProposal]:
    """The proposed holds that wait, the first due first.

    Args:
        answered: also those that production has answered and that are not placed yet, or are refused.
    """
    values = {"answered": answered, "limit": limit, "rung": int(Rung.WORK_ORDER_AND_HOLD)}
    async with transaction(engine) as connection:
        return [_seen(row) for row in (await connection.execute(_PAGE, values)).mappings()]


def _seen(row: RowMapping) -> SeenProposal:
    verdict, urgency = Verdict.model_validate(row["verdict"]), UrgencyDecision.model_validate(row["urgency"])
    production = ProductionContext.model_validate(row["production"]) if row["production"] else None
    return SeenProposal(
        case=row["id"],
        asset=row["asset"],
        machine=row["machine"],
        machine_name=row["machine_name"],
        line=row["line"],
        site=row["site"],
        failure_mode=row["failure_mode"],
        severity=verdict.severity.value,
        rule=verdict.rule,
        because=urgency.because,
        work_at=urgency.work_at,
        production=production,
        proposal=HoldProposal.model_validate(row["hold_proposal"]),
        notice=hold_notice(None if production is None else production.enforcement),
    )
