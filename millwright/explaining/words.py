"""A condition's statements in a planner's words: what a value was, what was asked of it, and by how much it missed."""

import re
from collections.abc import Mapping

from domain.model import Model
from domain.verdict import Comparison
from policies.variables import RULE_VARIABLES

LABELS: Mapping[str, str] = {
    "asset.id": "the asset",
    "asset.class": "the asset's class",
    "asset.criticality": "the asset's criticality",
    "asset.machine": "the machine",
    "asset.line": "the line",
    "asset.codes": "error codes that tell of this failure mode",
    "anomaly.kind": "the kind of evidence",
    "anomaly.failure_mode": "the failure mode",
    "anomaly.detector": "the detector",
    "anomaly.signal": "the signal",
    "anomaly.code": "the error code",
    "anomaly.risk": "the predicted risk",
    "anomaly.quality": "the signal's quality",
    "anomaly.value": "the value",
    "anomaly.baseline": "the baseline",
    "anomaly.score": "the distance from the baseline in standard errors",
    "anomaly.confidence": "the detector's confidence",
    "anomaly.lead_low_hours": "the shortest predicted hours to failure",
    "anomaly.lead_high_hours": "the longest predicted hours to failure",
    "memory.seen": "anomalies seen so far",
    "memory.deviating": "the signal is shifted now",
    "memory.deviations": "deviations in the present run",
    "memory.deviation_age_minutes": "minutes since the last deviation",
    "memory.deviating_minutes": "minutes since the shift began",
    "memory.worst_score": "the largest distance in the present run",
    "memory.codes": "different error codes seen within the window",
    "memory.detectors": "different detectors that saw it within the window",
    "memory.confirming": "different detectors and error codes within the window",
    "memory.risk": "the last known risk",
    "memory.risk_changed": "the predicted risk has changed",
    "memory.risk_minutes": "minutes the risk has been so",
    "memory.order_age_minutes": "minutes since work was last asked for",
}
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
    """One statement of a rule's condition: in words, as written, and whether it held."""

    words: str
    expression: str
    value: str
    held: bool


def worded(comparison: Comparison) -> Tested:
    """A comparison in words. A statement of another shape is quoted as it is written."""
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
