"""Finds the version that a command names: a stored one by number or digest, a draft by file."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from domain.errors import Rejected
from millwright.storage.policies.versions import StoredVersion
from millwright.storage.reporting.history import History
from policies.engine.judging import CompiledPolicy, compile_policy


def named_version(name: str, stored: Sequence[StoredVersion]) -> CompiledPolicy:
    """A version by its number, digest or file; a file is read as an unpublished draft.

    Raises:
        PolicyRejected: it does not compile, or is not the published text.
        Rejected: there is neither such a version nor such a file.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        try:
            return compile_policy(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise Rejected(f"{path} cannot be read: {error}", field="version", fix="name a policy document") from error
    found = [
        version for version in stored if version.version == name or (len(name) >= 8 and version.digest.startswith(name))
    ]
    if not found:
        known = ", ".join(version.version for version in stored) or "none"
        raise Rejected(f"no version {name} is stored", field="version", fix=f"there are {known}; or name a file")
    if len(found) > 1:
        known = ", ".join(f"{version.policy} {version.digest[:12]}" for version in found)
        raise Rejected(f"several policies have a version {name}", field="version", fix=f"name a digest: {known}")
    return compiled(found[0])


async def active_version(history: History, stored: Sequence[StoredVersion], now: datetime) -> CompiledPolicy:
    """The active version; that of the whole plant has precedence over that of a line.

    Raises:
        Rejected: none is.
    """
    digest = await history.active(now)
    found = [version for version in stored if version.digest == digest]
    if not found:
        raise Rejected("no version is active", field="against", fix="name the version to compare with")
    return await asyncio.to_thread(compiled, found[0])


def compiled(stored: StoredVersion) -> CompiledPolicy:
    """A stored version, compiled.

    Raises:
        PolicyRejected: its text is not what was published.
    """
    policy = compile_policy(stored.document, f"{stored.policy} {stored.version} in storage")
    if policy.digest != stored.digest:
        raise Rejected(
            f"{stored.policy} {stored.version} was altered in storage: it is {policy.digest[:12]}", field="version"
        )
    return policy
