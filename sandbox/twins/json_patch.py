"""JSON Patch (RFC 6902) as the twin service takes it: add, replace and remove.

`add` sets a value whether or not there is one; `replace` and `remove` of what is not there are refused, so a client
that does not know whether a property was ever set must `add` (MicrosoftDocs/azure-docs issue 79990). Elements of an
array cannot be addressed: an array is replaced whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sandbox.twins.document import JsonObject, JsonValue
from sandbox.twins.errors import ServiceError

Kind = Literal["add", "replace", "remove"]
_KINDS: Final[dict[JsonValue, Kind]] = {"add": "add", "replace": "replace", "remove": "remove"}


@dataclass(frozen=True)
class Operation:
    """One step of a patch; `path` is already split and unescaped, `value` is None for a removal."""

    kind: Kind
    path: tuple[str, ...]
    value: JsonValue = None

    @property
    def pointer(self) -> str:
        """The path as a JSON Pointer (RFC 6901)."""
        return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in self.path)

    def body(self, prefix: str = "") -> JsonObject:
        """The step as events carry it, below `prefix` (a component's pointer)."""
        step: JsonObject = {"op": self.kind, "path": prefix + self.pointer}
        return step if self.kind == "remove" else {"value": self.value, **step}


def read_patch(steps: Sequence[JsonValue]) -> list[Operation]:
    """Raises ServiceError JsonPatchInvalid for a step of the wrong form."""
    if not steps:
        raise ServiceError("JsonPatchInvalid", "The patch has no operations.")
    return [_read_step(step) for step in steps]


def apply_patch(document: JsonObject, patch: Sequence[Operation]) -> JsonObject:
    """A new document with all steps done in order.

    Raises:
        ServiceError: JsonPatchInvalid, a step meets nothing at its path.
    """
    for operation in patch:
        document = _apply(document, operation, operation.path)
    return document


def difference(before: JsonObject, after: JsonObject) -> list[Operation]:
    """The steps from one document to another, on their top level; names that begin with `$` are left out."""
    steps: list[Operation] = []
    for name in {**before, **after}:
        if name.startswith("$"):
            continue
        if name not in after:
            steps.append(Operation("remove", (name,)))
        elif name not in before:
            steps.append(Operation("add", (name,), after[name]))
        elif before[name] != after[name]:
            steps.append(Operation("replace", (name,), after[name]))
    return steps


def _read_step(step: JsonValue) -> Operation:
    if not isinstance(step, dict):
        raise ServiceError("JsonPatchInvalid", "Every operation of a patch must be an object.")
    kind, path = step.get("op"), step.get("path")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ServiceError("JsonPatchInvalid", f"The operation {kind!r} is not supported; use add, replace or remove.")
    if not isinstance(path, str) or not path.startswith("/") or path == "/":
        raise ServiceError("JsonPatchInvalid", f"The path {path!r} is not a pointer to a property.")
    if kind != "remove" and "value" not in step:
        raise ServiceError("JsonPatchInvalid", f"The operation on {path} has no value.")
    parts = tuple(part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/"))
    return Operation(_KINDS[kind], parts, step.get("value") if kind != "remove" else None)


def _apply(document: JsonObject, operation: Operation, path: tuple[str, ...]) -> JsonObject:
    name, *rest = path
    if rest:
        inner = document.get(name)
        if not isinstance(inner, dict):
            raise ServiceError("JsonPatchInvalid", f"There is no object for {operation.pointer} to stand in.")
        return {**document, name: _apply(inner, operation, tuple(rest))}
    if operation.kind != "add" and name not in document:
        raise ServiceError("JsonPatchInvalid", f"There is no value at {operation.pointer} to {operation.kind}.")
    if operation.kind == "remove":
        return {key: value for key, value in document.items() if key != name}
    return {**document, name: operation.value}
