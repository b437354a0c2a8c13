"""Makes our words fit a vendor's fields, and puts our marks into them."""

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

_CUT: Final = "..."
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_KEY_WORDS: Final = "Millwright key:"
_KEY_LINE: Final = re.compile(rf"{_KEY_WORDS} (\S+)")
_TAG: Final = re.compile(r"<[^>]*>")
_LINE_END: Final = re.compile(r"<\s*/?(?:br|p|div|li|tr|h[1-6]|blockquote|pre)\b[^<>]*>", re.IGNORECASE)
_MARKUP: Final = re.compile(r"<[a-z/!?][^<>]*>", re.IGNORECASE)
"""A tag or a comment of HTML. Of plain text, "< 5 and > 3" is none."""
_NOTE_MARK: Final = re.compile(r"^\s*\[MW:([^\]]+)\]")
_LONGEST_NOTE_TOKEN: Final = 40
TOUCHED_NOTE: Final = "touched"
"""The key of the note that others may have changed an order, before a change of ours hides who changed it last."""
TOUCHED_WORDS: Final = (
    "Others may have changed it before Millwright did. / Otros pueden haberla cambiado antes que Millwright."
)
"""What that note says."""


def moment_text(moment: datetime) -> str:
    """A moment as JSON of JavaScript has it: UTC, in milliseconds."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def digest_of(text: str, length: int) -> str:
    """A short name for a text: base32 of its SHA-256."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` characters: whole words from the front, and dots where something is missing."""
    if len(text) <= limit:
        return text
    room = limit - len(_CUT)
    if room < 1:
        return text[:limit]
    head = text[: room + 1].rsplit(maxsplit=1)[0] if " " in text[: room + 1] else text[:room]
    return head[:room].rstrip(" ,;:-") + _CUT


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters."""
    return cut(" ".join(_CONTROL.sub(" ", text).split()), limit)


def long_text(paragraphs: Sequence[str], key: str, limit: int) -> str:
    """The paragraphs that fit, the first ones first, and then the line with our key, which is never dropped.

    A paragraph may have a sender's words. They are changed where they look like our own line.
    """
    line = key_line(key)
    room = limit - len(line)
    kept: list[str] = []
    for paragraph in (_not_our_mark(_CONTROL.sub("", paragraph)).strip() for paragraph in paragraphs):
        needed = len(paragraph) + 2
        if needed > room:
            if not kept and room > 2:
                kept.append(cut(paragraph, room - 2))
            break
        kept.append(paragraph)
        room -= needed
    return "\n\n".join([*(paragraph for paragraph in kept if paragraph), line])


def key_line(key: str) -> str:
    """The line of the long description by which the full key is found again."""
    return f"{_KEY_WORDS} {key}"


def key_in(long_description: str | None) -> str | None:
    """The key in a long description, or None where a person has taken the line out.

    The key is a line of its own, and of several such lines the last: above it are a sender's words. The editor of a
    CMMS may have made the text HTML.
    """
    lines = html.unescape(_TAG.sub("\n", long_description or "")).splitlines()
    found = (_KEY_LINE.fullmatch(line.strip()) for line in reversed(lines))
    return next((match.group(1) for match in found if match is not None), None)


def without_markup(text: str) -> str:
    """What is read of a text that an editor may have made HTML: line by line, without empty lines. Plain text stays."""
    broken = _LINE_END.sub("\n", text)
    lines = (line.strip() for line in html.unescape(_MARKUP.sub("", broken)).splitlines())
    return "\n".join(line for line in lines if line)


def _not_our_mark(text: str) -> str:
    return re.sub(re.escape(_KEY_WORDS), "Millwright key -", text, flags=re.IGNORECASE)


def note_mark(note_key: str) -> str:
    """The mark at the head of a note of ours."""
    token = note_key if len(note_key) <= _LONGEST_NOTE_TOKEN else digest_of(note_key, 16)
    return f"[MW:{token.replace(']', ')')}]"


def is_marked(description: str | None) -> bool:
    """Whether a note is one of ours."""
    return bool(_NOTE_MARK.match(description or ""))
