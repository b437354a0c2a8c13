"""From a policy's text to its document: refused with file, line, column, field and fix, or whole."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.canonical import digest
from domain.model import Model
from domain.verdict import Rung
from policies.schema import (
    APPLIES_TO,
    BAD_QUALITY,
    IDENTIFIER,
    SEMVER,
    UNCONDITIONAL,
    YAML_FILE,
    PolicyDocument,
    Rule,
    TimingRule,
)
from policies.text import Path, PolicyText, TextRejected, read_text, reject_all

_Shape = TypeVar("_Shape", bound=Model)

_PATTERN_FIX = {
    IDENTIFIER: "lower-case words joined by hyphens, such as critical-shift",
    SEMVER: "three numbers such as 1.0.0",
    YAML_FILE: "the name of a .yaml file in the same folder",
}
_TYPE_PROBLEMS: Mapping[str, tuple[str, str | None]] = {
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", None),
    "float_type": ("must be a number", None),
    "model_type": ("must be a mapping of fields", "write its fields one per line, indented"),
    "tuple_type": ("must be a list", "begin each entry with a hyphen"),
    "too_short": ("must not be empty", None),
    "dict_type": ("must be a mapping of fields", "write its fields one per line, indented"),
}


def read_document(text: str, file: str) -> tuple[PolicyDocument, PolicyText]:
    """Reads a policy document and checks all of it but the meaning of its conditions.

    Args:
        text: the YAML.
        file: its name, for complaints.

    Returns:
        The document, and its text for complaints about its conditions.

    Raises:
        TextRejected: it is no YAML, has another shape, or contradicts itself.
    """
    source = read_text(text, file)
    document = shaped(source, PolicyDocument)
    reject_all([*_contradictions(document, source)])
    return document, source


def document_digest(source: PolicyText) -> str:
    """The SHA-256 of the canonical JSON of what the text says.

    Taken over the values as written and not over the model, so that a field added to the schema later leaves the
    digest of every older version as it is. Comments and layout are no part of it.
    """
    return digest(source.data)


def shaped(source: PolicyText, shape: type[_Shape]) -> _Shape:
    """The text's values as a model.

    Raises:
        TextRejected: they do not fit; the first complaint by line, carrying the others.
    """
    if not isinstance(source.data, dict):
        raise source.rejected((), "this is no document with fields", fix="begin with `policy: …`")
    try:
        return shape.model_validate(source.data)
    except ValidationError as error:
        problems = {(problem.line, problem.column, problem.field): problem for problem in _worded(error, source, shape)}
        reject_all(list(problems.values()))
        raise


def _worded(error: ValidationError, source: PolicyText, shape: type[Model]) -> Iterator[TextRejected]:
    details = error.errors(include_url=False)
    for detail in details:
        loc = detail["loc"]
        # pydantic counts only the good entries of a list, so it calls a list of bad ones too short besides.
        if detail["type"] == "too_short" and any(other["loc"][: len(loc)] == loc != other["loc"] for other in details):
            continue
        yield _complaint(detail, source, shape)


def _complaint(detail: ErrorDetails, source: PolicyText, shape: type[Model]) -> TextRejected:
    kind, path, context = detail["type"], _known_path(detail["loc"], source), detail.get("ctx", {})
    if kind == "missing":
        name = str(detail["loc"][-1])
        return source.rejected((*path, name), "is missing", fix=_MISSING_FIX.get(name, f"add `{name}: …`"))
    if kind == "extra_forbidden":
        return source.rejected(path, "is no field here", fix=_nearest(path, shape), key=True)
    if kind in _TYPE_PROBLEMS:
        problem, remedy = _TYPE_PROBLEMS[kind]
        return source.rejected(path, problem, fix=remedy)
    if kind == "string_pattern_mismatch":
        return source.rejected(path, f"cannot be {detail['input']!r}", fix=_PATTERN_FIX[str(context["pattern"])])
    if kind in ("enum", "literal_error"):
        return source.rejected(path, f"cannot be {detail['input']!r}", fix=f"one of {context['expected']}")
    problem = detail["msg"].removeprefix("Input ")
    fix = context.get("fix")
    return source.rejected(path, problem, fix=str(fix) if fix is not None else None)


_MISSING_FIX = {
    "response": "say what a person should do: ISA-18.2 allows no alarm without a response",
    "because": "say in one sentence why the rule decides so",
}


def _known_path(loc: tuple[str | int, ...], source: PolicyText) -> Path:
    # pydantic adds the members of a union to its path; the text knows nothing of them.
    path = tuple(loc)
    while path and path not in source.values and path not in source.keys:
        path = path[:-1]
    return path


def _nearest(path: Path, shape: type[Model]) -> str:
    known = sorted({name for model in _models(shape) for name in model.model_fields})
    found = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"did you mean `{found[0]}`?" if found else "leave it out"


def _models(shape: type[Model]) -> Iterator[type[Model]]:
    """The model and all models within it."""
    yield shape
    for field in shape.model_fields.values():
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, Model):
                yield from _models(inner)


def _contradictions(document: PolicyDocument, source: PolicyText) -> Iterator[TextRejected]:
    yield from _unreachable("rules", document.rules, source)
    yield from _unreachable("timing", document.timing, source)
    if document.quality.on_bad > Rung.INSPECT:
        problem = f"a bad signal cannot lead to {document.quality.on_bad.word}"
        yield source.rejected(("quality", "on_bad"), problem, fix="at most inspect")
    for position, rule in enumerate(document.rules):
        yield from _action_problems(("rules", position), rule, source)


def _action_problems(path: Path, rule: Rule, source: PolicyText) -> Iterator[TextRejected]:
    if rule.id in (APPLIES_TO, BAD_QUALITY):
        yield source.rejected((*path, "id"), f"{rule.id} is a name the engine uses itself", fix="choose another")
    then = rule.then
    if then.rung.orders and then.due_within is None:
        problem = "is missing: work that is ordered has a time by which it is due"
        yield source.rejected((*path, "then", "due_within"), problem, fix="add `due_within: PT24H`")
    if then.rung is Rung.DRAFT and then.review == "none":
        problem = "a draft waits for a planner, so its review cannot be none"
        yield source.rejected((*path, "then", "review"), problem, fix="write `review: planner`")
    if not then.rung.opens_case and then.review != "none":
        problem = f"{then.rung.word} proposes nothing that could be reviewed"
        yield source.rejected((*path, "then", "review"), problem, fix="leave it out")


def _unreachable(field: str, rules: Sequence[Rule | TimingRule], source: PolicyText) -> Iterator[TextRejected]:
    """First match wins: every list ends in a rule that always holds, and no rule stands behind one that hides it."""
    ids: dict[str, int] = {}
    conditions: dict[str, str] = {}
    for position, rule in enumerate(rules):
        path: Path = (field, position)
        if rule.id in ids:
            yield source.rejected((*path, "id"), f"two rules are called {rule.id}", fix="choose another")
        ids[rule.id] = position
        if rule.when in conditions:
            problem = f"can never decide: {conditions[rule.when]} asks the same and comes first"
            yield source.rejected((*path, "when"), problem, fix="remove one of the two")
        elif UNCONDITIONAL in conditions:
            problem = f"can never decide: {conditions[UNCONDITIONAL]} always holds and comes first"
            yield source.rejected((*path, "when"), problem, fix=f"move it before {conditions[UNCONDITIONAL]}")
        conditions.setdefault(rule.when, rule.id)
    if UNCONDITIONAL not in conditions:
        last: Path = (field, len(rules) - 1, "when")
        problem = "the last rule must always hold, so that every anomaly is judged"
        yield source.rejected(last, problem, fix=f"add a last rule with `when: {UNCONDITIONAL}`")
