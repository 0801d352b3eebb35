"""Header fields of SIP (RFC 3261 sections 7.3 and 20): the fields of a message, and the values with a structure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv6Address

from channels.voice.sip.uri import HOST, BadUri, SipUri, is_uri

_NAMES = (
    *("Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events"),
    *("Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition"),
    *("Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date", "Diversion"),
    *(
        "Error-Info",
        "Event",
        "Expires",
        "From",
        "History-Info",
        "Identity",
        "Identity-Info",
        "In-Reply-To",
        "Max-Forwards",
    ),
    *("MIME-Version", "Min-Expires", "Min-SE", "Organization", "P-Access-Network-Info", "P-Asserted-Identity"),
    *("P-Called-Party-ID", "P-Charging-Vector", "P-Preferred-Identity", "Path", "Priority", "Privacy"),
    *("Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason", "Record-Route", "Refer-To"),
    *("Referred-By", "Reject-Contact", "Remote-Party-ID", "Replaces", "Reply-To", "Request-Disposition", "Require"),
    *("Retry-After", "Route", "RSeq", "Server", "Service-Route", "Session-Expires", "SIP-ETag", "SIP-If-Match"),
    *("Subject", "Subscription-State", "Supported", "Timestamp", "To", "Unsupported", "User-Agent", "Via", "Warning"),
    *("WWW-Authenticate",),
)
_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
_CANONICAL = {
    **{spelling: name for name in _NAMES for spelling in (name, name.lower(), name.upper())},
    **{spelling: name for letter, name in _COMPACT.items() for spelling in (letter, letter.upper())},
}
known_name = _CANONICAL.get
"""The full name for a usual spelling or compact form, None for any other."""
_BY_LOWER = {name.lower(): name for name in _NAMES}

# Each value of these stands by itself, however the sender has put them on lines.
_ADDRESS_LISTS = frozenset(
    {"Via", "Route", "Record-Route", "Contact", "Path", "Service-Route", "Diversion", "P-Asserted-Identity"}
)
_LISTS = _ADDRESS_LISTS | {
    *("Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Call-Info"),
    *("Content-Encoding", "Content-Language", "Error-Info", "History-Info", "In-Reply-To", "P-Preferred-Identity"),
    *("Proxy-Require", "Reason", "Remote-Party-ID", "Require", "Supported", "Unsupported", "Warning"),
}

# All quantifiers are possessive: a text that does not match fails in linear time.
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"  # noqa: S105
_QUOTED = r'"(?:[^"\\]++|\\.)*+"'
# Wider than a token: addresses, and what is found in the field (base64 in tags and branches).
_VALUE = rf"(?:{_QUOTED}|[A-Za-z0-9\-.!%*_+`'~\[\]:/@=$&]++)"
_PARAMS = rf"(?:[ \t]*+;[ \t]*+{TOKEN}(?:[ \t]*+=[ \t]*+{_VALUE})?+)*+"
_WORDS = r"(?:[A-Za-z0-9\-.!%*_+`'~\x80-\U0010ffff]++[ \t]*+)*+"  # tokens; other alphabets ought to be quoted
_NAME_ADDR = re.compile(
    rf"(?:({_QUOTED})[ \t]*+|({_WORDS}))<([^<>\s\"]++)>({_PARAMS})[ \t]*+|([^<>\s\",;?]++)({_PARAMS})[ \t]*+", re.DOTALL
)
_VIA = re.compile(
    rf"[sS][iI][pP][ \t]*+/[ \t]*+([0-9]\.[0-9])[ \t]*+/[ \t]*+({TOKEN})[ \t]++"
    rf"({HOST})(?:[ \t]*+:[ \t]*+([0-9]{{1,5}}+))?+({_PARAMS})[ \t]*+"
)
_CSEQ = re.compile(rf"([0-9]{{1,20}}+)[ \t]++({TOKEN})")
_PARAM = re.compile(rf"[ \t]*+;[ \t]*+({TOKEN})(?:[ \t]*+=[ \t]*+({_VALUE}))?+")
_IS_TOKEN = re.compile(TOKEN)
_PIECES = re.compile(rf'(?:{_QUOTED}|<[^<>]*+>|[^",<]++)++|,|["<]')

Params = Mapping[str, str | None]


class BadHeader(ValueError):
    """The value does not follow its header field's grammar."""


def canonical(name: str) -> str:
    """The full name in its usual spelling; of an unknown field each word begins with a capital."""
    return _CANONICAL.get(name) or _BY_LOWER.get(name.lower()) or name.title()


class Headers:
    """The header fields of a message: ordered, several of one name, names in any case or compact form.

    The order of fields of different names says nothing (RFC 3261 section 7.3.1), so the values of a name stand
    together, at the place of the first. Addresses that came in one comma-separated line stand one by one.
    """

    __slots__ = ("_values",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in items:
            self.add(name, value)

    def get(self, name: str) -> str | None:
        """The first value: of a list of addresses the topmost, of other fields the first line as it came."""
        values = self._values.get(_CANONICAL.get(name) or canonical(name))
        return values[0] if values else None

    def lines(self, name: str) -> list[str]:
        """Every line of the field as it came."""
        return list(self._values.get(canonical(name), ()))

    def all(self, name: str) -> list[str]:
        """Every value, also those that share a line. [] if there is none."""
        name = _CANONICAL.get(name) or canonical(name)
        values = self._values.get(name)
        if not values:
            return []
        if name in _LISTS and name not in _ADDRESS_LISTS:
            return [piece for value in values for piece in split_list(value)]
        return list(values)

    def add(self, name: str, value: str) -> None:
        """Behind the others of its name."""
        self.add_known(_CANONICAL.get(name) or canonical(name), value)

    def add_known(self, name: str, value: str) -> None:
        """As `add`, for a name as `canonical` gives it."""
        values = self._values.get(name)
        if values is None:
            values = self._values[name] = []
        if "," in value and name in _ADDRESS_LISTS:
            values += split_list(value)
        else:
            values.append(value)

    def set(self, name: str, value: str) -> None:
        """The only one of its name from now on, at the place of the first."""
        values = self._values.setdefault(canonical(name), [])
        values.clear()
        self.add(name, value)

    def insert_first(self, name: str, value: str) -> None:
        """Before the others of its name; a new name comes before all others."""
        name = canonical(name)
        if name in self._values:
            self._values[name].insert(0, value)
        else:
            self._values = {name: [value], **self._values}

    def replace_first(self, name: str, value: str) -> None:
        """In the place of the first of its name."""
        values = self._values.setdefault(canonical(name), [])
        values[:1] = [value]

    def remove(self, name: str) -> None:
        """All of the name; nothing happens if there is none."""
        self._values.pop(canonical(name), None)

    def remove_first(self, name: str) -> None:
        name = canonical(name)
        if values := self._values.get(name):
            del values[0]
            if not values:
                del self._values[name]

    def count(self, name: str) -> int:
        return len(self._values.get(canonical(name), ()))

    @property
    def by_name(self) -> Mapping[str, Sequence[str]]:
        """The values by canonical name, to look at."""
        return self._values

    def copy(self) -> Headers:
        twin = Headers()
        twin._values = {name: list(values) for name, values in self._values.items()}
        return twin

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and canonical(name) in self._values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, value) for name, values in self._values.items() for value in values)

    def __len__(self) -> int:
        return sum(map(len, self._values.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({list(self)!r})"


@dataclass(frozen=True, slots=True)
class Via:
    """`transport` in upper case; `host` without brackets; `params` by lower-case name, quoted values unquoted."""

    transport: str
    host: str
    port: int | None = None
    params: Params = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str) -> Via:
        """Raises BadHeader. A request of another SIP version is answered, too, so any is read."""
        match = _VIA.fullmatch(text)
        if match is None:
            raise BadHeader(f"no Via: {text[:100]!r}")
        _, transport, host, port, params = match.groups()
        return cls(transport.upper(), _bare_host(host), _port(port), read_params(params))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {host}{port}{write_params(self.params)}"

    @property
    def branch(self) -> str:
        return self.params.get("branch") or ""

    @property
    def sent_by(self) -> tuple[str, int]:
        """Host and port that the sender gave, with the default port of the transport."""
        return self.host, self.port or (5061 if self.transport == "TLS" else 5060)

    def stamped(self, host: str, port: int) -> Via:
        """As a server's transport notes where the request really came from (RFC 3261 section 18.2.1, RFC 3581)."""
        params = dict(self.params)
        if "rport" in params:
            params["rport"] = str(port)
            params["received"] = host
        elif host != self.host:
            params["received"] = host
        return self if params == self.params else replace(self, params=params)


@dataclass(frozen=True, slots=True)
class NameAddr:
    """A party or a target (From, To, Contact, Route ...). `display` is unquoted; `uri` is of any scheme, as it came."""

    display: str
    uri: str
    params: Params = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Raises BadHeader."""
        match = _NAME_ADDR.fullmatch(text)
        if match is None:
            raise BadHeader(f"no address: {text[:100]!r}")
        quoted, words, uri, params, bare, bare_params = match.groups()
        uri = uri or bare
        if not is_uri(uri):
            raise BadHeader(f"no URI: {uri[:100]!r}")
        display = unquoted(quoted) if quoted else " ".join((words or "").split())
        return cls(display, uri, read_params(params or bare_params or ""))

    def __str__(self) -> str:
        display = f"{quoted(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{write_params(self.params)}"

    @property
    def tag(self) -> str | None:
        return self.params.get("tag") or None

    @property
    def sip_uri(self) -> SipUri | None:
        """None if it is of another scheme than sip, sips or tel."""
        try:
            return SipUri.parse(self.uri)
        except BadUri:
            return None

    def with_tag(self, tag: str) -> NameAddr:
        return replace(self, params={**self.params, "tag": tag})


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Raises BadHeader, also for a number of more than 31 bits (RFC 3261 section 8.1.1.5)."""
        match = _CSEQ.fullmatch(text)
        if match is None or (number := int(match[1])) >= 2**31:
            raise BadHeader(f"no CSeq: {text[:100]!r}")
        return cls(number, match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def split_list(text: str) -> list[str]:
    """The elements between commas that stand neither in quotes nor in angle brackets; empty ones are left out."""
    if "," not in text:
        return [text] if text else []
    elements, current = [], ""
    for piece in _PIECES.findall(text):
        if piece == ",":
            elements.append(current.strip())
            current = ""
        else:
            current += piece
    elements.append(current.strip())
    return [element for element in elements if element]


def read_params(text: str) -> dict[str, str | None]:
    """Parameters of a value that matched its grammar, by lower-case name; the first of a name counts."""
    params: dict[str, str | None] = {}
    if text:
        for name, value in _PARAM.findall(text):
            params.setdefault(name.lower(), (unquoted(value) if value[0] == '"' else value) if value else None)
    return params


def write_params(params: Params) -> str:
    return "".join(
        f";{name}" if value is None else f";{name}={value if _plain_value(value) else quoted(value)}"
        for name, value in params.items()
    )


_plain_value: Callable[[str], re.Match[str] | None] = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]:/@=$&]++").fullmatch


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(text: str) -> str:
    """The content of a quoted string; other text stays as it is."""
    if len(text) < 2 or text[0] != '"':
        return text
    inner = text[1:-1]
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL) if "\\" in inner else inner


def is_token(text: str) -> bool:
    return _IS_TOKEN.fullmatch(text) is not None


def is_via(text: str, *, any_version: bool = False) -> bool:
    match = _VIA.fullmatch(text)
    if match is None or (match[1] != "2.0" and not any_version):
        return False
    try:
        _bare_host(match[3])
        _port(match[4])
    except BadHeader:
        return False
    return True


def is_name_addr(text: str, *, brackets: bool = False) -> bool:
    """An address; with `brackets` only in angle brackets (Route, Record-Route)."""
    match = _NAME_ADDR.fullmatch(text)
    if match is None:
        return False
    uri: str | None = match[3]
    return is_uri(uri) if uri is not None else not brackets and is_uri(match[5])


def _bare_host(text: str) -> str:
    if text[0] != "[":
        return text.lower()
    try:
        return str(IPv6Address(text[1:-1]))
    except AddressValueError as error:
        raise BadHeader(f"no IPv6 address: {text}") from error


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    if (port := int(text)) > 65535:
        raise BadHeader(f"no port: {text}")
    return port
