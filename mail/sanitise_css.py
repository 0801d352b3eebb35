"""CSS of mails, written anew from what is known to be harmless: nothing in it loads, moves or covers anything."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import tinycss2

_BOX = ("", "-top", "-right", "-bottom", "-left")
PROPERTIES = frozenset(
    {
        *(f"margin{side}" for side in _BOX),
        *(f"padding{side}" for side in _BOX),
        *(f"border{side}{what}" for side in _BOX for what in ("", "-color", "-style", "-width")),
        *(
            "border-collapse",
            "border-spacing",
            "border-radius",
            "box-sizing",
            "caption-side",
            "clear",
            "color",
            "direction",
        ),
        *("background", "background-color", "color", "direction", "display", "empty-cells", "float"),
        *(
            "font",
            "font-family",
            "font-size",
            "font-style",
            "font-variant",
            "font-weight",
            "line-height",
            "letter-spacing",
        ),
        *("letter-spacing", "height", "max-height", "max-width", "min-height", "min-width", "width"),
        *("list-style", "list-style-type", "list-style-position", "table-layout", "vertical-align"),
        *("text-align", "text-decoration", "text-indent", "text-transform", "unicode-bidi", "visibility"),
        *("white-space", "word-break", "word-spacing", "word-wrap", "overflow-wrap"),
    }
)
_FUNCTIONS = frozenset({"rgb", "rgba", "hsl", "hsla", "calc", "linear-gradient", "radial-gradient"})
_PLAIN = frozenset({"ident", "number", "percentage", "dimension", "hash", "whitespace", "literal"})
_SELECTOR = frozenset({"ident", "hash", "whitespace", "literal"})
_LONGEST_VALUE = 1000
_DEEPEST = 5


@lru_cache(4096)
def declarations(style: str) -> str:
    """What is kept of a `style` attribute; empty when that is nothing."""
    if len(style) > 20_000:
        return ""
    return _kept(tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True))


def sheet(css: str) -> str:
    """What is kept of a style sheet, @media among it."""
    return _rules(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), media=True)


def _rules(nodes: Iterable[Any], *, media: bool) -> str:
    kept: list[str] = []
    for node in nodes:
        rule = ""
        if node.type == "qualified-rule":
            body = _kept(tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True))
            if body and (selector := _written(node.prelude, _SELECTOR)):
                rule = f"{selector}{{{body}}}"
        elif media and node.type == "at-rule" and node.lower_at_keyword == "media" and node.content is not None:
            inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            body, query = _rules(inner, media=False), _query(node.prelude)
            if body and query:
                rule = f"@media {query}{{{body}}}"
        # No text of the document's may end the element that this will stand in.
        if rule and "<" not in rule and "\\" not in rule:
            kept.append(rule)
    return "\n".join(kept)


def _kept(nodes: Iterable[Any]) -> str:
    kept: list[str] = []
    for node in nodes:
        if node.type != "declaration" or node.lower_name not in PROPERTIES:
            continue
        value = node.value
        if node.lower_name == "background":
            # The picture goes, the colour stays.
            value = [token for token in value if not _is_url(token)]
        if node.lower_name != "font-family" and node.lower_name != "font":
            written = _written(value, _PLAIN)
        else:
            written = _written(value, _PLAIN | {"string"})
        if written and "<" not in written and "\\" not in written and len(written) <= _LONGEST_VALUE:
            kept.append(f"{node.lower_name}:{written}{' !important' if node.important else ''}")
    return ";".join(kept)


def _is_url(token: Any) -> bool:
    return bool(token.type == "url" or (token.type == "function" and token.lower_name == "url"))


def _written(tokens: Iterable[Any], allowed: frozenset[str]) -> str:
    """The tokens as text; empty when one among them is not allowed."""
    tokens = [token for token in tokens if token.type != "comment"]
    if not all(_harmless(token, allowed) for token in tokens):
        return ""
    return " ".join(tinycss2.serialize(tokens).split())


def _harmless(token: Any, allowed: frozenset[str], depth: int = 0) -> bool:
    if token.type == "function":
        known: bool = allowed is not _SELECTOR and token.lower_name in _FUNCTIONS and depth < _DEEPEST
        return known and all(_harmless(inner, _PLAIN, depth + 1) for inner in token.arguments)
    if token.type == "literal" and token.value in ("{", "}", "<", "<!--", "-->", ";", "!", "@", "|", "||"):
        return False
    return str(token.type) in allowed


def _query(tokens: Iterable[Any]) -> str:
    """A media query of words and (property: value)."""
    tokens = [token for token in tokens if token.type != "comment"]
    for token in tokens:
        if token.type == "() block":
            if not all(_harmless(inner, _PLAIN) for inner in token.content):
                return ""
        elif not _harmless(token, _SELECTOR):
            return ""
    return " ".join(tinycss2.serialize(tokens).split())
