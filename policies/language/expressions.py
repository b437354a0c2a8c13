"""Conditions compiled by Google's CEL, with declared names and types.

A condition is refused at load time if it is outside the language (`policies.language.grammar`), or uses a name that
does not exist, a word that its enumeration does not have, or types that do not fit. Evaluation never raises. After an
error (an integer overflow, a division by zero, a text without a UTF-8 form) the condition is false, and the explanation
has the error.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cel_expr_python import cel

from policies.language.grammar import WRITTEN, Bounds, ConditionRejected, Node, Part, parse
from policies.language.variables import Value, Variable

CHUNK = 12
"""Maximum number of conditions in one native call. CEL's parser allows a recursion of 32, including nesting within
them."""

_ORDERINGS = ("<", "<=", ">", ">=")
_CEL_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_TOO_DEEP = "max recursion depth"
_NO_OVERLOAD = re.compile(r"found no matching overload for '(.*?)' applied to '\((.*?)\)'")


@dataclass(frozen=True)
class Condition:
    """A checked condition: its text, its parts and the names that it uses."""

    text: str
    node: Node
    names: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """The result of a condition: whether it is true, or the error of its evaluation (then it is false)."""

    held: bool
    error: str | None = None


class Environment:
    """The names that conditions of one kind may use."""

    def __init__(self, variables: Mapping[str, Variable]) -> None:
        self._variables = variables
        self._env = cel.NewEnv(variables={name: getattr(cel.Type, item.type) for name, item in variables.items()})

    def condition(self, text: str, bounds: Bounds = WRITTEN) -> Condition:
        """A condition checked against this environment.

        Raises:
            ConditionRejected: it is outside the language, uses an unknown name, or its types do not fit.
        """
        node = parse(text, bounds)
        for part in node.walk():
            self._check_name(part)
            self._check_comparison(part)
        compiled = self._compile(text)
        if compiled.return_type() != cel.Type.BOOL:
            raise ConditionRejected("is neither true nor false", offset=0, fix="compare it with something")
        return Condition(text, node, frozenset(part.word for part in node.walk() if part.part is Part.NAME))

    def compiled(self, text: str) -> "cel.Expression":
        """A text that is known to compile, for evaluation."""
        return self._env.compile(text)

    def activation(self, values: Mapping[str, Value]) -> "cel.Activation":
        """Values in the form that conditions are evaluated with."""
        return self._env.Activation(values)

    def _check_name(self, part: Node) -> None:
        if part.part is Part.NAME and part.word not in self._variables:
            near = difflib.get_close_matches(part.word, self._variables, n=1, cutoff=0.5)
            kinds = dict.fromkeys(f"{name.split('.')[0]}.…" for name in self._variables)
            fix = f"did you mean {near[0]}?" if near else f"names here are {', '.join(kinds)}"
            raise ConditionRejected(f"{part.word} does not exist here", offset=part.start, fix=fix)

    def _check_comparison(self, part: Node) -> None:
        if part.part is not Part.COMPARISON:
            return
        left, right = part.parts
        if part.word in _ORDERINGS and (self._is_text(left) or self._is_text(right)):
            # CEL would compare alphabetically: "" is before "A", and "draft" before "watch".
            raise ConditionRejected(f"{part.word} does not order texts", offset=part.start, fix="use == or in [...]")
        for named, literal in ((left, right), (right, left)):
            self._check_words(named, literal)

    def _check_words(self, named: Node, literal: Node) -> None:
        variable = self._variables.get(named.word) if named.part is Part.NAME else None
        if variable is None or not variable.words:
            return
        for part in literal.parts if literal.part is Part.LIST else (literal,):
            if part.part is Part.TEXT and part.word[1:-1] not in variable.words:
                known = ", ".join(repr(word) for word in variable.words)
                raise ConditionRejected(f"{named.word} is never {part.word}", offset=part.start, fix=f"one of {known}")

    def _is_text(self, part: Node) -> bool:
        variable = self._variables.get(part.word) if part.part is Part.NAME else None
        return part.part is Part.TEXT or (variable is not None and variable.type == "STRING")

    def _compile(self, text: str) -> "cel.Expression":
        try:
            return self._env.compile(text)
        except RuntimeError as error:
            raise _worded(str(error), text) from error


def _worded(message: str, text: str) -> ConditionRejected:
    if _TOO_DEEP in message:
        return ConditionRejected("is nested too deeply", offset=0, fix="split the rule")
    found = _CEL_ERROR.search(message)
    if found is None:
        return ConditionRejected(message.splitlines()[0], offset=0)
    line, column, problem = int(found[1]), int(found[2]), found[3].removesuffix(" [INVALID_ARGUMENT]")
    offset = sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column - 1
    overload = _NO_OVERLOAD.match(problem)
    if overload is None:
        return ConditionRejected(problem, offset=offset)
    operator, types = overload[1].strip("_!").replace("@", "") or overload[1], overload[2]
    fix = "write the whole number with a decimal point, 1.0" if {"int", "double"} <= set(types.split(", ")) else None
    return ConditionRejected(f"{operator} cannot take {types.replace(', ', ' and ')}", offset=offset, fix=fix)


class Chain:
    """Conditions of which the first true one decides; the last is always true.

    They are compiled into few large expressions, so that one native call evaluates many. If one of them has an error,
    they are evaluated one by one. The result is the same: the condition with the error is false.
    """

    def __init__(self, environment: Environment, conditions: Sequence[Condition]) -> None:
        self.conditions = tuple(conditions)
        self.names = tuple(sorted(frozenset[str]().union(*(condition.names for condition in conditions))))
        self._environment = environment
        self._singles = tuple(environment.compiled(condition.text) for condition in conditions)
        self._chunks = tuple(_chunks(environment, conditions))
        self._parts: dict[str, cel.Expression] = {}

    def first(self, values: Mapping[str, Value]) -> int:
        """The position of the first true condition."""
        if not self._chunks:
            return self.first_of_each(values)
        try:
            activation = self._environment.activation(values)
            for chunk in self._chunks:
                position = chunk.eval(activation).value()
                if not isinstance(position, int):
                    return self.first_of_each(values)
                if position >= 0:
                    return position
        except RuntimeError:
            return self.first_of_each(values)
        return len(self.conditions) - 1

    def first_of_each(self, values: Mapping[str, Value]) -> int:
        """The same, evaluating one condition after another."""
        last = len(self.conditions) - 1
        return next((position for position in range(last) if self.answer(position, values).held), last)

    def answer(self, position: int, values: Mapping[str, Value]) -> Answer:
        """The result of one condition."""
        return _answer(self._environment, self._singles[position], values)

    def atoms(self, position: int, values: Mapping[str, Value]) -> Iterator[tuple[Node, Answer]]:
        """The statements within one condition, each with its result."""
        condition = self.conditions[position]
        for atom in condition.node.atoms():
            yield atom, _answer(self._environment, self._part(position, atom), values)

    def holds(self, position: int, part: Node, values: Mapping[str, Value]) -> bool:
        """Whether a part of one condition is true."""
        return _answer(self._environment, self._part(position, part), values).held

    def value(self, position: int, part: Node, values: Mapping[str, Value]) -> object:
        """The value of a part of one condition, or its error."""
        try:
            return self._part(position, part).eval(self._environment.activation(values)).value()
        except RuntimeError as error:
            return error

    def _part(self, position: int, part: Node) -> "cel.Expression":
        text = self.conditions[position].text[part.start : part.end]
        known = self._parts.get(text)
        if known is None:
            known = self._parts[text] = self._environment.compiled(text)
        return known


def _answer(environment: Environment, compiled: "cel.Expression", values: Mapping[str, Value]) -> Answer:
    try:
        given = compiled.eval(environment.activation(values)).value()
    except RuntimeError as error:
        # The binding raises this for a value that CEL cannot represent, such as a text with a lone surrogate.
        return Answer(False, str(error))
    return Answer(given) if isinstance(given, bool) else Answer(False, str(given))


def _chunks(environment: Environment, conditions: Sequence[Condition]) -> Sequence["cel.Expression"]:
    """The conditions in few large expressions; none if they are nested too deeply to be compiled together."""
    try:
        return [environment.compiled(text) for text in _chained(conditions)]
    except RuntimeError:
        return []


def _chained(conditions: Sequence[Condition]) -> Iterator[str]:
    for begin in range(0, len(conditions), CHUNK):
        part = conditions[begin : begin + CHUNK]
        yield " : ".join(f"({each.text}) ? {begin + position}" for position, each in enumerate(part)) + " : -1"
