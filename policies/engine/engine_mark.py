"""The engine's own version: the digest of the code and the libraries that judging and timing use."""

import ast
import platform
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from domain.canonical import digest, sha256
from domain.engines import EngineMark

_BEGINS_AT = ("policies.engine.judging", "policies.engine.timing")
_OURS = ("policies", "domain")
_LIBRARIES = ("cel-expr-python", "orjson", "pydantic", "pydantic-core")
"""The libraries that evaluate conditions, and that read and write the judged and digested texts."""


@cache
def engine_mark() -> EngineMark:
    """The mark of the engine in this process; read once. Comments and docstrings do not change it."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return EngineMark(
        digest=digest({"libraries": libraries, "modules": judging_modules()}),
        build=version("millwright"),
        python=platform.python_version(),
        libraries=libraries,
    )


@cache
def judging_modules() -> dict[str, str]:
    """Every module of ours that judging and timing import, with the SHA-256 of its code."""
    found: dict[str, str] = {}
    waiting = [*_BEGINS_AT]
    while waiting:
        name = waiting.pop()
        source = None if name in found else _source(name)
        if source is not None:
            tree = ast.parse(source)
            waiting += _imported(tree)
            found[name] = sha256(code_of(tree).encode())
    return dict(sorted(found.items()))


def code_of(tree: ast.Module) -> str:
    """A module's code in a canonical form, without comments, docstrings and spacing. Removes docstrings from the
    tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return ast.unparse(ast.fix_missing_locations(tree))


def _is_text(part: ast.stmt) -> bool:
    """Whether a statement is only a string: a docstring of a module, class, function or variable."""
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)


def _imported(tree: ast.Module) -> list[str]:
    """The modules of ours that a module names; a name imported from a package may be one, too."""
    named: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in _OURS:
            named += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return named


def _source(name: str) -> bytes | None:
    """A module's source; None for a name within a module, or a package without source."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).read_bytes()
