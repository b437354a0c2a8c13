"""Our words in the vendor's texts, and our key in them."""

import html
import re
from typing import Final

from connectors.cmms.rest.description import RestLimits
from connectors.text import cut, is_marked, key_in, key_line, note_mark, one_line
from domain.keys import CASE_ID, CASE_PREFIX

TAG_LENGTH: Final = len(f" [{CASE_PREFIX}00000000]")
_HTML: Final = re.compile(r"<[^>]*>")
_TAG: Final = re.compile(rf"\[({CASE_ID.pattern})\]")
_DAMAGED_TAG: Final = re.compile(rf"\[{CASE_PREFIX}[^\]]*\N{{REPLACEMENT CHARACTER}}")
_DAMAGED_LINE: Final = re.compile(rf"{re.escape(key_line('').strip())}.*\N{{REPLACEMENT CHARACTER}}")


def title_of(summary: str, key: str, limits: RestLimits) -> str:
    """The summary and our key, on one line."""
    line = one_line(summary.replace(f"[{CASE_PREFIX}", f"({CASE_PREFIX}"), limits.summary)
    return f"{cut(line, limits.summary - TAG_LENGTH)} [{key}]"


def key_of_title(title: str) -> str | None:
    """The key at the end of a title; None if a person took it off.

    Raises:
        ValueError: there is a key that cannot be read.
    """
    if _DAMAGED_TAG.search(title):
        raise ValueError("has a character that no key can have")
    return next(iter(_TAG.findall(title)[-1:]), None)


def key_of_text(text: str) -> str | None:
    """The key on a line of a text; None if a person took it off.

    Raises:
        ValueError: there is a key that cannot be read.
    """
    if _DAMAGED_LINE.search(text):
        raise ValueError("has a character that no key can have")
    key = key_in(text)
    return key if key is not None and CASE_ID.fullmatch(key) else None


def note_line(note_key: str, note: str, limits: RestLimits) -> str:
    """A note on one line, with its mark at the head."""
    return one_line(f"{note_mark(note_key)} {note}", limits.note)


def is_note(text: str | None, note_key: str) -> bool:
    """Whether a text is the note with this key."""
    return _plain(text).startswith(note_mark(note_key))


def is_ours(text: str | None) -> bool:
    """Whether a text is a note of ours, by its mark."""
    return is_marked(_plain(text))


def _plain(text: str | None) -> str:
    """A text without the HTML that an editor may have made of it."""
    return html.unescape(_HTML.sub("", text or "")).strip()
