"""Expands a document's rules, tables, overrides and waivers into the list of rules that judging evaluates in order.

The first matching rule decides; there are no other semantics. A row of a table becomes a rule. An override becomes a
rule for its assets, before the rule that it replaces, which then applies to all others. A waived rule applies to all
assets except the waived ones, until the waiver ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policies.language.fields import UNCONDITIONAL
from policies.language.grammar import ConditionRejected
from policies.language.inheritance import most_particular_first, scope_condition
from policies.language.schema import Action, Override, PolicyDocument, Row, Rule, Table
from policies.language.tables import cell_condition, precedence, row_condition
from policies.language.text import Path, PolicyText, TextRejected
from policies.language.vocabulary import Vocabulary


@dataclass(frozen=True)
class WrittenRule:
    """A rule as it is evaluated.

    `when` is its whole condition, `written` the part that its author wrote (of a row, with its table's), `path` the
    place. `table` is the table of a row, `replaces` the rule that it replaces and `override` the position of the
    override.
    """

    id: str
    when: str
    written: str
    then: Action
    because: str
    response: str
    path: Path
    table: str | None = None
    replaces: str | None = None
    override: int | None = None


def written_out(
    document: PolicyDocument, names: Vocabulary, source: PolicyText, problems: list[TextRejected]
) -> list[WrittenRule]:
    """All rules of a document in the order of evaluation, without the guards.

    Only the cells of tables are checked; the conditions are not checked yet.

    Args:
        problems: gets the problems of cells.
    """
    rules: list[WrittenRule] = []
    for position, entry in enumerate(document.rules):
        path: Path = ("rules", position)
        if isinstance(entry, Rule):
            rules.extend(_alternatives(document, _plain(entry, path)))
            continue
        rows = [
            alternative
            for row in _rows(entry, path, names, source, problems)
            for alternative in _alternatives(document, row)
        ]
        rules.extend(sorted(rows, key=lambda row: precedence(row.then)) if entry.hit == "highest" else rows)
    return rules


def _plain(rule: Rule, path: Path) -> WrittenRule:
    return WrittenRule(rule.id, rule.when, rule.when, rule.then, rule.because, rule.response, path)


def _rows(
    table: Table, path: Path, names: Vocabulary, source: PolicyText, problems: list[TextRejected]
) -> Iterator[WrittenRule]:
    for position, row in enumerate(table.rows):
        place: Path = (*path, "rows", position)
        faults = list(_cell_problems(row, place, names, source))
        problems.extend(faults)
        if faults:
            continue
        known = {name: variable for name in row.when if (variable := names.variable(name)) is not None}
        when = row_condition(table, row, known)
        yield WrittenRule(row.id, when, when, row.then, row.because, row.response, place, table=table.table)


def _cell_problems(row: Row, path: Path, names: Vocabulary, source: PolicyText) -> Iterator[TextRejected]:
    for name, cell in row.when.items():
        place: Path = (*path, "when", name)
        variable = names.variable(name)
        try:
            names.rules.condition(name if variable is None else cell_condition(name, variable, cell))
        except ConditionRejected as error:
            yield source.rejected(place, error.problem, fix=error.fix, key=variable is None)


def _alternatives(document: PolicyDocument, rule: WrittenRule) -> Iterator[WrittenRule]:
    """A rule's replacements, the narrowest scope first, and the rule itself for all other assets."""
    elsewhere: list[str] = []
    for override in most_particular_first(document.overrides):
        mine = next((each for each in override.rules if each.replaces == rule.id), None)
        if mine is None and rule.id not in override.off:
            continue
        scope = scope_condition(override.scope, document.cohorts)
        if mine is not None:
            position = _position(document.overrides, override)
            stand_in = replace(
                rule,
                id=mine.id,
                written=mine.when or rule.written,
                then=mine.then,
                because=mine.because,
                response=mine.response,
                path=("overrides", position, "rules", override.rules.index(mine)),
                replaces=rule.id,
                override=position,
            )
            yield _waived(document, stand_in, [f"({scope})", *elsewhere])
        elsewhere.append(f"!({scope})")
    yield _waived(document, rule, elsewhere)


def _position(overrides: Sequence[Override], override: Override) -> int:
    return next(position for position, each in enumerate(overrides) if each is override)


def _waived(document: PolicyDocument, rule: WrittenRule, conditions: Sequence[str]) -> WrittenRule:
    waived = [
        f"!(waiver.{waiver.id} && {scope_condition(waiver.scope, document.cohorts)})"
        for waiver in document.waivers
        if rule.id in waiver.rules
    ]
    said = [] if rule.written == UNCONDITIONAL else [f"({rule.written})"]
    joined = [*conditions, *waived]
    return replace(rule, when=" && ".join([*joined, *said])) if joined else rule
