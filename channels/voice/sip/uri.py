"""SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import quote, unquote

# All quantifiers are possessive: a text that does not match fails in linear time.
_USER = r"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]++|%[0-9A-Fa-f]{2})++"  # "#" is not in the grammar, but dialled
_BEHIND_COLON = r"(?:[A-Za-z0-9\-_.!~*'()&=+$,]++|%[0-9A-Fa-f]{2})*+"
HOST = r"(?:\[[0-9A-Fa-f:.]{2,45}+\]|[A-Za-z0-9](?:[A-Za-z0-9_.\-]{0,254}+))"
_PARAM = r"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++|%[0-9A-Fa-f]{2})++"
_HEADER = r"(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$]++|%[0-9A-Fa-f]{2})"

_SIP = re.compile(
    rf"([sS][iI][pP][sS]?):(?:({_USER}(?::{_BEHIND_COLON})?+)@)?+({HOST})(?::([0-9]{{1,5}}+))?+"
    rf"((?:;{_PARAM}(?:={_PARAM})?+)*+)(?:\?({_HEADER}++={_HEADER}*+(?:&{_HEADER}++={_HEADER}*+)*+))?+"
)
_TEL = re.compile(rf"[tT][eE][lL]:(\+?+[\-.()]*+[0-9A-Fa-f*#][0-9A-Fa-f*#\-.()]*+)((?:;{_PARAM}(?:={_PARAM})?+)*+)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*+:[!#-;=?-Z\[\]_a-z~%]++")  # any other scheme (RFC 2396)

_USER_SAFE = "-_.!~*'()&=+$,;?/"
# Of these parameters an absent one never equals a present one; any other is compared only where both have it.
_NEVER_IGNORED = ("user", "ttl", "method", "maddr", "transport")


class BadUri(ValueError):
    """The text is no URI of the scheme that it begins with."""


@dataclass(frozen=True, slots=True)
class SipUri:
    """`user` and the values keep their escapes; a password stays in `user` behind a colon. `host` is lower case, an
    IPv6 address without its brackets. The names of `params` are lower case; a parameter without a value has None. A
    tel URI has its number, without visual separators, as `user` and an empty `host`."""

    scheme: str
    user: str | None
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Raises BadUri, also for other schemes than sip, sips and tel."""
        if match := _SIP.fullmatch(text):
            scheme, user, host, port, params, headers = match.groups()
            return cls(
                scheme.lower(),
                user,
                _read_host(host),
                None if port is None else _read_port(port),
                _read_params(params),
                tuple((name, value) for name, _, value in (pair.partition("=") for pair in headers.split("&")))
                if headers
                else (),
            )
        if match := _TEL.fullmatch(text):
            return cls("tel", re.sub(r"[-.()]", "", match[1]), "", None, _read_params(match[2]))
        raise BadUri(f"no SIP or tel URI: {text[:100]!r}")

    def __str__(self) -> str:
        parts = [self.scheme, ":"]
        if self.scheme == "tel":
            parts.append(self.user or "")
        else:
            if self.user is not None:
                parts += (self.user, "@")
            parts.append(f"[{self.host}]" if ":" in self.host else self.host)
            if self.port is not None:
                parts.append(f":{self.port}")
        parts += (f";{name}" if value is None else f";{name}={value}" for name, value in self.params.items())
        if self.headers:
            parts.append("?" + "&".join(f"{name}={value}" for name, value in self.headers))
        return "".join(parts)

    @property
    def username(self) -> str:
        """The user without a password and escapes, "" if there is none."""
        return unquote((self.user or "").partition(":")[0])

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case."""
        value = self.params.get("transport")
        return value.lower() if value else None

    @property
    def loose(self) -> bool:
        """A loose router's URI (RFC 3261 section 16.12)."""
        return "lr" in self.params

    def with_params(self, **params: str | None) -> SipUri:
        """With these parameters set; an underscore in a name stands for a hyphen."""
        return replace(self, params={**self.params, **{name.replace("_", "-"): v for name, v in params.items()}})

    def without(self, *params: str) -> SipUri:
        return replace(self, params={name: value for name, value in self.params.items() if name not in params})

    def equals(self, other: SipUri) -> bool:
        """The same by the rules of RFC 3261 section 19.1.4 (not `==`, which also compares unknown parameters)."""
        return (
            self.scheme == other.scheme
            and _unescape(self.user) == _unescape(other.user)
            and self.host == other.host
            and self.port == other.port
            and all(_param(self, name) == _param(other, name) for name in _NEVER_IGNORED)
            and all(_param(self, n) == _param(other, n) for n in self.params if n in other.params)
            and _comparable(self.headers) == _comparable(other.headers)
        )


def escape_user(text: str) -> str:
    """A user as it may stand in a URI."""
    return quote(text, safe=_USER_SAFE)


def is_uri(text: str) -> bool:
    """A well-formed URI of any scheme. Of sip, sips and tel the whole grammar is checked."""
    match = _SIP.fullmatch(text)
    if match is not None:
        port, host = match[4], match[3]
        try:
            if host[0] == "[":
                IPv6Address(host[1:-1])
        except AddressValueError:
            return False
        return port is None or int(port) <= 65535
    scheme = text[:5].lower()
    if scheme.startswith(("sip:", "sips:")):
        return False
    if scheme.startswith("tel:"):
        return _TEL.fullmatch(text) is not None
    return _ABSOLUTE.fullmatch(text) is not None


def _read_host(text: str) -> str:
    if text[0] != "[":
        return text.lower()
    try:
        return str(IPv6Address(text[1:-1]))
    except AddressValueError as error:
        raise BadUri(f"no IPv6 address: {text}") from error


def _read_port(text: str) -> int:
    port = int(text)
    if port > 65535:
        raise BadUri(f"no port: {text}")
    return port


def _read_params(text: str) -> dict[str, str | None]:
    params: dict[str, str | None] = {}
    for part in text.split(";")[1:]:
        name, equals, value = part.partition("=")
        params[name.lower()] = value if equals else None
    return params


def _param(uri: SipUri, name: str) -> str | None:
    if name not in uri.params:
        return None
    value = uri.params[name]
    return "" if value is None else unquote(value).lower()


def _unescape(user: str | None) -> str | None:
    """Escapes of characters that need none are the same as the characters; those of reserved ones are not."""
    if user is None or "%" not in user:
        return user
    return re.sub(
        r"%([0-9A-Fa-f]{2})",
        lambda found: (
            c if (c := chr(int(found[1], 16))).isascii() and (c.isalnum() or c in "-_.!~*'()") else found[0].upper()
        ),
        user,
    )


def _comparable(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name.lower(), unquote(value)) for name, value in headers)
