"""The text of sanitised HTML."""

from __future__ import annotations

import re
from html import unescape

# In sanitised HTML values hold no angle brackets, and every element is closed.
_PIECE = re.compile(r"<(/?)([a-z0-9]+)([^<>]*)>|([^<]+)|<")
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "caption", "center", "dd", "details", "div", "dl"),
        *("dt", "figure", "figcaption", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li"),
        *("main", "nav", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"),
    }
)
_VOID = frozenset({"br", "col", "hr", "img", "wbr"})


def text_of(html: str) -> str:
    """The text of sanitised HTML, as a person would write it: quoted blocks with `>`, cells with spaces between."""
    lines: list[str] = []
    current: list[str] = []
    quoted = preformatted = hidden = 0
    gap = False  # a blank line is due before the next text

    def flush(paragraph: bool) -> None:
        nonlocal gap
        text = "".join(current)
        current.clear()
        if not preformatted:
            text = re.sub(r"[^\S\n\xa0]+", " ", text).strip(" ")
        if text.strip():
            if gap and lines:
                lines.append((">" * min(quoted, 1)) if lines[-1].startswith(">") else "")
            lines.append("> " * quoted + text.replace("\xa0", " ").rstrip())
            gap = False
        gap = gap or (paragraph and bool(lines))

    html = re.sub(r"<style>.*?</style>", "", html, count=1, flags=re.S)
    for close, tag, about, text in _PIECE.findall(html):
        if text:
            if not hidden:
                text = unescape(text)
                current.append(text if preformatted else text.replace("\n", " "))
        elif hidden:
            # Only what is inside counts, whatever its name: the HTML is well-formed.
            hidden += -1 if close else (0 if tag in _VOID else 1)
        elif not close and "display:none" in about and tag not in _VOID:
            hidden = 1
        elif tag == "br":
            if current or gap:
                flush(False)
            else:
                gap = bool(lines)
        elif tag in _BLOCKS:
            flush(tag in ("p", "blockquote", "table", "ul", "ol", "pre", "h1", "h2", "h3", "h4") or tag == "hr")
            if tag == "blockquote":
                quoted = max(0, quoted + (-1 if close else 1))
            elif tag == "pre":
                preformatted = max(0, preformatted + (-1 if close else 1))
            elif tag == "li" and not close:
                current.append("- ")
        elif tag in ("td", "th") and close:
            current.append("  ")
        elif tag == "img" and (alt := re.search(r'\balt="([^"]+)"', about)):
            current.append(unescape(alt[1]))
    flush(False)
    return "\n".join(lines).strip("\n")
