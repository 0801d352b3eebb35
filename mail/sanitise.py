"""HTML of strangers made fit to be shown: no script, no form, and nothing that loads.

What is left is written anew from an allow-list. Pictures of the mail itself are `cid:` names, pictures elsewhere are
`remote:` names with the address percent-encoded behind the colon; a browser fetches neither. Pictures inside the HTML
(data:) are taken out and become `cid:` names as well. Sanitising what was sanitised changes nothing.
"""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64
from hashlib import sha256
from html import escape
from urllib.parse import quote, unquote, unquote_to_bytes

import nh3
from msgspec import Struct

from mail import sanitise_css
from mail.limits import Limits

TAGS = frozenset(
    {
        *("a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption"),
        *("center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em"),
        *("figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i"),
        *("img", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s"),
        *("samp", "section", "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody"),
        *("td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var", "wbr"),
    }
)
# Elements whose text is nothing to read.
_CONTENT_GOES = frozenset(
    {
        "script",
        "noscript",
        "style",
        "title",
        "template",
        "iframe",
        "noembed",
        "noframes",
        "object",
        "applet",
        "svg",
        "math",
    }
)
_CELL = {"colspan", "rowspan", "valign", "align", "width", "height", "bgcolor", "nowrap", "scope"}
_ATTRIBUTES = {
    "*": {"style", "class", "dir", "lang", "title", "align", "id"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "border", "hspace", "vspace"},
    "table": {"width", "height", "border", "cellpadding", "cellspacing", "bgcolor", "valign", "rules", "frame"},
    "tr": {"valign", "bgcolor", "height"},
    "td": _CELL,
    "th": _CELL,
    "tbody": {"valign"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "hr": {"color", "size", "width", "noshade"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value", "type"},
    "blockquote": {"type"},
    "details": {"open"},
}
# Where mail programs begin the quoted mail; no other ids are kept.
QUOTE_IDS = frozenset({"divRplyFwdMsg", "appendonsend", "isForwardContent", "OLK_SRC_BODY_SECTION", "reply-intro"})
_PICTURES = re.compile(r"data:(image/(?:png|jpe?g|gif|webp|bmp|avif))(?:;[^,]*)?,", re.I)
_LINK = re.compile(r"(?:https?://|mailto:|tel:)\S", re.I)
_REMOTE = re.compile(r"(?:https?:)?//[^\s/]", re.I)
_SPACES = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_ANCHOR = re.compile(r'<a((?: [^<>]*)? href="[^<>]*)>')
_MOST_NESTED = 500
_MOST_TAGS = 200_000
_MOST_SHEETS = 100
_LONGEST_URL = 8000
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements that end by themselves, so that one after the other is not one in the other.
_FLAT = frozenset(
    {
        *("area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta"),
        *("option", "p", "param", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track"),
        "wbr",
    }
)


class InlinePicture(Struct, frozen=True):
    """A picture that stood in the HTML itself; the HTML now names it as `cid:content_id`."""

    content_id: str
    type: str
    data: bytes


class Sanitised(Struct, frozen=True):
    """`whole` is false where the HTML was too long, or nested too deeply, to be kept as it was."""

    html: str
    pictures: tuple[InlinePicture, ...] = ()
    whole: bool = True


def sanitise(html: str, limits: Limits | None = None) -> Sanitised:
    limits = limits or Limits()
    whole = len(html) <= limits.html
    html = html[: limits.html].replace("\0", "")
    css = sanitise_css.sheet("\n".join(_style_sheets(html, limits.css)))
    if _nested_too_deeply(html):
        html, whole = escape(re.sub(r"<[^<>]*>", " ", html)), False
    pictures: dict[str, InlinePicture] = {}

    def attribute(tag: str, name: str, value: str) -> str | None:
        return _attribute(tag, name, value, pictures)

    body = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(_CONTENT_GOES),
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto", "tel", "cid", "remote", "data"},
        link_rel=None,
    )
    # Written here, as nh3 gives them in any order; in its output a value has no angle brackets.
    body = _ANCHOR.sub(r'<a\1 target="_blank" rel="noopener noreferrer">', body)
    style = f"<style>{css}</style>" if css else ""
    return Sanitised(style + body.strip(), tuple(pictures.values()), whole)


def remote_url(name: str) -> str | None:
    """The address behind a `remote:` name; None when it is none that may be fetched."""
    url = unquote(name.removeprefix("remote:"))
    if url.startswith("//"):
        url = f"https:{url}"
    return url if name.startswith("remote:") and re.match(r"https?://[^\s/]", url, re.I) else None


def _attribute(tag: str, name: str, value: str, pictures: dict[str, InlinePicture]) -> str | None:
    match name:
        case "style":
            return sanitise_css.declarations(value) or None
        case "id":
            return value if value in QUOTE_IDS else None
        case "href":
            value = _SPACES.sub("", value)
            return value if len(value) <= _LONGEST_URL and _LINK.match(value) else None
        case "src":
            return _picture(_SPACES.sub("", value), pictures)
        case "type" if tag == "blockquote":
            return value if value == "cite" else None
    return value[:1000]


def _picture(url: str, pictures: dict[str, InlinePicture]) -> str | None:
    if url[:4].lower() == "cid:":
        return f"cid:{quote(unquote(url[4:]), safe='@!$&*+-._~')}" if len(url) < 1000 else None
    if found := _PICTURES.match(url):
        try:
            data = unquote_to_bytes(url[found.end() :])
            data = a2b_base64(data + b"==") if found[0].lower().endswith(";base64,") else data
        except BinasciiError:
            return None
        id = f"{sha256(data).hexdigest()[:32]}@inline.invalid"
        pictures[id] = InlinePicture(id, found[1].lower(), data)
        return f"cid:{id}"
    if len(url) > _LONGEST_URL:
        return None
    if _REMOTE.match(url):
        return f"remote:{quote(f'https:{url}' if url.startswith('//') else url, safe='')}"
    address = remote_url(url)
    return f"remote:{quote(address, safe='')}" if address else None


def _style_sheets(html: str, most: int) -> list[str]:
    """What stands in <style> elements outside comments. Where a browser would see them otherwise does not matter, as
    all of it is written anew."""
    lower = html.lower()
    if len(lower) != len(html):
        return []
    sheets: list[str] = []
    position = size = 0
    for _ in range(_MOST_SHEETS):
        position = lower.find("<style", position)
        if position < 0 or size >= most:
            break
        comment = lower.rfind("<!--", 0, position)
        if comment >= 0 and lower.find("-->", comment, position) < 0:
            position += 6
            continue
        begin = lower.find(">", position) + 1
        end = lower.find("</style", begin)
        if begin == 0 or end < 0:
            break
        if "print" not in lower[position:begin]:
            css = _uncommented(html[begin:end])[: most - size]
            sheets.append(css)
            size += len(css)
        position = end
    return sheets


def _uncommented(css: str) -> str:
    """Old mail programs put a style sheet inside a comment."""
    return css.strip().removeprefix("<!--").removesuffix("-->")


def _nested_too_deeply(html: str) -> bool:
    """A parser's time grows with the square of the depth."""
    if html.count("<") <= _MOST_NESTED:
        return False
    depth = count = 0
    for match in _TAG.finditer(html):
        count += 1
        if match[2].lower() not in _FLAT:
            depth = max(0, depth - 1) if match[1] else depth + 1
            if depth > _MOST_NESTED:
                return True
    return count > _MOST_TAGS
