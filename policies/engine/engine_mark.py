"""The engine's own version: the digest of the source of every module that a judgement goes through."""

import ast
import platform
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from domain.canonical import digest, sha256
from domain.engines import EngineMark

_BEGINS_AT = "policies.engine.judging"
_OURS = ("policies", "domain")


@cache
def engine_mark() -> EngineMark:
    """The engine in this process; read once.

    A change of a comment makes another engine, too: `audit verify` then finds that nothing else changed.
    """
    return EngineMark(digest=digest(judging_modules()), build=version("millwright"), python=platform.python_version())


@cache
def judging_modules() -> dict[str, str]:
    """Every module of ours that judging imports, with the SHA-256 of its source."""
    found: dict[str, str] = {}
    waiting = [_BEGINS_AT]
    while waiting:
        name = waiting.pop()
        source = None if name in found else _source(name)
        if source is not None:
            found[name] = sha256(source)
            waiting += _imported(source)
    return dict(sorted(found.items()))


def _imported(source: bytes) -> list[str]:
    """The modules of ours that a source names; a name imported from a package may be one, too."""
    named: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in _OURS:
            named += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return named


def _source(name: str) -> bytes | None:
    """A module's source; None for what is a name within one, or a package without any."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).read_bytes()
