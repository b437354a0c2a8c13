"""Reading a case whole, as its steps and its readers see it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.anomaly import Anomaly
from domain.assets import CMMS_SYSTEM, MES_SYSTEM, TWIN_SYSTEM, Asset, system_of
from domain.attaching import DetachedOrder, OrderAttachment
from domain.cases import CaseView, ClosedAs, Decision, Evidence, Lane, Phase, Rework
from domain.corrections import DraftCorrection
from domain.counterfactuals import Counterfactuals
from domain.dependents import standbys_of, stops_of
from domain.draft_findings import DraftCheck
from domain.errors import ActRejected
from domain.hold_proposals import HoldProposal
from domain.instances import PlantInstances
from domain.iso14224 import Iso14224Finding
from domain.open_work import OpenWorkSeen
from domain.outcomes import OutcomeClass, OutcomeStatement
from domain.production import ProductionContext
from domain.return_to_normal import ReturnToNormal, Verification
from domain.suspect_lots import SuspectLots
from domain.twin_writes import TwinWrite
from domain.verdict import Context, Rung, UrgencyDecision, Verdict
from domain.work_orders import WorkOrderDraft, WorkOrderRecord
from millwright.storage.cases.hold_views import HOLD_OF_CASE, hold_view
from millwright.storage.database.case_tables import cases
from millwright.storage.database.columns import column_list
from millwright.storage.database.tables import assets

# All of it in one statement: a case is read anew by every step, and a flood opens a hundred at once. The codes that
# the opening verdict counted (of the same fault, in the day before the last event) are for the draft: once that is
# written nobody asks for them. Of an asset it is the newest row, so that a case can be read after its asset was
# retired; its names are then those that ended with it.
_CASE = text(
    f"""
    SELECT {column_list(cases, "c")}, coalesce(d.generation, 0) AS generation,
        (SELECT json_object_agg(a.id, row_to_json(a)) FROM (
            SELECT DISTINCT ON (id) {column_list(assets, "assets")} FROM assets
            WHERE id IN (c.asset, c.machine) ORDER BY id, valid_from DESC) a) AS assets,
        (SELECT json_agg(json_build_array(n.system, n.asset, n.external_id, n.attributes)) FROM crosswalk n
            WHERE n.asset IN (c.asset, c.machine) AND n.valid_to IS NOT DISTINCT FROM (SELECT a.valid_to FROM assets a
                WHERE a.id = n.asset ORDER BY a.valid_from DESC LIMIT 1)) AS names,
        (SELECT count(*) FROM observables o WHERE o.asset = c.asset AND o.kind = 'code') AS codes,
        (SELECT json_agg(row_to_json(v) ORDER BY v.id) FROM (
            SELECT v.id, v.at, v.rung, e.anomaly, e.traceparent FROM evidence v JOIN events e ON e.id = v.event_id
            WHERE v.case_id = c.id ORDER BY v.id LIMIT 6) v) AS evidence,
        CASE WHEN w.case_id IS NULL THEN (
            SELECT array_agg(DISTINCT e.anomaly->>'code' ORDER BY e.anomaly->>'code') FROM events e
            WHERE e.asset = c.asset AND e.failure_mode = c.failure_mode AND e.anomaly->>'kind' = 'code'
            AND e.at BETWEEN c.event_at - interval '24 hours' AND c.last_event_at) END AS codes_seen,
        w.system AS order_system, w.draft, w.open_work, w.draft_check, w.corrections,
        w.corrections_sent, w.record,
        w.read_at AS order_read_at, w.notes AS order_notes,
        (SELECT json_agg(json_build_array(o.attachment, o.detached_at, o.because) ORDER BY o.attached_at, o.external_id)
            FROM attached_orders o WHERE o.case_id = c.id) AS attachments,
        (SELECT row_to_json(h) FROM ({HOLD_OF_CASE} WHERE m.case_id = c.id
            ORDER BY m.dropped_at DESC NULLS FIRST, m.claimed_at DESC LIMIT 1) h) AS hold,
        (SELECT x.body FROM explanations x WHERE x.case_id = c.id ORDER BY x.verdict_id DESC LIMIT 1) AS explanation,
        f.outcome, f.body -> 'stated' AS stated, f.body -> 'iso14224' AS iso14224, f.twin_etag, f.twin_write,
        EXISTS (SELECT FROM labels l WHERE l.case_id = c.id) AS labelled
    FROM cases c LEFT JOIN due d ON d.subject = 'case/' || c.id LEFT JOIN work_orders w ON w.case_id = c.id
        LEFT JOIN outcomes f ON f.case_id = c.id
    WHERE c.id = :case
    """
)

_OF_THE_ANOMALY = ("detector", "signal", "value", "score", "baseline", "unit", "code")


def asset_of(row: Mapping[str, object] | RowMapping) -> Asset:
    """An asset from its row."""
    return Asset.model_validate(
        {name: row[name] for name in Asset.model_fields}  # the table's columns bear the model's names
    )


def _evidence(row: Mapping[str, object]) -> Evidence:
    anomaly = Anomaly.model_validate(row["anomaly"])
    return Evidence.model_validate(
        {
            **{name: getattr(anomaly, name) for name in _OF_THE_ANOMALY},
            **{name: row[name] for name in ("at", "rung", "traceparent")},
        }
    )


def _attachments(
    rows: Iterable[tuple[object, str | None, str | None]],
) -> tuple[OrderAttachment | None, tuple[DetachedOrder, ...]]:
    """Of the orders of people that a case has or had, oldest first: the one that it has, and those that it had."""
    attached: OrderAttachment | None = None
    detached: list[DetachedOrder] = []
    for body, detached_at, because in rows:
        attachment = OrderAttachment.model_validate(body)
        if detached_at is None:
            attached = attachment
        else:
            at, order = datetime.fromisoformat(detached_at), attachment.record.ref
            detached.append(DetachedOrder(order=order, because=because or "", at=at))
    return attached, tuple(detached)


_Names = Mapping[tuple[str, str], tuple[str, dict[str, str]]]
"""By system and asset: an asset's name there, with its attributes."""


def _name(names: _Names, kind: str, instance: str | None, asset: str) -> tuple[str, dict[str, str]] | None:
    """An asset's name in an instance: the one that the crosswalk gives for that instance, else the kind's."""
    own = names.get((system_of(kind, instance), asset)) if instance is not None else None
    return own or names.get((kind, asset))


async def read_case(
    connection: AsyncConnection, case: str, instances: PlantInstances | None = None
) -> tuple[CaseView, int]:
    """A case and all that hangs on it, and the generation of its last wake, of one moment.

    Args:
        instances: which CMMS and MES serve which site; who only looks at a case needs none.

    Raises:
        ActRejected: there is no such case.
    """
    found = (await connection.execute(_CASE, {"case": case})).mappings().one_or_none()
    if found is None:
        raise ActRejected(f"there is no case {case}", field="case", fix="see `case list`")
    assets = {name: asset_of(row) for name, row in found["assets"].items()}
    names = {(system, owner): (name, attributes) for system, owner, name, attributes in found["names"] or ()}
    asset = assets[found["asset"]]
    machine = assets.get(found["machine"], asset)
    attached, detached = _attachments(found["attachments"] or ())
    instances = instances or PlantInstances()
    cmms_system = found["order_system"] or instances.cmms.serving(found["site"])
    mes_system = instances.mes.serving(found["site"])
    cmms = _name(names, CMMS_SYSTEM, cmms_system, asset.id)
    mes = _name(names, MES_SYSTEM, mes_system, asset.id) or _name(names, MES_SYSTEM, mes_system, machine.id)
    twin = names.get((TWIN_SYSTEM, asset.id))
    machine_twin = names.get((TWIN_SYSTEM, machine.id))
    view = CaseView(
        id=case,
        phase=Phase(found["phase"]),
        asset=asset,
        retired_at=found["assets"][asset.id]["valid_to"],
        machine=machine,
        failure_mode=found["failure_mode"],
        context=Context(
            asset=asset.id,
            asset_class=asset.asset_class or "",
            criticality=asset.criticality,
            machine=machine.id,
            line=found["line"],
            codes=found["codes"],
        ),
        version=found["version"],
        verdict=Verdict.model_validate(found["verdict"]),
        rung=Rung(found["rung"]),
        opened_at=found["opened_at"],
        event_at=found["event_at"],
        last_event_at=found["last_event_at"],
        fed=found["fed"],
        evidence=tuple(_evidence(row) for row in found["evidence"] or ()),
        codes_seen=tuple(found["codes_seen"] or ()),
        otherwise=Counterfactuals.model_validate_json(found["explanation"]).told if found["explanation"] else (),
        cmms_system=cmms_system,
        cmms_asset=cmms[0] if cmms else None,
        cmms_attributes=cmms[1] if cmms else {},
        mes_system=mes_system,
        mes_equipment=mes[0] if mes else None,
        twin=twin[0] if twin else None,
        machine_twin=machine_twin[0] if machine_twin else None,
        stops=stops_of(machine_twin[1]) if machine_twin else (),
        standbys=standbys_of(machine_twin[1]) if machine_twin else {},
        urgency=UrgencyDecision.model_validate(found["urgency"]) if found["urgency"] else None,
        production=ProductionContext.model_validate(found["production"]) if found["production"] else None,
        decision=Decision.model_validate(found["decision"]) if found["decision"] else None,
        hold_proposal=HoldProposal.model_validate(found["hold_proposal"]) if found["hold_proposal"] else None,
        suspect_lots=SuspectLots.model_validate(found["suspect_lots"]) if found["suspect_lots"] else None,
        withdraw=found["withdraw"],
        draft=WorkOrderDraft.model_validate(found["draft"]) if found["draft"] else None,
        open_work=OpenWorkSeen.model_validate(found["open_work"]) if found["open_work"] else None,
        corrections=tuple(DraftCorrection.model_validate(each) for each in found["corrections"] or ()),
        corrections_sent=found["corrections_sent"],
        draft_check=DraftCheck.model_validate(found["draft_check"]) if found["draft_check"] else None,
        order=WorkOrderRecord.model_validate(found["record"]) if found["record"] else None,
        order_read_at=found["order_read_at"],
        order_notes=tuple(found["order_notes"] or ()),
        attached=attached,
        detached=detached,
        hold=hold_view(found["hold"]) if found["hold"] else None,
        outcome=OutcomeClass(found["outcome"]) if found["outcome"] else None,
        stated=OutcomeStatement.model_validate(found["stated"]) if found["stated"] else None,
        iso14224=Iso14224Finding.model_validate(found["iso14224"]) if found["iso14224"] else None,
        rework=Rework.model_validate(found["rework"]) if found["rework"] else None,
        normal=ReturnToNormal.model_validate(found["normal"]) if found["normal"] else None,
        verification=Verification.model_validate(found["verification"]) if found["verification"] else None,
        twin_told=bool(found["twin_etag"]),
        twin_write=TwinWrite.model_validate(found["twin_write"]) if found["twin_write"] else None,
        labelled=found["labelled"],
        waiting_for=found["waiting_for"],
        waiting_step=found["waiting_step"],
        waiting_until=found["waiting_until"],
        lane=Lane(found["lane"]) if found["lane"] else None,
        attempts=found["attempts"],
        closed_as=ClosedAs(found["closed_as"]) if found["closed_as"] else None,
        closed_at=found["closed_at"],
    )
    return view, found["generation"]
