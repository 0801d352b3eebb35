"""What calls carry in header fields and bodies: SDP, reasons, identities, DTMF digits."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from channels.voice.sip.events import Reason
from channels.voice.sip.headers import BadHeader, Headers, NameAddr, read_params, split_list
from channels.voice.sip.message import Request, Response
from channels.voice.sip.uri import BadUri, SipUri

_REASON = re.compile(r"([A-Za-z0-9.\-_]+)[ \t]*(;.*)?", re.DOTALL)
_SIGNAL = re.compile(r"^[ \t]*Signal[ \t]*=[ \t]*([0-9*#A-Da-d!]|1[0-6])[ \t]*$", re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(r"^[ \t]*Duration[ \t]*=[ \t]*([0-9]{1,5})[ \t]*$", re.IGNORECASE | re.MULTILINE)
_DIGITS = "0123456789*#ABCD!"


class OtherContent(ValueError):
    """The body is of a type that we cannot do without understanding it, and do not understand."""


def sdp_of(message: Request | Response) -> str | None:
    """The SDP in the body, also as a part of multipart/mixed (ISUP comes beside it). Raises OtherContent."""
    if not message.body:
        return None
    content = message.headers.get("Content-Type") or "application/sdp"
    kind = media_type(content)
    if kind == "application/sdp":
        return message.body.decode("utf-8", "replace")
    if kind.startswith("multipart/"):
        part = _part(message.body, content)
        if part is not None:
            return part
    if "handling=optional" in (message.headers.get("Content-Disposition") or "").lower():
        return None
    raise OtherContent(kind)


def media_type(content_type: str) -> str:
    return "".join(content_type.partition(";")[0].split()).lower()


def _part(body: bytes, content_type: str) -> str | None:
    boundary = read_params(";" + content_type.partition(";")[2]).get("boundary")
    if not boundary:
        return None
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        head, end, content = part.partition(b"\r\n\r\n")
        for line in head.decode("utf-8", "replace").split("\r\n") if end else ():
            name, _, value = line.partition(":")
            if name.strip().lower() in ("content-type", "c") and media_type(value) == "application/sdp":
                return content.decode("utf-8", "replace")
    return None


def reasons_of(message: Request | Response) -> tuple[Reason, ...]:
    """What its Reason header fields say (RFC 3326); those that cannot be read are left out."""
    found = []
    for text in message.headers.all("Reason")[:8]:
        match = _REASON.fullmatch(text)
        if match is None:
            continue
        params = read_params(match[2] or "")
        cause = params.get("cause") or ""
        if cause.isascii() and cause.isdigit() and len(cause) <= 4:
            found.append(Reason(match[1], int(cause), (params.get("text") or "")[:200]))
    return tuple(found)


def reason_field(reason: Reason) -> tuple[str, str]:
    text = reason.text.translate({13: " ", 10: " ", 34: "'", 92: "/"})
    return "Reason", f"{reason.protocol};cause={reason.cause}" + (f';text="{text}"' if text else "")


def asserted_identity(headers: Headers) -> NameAddr | None:
    """P-Asserted-Identity (RFC 3325); a telephone number comes before an address."""
    found = _addresses(headers.all("P-Asserted-Identity")[:2])
    return next((party for party in found if party.uri.lower().startswith("tel:")), found[0] if found else None)


def diversion(headers: Headers) -> tuple[NameAddr, ...]:
    """Whom the call was for before, latest first: Diversion (RFC 5806), or else History-Info (RFC 7044)."""
    if found := _addresses(headers.all("Diversion")[:16]):
        return tuple(found)
    history = _addresses(headers.all("History-Info")[:16])
    # The last entry is where the call is now; the parameters in the URI (why it left) are no part of the address.
    return tuple(replace(party, uri=_plain(party.uri)) for party in reversed(history[:-1]))


def _addresses(texts: list[str]) -> list[NameAddr]:
    found = []
    for text in texts:
        try:
            found.append(NameAddr.parse(text))
        except BadHeader:
            continue
    return found


def _plain(uri: str) -> str:
    try:
        return str(replace(SipUri.parse(uri), headers=()))
    except BadUri:
        return uri


def option_tags(headers: Headers, name: str) -> frozenset[str]:
    """The tags of Supported, Require and the like, in lower case."""
    return frozenset(tag.lower() for tag in headers.all(name)) if name in headers else frozenset()


def methods(headers: Headers) -> frozenset[str] | None:
    """What Allow says; None if there is none."""
    return _methods(", ".join(headers.lines("Allow"))[:1_000]) if "Allow" in headers else None


@lru_cache(256)
def _methods(text: str) -> frozenset[str] | None:
    return frozenset(method.upper() for method in split_list(text)) or None


def number_field(headers: Headers, name: str, most: int = 2**31 - 1) -> int | None:
    """A header field that begins with a number (Expires, Min-SE, Retry-After ...); None if there is no such."""
    match = re.match(r"[ \t]*([0-9]{1,10})(?![0-9])", headers.get(name) or "")
    return min(int(match[1]), most) if match else None


def digit_of(request: Request) -> tuple[str, int] | None:
    """The key and its length in ms of an INFO, by application/dtmf-relay or application/dtmf; None if it has none."""
    kind = media_type(request.headers.get("Content-Type") or "")
    text = request.body[:400].decode("latin-1")
    if kind == "application/dtmf-relay":
        signal, duration = _SIGNAL.search(text.replace("\r", "")), _DURATION.search(text.replace("\r", ""))
        if signal is None:
            return None
        key, ms = signal[1].upper(), int(duration[1]) if duration else 160
    elif kind == "application/dtmf":
        key, ms = text.strip().upper(), 160
    else:
        return None
    if key.isdigit() and len(key) == 2 and int(key) < len(_DIGITS):
        key = _DIGITS[int(key)]
    return (key, ms) if len(key) == 1 and key in _DIGITS else None


def digit_body(digit: str, ms: int) -> tuple[str, bytes]:
    """Content type and body of the INFO that tells a key."""
    return "application/dtmf-relay", f"Signal={digit}\r\nDuration={ms}\r\n".encode()
