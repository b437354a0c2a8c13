"""Finds contradictions in a document of the right shape, each with its place."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from domain.verdict import Rung
from policies.language.capacity_problems import capacity_problems
from policies.language.fields import UNCONDITIONAL
from policies.language.inheritance import LEVELS, spoken
from policies.language.normal_terms import normal_problems
from policies.language.price_problems import price_problems
from policies.language.schema import (
    APPLIES_TO,
    BAD_QUALITY,
    Action,
    Override,
    PolicyDocument,
    Property,
    Rule,
    Scope,
    Table,
    TimingRule,
)
from policies.language.text import Path, PolicyText, TextRejected

_SHORTEST_STEADY, _LONGEST_RUN = timedelta(minutes=4), timedelta(days=1)
_CLAIMS = ("always", "never", "monotone", "acts_superset_of")


def contradictions(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    """All of them, in no order."""
    yield from _unreachable("rules", document.rules, source)
    yield from _unreachable("timing", document.timing, source)
    if document.quality.on_bad > Rung.INSPECT:
        problem = f"a bad signal cannot lead to {document.quality.on_bad.word}"
        yield source.rejected(("quality", "on_bad"), problem, fix="at most inspect")
    for path, action in _actions(document):
        yield from _action_problems(path, action, source)
    yield from _named_twice(document, source)
    yield from _calendar_problems(document, source)
    for position, override in enumerate(document.overrides):
        yield from _override_problems(document, position, override, source)
    yield from _waiver_problems(document, source)
    yield from _hold_problems(document, source)
    yield from price_problems(document, source)
    yield from capacity_problems(document, source)
    yield from normal_problems(document.return_to_normal, source)
    for position, promise in enumerate(document.properties):
        yield from _claim_problems(("properties", position), promise, source)


def rule_paths(document: PolicyDocument) -> dict[str, Path]:
    """The place of each rule and each row of a table, by its id."""
    paths: dict[str, Path] = {}
    for position, entry in enumerate(document.rules):
        if isinstance(entry, Rule):
            paths.setdefault(entry.id, ("rules", position))
            continue
        for place, row in enumerate(entry.rows):
            paths.setdefault(row.id, ("rules", position, "rows", place))
    return paths


def _actions(document: PolicyDocument) -> Iterator[tuple[Path, Action]]:
    for position, entry in enumerate(document.rules):
        if isinstance(entry, Rule):
            yield ("rules", position, "then"), entry.then
            continue
        for place, row in enumerate(entry.rows):
            yield ("rules", position, "rows", place, "then"), row.then
    for position, override in enumerate(document.overrides):
        for place, rule in enumerate(override.rules):
            yield ("overrides", position, "rules", place, "then"), rule.then


def _action_problems(path: Path, then: Action, source: PolicyText) -> Iterator[TextRejected]:
    if then.rung.orders and then.due_within is None:
        problem = "is missing: work that is ordered has a time by which it is due"
        yield source.rejected((*path, "due_within"), problem, fix="add `due_within: PT24H`")
    if then.rung is Rung.DRAFT and then.review == "none":
        problem = "a draft waits for a planner, so its review cannot be none"
        yield source.rejected((*path, "review"), problem, fix="write `review: planner`")
    if not then.rung.opens_case and then.review != "none":
        problem = f"{then.rung.word} proposes nothing that could be reviewed"
        yield source.rejected((*path, "review"), problem, fix="leave it out")


def _unreachable(
    field: str, rules: Sequence[Rule | Table] | Sequence[TimingRule], source: PolicyText
) -> Iterator[TextRejected]:
    """The first matching rule decides. So every list must end with a rule that is always true, and no rule may follow
    one that hides it."""
    conditions: dict[str, str] = {}
    for position, rule in enumerate(rules):
        path: Path = (field, position)
        name = rule.table if isinstance(rule, Table) else rule.id
        if UNCONDITIONAL in conditions:
            problem = f"can never decide: {conditions[UNCONDITIONAL]} always holds and comes first"
            yield source.rejected((*path, "when"), problem, fix=f"move it before {conditions[UNCONDITIONAL]}")
        elif isinstance(rule, Table):
            continue  # what is left of a table's condition depends on its rows
        elif rule.when in conditions:
            problem = f"can never decide: {conditions[rule.when]} asks the same and comes first"
            yield source.rejected((*path, "when"), problem, fix="remove one of the two")
        if not isinstance(rule, Table):
            conditions.setdefault(rule.when, name)
    if UNCONDITIONAL not in conditions:
        last: Path = (field, len(rules) - 1, "when")
        problem = "the last rule must always hold, so that every anomaly is judged"
        yield source.rejected(last, problem, fix=f"add a last rule with `when: {UNCONDITIONAL}`")


def _ids(document: PolicyDocument) -> Mapping[str, list[tuple[Path, str]]]:
    """Every id with its place, by the kind of thing that it names."""
    rules: list[tuple[Path, str]] = []
    tables: list[tuple[Path, str]] = []
    for position, entry in enumerate(document.rules):
        if isinstance(entry, Rule):
            rules.append((("rules", position, "id"), entry.id))
            continue
        tables.append((("rules", position, "table"), entry.table))
        rules += [(("rules", position, "rows", place, "id"), row.id) for place, row in enumerate(entry.rows)]
    for position, override in enumerate(document.overrides):
        rules += [(("overrides", position, "rules", place, "id"), rule.id) for place, rule in enumerate(override.rules)]
    return {
        "rules": rules,
        "tables": tables,
        "timing rules": _listed("timing", document.timing),
        "calendars": _listed("calendars", document.calendars),
        "states": _listed("states", document.states),
        "cohorts": _listed("cohorts", document.cohorts),
        "waivers": _listed("waivers", document.waivers),
        "properties": _listed("properties", document.properties),
        "unpriced faults": [
            (("prices", "unpriced", position, "id"), each.id)
            for position, each in enumerate(document.prices.unpriced if document.prices else ())
        ],
    }


class _Named(Protocol):
    @property
    def id(self) -> str: ...


def _listed(field: str, entries: Sequence[_Named]) -> list[tuple[Path, str]]:
    return [((field, position, "id"), entry.id) for position, entry in enumerate(entries)]


def _named_twice(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    for kind, named in _ids(document).items():
        seen: set[str] = set()
        for path, name in named:
            if name in seen:
                yield source.rejected(path, f"two {kind} are called {name}", fix="choose another")
            if kind == "rules" and name in (APPLIES_TO, BAD_QUALITY):
                yield source.rejected(path, f"{name} is a name the engine uses itself", fix="choose another")
            seen.add(name)


def _calendar_problems(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    for position, calendar in enumerate(document.calendars):
        for place, hours in enumerate(calendar.hours):
            if (hours.start is None) != (hours.end is None):
                missing = "start" if hours.start is None else "end"
                path: Path = ("calendars", position, "hours", place, missing)
                fix = "give both, or neither for the whole day"
                yield source.rejected(path, "is missing: hours that begin also end", fix=fix)


def _scope_problems(path: Path, scope: Scope, document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    given = [name for name in LEVELS if getattr(scope, name) is not None]
    if len(given) != 1:
        yield source.rejected(path, "must name exactly one", fix="one of class, cohort, machine and asset")
        return
    text = getattr(scope, given[0])
    if "\\" in text or "\n" in text or ("'" in text and '"' in text):
        yield source.rejected(path, f"{text!r} cannot be written in a condition", fix="use a cohort")
    if scope.cohort is not None and scope.cohort not in {cohort.id for cohort in document.cohorts}:
        known = ", ".join(cohort.id for cohort in document.cohorts) or "none"
        yield source.rejected((*path, "cohort"), f"no cohort is called {scope.cohort}", fix=f"there are {known}")


def _override_problems(
    document: PolicyDocument, position: int, override: Override, source: PolicyText
) -> Iterator[TextRejected]:
    path: Path = ("overrides", position)
    problems = list(_scope_problems((*path, "for"), override.scope, document, source))
    yield from problems
    if not problems and any(override.scope == earlier.scope for earlier in document.overrides[:position]):
        problem = f"{spoken(override.scope)} is overridden already"
        yield source.rejected((*path, "for"), problem, fix="put both into one")
    if not (override.parameters or override.rules or override.off):
        yield source.rejected(path, "overrides nothing", fix="give parameters, rules or off")
    for name, value in override.parameters.items():
        yield from _parameter_problems(document, (*path, "parameters", name), name, value, source)
    touched: set[str] = set()
    targets = [((*path, "rules", place, "replaces"), rule.replaces) for place, rule in enumerate(override.rules)]
    targets += [((*path, "off", place), rule) for place, rule in enumerate(override.off)]
    for place, rule in targets:
        yield from _target_problems(document, place, rule, source)
        if rule in touched:
            yield source.rejected(place, f"{rule} is overridden twice here", fix="keep one of the two")
        touched.add(rule)


def _parameter_problems(
    document: PolicyDocument, path: Path, name: str, value: object, source: PolicyText
) -> Iterator[TextRejected]:
    if name not in document.parameters:
        known = ", ".join(document.parameters) or "none"
        yield source.rejected(path, f"no parameter is called {name}", fix=f"there are {known}", key=True)
    elif type(value) is not type(document.parameters[name]):
        default = document.parameters[name]
        yield source.rejected(path, f"{value!r} is of another kind than {default!r}", fix=f"as {default!r}")


def _target_problems(document: PolicyDocument, path: Path, rule: str, source: PolicyText) -> Iterator[TextRejected]:
    known = rule_paths(document)
    if rule not in known:
        yield source.rejected(path, f"no rule is called {rule}", fix=f"there are {', '.join(known)}")
    elif known[rule] == ("rules", len(document.rules) - 1):
        problem = f"{rule} must always hold, so that every anomaly is judged"
        yield source.rejected(path, problem, fix="add a rule before it instead")


def _waiver_problems(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    stand_ins = {rule.id for override in document.overrides for rule in override.rules}
    for position, waiver in enumerate(document.waivers):
        yield from _scope_problems(("waivers", position, "for"), waiver.scope, document, source)
        for place, rule in enumerate(waiver.rules):
            if rule not in stand_ins:
                yield from _target_problems(document, ("waivers", position, "rules", place), rule, source)


def _hold_problems(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    if "holds" in document.model_fields_set and not document.holds.model_fields_set:
        yield source.rejected(("holds",), "has no field", fix="give one of its fields, or leave `holds` out")
    for field in ("release_unattended", "place_unasked"):
        names = getattr(document.holds, field)
        for position, name in enumerate(names):
            if name in names[:position]:
                path: Path = ("holds", field, position)
                yield source.rejected(path, f"{name} is named twice", fix="leave one of the two out")
    yield from _run_problems(document, source)


def _run_problems(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    run = document.holds.test_run
    if run is None:
        return
    for position, name in enumerate(run.classes):
        if name in run.classes[:position]:
            path: Path = ("holds", "test_run", "classes", position)
            yield source.rejected(path, f"{name} is named twice", fix="leave one of the two out")
    if run.steady < _SHORTEST_STEADY:
        problem = "is too short: the MES is read at every quarter of it"
        yield source.rejected(("holds", "test_run", "steady"), problem, fix="give PT4M or more")
    if run.within <= run.steady:
        problem = "is not longer than `steady`, so that nothing can be proved within it"
        yield source.rejected(("holds", "test_run", "within"), problem, fix="give a longer time")
    if run.within > _LONGEST_RUN:
        yield source.rejected(("holds", "test_run", "within"), "is longer than a day", fix="give P1D or less")


def _claim_problems(path: Path, claimed: Property, source: PolicyText) -> Iterator[TextRejected]:
    given = [name for name in _CLAIMS if getattr(claimed, name) is not None]
    if len(given) != 1:
        yield source.rejected(path, f"claims {len(given)} things", fix=f"claim exactly one of {', '.join(_CLAIMS)}")
