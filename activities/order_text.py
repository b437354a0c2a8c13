"""The text of a work order: what was observed, when to act, and who decided. The most important comes first."""

from domain.cases import CaseView, Evidence, Rework
from domain.hold_proposals import HoldProposal
from domain.open_work import OpenWorkSeen
from domain.production import hold_notice
from domain.verdict import RuleWords, Rung, Urgency
from domain.work_orders import FindingRole, WorkOrderDraft

_WHEN = {
    Urgency.NOW: "at once",
    Urgency.AFTER_BATCH: "after the running job",
    Urgency.PLANNED_STOP: "at the next planned stop",
}

REWORK = "Rework:"
"""How the paragraph begins that names the work which did not help."""
_OTHERWISE = 3
"""Maximum number of counterfactuals in the text of an order."""


def order_draft(view: CaseView, words: RuleWords, seen: OpenWorkSeen, *, released: bool) -> WorkOrderDraft:
    """The draft of a case's order. Paragraphs are in order of importance, for vendors with short fields.

    Args:
        seen: what else is open on the asset.
    """
    if view.cmms_asset is None or view.urgency is None:
        raise ValueError(f"case {view.id} was not proposed, or has no asset in the CMMS")
    first = view.evidence[0]
    codes = " + ".join(view.codes_seen)
    summary = f"{view.asset.name}: {_seen(first)}" + (f", {codes}" if codes else "")
    return WorkOrderDraft(
        key=view.id,
        asset=view.asset.id,
        asset_external_id=view.cmms_asset,
        asset_attributes=view.cmms_attributes,
        summary=summary,
        paragraphs=_paragraphs(view, words, seen, codes),
        failure_mode=view.failure_mode,
        priority=view.verdict.priority,
        released=released,
        reported_at=view.opened_at,
        due_at=view.due_at,
        rung=view.rung,
    )


def _paragraphs(view: CaseView, words: RuleWords, seen: OpenWorkSeen, codes: str) -> tuple[str, ...]:
    urgency = view.urgency
    if urgency is None:
        raise ValueError(f"case {view.id} was not proposed")
    production = view.production
    running = (
        f" Running: job {production.job.id}, read {production.read_at:%Y-%m-%d %H:%M} UTC."
        if production and production.job
        else " Nothing is known of production."
    )
    return (
        f"Millwright {view.id}",
        *((rework_words(view.rework),) if view.rework is not None else ()),
        *(order.words for order in view.detached),
        f"Suspected: {view.asset.name} of {view.machine.name}, failure mode {view.failure_mode} (ISO 14224)."
        + (f" Confirmed by {codes}." if codes else ""),
        "Seen: " + "; ".join(_seen_at(evidence) for evidence in view.evidence) + ".",
        f"What to do: {words.response}",
        *((seen.hint,) if seen.hint is not None else ()),
        f"Why: {words.because}",
        f"When: {_WHEN[urgency.urgency]}. {urgency.because}{running}",
        *((f"Cost: {' '.join(urgency.explained)}",) if urgency.explained else ()),
        *((f"Depends: {' '.join(urgency.depends)}",) if urgency.depends else ()),
        *_hold(view),
        *((f"Otherwise: {' '.join(view.otherwise[:_OTHERWISE])}",) if view.otherwise else ()),
        (
            f"History: {view.fed} observations from {view.event_at:%Y-%m-%d %H:%M} to "
            f"{view.last_event_at:%Y-%m-%d %H:%M} UTC."
        ),
        (
            f"Decided by policy {view.verdict.policy} {view.verdict.version}, rule {view.verdict.rule}, digest "
            f"{view.version[:16]}, severity {view.verdict.severity}."
        ),
        *((f"Trace: {view.evidence[0].traceparent}",) if view.evidence[0].traceparent else ()),
    )


def attachment_note(view: CaseView) -> str | None:
    """What is written on the order of a person that is the order of a case: the words of the draft, and what becomes of
    it. None if the case has no such order."""
    if view.attached is None or view.order is None or view.draft is None:
        return None
    codes = ", ".join(chosen.code for chosen in view.attached.record.codes if chosen.role is FindingRole.PROBLEM)
    hint = view.open_work.hint if view.open_work is not None else None
    told = [paragraph for paragraph in view.draft.paragraphs[1:] if paragraph != hint]
    return (
        f"Millwright {view.id} found the same fault: {codes} means {view.failure_mode} here. It makes no order of its "
        "own while this one is open with that code, and one if this one ends without that finding. "
        f"{' '.join(told)}"
    )


def rework_words(said: Rework) -> str:
    """Which work did not help, for the people who do it again."""
    earlier = f"order {said.order} (case {said.case})" if said.order is not None else f"case {said.case}"
    held = f"{said.by} had the machine held again after its test run at {said.at:%Y-%m-%d %H:%M} UTC"
    found = f"Of the test run: {said.found.rstrip('.')}."
    return f"{REWORK} {earlier} did not help. {held}: {said.reason.rstrip('.')}. {found}"


def _hold(view: CaseView) -> tuple[str, ...]:
    """The state of the machine's hold when the order is written, and what people at the machine must know of it."""
    notice = case_hold_notice(view)
    if view.hold is not None and view.hold.state.live:
        return (f"Hold of {view.hold.equipment} in the MES: {view.hold.words}. {notice}",)
    if view.rung < Rung.WORK_ORDER_AND_HOLD or view.mes_equipment is None or view.urgency is None:
        return ()
    if view.hold_proposal is not None:
        return (f"{hold_proposal_words(view.mes_equipment, view.hold_proposal)} {notice}",)
    hold_at = view.urgency.hold_at
    when = f"from {hold_at:%Y-%m-%d %H:%M} UTC" if hold_at is not None else "at once"
    return (f"The MES is asked to hold {view.mes_equipment} {when}. {notice}",)


def case_hold_notice(view: CaseView) -> str:
    """What people at the machine must know of a hold that a case has or asks for."""
    placed = view.hold.enforcement if view.hold is not None else None
    return hold_notice(placed or (view.production.enforcement if view.production is not None else None))


def hold_proposal_words(equipment: str, proposal: HoldProposal) -> str:
    """What production was asked and answered, in a sentence for people at the machine."""
    answer = proposal.answer
    if answer is None:
        return f"Production is asked whether {equipment} may be held from {proposal.hold_at:%Y-%m-%d %H:%M} UTC."
    if answer.hold_at is None:
        return f"Production refused to hold {equipment}: {answer.reason}."
    return f"Production lets {equipment} be held from {answer.hold_at:%Y-%m-%d %H:%M} UTC."


def _seen(evidence: Evidence) -> str:
    if evidence.signal is None or evidence.value is None:
        return f"reported by {evidence.detector}"
    unit = f" {evidence.unit}" if evidence.unit else ""
    base = f" against {evidence.baseline:.1f}" if evidence.baseline is not None else ""
    score = f" ({evidence.score:.1f} standard errors)" if evidence.score is not None else ""
    return f"{evidence.signal} {evidence.value:.1f}{base}{unit}{score}"


def _seen_at(evidence: Evidence) -> str:
    return f"{evidence.at:%Y-%m-%d %H:%M} {_seen(evidence)} by {evidence.detector}"
