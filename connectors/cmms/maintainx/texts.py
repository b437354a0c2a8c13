"""Our words in the title and the description of MaintainX, and the key in the title.

The vendor's contract names no longest text. The lengths here are ours, so that people can read what we write.
"""

import re
from collections.abc import Sequence
from typing import Final

from connectors.text import cut, is_marked, long_text, note_mark, one_line
from domain.keys import CASE_ID, CASE_PREFIX

TITLE_LENGTH: Final = 200
SUMMARY_LENGTH: Final = TITLE_LENGTH - len(f" [{CASE_PREFIX}00000000]")
DESCRIPTION_LENGTH: Final = 7_000
NOTE_LENGTH: Final = 1_000
TAG_BEGINS: Final = f"[{CASE_PREFIX}"
"""How the tag with our key begins. A person's own tag may begin so too."""

_MARK_BEGINS: Final = "[MW:"
_TAG: Final = re.compile(rf"\[({CASE_ID.pattern})\]")


def title_of(summary: str, key: str) -> str:
    """The summary and our key, on one line."""
    safe = summary.replace(TAG_BEGINS, f"({CASE_PREFIX}")
    return f"{cut(one_line(safe, TITLE_LENGTH), SUMMARY_LENGTH)} [{key}]"


def description_of(paragraphs: Sequence[str], key: str) -> str:
    """The paragraphs that fit, and the line with our key for people.

    A paragraph may have a sender's words. They are changed where they look like the mark of a note of ours.
    """
    return long_text([_not_our_mark(paragraph) for paragraph in paragraphs], key, DESCRIPTION_LENGTH)


def key_in_title(title: str) -> str | None:
    """The key in the tag of a title, of several the last: before it are a sender's words."""
    return next(iter(_TAG.findall(title)[-1:]), None)


def note_line(note_key: str, note: str) -> str:
    """A note on one line, with its mark."""
    return one_line(f"{note_mark(note_key)} {_not_our_mark(note)}", NOTE_LENGTH)


def with_note(description: str | None, line: str) -> str:
    """A description with a note at its end."""
    kept = (description or "").rstrip()
    return f"{kept}\n\n{line}" if kept else line


def has_note(description: str | None, note_key: str) -> bool:
    """Whether the note with this key is in a description, also if its lines were joined."""
    return note_mark(note_key) in (description or "")


def without_notes(description: str | None) -> str:
    """The words of a description that are no notes of ours, each after one space: MaintainX may keep others."""
    lines = [line for line in (description or "").splitlines() if not is_marked(line)]
    return " ".join(" ".join(lines).split())


def _not_our_mark(text: str) -> str:
    return text.replace(_MARK_BEGINS, "(MW:")
