"""The revisions that this build knows, read from its migrations without loading what runs them.

Every process asks for them at its start, and the library that runs migrations weighs eight megabytes.
"""

import ast
from functools import cache
from pathlib import Path

_VERSIONS = Path(__file__).resolve().parents[3] / "migrations" / "versions"


@cache
def lineage() -> tuple[str, ...]:
    """Every revision that this build knows, its own first."""
    after: dict[object, str] = {}
    for file in sorted(_VERSIONS.glob("*.py")):
        said = _constants(file)
        after[said["down_revision"]] = str(said["revision"])
    found: list[str] = []
    newest = after.get(None)
    while newest is not None:
        found.append(newest)
        newest = after.get(newest)
    return tuple(reversed(found))


def head() -> str:
    """The revision of this build."""
    return lineage()[0]


def _constants(file: Path) -> dict[str, object]:
    """The values that a migration gives to names of its own, where they are plain."""
    found: dict[str, object] = {}
    for statement in ast.parse(file.read_text()).body:
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        elif isinstance(statement, ast.Assign):
            targets = [target for target in statement.targets if isinstance(target, ast.Name)]
        else:
            continue
        if isinstance(statement.value, ast.Constant):
            found |= {target.id: statement.value.value for target in targets if isinstance(target, ast.Name)}
    return found
