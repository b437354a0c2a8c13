"""The long text of a notification: our description, the line with our key, and below it notes of ours and of people.

A note of ours is between `[MW:…]` and `[/MW]`, so that it is recognised however SAP breaks its lines, and so that what
a person writes behind it is not taken for ours. The line `[MW-state:…]` is a digest of the fields that people edit, as
they were when we last wrote: as long as it is right, nobody else has changed them.
"""

import re
from collections.abc import Iterator
from typing import Final

from connectors.cmms.sap_pm.models import SapPmNotification
from connectors.text import digest_of, key_line, note_mark, one_line

LONG_TEXT_LENGTH: Final = 1333
DESCRIPTION_LENGTH: Final = 800
"""What of it we use for the description; the rest is for notes, ours and people's."""
NOTE_LENGTH: Final = 160
WITHDRAWN: Final = "withdrawn"
"""The key of the note with which we withdraw a notification."""

_END: Final = "[/MW]"
_OURS: Final = re.compile(r"(\[MW:[^\]]+\]).*?\[/MW\]", re.DOTALL)
_STATE: Final = re.compile(r"\s*\[MW-state:([^\]]*)\]")


def text_of(row: SapPmNotification) -> str:
    """The long text as it is. The field for editing may be cut, the other one is whole and read-only."""
    edited, whole = row.long_text or "", row.whole_text or ""
    return whole if len(whole) > len(edited) else edited


def without_marks(text: str) -> str:
    """A text with a sender's words, changed where they look like a mark of ours. Its length stays."""
    return text.replace("[MW", "(MW").replace("[/MW", "(/MW")


def has_note(row: SapPmNotification, note_key: str) -> bool:
    """Whether the note with this key is there already."""
    return note_mark(note_key) in text_of(row)


def with_note(row: SapPmNotification, note_key: str, note: str, *, proved: bool) -> str | None:
    """The long text with a note; None if there is no room for it.

    What people wrote stays as it is. Where room is short, our own earlier notes are reduced to their marks, the oldest
    first: so each is still known to have been written.

    Args:
        proved: whether it is known that nobody else has changed the notification. Only then the digest is renewed.
    """
    before = text_of(row)
    mark = note_mark(note_key)
    words = without_marks(one_line(note, NOTE_LENGTH))
    plain = _STATE.sub("", before) if proved else before
    tail = "\n[MW-state:0123456789]" if proved else ""
    text = f"{plain}\n{mark} {words} {_END}"
    while len(text) + len(tail) > LONG_TEXT_LENGTH:
        shorter = _one_note_reduced(text, mark)
        if shorter is None:
            return None
        text = shorter
    return f"{text}\n[MW-state:{state_of(row, text)}]" if proved else text


def with_state(row: SapPmNotification) -> str | None:
    """The long text with the digest of a notification that nobody else has changed; None if there is no room for it."""
    text = _STATE.sub("", text_of(row))
    stated = f"{text}\n[MW-state:{state_of(row, text)}]"
    return stated if len(stated) <= LONG_TEXT_LENGTH else None


def _one_note_reduced(text: str, kept: str) -> str | None:
    for found in _OURS.finditer(text):
        reduced = found.group(1) + _END
        if found.group(1) != kept and found.group() != reduced:
            return text[: found.start()] + reduced + text[found.end() :]
    return None


def has_state(row: SapPmNotification) -> bool:
    """Whether there is a digest in the long text."""
    return _STATE.search(text_of(row)) is not None


def is_as_we_left_it(row: SapPmNotification) -> bool:
    """Whether the fields that people edit are as they were when we last wrote."""
    found = _STATE.findall(text_of(row))
    return bool(found) and found[-1] == state_of(row, text_of(row))


def state_of(row: SapPmNotification, text: str) -> str:
    """The digest of the fields that people edit. Line ends and spaces do not count, because SAP breaks lines anew.

    Required dates are not among them: SAP computes them from the priority.
    """
    fields = (
        row.reference,
        row.text,
        row.priority,
        row.object_name,
        row.object_kind,
        row.planning_plant,
        row.planner_group,
        row.work_center,
        row.work_center_plant,
        row.reported_by,
        row.responsible,
        row.effect,
        row.code_group,
        row.code,
        row.started_at.isoformat() if row.started_at else "",
        row.ended_at.isoformat() if row.ended_at else "",
        str(bool(row.is_down)),
    )
    content = "\x1f".join((*(field or "" for field in fields), "".join(_STATE.sub("", text).split())))
    return digest_of(content, 10)


def notes_of_people(row: SapPmNotification, key: str) -> Iterator[str]:
    """What people wrote below our key; where they took the key out, all that is not ours."""
    text = text_of(row)
    _, found, below = text.partition(key_line(key))
    for block in _OURS.sub("\n\n", _STATE.sub("\n\n", below if found else text)).split("\n\n"):
        note = "\n".join(line.strip() for line in block.splitlines() if line.strip())
        if note:
            yield note
