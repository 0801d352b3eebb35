"""What an agent's mails end with: one signature, and others for single queues; kept among the settings of the user."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import nh3
from msgspec import Struct, field

from hub.contacts import clean_text
from hub.errors import InvalidInput

KEY = "mail_signature"
TEXT_LIMIT = 4_000
HTML_LIMIT = 8_000
QUEUES = 20
_ABSOLUTE = re.compile(r"https?://|mailto:|tel:", re.IGNORECASE)
_TAGS = {"p", "div", "br", "strong", "b", "em", "i", "u", "s", "a", "ul", "ol", "li", "blockquote"}


class Signature(Struct, frozen=True):
    """`html` holds paragraphs, lists, links and emphasis. Without `html` it is the text's, and without `text` what the
    HTML says. Both may name what templates may."""

    text: str = ""
    html: str = ""

    @property
    def blank(self) -> bool:
        return not (self.text.strip() or nh3.clean(self.html, tags=set()).replace("&nbsp;", " ").strip())


class Signatures(Signature, frozen=True):
    """One for all queues, and others for single ones, by the ids of these."""

    queues: dict[str, Signature] = field(default_factory=dict)


def cleaned(given: Signatures, queues: Collection[str]) -> Signatures:
    """As it is kept: nothing in it runs or loads. Raises InvalidInput for what is too long or many, or for a queue that
    there is not."""
    if len(given.queues) > QUEUES:
        raise InvalidInput(f"{KEY}.queues", f"expected at most {QUEUES} queues")
    for id in given.queues:
        if id not in queues:
            raise InvalidInput(f"{KEY}.queues.{id}", "expected the id of a queue")
    own = {id: _harmless(each, f"{KEY}.queues.{id}") for id, each in given.queues.items()}
    whole = _harmless(given, KEY)
    return Signatures(whole.text, whole.html, {id: each for id, each in own.items() if not each.blank})


def _harmless(given: Signature, path: str) -> Signature:
    html = nh3.clean(
        clean_text(given.html, f"{path}.html", HTML_LIMIT),
        tags=_TAGS,
        attributes={"a": {"href"}},
        # A mail has no address that a link could be relative to.
        attribute_filter=lambda tag, name, value: value if _ABSOLUTE.match(value.strip()) else None,
        link_rel=None,
    )
    clean = Signature(clean_text(given.text, f"{path}.text", TEXT_LIMIT), html)
    return Signature() if clean.blank else clean


def kept(settings: Mapping[str, Any]) -> Signatures:
    """Those in a user's settings; what was kept as a plain text is one for all queues."""
    found = settings.get(KEY)
    if isinstance(found, str):
        return Signatures(found)
    try:
        return msgspec.convert(found, Signatures)
    except msgspec.ValidationError:
        return Signatures()


def for_queue(settings: Mapping[str, Any], queue: str | None) -> Signature:
    """The queue's own, or else the one for all."""
    signatures = kept(settings)
    return signatures.queues.get(queue or "", signatures)
