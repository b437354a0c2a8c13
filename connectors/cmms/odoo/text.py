"""Between plain text and the HTML of Odoo's fields."""

import html
import re
from typing import Final

from connectors.text import key_in

_LINE_END: Final = re.compile(r"<\s*(?:br|/p|/div|/li|/tr|/h[1-6]|/blockquote|/pre)\b[^>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^>]*>")
_NO_BREAK_SPACES: Final = re.compile(r"&nbsp;|&#160;|&#xa0;|\N{NO-BREAK SPACE}", re.IGNORECASE)
_UNSEEN: Final = re.compile("[\N{ZERO WIDTH NO-BREAK SPACE}\N{ZERO WIDTH SPACE}]")
"""What the editor of Odoo puts beside links and into empty lines."""


def html_of(text: str) -> str:
    """A text as HTML: a paragraph for each part between empty lines."""
    parts = (html.escape(part, quote=False).replace("\n", "<br/>") for part in text.split("\n\n"))
    return "".join(f"<p>{part}</p>" for part in parts)


def text_of(content: str | None) -> str:
    """The text of some HTML, line by line, without empty lines."""
    broken = _LINE_END.sub("\n", _plain_spaces(content))
    lines = (line.strip() for line in html.unescape(_TAG.sub("", broken)).splitlines())
    return "\n".join(line for line in lines if line)


def key_in_html(content: str | None) -> str | None:
    """The key in a description, as the editor of Odoo may have left it; None where a person has taken the line out."""
    return key_in(_plain_spaces(content))


def _plain_spaces(content: str | None) -> str:
    return _UNSEEN.sub("", _NO_BREAK_SPACES.sub(" ", content or ""))
