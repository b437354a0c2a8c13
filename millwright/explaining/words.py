"""A condition's statements in a planner's words: the value, its limit, and the difference."""

import re

from domain.model import Model
from domain.verdict import Comparison
from policies.language.display_names import LABELS
from policies.language.variables import RULE_VARIABLES

_ASKED = {
    ">=": "at least ",
    ">": "more than ",
    "<=": "at most ",
    "<": "less than ",
    "==": "",
    "!=": "anything but ",
    "in": "one of ",
}
_STATEMENT = re.compile(r"([\w.]+)\s*(==|!=|>=|<=|>|<|\bin\b)\s*(.+)", re.DOTALL)


class Tested(Model):
    """One statement of a rule's condition: in words, as written, and whether it was true."""

    words: str
    expression: str
    value: str
    held: bool


def worded(comparison: Comparison) -> Tested:
    """A comparison in words. A statement of another form is quoted as written."""
    return Tested(
        words=_words(comparison), expression=comparison.expression, value=comparison.value, held=comparison.held
    )


def _words(comparison: Comparison) -> str:
    name = comparison.expression.strip()
    if name in RULE_VARIABLES:
        return f"{LABELS[name]}: {'yes' if comparison.value == 'true' else 'no'}"
    found = _STATEMENT.fullmatch(name)
    if found is None or found[1] not in RULE_VARIABLES:
        return f"{name} with {comparison.value}"
    left, operator, right = found[1], found[2], found[3].strip()
    value, _, other = comparison.value.partition(" against ")
    if right in RULE_VARIABLES:
        right = f"{other} ({LABELS[right]})"
    asked = f"{_ASKED[operator]}{_plain(right)}"
    if comparison.held:
        return f"{LABELS[left]} is {value}, as asked" + ("" if operator == "==" else f": {asked}")
    return f"{LABELS[left]} is {value}, asked is {asked}{_missed_by(value, other or right)}"


def _plain(literal: str) -> str:
    return literal.replace("'", "").replace('"', "").strip("[]")


def _missed_by(value: str, threshold: str) -> str:
    try:
        distance = abs(float(threshold) - float(value))
    except ValueError:
        return ""
    return f" (by {distance:.3g})" if distance else ""
