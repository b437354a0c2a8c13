"""What of a workflow a running history depends on, read from its code: the first lock on versioning.

Replay is blind to changed arguments, timeouts, retries and results (measured on temporalio 1.35.0), so they stand
here: wire names, handlers, activities in the order of the source with their options, and every model that crosses.
"""

import ast
import hashlib
import inspect
import json
import textwrap
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

from pydantic import TypeAdapter
from temporalio.common import RawValue, RetryPolicy, SearchAttributeKey

from domain.mes_calls import MesAnswer, MesRequest
from millwright.worker.running import WORKFLOWS

COMMITTED = Path(__file__).parents[2] / "workflows" / "fingerprints.toml"
_CALLS = ("execute_activity", "execute_activity_method", "execute_local_activity_method")
_ENCRYPTED = (MesRequest, MesAnswer)
"""What a workflow passes on without reading it."""
_HANDLERS = ("__temporal_signal_definition", "__temporal_update_definition", "__temporal_query_definition")

Facts = dict[str, list[str]]
Module = Mapping[str, object]
"""What the names in the source of a workflow stand for."""


def fingerprint(workflow: type) -> Facts:
    """All that a history of this workflow depends on, in words that a reviewer can compare."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(workflow)))
    module: Module = vars(inspect.getmodule(workflow))
    run = next(each for _, each in inspect.getmembers(workflow) if hasattr(each, "__temporal_workflow_run"))
    return {
        "input": [_signature(run)],
        "handlers": sorted(_handlers(workflow)),
        "activities": [f"{_activity(node, module)}{_manner(tree, node)}" for node in _references(tree, module)],
        "calls": [_call(node, module) for node in _executions(tree)],
        "waits": [ast.unparse(node.args[0]) for node in _named(tree, "wait_condition")],
        "constants": [f"{name} = {module[name]}" for name in ("PASSES_BEFORE_NEW_HISTORY",) if name in module],
        "search attributes": sorted(
            f"{each.name}: {each.indexed_value_type.name}"
            for each in module.values()
            if isinstance(each, SearchAttributeKey)
        ),
        "models": sorted(set(_models(tree, module, workflow, run))),
    }


def wire_name(workflow: type) -> str:
    """The name by which histories know a workflow."""
    name: str = vars(workflow)["__temporal_workflow_definition"].name
    return name


def digest(facts: Facts) -> str:
    """The SHA-256 of a fingerprint."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def computed() -> dict[str, Facts]:
    """The fingerprints of all workflows as they are now."""
    return {wire_name(workflow): fingerprint(workflow) for workflow in WORKFLOWS}


def committed() -> dict[str, Facts]:
    """The fingerprints as they were last recorded; each carries its own digest."""
    return tomllib.loads(COMMITTED.read_text(encoding="utf-8"))


def as_toml(prints: dict[str, Facts]) -> str:
    """The committed form."""
    lines = [
        "# What running workflows depend on. Written by `python -m tests.replay.record`, compared by tests/replay."
    ]
    for name, facts in prints.items():
        lines += ["", f"[{name}]", f"digest = {json.dumps([digest(facts)])}"]
        for kind, entries in facts.items():
            listed = "".join(f"\n    {json.dumps(entry)}," for entry in entries)
            lines.append(f"{json.dumps(kind)} = [{listed}\n]" if entries else f"{json.dumps(kind)} = []")
    return "\n".join(lines) + "\n"


def without_prose(schema: object) -> object:
    """A JSON schema without titles and descriptions. A property of such a name stays: its value is no text."""
    if isinstance(schema, dict):
        return {
            name: without_prose(value)
            for name, value in schema.items()
            if not (name in ("title", "description") and isinstance(value, str))
        }
    return [without_prose(each) for each in schema] if isinstance(schema, list) else schema


def differences(name: str, before: Facts, now: Facts) -> list[str]:
    """What changed, in words."""
    words = []
    for kind in sorted({*before, *now} - {"digest"}):
        old, new = before.get(kind, []), now.get(kind, [])
        words += [f"{name}: {kind}: gone: {entry}" for entry in old if entry not in new]
        words += [f"{name}: {kind}: new: {entry}" for entry in new if entry not in old]
        if sorted(old) == sorted(new) and old != new:
            words.append(f"{name}: {kind}: in another order: {new}")
    return words


def _signature(function: object) -> str:
    hints = get_type_hints(function)
    arguments = ", ".join(_name(each) for name, each in hints.items() if name != "return")
    return f"({arguments}) -> {_name(hints.get('return'))}"


def _name(each: object) -> str:
    return getattr(each, "__name__", str(each))


def _handlers(workflow: type) -> Iterator[str]:
    for _, member in inspect.getmembers(workflow, callable):
        for marker in _HANDLERS:
            definition = getattr(member, marker, None) or getattr(member, "_defn", None)
            if definition is not None:
                kind = type(definition).__name__.strip("_").removesuffix("Definition").lower()
                yield f"{kind} {definition.name} {_signature(definition.fn)}"
                break


def _named(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
    ]
    yield from sorted(calls, key=lambda node: (node.lineno, node.col_offset))


def _references(tree: ast.AST, module: Module) -> list[ast.Attribute]:
    """Where the source names an activity, in source order."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_activity(_method(node, module))]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _executions(tree: ast.AST) -> Iterator[ast.Call]:
    yield from _named(tree, *_CALLS)


def _method(node: ast.Attribute, module: Module) -> object:
    """What the class of this name has by the name after the dot; None if the module has no such class."""
    owner = module.get(node.value.id) if isinstance(node.value, ast.Name) else None
    return getattr(owner, node.attr, None) if inspect.isclass(owner) else None


def _is_activity(method: object) -> bool:
    return hasattr(method, "__temporal_activity_definition")


def _activity(node: ast.Attribute, module: Module) -> str:
    method = _method(node, module)
    return f"{vars(method)['__temporal_activity_definition'].name} {_signature(method)}"


def _manner(tree: ast.AST, activity: ast.Attribute) -> str:
    """What stands beside an activity where it is handed to a step: where it is carried out."""
    handed = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and activity in node.args)
    others = [ast.unparse(each) for node in handed for each in node.args if each is not activity]
    return "".join(f" {each}" for each in others if each.startswith("Where."))


def _call(node: ast.Call, module: Module) -> str:
    """How an activity is called: where, what, and each option with its value.

    Raises:
        ValueError: the module of the workflow does not say which activity it is, so its models would be left out.
    """
    called = node.args[0]
    if isinstance(called, ast.Attribute) and not _is_activity(_method(called, module)):
        raise ValueError(f"{ast.unparse(called)} is no activity of a class that the workflow's module imports")
    kind = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    options = [f"{keyword.arg}={_value(keyword.value, module)}" for keyword in node.keywords]
    return f"{kind} {ast.unparse(called)}: {', '.join(options)}"


def _value(node: ast.expr, module: Module) -> str:
    if isinstance(node, ast.Call):
        return ast.unparse(node)
    value = module[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, RetryPolicy):
        return (
            f"retry({value.initial_interval.total_seconds():g}s x{value.backoff_coefficient:g} up to "
            f"{value.maximum_interval.total_seconds() if value.maximum_interval else 0:g}s, "
            f"attempts {value.maximum_attempts}, not {list(value.non_retryable_error_types or ())})"
        )
    return repr(value)


def _models(tree: ast.AST, module: Module, workflow: type, run: object) -> Iterator[str]:
    functions: Sequence[object] = [run, *(_method(node, module) for node in _references(tree, module))]
    handlers = [
        definition.fn
        for _, member in inspect.getmembers(workflow, callable)
        for marker in _HANDLERS
        if (definition := getattr(member, marker, None) or getattr(member, "_defn", None)) is not None
    ]
    for function in (*functions, *handlers):
        for name, each in get_type_hints(function).items():
            if name == "return" and each is type(None):
                continue
            for model in _ENCRYPTED if each is RawValue else (each,):
                schema = without_prose(TypeAdapter(model).json_schema())
                yield f"{_name(model)} {json.dumps(schema, sort_keys=True, separators=(',', ':'))}"
