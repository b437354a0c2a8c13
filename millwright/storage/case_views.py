"""Reading a case whole, as its steps and its readers see it."""

from datetime import datetime

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.anomaly import Anomaly
from domain.assets import CMMS_SYSTEM, MES_SYSTEM, TWIN_SYSTEM, Asset
from domain.cases import CaseView, ClosedAs, Decision, Evidence, HoldView, Lane, Phase
from domain.errors import ActRejected
from domain.outcomes import OutcomeClass
from domain.production import HoldPlan, ProductionContext
from domain.verdict import Context, Rung, UrgencyDecision, Verdict
from domain.work_orders import WorkOrderDraft, WorkOrderRecord

_CASE = text("SELECT * FROM cases WHERE id = :case")
_ASSETS = text("SELECT * FROM assets WHERE id IN (:asset, :machine) AND valid_to IS NULL")
_NAMES = text(
    "SELECT system, external_id, asset, attributes FROM crosswalk "
    "WHERE asset IN (:asset, :machine) AND valid_to IS NULL"
)
_CODES = text("SELECT count(*) FROM observables WHERE asset = :asset AND kind = 'code'")
_EVIDENCE = text(
    "SELECT v.at, v.rung, e.anomaly, e.traceparent FROM evidence v JOIN events e ON e.id = v.event_id "
    "WHERE v.case_id = :case ORDER BY v.id LIMIT 6"
)
# The codes that the opening verdict counted: those of the same fault in the day before the last event.
_CODES_SEEN = text(
    "SELECT DISTINCT e.anomaly->>'code' AS code FROM events e WHERE e.asset = :asset AND e.failure_mode = :mode "
    "AND e.anomaly->>'kind' = 'code' AND e.at BETWEEN CAST(:since AS timestamptz) - interval '24 hours' AND :until "
    "ORDER BY 1"
)
_ORDER = text("SELECT * FROM work_orders WHERE case_id = :case")
_HOLD = text(
    "SELECT h.*, (SELECT count(*) FROM hold_claims o WHERE o.hold_key = h.key AND o.dropped_at IS NULL) AS claims "
    "FROM holds h JOIN hold_claims c ON c.hold_key = h.key WHERE c.case_id = :case"
)
_OUTCOME = text("SELECT outcome, twin_etag FROM outcomes WHERE case_id = :case")
_LABEL = text("SELECT EXISTS (SELECT FROM labels WHERE case_id = :case)")


def hold_view(row: RowMapping) -> HoldView:
    """A hold with the number of its live claims, from a row that has both."""
    return HoldView(
        key=row["key"],
        state=row["state"],
        plan=HoldPlan.model_validate(row["plan"]),
        placed_at=row["placed_at"],
        claims=row["claims"],
    )


def asset_of(row: RowMapping) -> Asset:
    """An asset from its row."""
    return Asset.model_validate(
        {name: row[name] for name in Asset.model_fields}  # the table's columns bear the model's names
    )


def _evidence(row: RowMapping) -> Evidence:
    anomaly = Anomaly.model_validate(row["anomaly"])
    return Evidence(
        at=row["at"],
        detector=anomaly.detector,
        signal=anomaly.signal,
        value=anomaly.value,
        score=anomaly.score,
        baseline=anomaly.baseline,
        unit=anomaly.unit,
        code=anomaly.code,
        rung=Rung(row["rung"]),
        traceparent=row["traceparent"],
    )


async def read_case(connection: AsyncConnection, case: str) -> CaseView:
    """A case and all that hangs on it.

    Raises:
        ActRejected: there is no such case.
    """
    found = (await connection.execute(_CASE, {"case": case})).mappings().one_or_none()
    if found is None:
        raise ActRejected(f"there is no case {case}", field="case", fix="see `case list`")
    place = {"asset": found["asset"], "machine": found["machine"]}
    assets = {row["id"]: asset_of(row) for row in (await connection.execute(_ASSETS, place)).mappings()}
    names = {(row["system"], row["asset"]): row for row in (await connection.execute(_NAMES, place)).mappings()}
    asset = assets[found["asset"]]
    machine = assets.get(found["machine"], asset)
    cmms = names.get((CMMS_SYSTEM, asset.id))
    mes = names.get((MES_SYSTEM, asset.id)) or names.get((MES_SYSTEM, machine.id))
    twin = names.get((TWIN_SYSTEM, asset.id))
    order = (await connection.execute(_ORDER, {"case": case})).mappings().one_or_none()
    hold = (await connection.execute(_HOLD, {"case": case})).mappings().one_or_none()
    outcome = (await connection.execute(_OUTCOME, {"case": case})).mappings().one_or_none()
    codes = await connection.execute(
        _CODES_SEEN,
        {
            "asset": asset.id,
            "mode": found["failure_mode"],
            "since": found["event_at"],
            "until": found["last_event_at"],
        },
    )
    return CaseView(
        id=case,
        phase=Phase(found["phase"]),
        asset=asset,
        machine=machine,
        failure_mode=found["failure_mode"],
        context=Context(
            asset=asset.id,
            asset_class=asset.asset_class or "",
            criticality=asset.criticality,
            machine=machine.id,
            line=found["line"],
            codes=int(await connection.scalar(_CODES, {"asset": asset.id}) or 0),
        ),
        version=found["version"],
        verdict=Verdict.model_validate(found["verdict"]),
        rung=Rung(found["rung"]),
        opened_at=found["opened_at"],
        event_at=found["event_at"],
        last_event_at=found["last_event_at"],
        fed=found["fed"],
        evidence=tuple(_evidence(row) for row in (await connection.execute(_EVIDENCE, {"case": case})).mappings()),
        codes_seen=tuple(str(code) for code in codes.scalars()),
        cmms_asset=cmms["external_id"] if cmms else None,
        cmms_attributes=cmms["attributes"] if cmms else {},
        mes_equipment=mes["external_id"] if mes else None,
        twin=twin["external_id"] if twin else None,
        urgency=UrgencyDecision.model_validate(found["urgency"]) if found["urgency"] else None,
        production=ProductionContext.model_validate(found["production"]) if found["production"] else None,
        decision=Decision.model_validate(found["decision"]) if found["decision"] else None,
        withdraw=found["withdraw"],
        draft=WorkOrderDraft.model_validate(order["draft"]) if order else None,
        order=WorkOrderRecord.model_validate(order["record"]) if order and order["record"] else None,
        hold=hold_view(hold) if hold else None,
        outcome=OutcomeClass(outcome["outcome"]) if outcome else None,
        twin_told=bool(outcome and outcome["twin_etag"]),
        labelled=bool(await connection.scalar(_LABEL, {"case": case})),
        waiting_for=found["waiting_for"],
        waiting_step=found["waiting_step"],
        waiting_until=_moment(found["waiting_until"]),
        lane=Lane(found["lane"]) if found["lane"] else None,
        attempts=found["attempts"],
        closed_as=ClosedAs(found["closed_as"]) if found["closed_as"] else None,
    )


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
