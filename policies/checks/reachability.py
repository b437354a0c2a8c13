"""Finds rules that can never decide, rules that hide others, and gaps. A solver checks this for all anomalies.

Conditions become terms of a solver (`policies.proof.translation`), with the axioms of a situation. A condition
that cannot be translated counts as one that may be true or false, so a rule that is found unreachable really is. It is
also reported as unknown. Every witness was judged by the engine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import z3

from domain.verdict import Rung
from policies.checks.findings import Finding, Kind
from policies.engine.judging import CompiledPolicy
from policies.engine.trial import Situation
from policies.language.expanded_rules import WrittenRule
from policies.language.expressions import Condition
from policies.language.grammar import COMPOSED
from policies.language.schema import Table
from policies.language.text import Path, PolicyText
from policies.language.variables import Value
from policies.proof.prover import confirmed, seen
from policies.proof.search import Answer, Search
from policies.proof.situation import axioms, situation
from policies.proof.translation import NotTranslated, Translation

MAX_PAIRS = 2_000
"""Maximum number of pairs of rules that are compared; the rest is reported as unknown."""
TIMEOUT_MS = 2_000
_PATIENCE = 10
"""Number of questions without an answer after which no more are asked."""
_TRIALS = 3
"""Number of witnesses that could not be made after which overlaps are no longer searched."""
_GUARDS = 2

Holds = Callable[[Mapping[str, Value]], bool]


class Reachability:
    """Checks one version.

    Args:
        policy: the version.
        source: its text, for the places of findings.
    """

    def __init__(self, policy: CompiledPolicy, source: PolicyText) -> None:
        self._policy = policy
        self._source = source
        self._open = 0
        self._unmade = 0
        self._pool: list[tuple[Situation, Mapping[str, Value]]] = []

    def findings(self) -> Iterator[Finding]:
        """All findings. Contradictory single actions need no solver and are always found."""
        yield from self._reviews()
        terms = situation("", self._policy)
        try:
            always = [axiom.term for axiom in axioms(terms, self._policy)]
        except NotTranslated as error:
            yield self._finding(Kind.UNKNOWN, False, (), ("cohorts",), f"{error.problem}; no rule was looked at")
            return
        self._search = Search(always, [terms], TIMEOUT_MS)
        self._translation = Translation(terms)
        self._met: list[z3.BoolRef] = []
        for position, condition in enumerate(self._policy.chain.conditions):
            try:
                self._met.append(self._translation.condition(condition))
            except NotTranslated as error:
                self._met.append(z3.Bool(f"rule {position} holds"))
                rule = self._policy.rules[position].id
                problem = f"{error.problem}; whether it can decide is not known"
                yield self._finding(Kind.UNKNOWN, False, (rule,), self._path(position), problem)
        yield from self._hidden()
        for place, entry in enumerate(self._policy.document.rules):
            if isinstance(entry, Table):
                yield from self._of_table(entry, ("rules", place))
        yield from self._overlaps()
        yield from self._last()
        if self._open > _PATIENCE:
            problem = "some questions took too long, so there may be more to find"
            yield self._finding(Kind.UNKNOWN, False, (), ("rules",), problem)

    def _reviews(self) -> Iterator[Finding]:
        for rule in self._policy.written:
            if rule.then.rung > Rung.DRAFT and rule.then.review != "none":
                problem = f"{rule.then.rung.word} is released at once, so nobody reviews it"
                fix = "write `rung: draft`, which waits for a planner, or leave the review out"
                path: Path = (*rule.path, "then", "review")
                yield self._finding(Kind.CONTRADICTION, True, (rule.id,), path, problem, fix)

    def _hidden(self) -> Iterator[Finding]:
        """Rules that never decide. The last rule may be one, because it is required."""
        last = len(self._met) - 1
        for position in range(_GUARDS, last):
            before = [z3.Not(met) for met in self._met[:position]]
            if self._ask(self._met[position], *before) is Answer.NONE:
                yield self._never(position)

    def _never(self, position: int) -> Finding:
        rule, met = self._policy.rules[position], self._met[position]
        if self._ask(met) is Answer.NONE:
            problem = f"{rule.id} can never decide: no anomaly meets its condition"
            return self._finding(
                Kind.UNREACHABLE, True, (rule.id,), self._path(position), problem, "remove it or correct it"
            )
        hiding = next((j for j in range(position) if self._ask(met, z3.Not(self._met[j])) is Answer.NONE), None)
        who = "the rules before it together" if hiding is None else self._policy.rules[hiding].id
        problem = f"{rule.id} can never decide: whatever meets its condition is decided by {who}"
        witness = self._witness(lambda values: self._held(position, values), met)
        rules = (rule.id,) if hiding is None else (rule.id, who)
        fix = f"move it before {who}, or remove it" if hiding is not None else "move it up, or remove it"
        return self._finding(Kind.SHADOWED, True, rules, self._path(position), problem, fix, witness)

    def _of_table(self, table: Table, path: Path) -> Iterator[Finding]:
        rows = [place for place, rule in enumerate(self._policy.written, _GUARDS) if rule.table == table.table]
        yield from self._open_cells(table, path, rows)
        if table.hit == "unique" and self._ask(z3.AtLeast(*(self._met[row] for row in rows), 2)) is not Answer.NONE:
            for first, second in combinations(rows, 2):
                yield from self._both(table, first, second)
        if table.hit == "highest":
            for first, second in combinations(rows, 2):
                yield from self._at_odds(first, second)

    def _open_cells(self, table: Table, path: Path, rows: Sequence[int]) -> Iterator[Finding]:
        asked = self._policy.names.rules.condition(table.when, COMPOSED)
        try:
            where = self._translation.condition(asked)
        except NotTranslated as error:
            problem = f"{error.problem}; whether {table.table} is complete is not known"
            yield self._finding(Kind.UNKNOWN, table.complete, (), (*path, "when"), problem)
            return
        guarded = [z3.Not(self._met[guard]) for guard in range(_GUARDS)]
        none = [z3.Not(self._met[row]) for row in rows]
        answer = self._ask(where, *guarded, *none)
        if answer is Answer.NONE:
            return
        witness = self._witness(
            lambda values: self._met_now(asked, values) and not any(self._held(row, values) for row in rows),
            where,
            *guarded,
            *none,
        )
        if answer is Answer.UNKNOWN or (witness is None and table.complete):
            problem = f"whether {table.table} is complete could be neither proved nor refuted"
            yield self._finding(Kind.UNKNOWN, table.complete, (), (*path, "complete"), problem)
            return
        problem = f"{table.table} has no row for some anomalies" + (
            ", though it is said to be complete" * table.complete
        )
        fix = "add a row, or write `complete: false`"
        yield self._finding(
            Kind.GAP, table.complete, (), (*path, "complete"), problem, fix if table.complete else None, witness
        )

    def _both(self, table: Table, first: int, second: int) -> Iterator[Finding]:
        if self._ask(self._met[first], self._met[second]) is Answer.NONE:
            return
        earlier, later = self._policy.rules[first].id, self._policy.rules[second].id
        witness = self._witness_of(first, second)
        kind, whether = (Kind.UNKNOWN, "may hold") if witness is None else (Kind.OVERLAP, "hold")
        problem = f"{earlier} and {later} {whether} of the same anomalies, though only one row of {table.table} can"
        fix = "make their cells different, or choose another hit policy"
        yield self._finding(kind, True, (earlier, later), self._path(second), problem, fix, witness)

    def _at_odds(self, first: int, second: int) -> Iterator[Finding]:
        """Of two matching rows the higher decides. Two equal rows must not differ, and the higher must not drop a
        review."""
        earlier, later = self._written(first), self._written(second)
        tied = (earlier.then.rung, earlier.then.severity, earlier.then.priority) == (
            later.then.rung,
            later.then.severity,
            later.then.priority,
        )
        if tied and earlier.then != later.then:
            problem = f"{earlier.id} and {later.id} are equally high and ask for different things"
            fix = "give them different rungs, severities or priorities, or make their cells different"
        elif earlier.then.rung is Rung.WORK_ORDER_AND_HOLD and later.then.review == "planner":
            problem = f"{earlier.id} places a hold at once where {later.id} wants a review first"
            fix = "make their cells different, or let both wait"
        else:
            return
        if self._ask(self._met[first], self._met[second]) is not Answer.FOUND:
            return
        witness = self._witness_of(first, second)
        if witness is not None:
            yield self._finding(
                Kind.CONTRADICTION, True, (earlier.id, later.id), (*later.path, "then"), problem, fix, witness
            )

    def _overlaps(self) -> Iterator[Finding]:
        """Overlaps in lists and first-hit tables. There the order decides, so they are notes and not errors."""
        last = len(self._met) - 1
        pairs = [pair for pair in combinations(range(_GUARDS, last), 2) if self._differ(*pair)]
        if len(pairs) > MAX_PAIRS:
            problem = f"there are {len(pairs)} pairs of rules; only {MAX_PAIRS} were compared"
            yield self._finding(Kind.UNKNOWN, False, (), ("rules",), problem)
        for first, second in pairs[:MAX_PAIRS]:
            if self._unmade > _TRIALS:
                problem = "some rules may overlap of which no anomaly was found that shows it"
                yield self._finding(Kind.UNKNOWN, False, (), ("rules",), problem)
                return
            if self._ask(self._met[first], self._met[second]) is not Answer.FOUND:
                continue
            witness = self._witness_of(first, second)
            if witness is not None:
                earlier, later = self._policy.rules[first].id, self._policy.rules[second].id
                problem = f"{later} also holds of some anomalies that {earlier} decides"
                yield self._finding(Kind.OVERLAP, False, (earlier, later), self._path(second), problem, None, witness)

    def _differ(self, first: int, second: int) -> bool:
        earlier, later = self._written(first), self._written(second)
        return earlier.then.rung != later.then.rung and (earlier.table is None or earlier.table != later.table)

    def _last(self) -> Iterator[Finding]:
        last = len(self._met) - 1
        if self._ask(*(z3.Not(met) for met in self._met[:last])) is Answer.NONE:
            return
        witness = self._witness(
            lambda values: not any(self._held(position, values) for position in range(last)),
            *(z3.Not(met) for met in self._met[:last]),
        )
        name = self._policy.rules[last].id
        problem = f"no rule but {name}, the last, decides some anomalies"
        yield self._finding(Kind.GAP, False, (name,), self._path(last), problem, None, witness)

    def _ask(self, *statements: "z3.BoolRef") -> Answer:
        if self._open > _PATIENCE:
            return Answer.UNKNOWN
        answer = self._search.ask(*statements)
        self._open += answer is Answer.UNKNOWN
        return answer

    def _witness_of(self, first: int, second: int) -> Situation | None:
        return self._witness(
            lambda values: (
                self._held(first, values)
                and self._held(second, values)
                and not any(self._held(position, values) for position in range(first))
            ),
            *(z3.Not(met) for met in self._met[:first]),
            self._met[first],
            self._met[second],
        )

    def _witness(self, shows: Holds, *statements: "z3.BoolRef") -> Situation | None:
        """A situation that shows it, confirmed by the engine; an earlier one may be used again."""
        for made, values in self._pool:
            if shows(values):
                return made

        def broken(made: Sequence[Situation]) -> bool:
            return shows(seen(self._policy, made[0]).values)

        found = confirmed(self._search, [self._policy], broken, *statements)
        if found is None:
            self._unmade += 1
            return None
        self._pool.append((found[0], seen(self._policy, found[0]).values))
        return found[0]

    def _held(self, position: int, values: Mapping[str, Value]) -> bool:
        return self._policy.chain.answer(position, values).held

    def _met_now(self, condition: Condition, values: Mapping[str, Value]) -> bool:
        environment = self._policy.names.rules
        answer = environment.compiled(condition.text).eval(environment.activation(values)).value()
        return answer is True

    def _written(self, position: int) -> WrittenRule:
        return self._policy.written[position - _GUARDS]

    def _path(self, position: int) -> Path:
        if position < _GUARDS:
            return ("applies_to",) if position == 0 else ("quality",)
        rule = self._written(position)
        return (*rule.path, "id" if rule.table is not None or rule.replaces is not None else "when")

    def _finding(
        self,
        kind: Kind,
        blocks: bool,
        rules: tuple[str, ...],
        path: Path,
        problem: str,
        fix: str | None = None,
        witness: Situation | None = None,
    ) -> Finding:
        return Finding(kind, blocks, rules, self._source.rejected(path, problem, fix=fix), witness)
