"""The text of a work order: what was observed, when to act, and who decided. The most important comes first."""

from datetime import datetime

from domain.cases import CaseView, Evidence, Rework
from domain.draft_findings import DraftCheck
from domain.hold_proposals import HoldProposal
from domain.open_work import OpenWorkSeen
from domain.production import hold_notice
from domain.verdict import RuleWords, Rung, Urgency
from domain.wording import WORDINGS, Wording, message
from domain.work_orders import FindingRole, WorkOrderDraft

_WHEN = {
    Urgency.NOW: message("at once"),
    Urgency.AFTER_BATCH: message("after the running job"),
    Urgency.PLANNED_STOP: message("at the next planned stop"),
}

_REWORK = message("Rework:")
"""How the paragraph begins that names the work which did not help."""
_OTHERWISE = 3
"""Maximum number of counterfactuals in the text of an order."""


def order_draft(
    view: CaseView,
    words: RuleWords,
    seen: OpenWorkSeen,
    say: Wording,
    check: DraftCheck,
    job_plan: str | None,
    *,
    released: bool,
) -> WorkOrderDraft:
    """The draft of a case's order. Paragraphs are in order of importance, for vendors with short fields.

    Args:
        words: what the rule says, in the language of its author.
        seen: what else is open on the asset.
        say: the language of the text.
        check: what the check of the draft found; the planner is asked to complete what is missing.
        job_plan: the site's job plan for this class and failure mode; None if it states none.
    """
    if view.cmms_asset is None or view.urgency is None:
        raise ValueError(f"case {view.id} was not proposed, or has no asset in the CMMS")
    first = view.evidence[0]
    codes = " + ".join(view.codes_seen)
    summary = f"{view.asset.name}: {_seen(first, say)}" + (f", {codes}" if codes else "")
    return WorkOrderDraft(
        key=view.id,
        asset=view.asset.id,
        asset_external_id=view.cmms_asset,
        asset_attributes=view.cmms_attributes,
        summary=summary,
        paragraphs=_paragraphs(view, words, seen, check, job_plan, codes, say),
        failure_mode=view.failure_mode,
        priority=view.verdict.priority,
        released=released,
        reported_at=view.opened_at,
        due_at=view.due_at,
        rung=view.rung,
        job_plan=job_plan,
    )


def _paragraphs(
    view: CaseView,
    words: RuleWords,
    seen: OpenWorkSeen,
    check: DraftCheck,
    job_plan: str | None,
    codes: str,
    say: Wording,
) -> tuple[str, ...]:
    urgency = view.urgency
    if urgency is None:
        raise ValueError(f"case {view.id} was not proposed")
    hint, explained, depends = seen.hint_in(say), urgency.explained_in(say), urgency.depends_in(say)
    missing = check.request_in(say)
    otherwise = " ".join(say.recorded(sentence) for sentence in view.otherwise[:_OTHERWISE])
    verdict = view.verdict
    return (
        f"Millwright {view.id}",
        *((rework_words(view.rework, say),) if view.rework is not None else ()),
        *(say.recorded(order.words) for order in view.detached),
        say(
            "Suspected: {asset} of {machine}, failure mode {mode} (ISO 14224).",
            asset=view.asset.name,
            machine=view.machine.name,
            mode=view.failure_mode,
        )
        + (f" {say('Confirmed by {codes}.', codes=codes)}" if codes else ""),
        say("Seen: {observations}.", observations="; ".join(_seen_at(evidence, say) for evidence in view.evidence)),
        say("What to do: {response}", response=words.response),
        *((say("Job plan: {plan}.", plan=job_plan),) if job_plan is not None else ()),
        *((missing,) if missing is not None else ()),
        *((hint,) if hint is not None else ()),
        say("Why: {because}", because=words.because),
        f"{say('When: {when}.', when=say(_WHEN[urgency.urgency]))} {urgency.because} {_running(view, say)}",
        *((say("Cost: {sentences}", sentences=" ".join(explained)),) if explained else ()),
        *((say("Depends: {sentences}", sentences=" ".join(depends)),) if depends else ()),
        *_hold(view, say),
        *((say("Otherwise: {sentences}", sentences=otherwise),) if otherwise else ()),
        say(
            "History: {count} observations from {first} to {last} UTC.",
            count=view.fed,
            first=minute(view.event_at),
            last=minute(view.last_event_at),
        ),
        say(
            "Decided by policy {policy} {version}, rule {rule}, digest {digest}, severity {severity}.",
            policy=verdict.policy,
            version=verdict.version,
            rule=verdict.rule,
            digest=view.version[:16],
            severity=verdict.severity,
        ),
        *((say("Trace: {trace}", trace=view.evidence[0].traceparent),) if view.evidence[0].traceparent else ()),
    )


def attachment_note(view: CaseView, say: Wording) -> str | None:
    """What is written on the order of a person that is the order of a case: the words of the draft, and what becomes of
    it. None if the case has no such order."""
    if view.attached is None or view.order is None or view.draft is None:
        return None
    codes = ", ".join(chosen.code for chosen in view.attached.record.codes if chosen.role is FindingRole.PROBLEM)
    hint = view.open_work.hint_in(say) if view.open_work is not None else None
    told = " ".join(paragraph for paragraph in view.draft.paragraphs[1:] if paragraph != hint)
    same = say(
        "Millwright {case} found the same fault: {codes} means {mode} here.",
        case=view.id,
        codes=codes,
        mode=view.failure_mode,
    )
    waits = say("It makes no order of its own while this one is open with that code.")
    otherwise = say("It makes one if this one ends without that finding.")
    return f"{same} {waits} {otherwise} {told}"


def rework_words(said: Rework, say: Wording) -> str:
    """Which work did not help, for the people who do it again."""
    earlier = (
        say("order {order} (case {case})", order=said.order, case=said.case)
        if said.order is not None
        else say("case {case}", case=said.case)
    )
    begins = f"{say(_REWORK)} {say('{work} did not help.', work=earlier)}"
    if said.by is None or said.reason is None:
        return f"{begins} {say('Of its verification: {found}.', found=say.recorded(said.found))}"
    held = say(
        "{person} had the machine held again after its test run at {at} UTC: {reason}.",
        person=said.by,
        at=minute(said.at),
        reason=said.reason.rstrip("."),
    )
    return f"{begins} {held} {say('Of the test run: {found}.', found=said.found.rstrip('.'))}"


def tells_rework(paragraph: str) -> bool:
    """Whether a paragraph of an order, in any language, names the work that did not help."""
    return any(paragraph.startswith(say(_REWORK)) for say in WORDINGS.values())


def _running(view: CaseView, say: Wording) -> str:
    production = view.production
    if production is None or production.job is None:
        return say("Nothing is known of production.")
    return say("Running: job {job}, read {at} UTC.", job=production.job.id, at=minute(production.read_at))


def _hold(view: CaseView, say: Wording) -> tuple[str, ...]:
    """The state of the machine's hold when the order is written, and what people at the machine must know of it."""
    notice = case_hold_notice(view, say)
    if view.hold is not None and view.hold.state.live:
        standing = view.hold.words_in(say)
        told = say("Hold of {equipment} in the MES: {standing}.", equipment=view.hold.equipment, standing=standing)
        return (f"{told} {notice}",)
    if view.rung < Rung.WORK_ORDER_AND_HOLD or view.mes_equipment is None or view.urgency is None:
        return ()
    if view.hold_proposal is not None:
        return (f"{hold_proposal_words(view.mes_equipment, view.hold_proposal, say)} {notice}",)
    hold_at = view.urgency.hold_at
    if hold_at is None:
        told = say("The MES is asked to hold {equipment} at once.", equipment=view.mes_equipment)
    else:
        told = say(
            "The MES is asked to hold {equipment} from {at} UTC.", equipment=view.mes_equipment, at=minute(hold_at)
        )
    return (f"{told} {notice}",)


def case_hold_notice(view: CaseView, say: Wording) -> str:
    """What people at the machine must know of a hold that a case has or asks for."""
    placed = view.hold.enforcement if view.hold is not None else None
    return hold_notice(placed or (view.production.enforcement if view.production is not None else None), say)


def hold_proposal_words(equipment: str, proposal: HoldProposal, say: Wording) -> str:
    """What production was asked and answered, in a sentence for people at the machine."""
    answer = proposal.answer
    if answer is None:
        return say(
            "Production is asked whether {equipment} may be held from {at} UTC.",
            equipment=equipment,
            at=minute(proposal.hold_at),
        )
    if answer.hold_at is None:
        return say("Production refused to hold {equipment}: {reason}.", equipment=equipment, reason=answer.reason)
    return say("Production lets {equipment} be held from {at} UTC.", equipment=equipment, at=minute(answer.hold_at))


def _seen(evidence: Evidence, say: Wording) -> str:
    if evidence.signal is None or evidence.value is None:
        return say("reported by {detector}", detector=evidence.detector)
    value = say.plain_number(evidence.value, 1)
    if evidence.baseline is not None:
        value = say("{value} against {baseline}", value=value, baseline=say.plain_number(evidence.baseline, 1))
    unit = f" {evidence.unit}" if evidence.unit else ""
    score = (
        f" ({say('{score} standard errors', score=say.plain_number(evidence.score, 1))})"
        if evidence.score is not None
        else ""
    )
    return f"{evidence.signal} {value}{unit}{score}"


def _seen_at(evidence: Evidence, say: Wording) -> str:
    return say(
        "{at} {observation} by {detector}",
        at=minute(evidence.at),
        observation=_seen(evidence, say),
        detector=evidence.detector,
    )


def minute(at: datetime) -> str:
    """A time as people read it on an order, in UTC, to the minute."""
    return f"{at:%Y-%m-%d %H:%M}"
