"""Finds the classes of assets that a policy names and no crew of it works on, where it bounds the orders of crews."""

from collections.abc import Iterator

from policies.checks.findings import Finding, Kind
from policies.engine.judging import CompiledPolicy
from policies.language.grammar import Part, parse
from policies.language.text import PolicyText


def crew_findings(policy: CompiledPolicy, source: PolicyText) -> Iterator[Finding]:
    """A finding for the classes in `applies_to` that no crew names: their new orders are not bounded."""
    terms = policy.document.capacity
    if terms is None:
        return
    left = [name for name in _classes(policy.document.applies_to) if terms.crew_of(name) is None]
    if left:
        problem = f"{', '.join(left)}: no crew names these classes, so that their new orders are not bounded"
        complaint = source.rejected(("capacity", "crews"), problem, fix="name each class in a crew, if that is meant")
        yield Finding(Kind.UNBOUNDED, False, (), complaint)


def _classes(condition: str) -> list[str]:
    """The classes that a condition compares the asset's with, in the order of the text."""
    found: dict[str, None] = {}
    for atom in parse(condition).atoms():
        parts = list(atom.walk())
        if atom.word in ("==", "in") and any((each.part, each.word) == (Part.NAME, "asset.class") for each in parts):
            found |= {each.word[1:-1]: None for each in parts if each.part is Part.TEXT}
    return list(found)
