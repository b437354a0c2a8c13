"""A case whose hold is proposed to production, and what a person of production answers."""

from datetime import datetime, timedelta

from activities.judging import Judging
from domain.assets import Criticality
from domain.hold_proposals import HoldAnswer, HoldTerms, OnSilence, proposed
from domain.verdict import Urgency, UrgencyDecision
from millwright.bootstrap import Storage
from tests.support.held_machine import add_people
from tests.support.ingress import NOW
from tests.support.judged_plant import judge_to_rest
from tests.support.plant import code, deviation, publish_policies, register


async def propose_hold(storage: Storage, on_silence: OnSilence = OnSilence.ESCALATE) -> str:
    """Opens a case, and proposes its hold to production; returns the case."""
    await storage.register.keep(register(Criticality.A), "tests")
    await publish_policies(storage.versions, storage.people, more="")
    await add_people(storage)
    await storage.inbox.store([code(1), deviation(2), deviation(3)], NOW)
    [opened] = await judge_to_rest(Judging(storage.lines, storage.catalogue))
    timed = UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is.", hold_at=NOW, work_at=NOW)
    await storage.cases.record_proposal(opened, timed, None)
    terms = HoldTerms(unasked=False, on_silence=on_silence)
    await storage.cases.propose_hold(opened, proposed(terms, NOW, storage.clock.now()))
    return opened


def hold_answer(now: datetime, after: timedelta | None) -> HoldAnswer:
    """What a person of production answers: yes, from a while after now on; None for no."""
    return HoldAnswer(
        accepted=after is not None,
        hold_at=None if after is None else now + after,
        by="petra",
        reason="a rush order" if after is None else None,
        at=now,
    )
