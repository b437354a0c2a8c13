"""Small changes of a policy version that might make it better: each one idea, each a whole draft.

Which of them are worth anything is for the past to say (`millwright.backtesting.suggesting`); nothing is published.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import FoldedScalarString

from domain.verdict import Rung
from policies.backtest import FaultHistory
from policies.grammar import Node, Part, parse

_ORDERING = frozenset(rung.word for rung in Rung if rung.orders)
_FACTORS = (0.75, 0.9, 1.1, 1.25, 1.5, 2.0)
"""By what a threshold with a decimal point is moved."""
_STEPS = (-1, 1, 2)
"""By what a whole number is moved."""
_CODES = "memory.codes >= 1 && memory.codes >= asset.codes"
_DWELLS = (3, 6, 12)
_COUNTS = (3, 6)
_BANDS = (1.25, 1.5)
_FOLD = 100
_BRACES = re.compile(r"^( *[a-z_]+: )\{(.*)\}$", re.MULTILINE)

FLEETING = timedelta(hours=3)
"""A run of deviations no longer than this came and went: nobody could have acted on it."""
CHATTERING = 5
"""As many fleeting runs within a week make a chattering fault (after ISA-18.2 16.5: fleeting and chattering alarms)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft and the one thing in which it differs.

    `family` names the idea, of which several strengths are tried; `words` say it to a planner.
    """

    family: str
    words: str
    text: str


def proposals(text: str, classes: Sequence[str], chattering: Sequence[str]) -> list[Proposal]:
    """Drafts made of a version's text, each with one change, all with the next minor version number.

    Args:
        text: the version's YAML.
        classes: the asset classes of the plant.
        chattering: those with chattering faults, for which a dead-band is proposed.
    """
    made: list[Proposal] = []
    made += _thresholds(text)
    for name in (None, *classes):
        whom = "" if name is None else f" for {name} assets"
        made += _required(text, name, f"codes{whom}", f"require the matching error{whom}", _CODES)
        for hours in _DWELLS:
            words = f"wait until the deviation has lasted {hours} h{whom}"
            made += _required(text, name, f"dwell{whom}", words, f"memory.deviating_minutes >= {hours * 60}.0")
        for count in _COUNTS:
            words = f"ask for {count} deviations within the window{whom}"
            made += _required(text, name, f"count{whom}", words, f"memory.deviations >= {count}")
    for name in chattering:
        made += _dead_bands(text, name)
    return made


def chatter(history: FaultHistory) -> int:
    """How many fleeting runs of deviations a fault had in its worst week; `CHATTERING` of them are too many.

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


def _thresholds(text: str) -> Iterator[Proposal]:
    """Every number of a comparison, and every named parameter, moved a little."""
    document = _load(text)
    for position, rule in enumerate(_rules(document)):
        when = str(rule["when"])
        for comparison in _comparisons(when):
            number = next(part for part in comparison.parts if part.part is Part.NUMBER)
            for other in _moved(number.word):
                changed = when[: number.start] + other + when[number.end :]
                said = f"{when[comparison.start : number.start]}{number.word}".strip()
                words = f"in {rule['id']}, {said} becomes {other}"
                yield _draft(text, f"{rule['id']} {said}", words, {position: changed})
    parameters = document.get("parameters")
    if isinstance(parameters, dict):
        for name, value in parameters.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                for other in _moved(repr(value)):
                    words = f"parameter {name} {value} becomes {other}"
                    yield _draft(text, f"parameter {name}", words, {}, {str(name): other})


def _required(text: str, asset_class: str | None, family: str, words: str, condition: str) -> Iterator[Proposal]:
    """Every rule by which a deviation orders work asks for more."""
    wanted = condition if asset_class is None else f"(asset.class != '{asset_class}' || ({condition}))"
    changed = {
        position: f"{_closed(str(rule['when']))} && {wanted}"
        for position, rule in enumerate(_rules(_load(text)))
        if _orders(rule) and condition not in str(rule["when"])
    }
    if changed:
        yield _draft(text, family, words, changed)


def _dead_bands(text: str, asset_class: str) -> Iterator[Proposal]:
    """What ignores a small deviation ignores a somewhat larger one of this class too."""
    for position, rule in enumerate(_rules(_load(text))):
        when = str(rule["when"])
        found = [
            each for each in _comparisons(when) if each.parts[0].word == "anomaly.score" and each.word in ("<", "<=")
        ]
        for comparison in found:
            old = comparison.parts[1].word
            for factor in _BANDS:
                new = _decimal(float(old) * factor)
                wider = f"(anomaly.score {comparison.word} {old} || (asset.class == '{asset_class}' && anomaly.score "
                changed = f"{when[: comparison.start]}{wider}{comparison.word} {new})){when[comparison.end :]}"
                words = f"a dead-band for chattering {asset_class} assets: {rule['id']} up to {new} instead of {old}"
                yield _draft(text, f"dead-band {asset_class}", words, {position: changed})


def _comparisons(when: str) -> list[Node]:
    """The comparisons of a name with a number."""
    kinds = [(each, [part.part for part in each.parts]) for each in parse(when).walk() if each.part is Part.COMPARISON]
    return [each for each, parts in kinds if parts == [Part.NAME, Part.NUMBER] and each.word not in ("==", "!=")]


def _moved(number: str) -> list[str]:
    if "." not in number:
        return [str(int(number) + step) for step in _STEPS if int(number) + step > 0]
    value = float(number)
    # A share stays one: 0.9 is a confidence, and twice that is none.
    return [_decimal(value * factor) for factor in _FACTORS if value > 1 or value * factor <= 1]


def _decimal(value: float) -> str:
    found = f"{value:.4g}"
    return found if "." in found else f"{found}.0"


def _closed(when: str) -> str:
    return f"({when})" if "||" in when else when


def _orders(rule: dict[str, object]) -> bool:
    then = rule.get("then")
    return isinstance(then, dict) and then.get("rung") in _ORDERING


def _rules(document: dict[str, object]) -> list[dict[str, object]]:
    """The entries of `rules` that have a condition; a table keeps its place."""
    rules = document["rules"]
    return [rule for rule in rules if isinstance(rule, dict) and "when" in rule] if isinstance(rules, list) else []


def _draft(
    text: str,
    family: str,
    words: str,
    conditions: dict[int, str],
    parameters: dict[str, str] | None = None,
) -> Proposal:
    yaml = _yaml()
    document = yaml.load(text)
    version = _next(str(document["version"]))
    document["cases"] = str(document["cases"]).replace(str(document["version"]), version)
    document["version"] = version
    document["title"] = f"Proposed: {words}."
    document["author"] = "millwright policy suggest"
    rules = _rules(document)
    for position, when in conditions.items():
        rules[position]["when"] = FoldedScalarString(when) if len(when) > _FOLD else when
    for name, value in (parameters or {}).items():
        document["parameters"][name] = float(value) if "." in value else int(value)
    written = io.StringIO()
    yaml.dump(document, written)
    # As our own files are written; the library takes the blanks out.
    return Proposal(family, words, _BRACES.sub(r"\1{ \2 }", written.getvalue()))


def _next(version: str) -> str:
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def _load(text: str) -> dict[str, object]:
    loaded: dict[str, object] = _yaml().load(text)
    return loaded


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
