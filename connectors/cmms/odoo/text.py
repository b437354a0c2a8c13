"""Between plain text and the HTML of Odoo's fields."""

import html
import re
from typing import Final

from connectors.text import key_in, without_markup

_NO_BREAK_SPACES: Final = re.compile(r"&nbsp;|&#160;|&#xa0;|\N{NO-BREAK SPACE}", re.IGNORECASE)
_UNSEEN: Final = re.compile("[\N{ZERO WIDTH NO-BREAK SPACE}\N{ZERO WIDTH SPACE}]")
"""What the editor of Odoo puts beside links and into empty lines."""


def html_of(text: str) -> str:
    """A text as HTML: a paragraph for each part between empty lines."""
    parts = (html.escape(part, quote=False).replace("\n", "<br/>") for part in text.split("\n\n"))
    return "".join(f"<p>{part}</p>" for part in parts)


def text_of(content: str | None) -> str:
    """The text of some HTML, line by line, without empty lines."""
    return without_markup(_plain_spaces(content))


def key_in_html(content: str | None) -> str | None:
    """The key in a description, as the editor of Odoo may have left it; None where a person has taken the line out."""
    return key_in(_plain_spaces(content))


def _plain_spaces(content: str | None) -> str:
    return _UNSEEN.sub("", _NO_BREAK_SPACES.sub(" ", content or ""))
