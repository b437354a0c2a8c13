"""Translates conditions to terms of a solver (SMT-LIB), with the engine's semantics, including errors.

Doubles are IEEE 754 binary64 in both, so that rounding, infinity and NaN in arithmetic are the engine's own. Whole
numbers are mathematical and an overflow of 64 bits is an error, as are a division by zero and any operation on
an error; `&&` and `||` ignore an error that does not matter (the CEL specification, "Logical operators"). A condition
with an error is false.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import z3

from domain.errors import PolicyRejected
from policies.language.expressions import Condition
from policies.language.grammar import Node, Part
from policies.language.variables import Value, Variable

DOUBLE = z3.Float64()
_NEAREST = z3.RNE()
_SORTS = {"STRING": z3.StringSort(), "BOOL": z3.BoolSort(), "INT": z3.IntSort(), "DOUBLE": DOUBLE}
_LEAST, _MOST = -(2**63), 2**63 - 1
_LAST_CHARACTER = 0x2FFFF
"""The last character of SMT-LIB's texts (https://smt-lib.org/theories-UnicodeStrings.shtml)."""
_NO = z3.BoolVal(False)


class NotTranslated(PolicyRejected):
    """A part of a condition cannot be translated. Nothing is claimed about its decisions."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(f"`{text}` cannot be translated: {why}")
        self.text = text


@dataclass(frozen=True)
class Term:
    """A part of a condition: its value, and the term for its error."""

    value: "z3.ExprRef"
    error: "z3.BoolRef" = _NO

    @property
    def holds(self) -> "z3.BoolRef":
        """For a boolean: that it is true and has no error."""
        return z3.And(self.value, z3.Not(self.error))

    @property
    def fails(self) -> "z3.BoolRef":
        """For a boolean: that it is false and has no error."""
        return z3.And(z3.Not(self.value), z3.Not(self.error))


def constant(name: str, variable: Variable) -> "z3.ExprRef":
    """A free term of a variable's type."""
    return z3.Const(name, _SORTS[variable.type])


def literal(value: Value) -> "z3.ExprRef":
    """A value as a term.

    Raises:
        NotTranslated: a text has a character that the solver's texts cannot have.
    """
    if isinstance(value, bool):
        return z3.BoolVal(value)
    if isinstance(value, int):
        return z3.IntVal(value)
    if isinstance(value, float):
        return z3.FPVal(value, DOUBLE)
    if any(ord(each) > _LAST_CHARACTER for each in value):
        raise NotTranslated(value, "it has a character beyond U+2FFFF")
    return z3.StringVal("".join(each if " " <= each < "\x7f" and each != "\\" else _escaped(each) for each in value))


def _escaped(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"


class Translation:
    """Translates the conditions of one situation.

    Args:
        values: the term of each name.
    """

    def __init__(self, values: Mapping[str, "z3.ExprRef"]) -> None:
        self._values = values

    def condition(self, condition: Condition) -> "z3.BoolRef":
        """The term that a condition is true.

        Raises:
            NotTranslated: a part of it cannot be translated.
        """
        return _Conditional(condition.text, self._values).term(condition.node).holds

    def stated(self, condition: Condition) -> Term:
        """A condition with separate terms for its value and its error."""
        return _Conditional(condition.text, self._values).term(condition.node)


class _Conditional:
    def __init__(self, text: str, values: Mapping[str, "z3.ExprRef"]) -> None:
        self._text = text
        self._values = values

    def term(self, node: Node) -> Term:
        match node.part:
            case Part.ANY | Part.ALL:
                return self._joined(node)
            case Part.NOT:
                inner = self.term(node.parts[0])
                return Term(z3.Not(inner.value), inner.error)
            case Part.COMPARISON:
                return self._contained(node) if node.word == "in" else self._compared(node)
            case Part.ARITHMETIC:
                return self._sign(node) if len(node.parts) == 1 else self._calculated(node)
            case Part.CALL:
                return self._called(node)
            case Part.NAME:
                return self._named(node)
            case Part.LIST:
                raise self._untranslated(node, "a list stands only behind `in`")
        return Term(_literal(node))

    def _named(self, node: Node) -> Term:
        if node.word not in self._values:
            raise self._untranslated(node, "nothing is known of this name here")
        return Term(self._values[node.word])

    def _joined(self, node: Node) -> Term:
        terms = [self.term(part) for part in node.parts]
        wrong = z3.Or([term.error for term in terms])
        if node.part is Part.ALL:
            settled = z3.Or([term.fails for term in terms])
            return Term(z3.And([term.value for term in terms]), z3.And(wrong, z3.Not(settled)))
        settled = z3.Or([term.holds for term in terms])
        # If one side is an error and the other decides, the value must be that of the deciding side.
        return Term(settled, z3.And(wrong, z3.Not(settled)))

    def _compared(self, node: Node) -> Term:
        left, right = (self.term(part) for part in node.parts)
        self._alike(node, left, right)
        return Term(self._relation(node, left.value, right.value), z3.Or(left.error, right.error))

    def _relation(self, node: Node, left: "z3.ExprRef", right: "z3.ExprRef") -> "z3.BoolRef":
        if left.sort() == DOUBLE:
            return _OF_DOUBLES[node.word](left, right)
        if node.word in ("==", "!="):
            return left == right if node.word == "==" else left != right
        if left.sort() == z3.IntSort():
            return _OF_INTEGERS[node.word](left, right)
        raise self._untranslated(node, f"{node.word} of these is not translated")

    def _contained(self, node: Node) -> Term:
        left, listed = self.term(node.parts[0]), node.parts[1]
        if listed.part is not Part.LIST:
            raise self._untranslated(node, "what follows `in` must be a list written out")
        members = [self.term(part) for part in listed.parts]
        for member in members:
            self._alike(node, left, member)
        equal = z3.fpEQ if left.value.sort() == DOUBLE else _equal
        found = z3.Or([equal(left.value, member.value) for member in members]) if members else _NO
        return Term(found, z3.Or([left.error, *(member.error for member in members)]))

    def _sign(self, node: Node) -> Term:
        inner = node.parts[0]
        if inner.part is Part.NUMBER and "." not in inner.word:
            return Term(z3.IntVal(-int(inner.word)))
        term = self.term(inner)
        if term.value.sort() == DOUBLE:
            return Term(z3.fpNeg(term.value), term.error)
        return _in_bounds(-term.value, term.error)

    def _calculated(self, node: Node) -> Term:
        left, right = (self.term(part) for part in node.parts)
        self._alike(node, left, right)
        wrong = z3.Or(left.error, right.error)
        sort = left.value.sort()
        if sort == DOUBLE:
            return Term(_DOUBLES[node.word](_NEAREST, left.value, right.value), wrong)
        if sort == z3.StringSort() and node.word == "+":
            return Term(z3.Concat(left.value, right.value), wrong)
        if sort != z3.IntSort():
            raise self._untranslated(node, f"{node.word} of these is not translated")
        if node.word == "/":
            return _in_bounds(_quotient(left.value, right.value), z3.Or(wrong, right.value == 0))
        return _in_bounds(_INTEGERS[node.word](left.value, right.value), wrong)

    def _called(self, node: Node) -> Term:
        terms = [self.term(part) for part in node.parts]
        wrong = z3.Or([term.error for term in terms])
        if node.word == "double" and len(terms) == 1:
            value = terms[0].value
            if value.sort() == DOUBLE:
                return terms[0]
            if value.sort() == z3.IntSort():
                return Term(z3.fpRealToFP(_NEAREST, z3.ToReal(value), DOUBLE), wrong)
            raise self._untranslated(node, "a text that is read as a number is not translated")
        return Term(_METHODS[node.word](terms[0].value, terms[1].value), wrong)

    def _alike(self, node: Node, left: Term, right: Term) -> None:
        if left.value.sort() != right.value.sort():
            raise self._untranslated(node, "it mixes types")

    def _untranslated(self, node: Node, why: str) -> NotTranslated:
        return NotTranslated(self._text[node.start : node.end], why)


def _literal(node: Node) -> "z3.ExprRef":
    if node.part is Part.TRUTH:
        return z3.BoolVal(node.word == "true")
    if node.part is Part.TEXT:
        return literal(node.word[1:-1])
    return literal(float(node.word) if "." in node.word else int(node.word))


def _equal(left: "z3.ExprRef", right: "z3.ExprRef") -> "z3.BoolRef":
    return left == right


def _in_bounds(value: "z3.ArithRef", error: "z3.BoolRef") -> Term:
    return Term(value, z3.Or(error, value < _LEAST, value > _MOST))


def _quotient(left: "z3.ArithRef", right: "z3.ArithRef") -> "z3.ArithRef":
    """Division towards zero, as in CEL; SMT-LIB's own division depends on the sign of the divisor."""
    size = z3.If(left < 0, -left, left) / z3.If(right < 0, -right, right)
    return z3.If((left < 0) == (right < 0), size, -size)


_OF_DOUBLES: Mapping[str, Callable[..., "z3.BoolRef"]] = {
    "==": z3.fpEQ,
    "!=": z3.fpNEQ,
    "<": z3.fpLT,
    "<=": z3.fpLEQ,
    ">": z3.fpGT,
    ">=": z3.fpGEQ,
}
_OF_INTEGERS: Mapping[str, Callable[..., "z3.BoolRef"]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_DOUBLES: Mapping[str, Callable[..., "z3.ExprRef"]] = {"+": z3.fpAdd, "-": z3.fpSub, "*": z3.fpMul, "/": z3.fpDiv}
_INTEGERS: Mapping[str, Callable[..., "z3.ArithRef"]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
}
_METHODS: Mapping[str, Callable[..., "z3.BoolRef"]] = {
    "startsWith": lambda text, part: z3.PrefixOf(part, text),
    "endsWith": lambda text, part: z3.SuffixOf(part, text),
    "contains": z3.Contains,
}
