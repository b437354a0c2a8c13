"""Finds contradictions in the prices of a document, each with its place."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from policies.language.price_terms import MOST, PriceTerms
from policies.language.schema import PolicyDocument, TimingWord
from policies.language.text import Path, PolicyText, TextRejected

_OF_ONE = "stretches_life"


def price_problems(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    """All of them, in no order."""
    asking = [place for place, rule in enumerate(document.timing) if rule.urgency is TimingWord.LEAST_COST]
    terms = document.prices
    if terms is None:
        for place in asking:
            problem = "the least cost cannot be found without prices"
            yield source.rejected(("timing", place, "urgency"), problem, fix="add `prices`, or write another urgency")
        return
    if not asking:
        fix = "write `urgency: least_cost` in a timing rule, or leave `prices` out"
        yield source.rejected(("prices",), "no timing rule asks for the least cost", fix=fix, key=True)
    if terms.lead_time.shortest > terms.lead_time.longest:
        yield source.rejected(("prices", "lead_time", "shortest"), "is longer than the longest", fix="exchange the two")
    regular = terms.crew.regular
    if regular is not None and regular not in {calendar.id for calendar in document.calendars}:
        known = ", ".join(calendar.id for calendar in document.calendars) or "none"
        problem = f"no calendar is called {regular}"
        yield source.rejected(("prices", "crew", "regular"), problem, fix=f"there are {known}")
    yield from _amount_problems(document, terms, source)


def _amount_problems(document: PolicyDocument, terms: PriceTerms, source: PolicyText) -> Iterator[TextRejected]:
    for name, amount in terms.amounts().items():
        path: Path = ("prices", *name)
        least = Decimal(1) if name[-1] == _OF_ONE else None
        for value in _values(document, amount):
            if value is None:
                problem = f"no parameter is called {str(amount).removeprefix('param.')}"
                yield source.rejected(path, problem, fix=f"there are {', '.join(document.parameters) or 'none'}")
            elif (exact := _exact(value)) is None or not 0 <= exact <= MOST:
                problem = f"{amount} may be {value!r}, which is no amount"
                yield source.rejected(path, problem, fix="give the parameter a number that is not negative")
            elif least is not None and exact <= least:
                problem = "must be more than 1: a machine that runs derated lives longer"
                yield source.rejected(path, problem, fix="write by how much, such as 2")


def _values(document: PolicyDocument, amount: Decimal | str) -> list[object]:
    """Each value that an amount may have; None for a parameter that does not exist."""
    if isinstance(amount, Decimal):
        return [amount]
    name = amount.removeprefix("param.")
    overridden = [each.parameters[name] for each in document.overrides if name in each.parameters]
    return [document.parameters.get(name), *overridden]


def _exact(value: object) -> Decimal | None:
    """A value as an exact number; None if it is none."""
    try:
        exact = Decimal(str(value)) if not isinstance(value, bool) else None
    except InvalidOperation:
        return None
    return exact if exact is not None and exact.is_finite() else None
