"""Small changes of a policy version that might improve it: each is one idea and a complete draft.

A backtest selects the useful ones (`millwright.backtesting.suggesting`); nothing is published.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.evaluation.backtest import FaultHistory
from policies.language.fields import UNCONDITIONAL, parse_duration
from policies.language.grammar import Node, Part, parse
from policies.language.redrafting import Place, Redraft
from policies.language.variables import RULE_VARIABLES

_FACTORS = (0.75, 0.9, 1.1, 1.25, 1.5, 2.0)
"""The factors by which a threshold with a decimal point is multiplied."""
_STEPS = (-1, 1, 2)
"""The steps by which a whole number is moved."""
_CODES = "memory.codes >= 1 && memory.codes >= asset.codes"
_CODES_CELL = ("memory.codes", ">= 1, >= asset.codes")
_DWELLS = (3, 6, 12)
_COUNTS = (3, 6)
_BANDS = (1.25, 1.5)
_DELAYS = (0.5, 2, 3)
"""The factors by which a state's delay is multiplied."""
_COMPARED = re.compile(r"(>=|<=|>|<)(\s*)([0-9]+(?:\.[0-9]+)?)(?![0-9.])")
_NEVER_MOVED = ("applies_to", "quality", "timing", "calendars", "cohorts", "waivers")

FLEETING = timedelta(hours=3)
"""The maximum length of a fleeting run of deviations: nobody could have acted on it."""
CHATTERING = 5
"""The number of fleeting runs in a week that make a chattering fault (after ISA-18.2 16.5: fleeting and chattering
alarms)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft and its one change.

    `family` names the idea, of which several strengths are tried; `words` describe the change to a planner.
    """

    family: str
    words: str
    text: str


def proposals(text: str, classes: Sequence[str], chattering: Sequence[str]) -> list[Proposal]:
    """Drafts derived from a version's text, each with one change, all with the next minor version number.

    Args:
        text: the version's YAML.
        classes: the asset classes of the plant.
        chattering: those with chattering faults, for which a dead-band is proposed.
    """
    redraft = Redraft(text)
    made = [*_thresholds(redraft), *_cells(redraft), *_parameters(redraft), *_delays(redraft)]
    for name in (None, *classes):
        whom = "" if name is None else f" for {name} assets"
        made += _required(redraft, name, f"codes{whom}", f"require the matching error{whom}", _CODES, _CODES_CELL)
        for hours in _DWELLS:
            words = f"wait until the deviation has lasted {hours} h{whom}"
            least = f">= {hours * 60}.0"
            cell = ("memory.deviating_minutes", least)
            made += _required(redraft, name, f"dwell{whom}", words, f"memory.deviating_minutes {least}", cell)
        for count in _COUNTS:
            words = f"ask for {count} deviations within the window{whom}"
            cell = ("memory.deviations", f">= {count}")
            made += _required(redraft, name, f"count{whom}", words, f"memory.deviations >= {count}", cell)
    for name in chattering:
        made += _dead_bands(redraft, name)
    return made


def left_alone(text: str) -> tuple[str, ...]:
    """The parts of this version that no proposal changes, in words."""
    redraft = Redraft(text)
    document = redraft.document
    found = [name for name in _NEVER_MOVED if document.get(name)]
    if any(row.orders for row in redraft.rows()):
        found.append("ordering rows of decision tables, where something is asked of one class alone")
    if any(redraft.rows()):
        found.append("decision tables, where a dead-band is proposed, and their hit policies")
    if any(True for _ in redraft.states()):
        found.append("what a state observes, and of how many observations")
    if document.get("overrides"):
        found.append("overriding rules, where more is asked before work is ordered")
    return tuple(found)


def chatter(history: FaultHistory) -> int:
    """The number of fleeting runs of deviations of a fault in its worst week; `CHATTERING` of them make it chatter.

    A run ends with a gap longer than `FLEETING`.
    """
    times = sorted(event.anomaly.at for event in history.events if event.anomaly.kind == "deviation")
    runs: list[tuple[datetime, datetime]] = []
    for at in times:
        if runs and at - runs[-1][1] <= FLEETING:
            runs[-1] = (runs[-1][0], at)
        else:
            runs.append((at, at))
    begins = [first for first, last in runs if last - first <= FLEETING]
    week = timedelta(days=7)
    return max((sum(first <= other < first + week for other in begins) for first in begins), default=0)


def _thresholds(redraft: Redraft) -> Iterator[Proposal]:
    """Drafts with one number of a comparison changed."""
    for written in redraft.conditions():
        when = written.when
        for comparison in _comparisons(when):
            number = next(part for part in comparison.parts if part.part is Part.NUMBER)
            for other in _moved(number.word):
                changed = when[: number.start] + other + when[number.end :]
                said = f"{when[comparison.start : number.start]}{number.word}".strip()
                words = f"in {written.owner}, {said} becomes {other}"
                yield _proposal(redraft, f"{written.owner} {said}", words, {written.place: changed})


def _cells(redraft: Redraft) -> Iterator[Proposal]:
    """The same in the rows of decision tables."""
    for row in redraft.rows():
        for name, cell in row.cells.items():
            if not isinstance(cell, str) or _is_text(name):
                continue
            for found in _COMPARED.finditer(cell):
                for other in _moved(found[3]):
                    changed = f"{cell[: found.start(3)]}{other}{cell[found.end(3) :]}"
                    said = f"{name} {found[0]}"
                    words = f"in {row.row}, {said} becomes {other}"
                    yield _proposal(redraft, f"{row.row} {said}", words, {(*row.place, name): changed})


def _parameters(redraft: Redraft) -> Iterator[Proposal]:
    for place, whom, name, value in redraft.parameters():
        for other in _moved(repr(value)):
            words = f"parameter {name}{whom} {value} becomes {other}"
            number = float(other) if "." in other else int(other)
            yield _proposal(redraft, f"parameter {name}{whom}", words, {place: number})


def _delays(redraft: Redraft) -> Iterator[Proposal]:
    """Drafts with a longer or shorter delay of a state."""
    for place, state in redraft.states():
        for name in ("on_delay", "off_delay"):
            if name not in state:
                continue
            length = parse_duration(str(state[name]))
            for factor in _DELAYS:
                other = _minutes(length * factor)
                if other != _minutes(length):
                    words = f"{name} of state {state['id']} {state[name]} becomes {other}"
                    yield _proposal(redraft, f"{name} of state {state['id']}", words, {(*place, name): other})


def _required(
    redraft: Redraft, asset_class: str | None, family: str, words: str, condition: str, cell: tuple[str, str]
) -> Iterator[Proposal]:
    """Drafts in which every rule that orders work for a deviation needs more; rows of tables only for all assets."""
    wanted = condition if asset_class is None else f"(asset.class != '{asset_class}' || ({condition}))"
    changed: dict[Place, object] = {
        rule.place: wanted if rule.when == UNCONDITIONAL else f"{_closed(rule.when)} && {wanted}"
        for rule in redraft.rules()
        if rule.orders and condition not in rule.when
    }
    if asset_class is None:
        name, least = cell
        for row in redraft.rows():
            there = row.cells.get(name)
            if row.orders and (there is None or (isinstance(there, str) and least not in there)):
                changed[*row.place, name] = least if there is None else f"{there}, {least}"
    if changed:
        yield _proposal(redraft, family, words, changed)


def _dead_bands(redraft: Redraft, asset_class: str) -> Iterator[Proposal]:
    """Drafts in which the limit below which a deviation is ignored is higher for this class."""
    for rule in redraft.rules():
        when = rule.when
        found = [
            each for each in _comparisons(when) if each.parts[0].word == "anomaly.score" and each.word in ("<", "<=")
        ]
        for comparison in found:
            old = comparison.parts[1].word
            for factor in _BANDS:
                new = _decimal(float(old) * factor)
                wider = f"(anomaly.score {comparison.word} {old} || (asset.class == '{asset_class}' && anomaly.score "
                changed = f"{when[: comparison.start]}{wider}{comparison.word} {new})){when[comparison.end :]}"
                words = f"a dead-band for chattering {asset_class} assets: {rule.owner} up to {new} instead of {old}"
                yield _proposal(redraft, f"dead-band {asset_class}", words, {rule.place: changed})


def _proposal(redraft: Redraft, family: str, words: str, changes: Mapping[Place, object]) -> Proposal:
    return Proposal(family, words, redraft.written(words, changes))


def _comparisons(when: str) -> list[Node]:
    """The comparisons of a name with a number."""
    kinds = [(each, [part.part for part in each.parts]) for each in parse(when).walk() if each.part is Part.COMPARISON]
    return [each for each, parts in kinds if parts == [Part.NAME, Part.NUMBER] and each.word not in ("==", "!=")]


def _moved(number: str) -> list[str]:
    if number.lstrip("-").isdigit():
        return [str(int(number) + step) for step in _STEPS if int(number) + step > 0]
    value = float(number)
    # A share must stay at most 1: 0.9 is a confidence, but twice that is not.
    return [_decimal(value * factor) for factor in _FACTORS if value and (value > 1 or value * factor <= 1)]


def _decimal(value: float) -> str:
    found = f"{value:.4g}"
    if "e" in found:
        # Conditions and cells do not allow exponents.
        found = f"{value:.12f}".rstrip("0").rstrip(".")
    return found if "." in found else f"{found}.0"


def _minutes(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    return f"PT{seconds}S" if seconds % 60 else f"PT{seconds // 60}M"


def _closed(when: str) -> str:
    return f"({when})" if "||" in when else when


def _is_text(name: str) -> bool:
    return name in RULE_VARIABLES and RULE_VARIABLES[name].type == "STRING"
