"""All situations that judging can get, as terms of a solver: one term for each name, and the axioms between them.

An axiom is a claim about `policies.engine.memory` and `policies.language.variables`; each is tested against their
real results. The axioms are true if events are judged in event order, as lines do (a late event is judged again at its
place). They need not be complete: for a model that no events lead to, no witness can be made
(`policies.proof.witness`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import z3

from policies.engine.judging import CompiledPolicy
from policies.language.schema import MemoryTerms
from policies.language.variables import MAINTENANCE, NEVER, OPERATING, Variable
from policies.proof.policy_variables import Terms, maintenance_axioms, operating_axioms, own_axioms, variables_of
from policies.proof.translation import constant, literal

_MINUTE = 60.0

OF_MEMORY_TERMS = (
    "memory.deviating",
    "memory.deviations",
    "memory.deviation_age_minutes",
    "memory.deviating_minutes",
    "memory.worst_score",
    "memory.codes",
    "memory.detectors",
    "memory.confirming",
)
"""Names that depend on a version's window and on its threshold for evidence."""
OF_OPERATING = tuple(OPERATING)
"""Names that depend on one reading of a machine."""
OF_MAINTENANCE = tuple(MAINTENANCE)
"""Names that depend on one reading of the work on an asset."""
OF_VERDICTS = ("memory.order_age_minutes",)
"""Names that depend on a version's own earlier verdicts."""
SHAPED_BY: Mapping[str, tuple[str, ...]] = {
    "anomaly.score": OF_MEMORY_TERMS,
    "anomaly.detector": ("memory.detectors", "memory.confirming"),
    "anomaly.code": ("memory.codes", "memory.detectors", "memory.confirming"),
    "anomaly.risk": (
        "memory.risk",
        "memory.risk_changed",
        "memory.risk_minutes",
        "memory.detectors",
        "memory.confirming",
    ),
    "anomaly.kind": (*OF_MEMORY_TERMS, "memory.risk", "memory.risk_changed", "memory.risk_minutes"),
    "anomaly.quality": (*OF_MEMORY_TERMS, "memory.risk", "memory.risk_changed", "memory.risk_minutes"),
    "memory.codes": ("memory.confirming",),
    "memory.detectors": ("memory.confirming",),
    "memory.confirming": ("memory.codes", "memory.detectors"),
    "memory.deviating": OF_MEMORY_TERMS,
    "memory.deviations": ("memory.deviating", *OF_MEMORY_TERMS),
    "memory.deviation_age_minutes": OF_MEMORY_TERMS,
    "memory.deviating_minutes": OF_MEMORY_TERMS,
    "memory.worst_score": OF_MEMORY_TERMS,
    "memory.risk": ("memory.risk_changed", "memory.risk_minutes"),
    "memory.risk_changed": ("memory.risk", "memory.risk_minutes"),
    "operating.known": OF_OPERATING,
    "operating.state": OF_OPERATING,
    "operating.age_minutes": OF_OPERATING,
    "maintenance.known": OF_MAINTENANCE,
    "maintenance.since_work_hours": OF_MAINTENANCE,
    "maintenance.since_same_fault_hours": OF_MAINTENANCE,
    "maintenance.breakdowns": OF_MAINTENANCE,
    "maintenance.age_minutes": OF_MAINTENANCE,
}
"""Names that change together with a name."""


@dataclass(frozen=True)
class Axiom:
    """An axiom, in words and as a term."""

    says: str
    term: "z3.BoolRef"


def situation(prefix: str, policy: CompiledPolicy) -> dict[str, "z3.ExprRef"]:
    """A free situation: a term for each name that a version's rules may use."""
    variables = variables_of(policy)
    return {name: constant(f"{prefix}{name}", variable) for name, variable in variables.items()}


def beside(terms: Terms, changed: Collection[str], prefix: str, policy: CompiledPolicy) -> dict[str, "z3.ExprRef"]:
    """A situation equal to another one except for some names, and for names that the other one lacks."""
    return {
        name: constant(f"{prefix}{name}", variable) if name in changed or name not in terms else terms[name]
        for name, variable in variables_of(policy).items()
    }


def axioms(terms: Terms, policy: CompiledPolicy) -> list[Axiom]:
    """The axioms of a situation of a version.

    Raises:
        NotTranslated: a condition on which a parameter depends cannot be translated.
    """
    memory = policy.document.memory
    return [
        *_of_types(terms, variables_of(policy)),
        *_of_anomalies(terms),
        *_of_memory(terms, memory),
        *_of_evidence(terms, memory),
        *(Axiom(says, term) for says, term in operating_axioms(terms, policy)),
        *(Axiom(says, term) for says, term in maintenance_axioms(terms, policy)),
        *(Axiom(says, term) for says, term in own_axioms(terms, policy)),
    ]


def _of_types(terms: Terms, variables: Mapping[str, Variable]) -> Iterator[Axiom]:
    for name, variable in variables.items():
        term = terms[name]
        if variable.type == "DOUBLE":
            yield Axiom(f"{name} is finite", z3.Not(z3.Or(z3.fpIsInf(term), z3.fpIsNaN(term))))
        if variable.type == "INT":
            yield Axiom(f"{name} is a whole number of 64 bits", z3.And(term >= -(2**63), term < 2**63))
        if variable.words:
            known = z3.Or([term == literal(word) for word in variable.words])
            yield Axiom(f"{name} is one of its words", known)


def _of_anomalies(terms: Terms) -> Iterator[Axiom]:
    confidence = terms["anomaly.confidence"]
    share = z3.And(z3.fpGEQ(confidence, literal(0.0)), z3.fpLEQ(confidence, literal(1.0)))
    yield Axiom("confidence lies between 0 and 1", share)
    yield Axiom("a score is not negative", z3.fpGEQ(terms["anomaly.score"], literal(0.0)))
    yield Axiom("an asset has no negative number of codes", terms["asset.codes"] >= 0)


def _of_memory(terms: Terms, memory: MemoryTerms) -> Iterator[Axiom]:
    seen, codes, detectors = (terms[f"memory.{name}"] for name in ("seen", "codes", "detectors"))
    deviations, deviating = terms["memory.deviations"], terms["memory.deviating"]
    age, minutes, worst = (
        terms[f"memory.{name}"] for name in ("deviation_age_minutes", "deviating_minutes", "worst_score")
    )
    zero, window = literal(0.0), literal(memory.window.total_seconds() / _MINUTE)
    yield Axiom("this anomaly was seen", seen >= 1)
    yield Axiom("codes are counted up to the bound of memory", z3.And(codes >= 0, codes <= 32))
    yield Axiom("detectors are counted up to the bound of memory", z3.And(detectors >= 0, detectors <= 32))
    yield Axiom("confirming is codes and detectors together", terms["memory.confirming"] == codes + detectors)
    yield Axiom("an anomaly brings one code or one detector at most", codes + detectors <= seen)
    yield Axiom("an anomaly is a deviation or brings a code", deviations + codes <= seen)
    yield Axiom("a run has deviations, no run has none", deviating == (deviations >= 1))
    yield Axiom("deviations are counted", deviations >= 0)
    absent = z3.And(z3.fpEQ(age, literal(NEVER)), z3.fpEQ(minutes, zero), z3.fpEQ(worst, zero))
    yield Axiom("without a run there is nothing of it", z3.Or(deviating, absent))
    within = z3.And(z3.fpGEQ(age, zero), z3.fpLEQ(age, minutes), z3.fpLEQ(age, window))
    yield Axiom("a run began before its last deviation, which is a window old at most", z3.Implies(deviating, within))
    above = z3.fpGT(worst, literal(float(memory.evidence_above)))
    yield Axiom("only what is above the threshold makes a run", z3.Implies(deviating, above))
    yield Axiom("a run of one began with it", z3.Implies(deviations == 1, z3.fpEQ(age, minutes)))
    yield Axiom("whoever saw the last deviation is remembered", z3.Implies(deviating, detectors >= 1))
    risk = terms["memory.risk_minutes"]
    none = terms["memory.risk"] == literal("")
    yield Axiom("a risk has its state for no negative time", z3.fpGEQ(risk, zero))
    yield Axiom("no risk has no time", z3.Implies(none, z3.fpEQ(risk, zero)))
    order = terms["memory.order_age_minutes"]
    yield Axiom("an order was asked for at some time before, or never", z3.fpGEQ(order, zero))
    yield Axiom("before the first anomaly nothing was ordered", z3.Implies(seen == 1, z3.fpEQ(order, literal(NEVER))))


def _of_evidence(terms: Terms, memory: MemoryTerms) -> Iterator[Axiom]:
    """The effect of an anomaly on the memory with which it is judged."""
    good = terms["anomaly.quality"] == literal("good")
    kind = {
        word: z3.And(good, terms["anomaly.kind"] == literal(word)) for word in ("deviation", "code", "risk", "manual")
    }
    detectors, codes = terms["memory.detectors"], terms["memory.codes"]
    named, stated = terms["anomaly.code"] != literal(""), terms["anomaly.risk"] != literal("")
    score, zero = terms["anomaly.score"], literal(0.0)
    counts = z3.And(kind["deviation"], z3.fpGT(score, literal(float(memory.evidence_above))))
    run = z3.And(
        terms["memory.deviating"],
        z3.fpEQ(terms["memory.deviation_age_minutes"], zero),
        z3.fpGEQ(terms["memory.worst_score"], score),
    )
    yield Axiom("a good deviation above the threshold is the last of its run", z3.Implies(counts, run))
    yield Axiom("a good error code is remembered", z3.Implies(z3.And(kind["code"], named), codes >= 1))
    yield Axiom(
        "a good code without a name is a detector", z3.Implies(z3.And(kind["code"], z3.Not(named)), detectors >= 1)
    )
    yield Axiom("a person counts as a detector", z3.Implies(kind["manual"], detectors >= 1))
    high = z3.And(kind["risk"], terms["anomaly.risk"] == literal("High"))
    yield Axiom("a model that sees a high risk is a detector", z3.Implies(high, detectors >= 1))
    changed, told = terms["memory.risk_changed"], z3.And(kind["risk"], stated)
    yield Axiom("a good risk is the last known one", z3.Implies(told, terms["memory.risk"] == terms["anomaly.risk"]))
    since = z3.Implies(changed, z3.And(told, z3.fpEQ(terms["memory.risk_minutes"], zero)))
    yield Axiom("a risk is changed by an anomaly that tells of it, at its time", since)


def raised(name: str, lower: Terms, higher: Terms, memory: MemoryTerms) -> list[Axiom]:
    """The axioms between two situations with the same history and the same anomaly except for one raised name."""
    if name != "anomaly.score":
        return []
    rising = [
        higher["memory.codes"] == lower["memory.codes"],
        higher["memory.detectors"] >= lower["memory.detectors"],
        higher["memory.deviations"] >= lower["memory.deviations"],
        z3.Implies(lower["memory.deviating"], higher["memory.deviating"]),
        z3.fpGEQ(higher["memory.worst_score"], lower["memory.worst_score"]),
        z3.fpLEQ(higher["memory.deviation_age_minutes"], lower["memory.deviation_age_minutes"]),
        z3.fpEQ(higher["memory.deviating_minutes"], lower["memory.deviating_minutes"]),
    ]
    threshold = literal(float(memory.evidence_above))
    good = z3.And(lower["anomaly.quality"] == literal("good"), lower["anomaly.kind"] == literal("deviation"))
    counted = z3.And(good, z3.fpGT(higher["anomaly.score"], threshold))
    same = z3.And([_same(lower[each], higher[each]) for each in OF_MEMORY_TERMS])
    already = z3.fpGT(lower["anomaly.score"], threshold)
    kept = z3.And([_same(lower[each], higher[each]) for each in OF_MEMORY_TERMS if each != "memory.worst_score"])
    return [
        Axiom("a higher score makes a run of no less", z3.And(rising)),
        Axiom("a score that is no evidence changes no memory", z3.Or(counted, same)),
        Axiom("a score that was evidence already changes the worst score alone", z3.Implies(already, kept)),
    ]


def longer(shorter: Terms, longer: Terms) -> list[Axiom]:
    """The axioms between two memories of one history, of which one counts everything that the other counts, and
    more."""
    grows = [longer[f"memory.{name}"] >= shorter[f"memory.{name}"] for name in ("codes", "detectors", "deviations")]
    run = z3.And(
        longer["memory.deviating"],
        z3.fpGEQ(longer["memory.worst_score"], shorter["memory.worst_score"]),
        z3.fpGEQ(longer["memory.deviating_minutes"], shorter["memory.deviating_minutes"]),
        z3.fpLEQ(longer["memory.deviation_age_minutes"], shorter["memory.deviation_age_minutes"]),
    )
    return [
        Axiom("who remembers longer remembers no less", z3.And(grows)),
        Axiom("a run is one too for who remembers longer", z3.Implies(shorter["memory.deviating"], run)),
    ]


def _same(left: "z3.ExprRef", right: "z3.ExprRef") -> "z3.BoolRef":
    return z3.fpEQ(left, right) if z3.is_fp(left) else left == right
