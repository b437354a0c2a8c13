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
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

from pydantic import TypeAdapter
from temporalio.common import RawValue, RetryPolicy, SearchAttributeKey

from activities.holds import Holds
from activities.line_judging import LineJudging
from activities.machine_states import MachineStates
from activities.outcomes import Outcomes
from activities.proposals import Proposals
from activities.routes import Routes
from activities.suspect_lots import LotLists
from activities.walk_downs import WalkDownSteps
from activities.work_orders import WorkOrders
from domain.mes_calls import MesAnswer, MesRequest
from millwright.worker.running import WORKFLOWS

COMMITTED = Path(__file__).parents[2] / "workflows" / "fingerprints.toml"
_OWNERS = {
    each.__name__: each
    for each in (Holds, LineJudging, LotLists, MachineStates, Outcomes, Proposals, Routes, WalkDownSteps, WorkOrders)
}
_CALLS = ("execute_activity", "execute_activity_method", "execute_local_activity_method")
_ENCRYPTED = (MesRequest, MesAnswer)
"""What a workflow passes on without reading it."""
_HANDLERS = ("__temporal_signal_definition", "__temporal_update_definition", "__temporal_query_definition")

Facts = dict[str, list[str]]


def fingerprint(workflow: type) -> Facts:
    """All that a history of this workflow depends on, in words that a reviewer can compare."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(workflow)))
    module = vars(inspect.getmodule(workflow))
    run = next(each for _, each in inspect.getmembers(workflow) if hasattr(each, "__temporal_workflow_run"))
    return {
        "input": [_signature(run)],
        "handlers": sorted(_handlers(workflow)),
        "activities": [f"{_activity(node)}{_manner(tree, node)}" for node in _references(tree)],
        "calls": [_call(node, module) for node in _executions(tree)],
        "waits": [ast.unparse(node.args[0]) for node in _named(tree, "wait_condition")],
        "constants": [f"{name} = {module[name]}" for name in ("PASSES_BEFORE_NEW_HISTORY",) if name in module],
        "search attributes": sorted(
            f"{each.name}: {each.indexed_value_type.name}"
            for each in module.values()
            if isinstance(each, SearchAttributeKey)
        ),
        "models": sorted(set(_models(tree, workflow, run))),
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


def _references(tree: ast.AST) -> list[ast.Attribute]:
    """Where the source names an activity, in source order."""
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _OWNERS
    ]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def _executions(tree: ast.AST) -> Iterator[ast.Call]:
    yield from _named(tree, *_CALLS)


def _method(node: ast.Attribute) -> object:
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    return getattr(_OWNERS[owner], node.attr)


def _activity(node: ast.Attribute) -> str:
    method = _method(node)
    return f"{vars(method)['__temporal_activity_definition'].name} {_signature(method)}"


def _manner(tree: ast.AST, activity: ast.Attribute) -> str:
    """What stands beside an activity where it is handed to a step: where it is carried out."""
    handed = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and activity in node.args)
    others = [ast.unparse(each) for node in handed for each in node.args if each is not activity]
    return "".join(f" {each}" for each in others if each.startswith("Where."))


def _call(node: ast.Call, module: dict[str, object]) -> str:
    """How an activity is called: where, what, and each option with its value."""
    kind = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    options = [f"{keyword.arg}={_value(keyword.value, module)}" for keyword in node.keywords]
    return f"{kind} {ast.unparse(node.args[0])}: {', '.join(options)}"


def _value(node: ast.expr, module: dict[str, object]) -> str:
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


def _models(tree: ast.AST, workflow: type, run: object) -> Iterator[str]:
    functions: Sequence[object] = [run, *(_method(node) for node in _references(tree))]
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
