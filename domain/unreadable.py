"""Records of other systems that cannot be read."""

import json
import re
from typing import Final, Self

from domain.canonical import sha256
from domain.model import Model
from domain.vendor_texts import VendorName, VendorText, storable

_NUL_ESCAPE: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""JSON allows U+0000 only as an escape, which PostgreSQL's jsonb does not read."""

LONGEST_RAW: Final = 4000
"""Characters of a record that are kept."""


class UnreadableRecord(Model):
    """A record of another system that could not be read. The records beside it were.

    Args:
        system: the instance that has it.
        record: the vendor's number or name of it. If that cannot be read either, our key on it, its address there or
            its place in the answer.
        digest: the SHA-256 of its whole content; the same content is the same fault.
        field: the field that cannot be read; None if it is the whole record.
        reason: what is wrong with the field.
        raw: its first `LONGEST_RAW` characters as JSON.
    """

    system: str
    record: VendorName
    digest: str
    field: VendorText | None
    reason: VendorText
    raw: VendorText

    @classmethod
    def of(cls, system: str, record: str, field: str | None, reason: str, content: object, raw: str = "") -> Self:
        """A report on parsed content.

        Args:
            raw: the content as text, if it must not be shown as it was parsed.
        """
        whole = content_text(content)
        shown = raw or whole
        return cls(
            system=system,
            record=storable(record),
            digest=sha256(whole.encode()),
            field=field,
            reason=reason,
            raw=shown if len(shown) <= LONGEST_RAW else shown[: LONGEST_RAW - 1] + "…",
        )

    @property
    def words(self) -> str:
        """What cannot be read and why, in words."""
        return f"record {self.record} cannot be read: {f'{self.field} ' if self.field else ''}{self.reason}"


def content_text(content: object) -> str:
    """Parsed content as JSON that PostgreSQL can store; a value that JSON does not have is shown as its text."""
    text = json.dumps(content, default=str, ensure_ascii=False, sort_keys=True, skipkeys=True)
    return storable(_NUL_ESCAPE.sub(lambda found: found.group(1) + "\0", text))
