"""Which waivers of the versions in force end soon or have ended."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import PolicyRejected
from millwright.storage.policies.versions import acting_documents

if TYPE_CHECKING:
    from policies.checks.waivers import WaiverNotice

_HAS_WAIVERS = "waivers:"


async def read_waiver_notices(engine: AsyncEngine, now: datetime) -> "list[WaiverNotice]":
    """The notices of every version that acts somewhere, by the plant's time, the first to end first.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    # The policy code is imported only if a version has waivers.
    wanted = [document for document in await acting_documents(engine, now) if _HAS_WAIVERS in document]
    return notices_in(wanted, now) if wanted else []


def notices_in(documents: Sequence[str], now: datetime) -> "list[WaiverNotice]":
    """The notices of policy documents, the first to end first. An unreadable document has none: it was altered and
    judges nowhere, which the audit and `millwright doctor` report."""
    from policies.checks.waivers import waiver_notices
    from policies.language.document import read_document

    found: list[WaiverNotice] = []
    for document in documents:
        with suppress(PolicyRejected):
            found += waiver_notices(read_document(document, "in storage")[0], now)
    return sorted(found, key=lambda notice: (notice.until, notice.policy, notice.version, notice.waiver))
