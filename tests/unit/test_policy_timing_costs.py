"""What the times for the work cost in sum: counted only where every cost is known, with the others named."""

from datetime import timedelta

import pytest

from domain.cases import DecidedTime
from domain.errors import Rejected
from domain.pricing import TimedFault
from domain.production import ProductionContext
from domain.verdict import Urgency, UrgencyDecision
from millwright.explaining.timing_costs import timing_sentences
from policies.engine.catalogue import Catalogue
from policies.engine.judging import compile_policy
from policies.evaluation.timing_costs import CostSums, recorded_costs, repriced_costs
from tests.support.drafts import T0, about
from tests.support.priced_policy import priced_text
from tests.unit.test_policy_least_cost import FAULT, POLICY, VERDICT, decide, production


def decided(
    urgency: Urgency, made: ProductionContext | None, fault: TimedFault | None = FAULT, *, dated: bool = True
) -> DecidedTime:
    decision = UrgencyDecision(
        urgency=urgency,
        rule="r",
        because="It is.",
        hold_at=None,
        work_at=T0,
        decided_at=T0 if dated else None,
        fault=fault,
    )
    return DecidedTime(VERDICT, about(), made, decision)


def test_recorded_prices_are_summed_and_what_was_not_priced_is_counted() -> None:
    by_rule = UrgencyDecision(urgency=Urgency.NOW, rule="r", because="It is.", hold_at=None, work_at=T0)

    costs = recorded_costs(
        [decide(production()), decide(production()), decide(None), decide(production(stop=None)), by_rule]
    )

    assert (costs.decided, costs.compared) == (5, 2)
    assert costs.left_out == {
        "a rule named the time, so nothing was priced": 1,
        "it was not priced, for a reason that is recorded": 1,
        "no planned stop was known": 1,
    }
    # By hand: 2 × 3610, 2 × 3610, 2 × 4890, 2 × 3860; the page on urgency has the parts.
    assert costs.costs == {
        "EUR": CostSums(as_decided="7220.00", least_cost="7220.00", always_now="9780.00", always_planned_stop="7720.00")
    }


def test_times_that_rules_named_are_priced_by_the_prices_of_a_draft() -> None:
    costs = repriced_costs(
        POLICY,
        [
            decided(Urgency.NOW, production()),
            decided(Urgency.AFTER_BATCH, production()),
            decided(Urgency.AFTER_BATCH, production(job=None)),
            decided(Urgency.AFTER_BATCH, production(ends=False)),
            decided(Urgency.PLANNED_STOP, None),
            decided(Urgency.PLANNED_STOP, production(ago=1)),
            decided(Urgency.PLANNED_STOP, production(stop=None)),
            decided(Urgency.NOW, production(), FAULT.model_copy(update={"failure_mode": "LEA"})),
            decided(Urgency.NOW, production(), None),
            decided(Urgency.NOW, production(), dated=False),
        ],
    )

    assert (costs.decided, costs.compared) == (10, 3)
    assert costs.left_out == {
        "an earlier build did not record what it was decided from": 2,
        "its consequence has no price": 1,
        "no planned stop was known": 1,
        "production was not known well enough": 2,
        "the time that was decided could not be priced": 1,
    }
    # By hand: 4890 + 4502.29 + (4890 - 350 - 600), 3 × 3610, 2 × 4890 + 3940, 3 × 3860.
    assert costs.costs["EUR"] == CostSums(
        as_decided="13332.29", least_cost="10830.00", always_now="13720.00", always_planned_stop="11580.00"
    )


def test_a_version_without_prices_is_refused() -> None:
    with pytest.raises(Rejected, match=r"rotating-equipment 1\.1\.0 has no prices"):
        repriced_costs(Catalogue.published().find("rotating-equipment", "1.1.0"), [])


def test_two_currencies_are_never_added() -> None:
    francs = compile_policy(priced_text().replace("currency: EUR", "currency: CHF"), "draft.yaml")
    euros, swiss = (repriced_costs(policy, [decided(Urgency.NOW, production())]) for policy in (POLICY, francs))

    assert (list(euros.costs), list(swiss.costs)) == (["EUR"], ["CHF"])


def test_the_sentences_give_the_sums_and_the_reasons() -> None:
    costs = recorded_costs([decide(production()), decide(None, now=T0 + timedelta(hours=1))])

    told, left_out = timing_sentences(costs)
    assert told == (
        "Expected cost of the times for the work, 1 of 2 decisions: 3,610 EUR as decided, 3,610 EUR at the least cost, "
        "4,890 EUR always now, 3,860 EUR always at the planned stop."
    )
    assert left_out == "Left out: 1, because it was not priced, for a reason that is recorded."
    assert timing_sentences(recorded_costs([])) == ["No time for work was decided."]
