"""Reads a policy's text into its document. An error has file, line, column, field and correction."""

import difflib
from collections.abc import Iterator, Mapping
from typing import TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.canonical import digest
from domain.model import Model
from policies.language.contradictions import contradictions
from policies.language.fields import IDENTIFIER, MACHINE, NAME, NAME_EACH_MACHINE, SEMVER, YAML_FILE
from policies.language.price_terms import CURRENCY
from policies.language.schema import PolicyDocument
from policies.language.text import Path, PolicyText, TextRejected, read_text, reject_all

_Shape = TypeVar("_Shape", bound=Model)

_PATTERN_FIX = {
    NAME: "a lower-case word without hyphens, such as bearing_limit",
    IDENTIFIER: "lower-case words joined by hyphens, such as critical-shift",
    SEMVER: "three numbers such as 1.0.0",
    YAML_FILE: "the name of a .yaml file in the same folder",
    MACHINE: NAME_EACH_MACHINE,
    CURRENCY: "the three capital letters of ISO 4217, such as EUR",
}
_TYPE_PROBLEMS: Mapping[str, tuple[str, str | None]] = {
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", None),
    "float_type": ("must be a number", None),
    "bool_type": ("must be true or false", None),
    "model_type": ("must be a mapping of fields", "write its fields one per line, indented"),
    "tuple_type": ("must be a list", "begin each entry with a hyphen"),
    "too_short": ("must not be empty", None),
    "dict_type": ("must be a mapping of fields", "write its fields one per line, indented"),
}


def read_document(text: str, file: str) -> tuple[PolicyDocument, PolicyText]:
    """Reads a policy document and checks everything except the meaning of its conditions.

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
    reject_all([*contradictions(document, source)])
    return document, source


def document_digest(source: PolicyText) -> str:
    """The SHA-256 of the canonical JSON of the text's values.

    It is computed over the values as written and not over the model, so that a field that is added to the schema later
    does not change the digests of older versions. Comments and layout do not change it.
    """
    return digest(source.data)


def shaped(source: PolicyText, shape: type[_Shape]) -> _Shape:
    """The text's values as a model.

    Raises:
        TextRejected: they do not fit; the first complaint by line, with the others attached.
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
        # pydantic counts only the valid entries of a list, so it also reports a list of invalid ones as too short.
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
    # pydantic adds the members of a union to its path, and a mark for a key. The text's paths have neither.
    path: Path = ()
    for part in loc:
        if (*path, part) in source.values or (*path, part) in source.keys:
            path = (*path, part)
    return path


def _nearest(path: Path, shape: type[Model]) -> str:
    known = sorted({field.alias or name for model in _models(shape) for name, field in model.model_fields.items()})
    if path[-1] in known:
        return "it belongs to another part of the document: move it there, or leave it out"
    found = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"did you mean `{found[0]}`?" if found else "leave it out"


def _models(shape: type[Model]) -> Iterator[type[Model]]:
    """The model and all models within it."""
    yield shape
    for field in shape.model_fields.values():
        for inner in _types(field.annotation):
            if isinstance(inner, type) and issubclass(inner, Model):
                yield from _models(inner)


def _types(annotation: object) -> Iterator[object]:
    """All types within an annotation, at every depth."""
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)
