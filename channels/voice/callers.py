"""Who calls and who is called: numbers and names as SIP writes them, and the customers behind them."""

from __future__ import annotations

import re
from urllib.parse import unquote

from channels.voice.sip import events as s
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.uri import SipUri
from hub.contacts import clean_text
from hub.errors import InvalidInput
from hub.ids import derived_id, new_id
from hub.model import Customer
from hub.service import Hub
from hub.visitors import clean_phone

STATIC = {"0": "PCMU", "8": "PCMA", "9": "G722"}


async def customer_of(hub: Hub, number: str, name: str, language: str) -> tuple[Customer, bool]:
    """(who has this number, whether he is new); a call without a number is always somebody new."""
    now = hub.clock.now()
    if not number:
        return Customer(new_id("cu", now), name, language=language, created_at=now), True
    known = await hub.store.people.by_identity("phone", number)
    if known is not None:
        return known, False
    id = derived_id("cu", 0, "phone", number)
    stored = (await hub.contacts.customers([id])).get(id)
    if stored is not None:
        return stored, False
    return Customer(id, name or number, "", number, language, created_at=now), True


def user_of(uri: str) -> str:
    """The number or name in a SIP or tel URI; "" when it cannot be read."""
    try:
        return unquote((SipUri.parse(uri).user or "").partition(":")[0])
    except ValueError:
        return ""


def display_of(event: s.Invited) -> str:
    """The caller's name as his network gives it, unless it is just a number."""
    name = clean_text((event.asserted_identity or event.from_).display or "", "name", 8000)[:200].strip()
    return "" if re.fullmatch(r"[+\d\s()./-]*", name) or name.casefold() == "anonymous" else name


def caller_of(event: s.Invited, region: str | None) -> str:
    """The caller's number in E.164 (or as it came); "" when he withholds it. What a trunk asserts goes before From."""
    identity: NameAddr = event.asserted_identity or event.from_
    user = user_of(identity.uri)
    privacy = (event.headers.get("Privacy") or "").lower()
    if user.casefold() in ("", "anonymous", "unavailable", "restricted") or "id" in privacy.split(";"):
        return ""
    return in_e164(user, region)


def in_e164(number: str, region: str | None) -> str:
    """A telephone number in E.164; what is none, or cannot be read without its country, as it is."""
    digits = re.sub(r"[\s().-]", "", number.split(";")[0])
    if not re.fullmatch(r"\+?\d{3,20}", digits):
        return number[:80]
    try:
        return clean_phone(digits, region)
    except InvalidInput:
        return digits


def codec_of(sdp: str) -> str:
    """The first codec of an audio description, by name; PCMU when none can be read."""
    found = re.search(r"^m=audio \d+ \S+ (\d+)", sdp, re.MULTILINE)
    if found is None:
        return "PCMU"
    named = re.search(rf"^a=rtpmap:{found[1]} ([A-Za-z0-9-]+)/", sdp, re.MULTILINE)
    return named[1] if named else STATIC.get(found[1], "PCMU")
