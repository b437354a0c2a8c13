"""Finds a policy version by a draft's file, a number, or a digest."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from domain.errors import PolicyRejected, Rejected
from millwright.cli.connections import finish, opened, settings_of

if TYPE_CHECKING:
    from millwright.settings import Settings
    from policies.engine.judging import CompiledPolicy

_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_FILE = re.compile(r".*\.ya?ml|.*/.*")


def version_named(context: typer.Context, name: str) -> "CompiledPolicy":
    """A draft's file, or a version by its number or digest: a stored one, a saved draft, or a shipped one.

    The stored one comes first: an installation may have given the number of a later shipped version to its own text.

    Raises:
        PolicyRejected: the text does not compile.
        Rejected: there is no such version.
    """
    from policies.engine.judging import compile_policy

    if _FILE.fullmatch(name):
        return compile_policy(_read(Path(name)), name)
    found, stored = _stored(context, name)
    shipped: list[str] = []
    if found is None:
        found, shipped = _shipped(name)
    if found is None:
        known = dict.fromkeys([*shipped, *stored])
        raise Rejected(
            f"there is no version {name}", field="version", fix=f"there are {', '.join(known)}, or name a file"
        )
    return found


def newest() -> "CompiledPolicy":
    """The highest version that ships with Millwright."""
    from policies.engine.catalogue import Catalogue

    return max(
        Catalogue.published().versions,
        key=lambda published: [int(part) for part in published.document.version.split(".")],
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRejected(f"{path} cannot be read: {error}", field="version") from error


def _matches(name: str, version: str, digest: str) -> bool:
    return version == name or (_DIGEST.fullmatch(name) is not None and digest.startswith(name))


def _shipped(name: str) -> "tuple[CompiledPolicy | None, list[str]]":
    from policies.engine.catalogue import Catalogue

    versions = Catalogue.published().versions
    found = next((version for version in versions if _matches(name, version.document.version, version.digest)), None)
    return found, [version.document.version for version in versions]


def _stored(context: typer.Context, name: str) -> "tuple[CompiledPolicy | None, list[str]]":
    from millwright.runtime.home import installed
    from policies.engine.catalogue import Catalogue

    settings = settings_of(context)
    if not installed(settings):
        return None, []
    rows = finish(_rows(settings))
    match = next((row for row in rows if _matches(name, row[0], row[1])), None)
    found = Catalogue().load(match[2], match[1], file=f"version {match[0]} in storage") if match is not None else None
    return found, [version for version, _, _ in rows]


async def _rows(settings: "Settings") -> list[tuple[str, str, str]]:
    async with opened(settings) as storage:
        versions = [
            (version.version, version.digest, version.document) for version in await storage.versions.versions()
        ]
        return versions + [
            (draft.version, draft.digest, draft.document) for draft in await storage.policies.drafts.drafts()
        ]
