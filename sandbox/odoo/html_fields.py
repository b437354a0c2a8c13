"""What Odoo keeps of the HTML in a field: it parses it, cleans it and writes it anew."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import Final

# fmt: off
_BLOCKS: Final = frozenset({
    "p", "div", "ul", "ol", "li", "table", "tbody", "thead", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6",
    "blockquote", "pre", "hr", "section", "article",
})
_INLINE: Final = frozenset({
    "a", "b", "i", "u", "s", "em", "strong", "span", "br", "img", "code", "font", "small", "sub", "sup", "del", "ins",
    "mark", "q", "cite",
})
# fmt: on
_VOID: Final = frozenset({"br", "hr", "img"})
_EMPTIED: Final = frozenset({"textarea", "button", "select"})
"""Elements of forms, of which an empty `div` is left."""
_WITH_CONTENT_REMOVED: Final = _EMPTIED | {"script", "style", "iframe", "object"}
_REMOVED: Final = frozenset({"input", "link", "meta", "embed", "base"})
_PASSED_OVER: Final = frozenset({"html", "head", "body"})
_ADDRESSES: Final = frozenset({"href", "src"})
_CLOSED_BY_NEXT: Final = frozenset({"li", "p", "td", "tr"})


def sanitized(content: str) -> str:
    """The HTML that is kept: without scripts, forms and handlers, with every element closed.

    A text, or inline elements beside each other, is put into a `span`. U+0000 becomes U+FFFD.
    """
    if not content:
        return content
    parser = _Cleaner()
    parser.feed(content.replace("\0", "\N{REPLACEMENT CHARACTER}").lstrip())
    parser.close()
    return parser.kept()


class _Cleaner(HTMLParser):
    """Writes what it keeps. A void element is written without a slash, a quotation mark without an entity."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[str] = []
        self._silent = 0
        self._nodes = 0
        self._begins_inline: bool | None = None

    def kept(self) -> str:
        """The clean HTML."""
        whole = "".join([*self._out, *(f"</{tag}>" for tag in reversed(self._open))])
        several = self._nodes > 1 or not whole.startswith("<")
        return f"<span>{whole}</span>" if self._begins_inline and several and whole else whole

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = tag if tag in _BLOCKS | _INLINE else "div"
        if tag in _WITH_CONTENT_REMOVED:
            if not self._silent:
                self._begin(inline=tag not in ("script", "style"))
                self._out.append("<div></div>" if tag in _EMPTIED else "")
            self._silent += 1
        elif not self._silent and tag not in _REMOVED | _PASSED_OVER:
            if name in _CLOSED_BY_NEXT and self._open and self._open[-1] == name:
                self._close(name)
            self._begin(inline=name in _INLINE)
            written = "".join(
                f' {key}="{html.escape(_value(key, value), quote=False)}"' for key, value in attrs if key[:2] != "on"
            )
            self._out.append(f"<{name}{written}>")
            if name not in _VOID:
                self._open.append(name)

    def handle_endtag(self, tag: str) -> None:
        if tag in _WITH_CONTENT_REMOVED:
            self._silent = max(0, self._silent - 1)
        elif not self._silent:
            self._close(tag if tag in _BLOCKS | _INLINE else "div")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            if data.strip():
                self._begin(inline=True)
            self._out.append(html.escape(data, quote=False).replace("\xa0", "&nbsp;"))

    def _begin(self, *, inline: bool) -> None:
        """Counts a node at the top, and notes what the first one is."""
        if not self._open:
            self._nodes += 1
            if self._begins_inline is None:
                self._begins_inline = inline

    def _close(self, tag: str) -> None:
        if tag in self._open and tag not in _VOID:
            while self._open:
                last = self._open.pop()
                self._out.append(f"</{last}>")
                if last == tag:
                    return


def _value(key: str, value: str | None) -> str:
    """The value of an attribute; an address that would run a script is emptied."""
    given = value or ""
    return "" if key in _ADDRESSES and given.strip().lower().startswith("javascript:") else given
