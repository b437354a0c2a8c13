"""Our words in Atlas's title and description, and the key in the title.

Atlas 1.8+ takes tags out of a text and keeps `&`, `<` and `>` as `&amp;`, `&lt;` and `&gt;`, which count towards the
length of a field: a title of more than 255 characters is an error inside Atlas.
"""

import html
import re
from collections.abc import Sequence
from typing import Final

from connectors.text import TOUCHED_NOTE, TOUCHED_WORDS, cut, is_marked, key_in, long_text, note_mark, one_line
from domain.keys import CASE_ID, CASE_PREFIX

TITLE_LENGTH: Final = 255
SUMMARY_LENGTH: Final = TITLE_LENGTH - len(f" [{CASE_PREFIX}00000000]")
DESCRIPTION_LENGTH: Final = 10_000
OWN_TEXT_LENGTH: Final = 7_000
"""How much of the description we fill at first. The rest is for notes: a request has no other place for them."""
NOTE_LENGTH: Final = 1_000

_TAG: Final = re.compile(rf"\[({CASE_ID.pattern})\]")
_SEEMING_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_MORE_THAN_A_LETTER: Final = 5
"""How long the longest of the three signs is as Atlas keeps it."""


def title_of(summary: str, key: str) -> str:
    """The summary and our key, on one line."""
    tag = f" [{key}]"
    return _fitting(one_line(_not_our_tag(summary), TITLE_LENGTH), TITLE_LENGTH - len(tag)) + tag


def description_of(paragraphs: Sequence[str], key: str) -> str:
    """The paragraphs that fit, and the line with our key."""
    safe = [_kept_whole(paragraph) for paragraph in paragraphs]
    limit = OWN_TEXT_LENGTH
    text = long_text(safe, key, limit)
    while (excess := _kept_length(text) - OWN_TEXT_LENGTH) > 0:
        limit -= max(excess // _MORE_THAN_A_LETTER, 1)
        text = long_text(safe, key, limit)
    return text


def keys_on(title: str, description: str | None) -> tuple[str, ...]:
    """The keys on a record: first the one in its title, then the one in its description if that is another.

    A person may have taken off either, or written another one.
    """
    in_title = _TAG.findall(html.unescape(title))[-1:]
    in_text = [key for key in (key_in(_own_part(description)),) if key is not None and CASE_ID.fullmatch(key)]
    return tuple(dict.fromkeys([*in_title, *in_text]))


def note_line(note_key: str, note: str) -> str:
    """A note on one line, with its mark."""
    return _fitting(one_line(f"{note_mark(note_key)} {note}", NOTE_LENGTH), NOTE_LENGTH)


def with_note(description: str | None, line: str) -> str | None:
    """A description with a note added; None if there is no room for it.

    The description is sent as Atlas shows it, which is what it keeps in the same way again.
    """
    kept = (description or "").rstrip()
    longer = f"{kept}\n\n{line}" if kept else line
    return longer if len(longer) + _kept_length(line) - len(line) <= DESCRIPTION_LENGTH else None


def with_touched_line(description: str | None) -> str | None:
    """A description that says that others may have changed the record; None if there is no room for it."""
    if has_note(description, TOUCHED_NOTE):
        return description
    return with_note(description, note_line(TOUCHED_NOTE, TOUCHED_WORDS))


def has_note(description: str | None, note_key: str) -> bool:
    """Whether the note with this key is in a description."""
    mark = note_mark(note_key)
    return any(line.startswith(mark) for line in _lines(description))


def is_ours(comment: str | None) -> bool:
    """Whether a comment is a note of ours, by its mark."""
    return is_marked(html.unescape(comment or ""))


def words_of(text: str | None) -> str:
    """What a person wrote, as it was written."""
    return html.unescape(text or "").strip()


def _own_part(description: str | None) -> str:
    """A description without the notes that we added to it, whose words could look like our key."""
    return "\n".join(line for line in _lines(description) if not is_marked(line))


def _lines(description: str | None) -> list[str]:
    return [line.strip() for line in html.unescape(description or "").splitlines()]


def _fitting(text: str, limit: int) -> str:
    """The text cut so that what Atlas keeps of it fits."""
    room, fitted = limit, cut(_kept_whole(text), limit)
    while (excess := _kept_length(fitted) - limit) > 0:
        room -= max(excess // _MORE_THAN_A_LETTER, 1)
        fitted = cut(_kept_whole(text), room)
    return fitted


def _kept_whole(text: str) -> str:
    """The text with nothing in it that Atlas would take for a tag and leave out."""
    return _SEEMING_TAG.sub("< ", text.replace("\xa0", " "))


def _kept_length(text: str) -> int:
    return len(html.escape(text, quote=False))


def _not_our_tag(text: str) -> str:
    return text.replace(f"[{CASE_PREFIX}", f"({CASE_PREFIX}")
