"""Digest authentication (RFC 3261 section 22, RFC 8760): both ends, without I/O.

The client answers the realms of its account only and gives up when a second answer was refused. The server's nonces
carry their time and a signature, so that it keeps nothing for those who only ask.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from channels.voice.sip.headers import TOKEN, BadHeader, quoted, unquoted
from channels.voice.sip.message import Response
from channels.voice.sip.uri import BadUri, SipUri

ALGORITHMS = ("SHA-256", "SHA-256-sess", "MD5", "MD5-sess")
"""Best first. A name without `-sess` is also the key under which a server keeps the hash of user and password."""

MAX_NONCE = 512  # of a peer; longer ones are not answered
MAX_VALUE = 8_192

_PART = re.compile(rf'[ \t,]*+({TOKEN})[ \t]*+=[ \t]*+("(?:[^"\\]++|\\.)*+"|[^ \t,"]++)[ \t]*+(?:,|\Z)', re.DOTALL)
_COUNT = re.compile(r"[0-9a-fA-F]{8}")


class NotAnswered(Exception):
    """A challenge that is not answered; the text says why, in words for the administrator."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """WWW-Authenticate or Proxy-Authenticate. `algorithm` as it came, MD5 if it is not named; `qop` in lower case."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False

    @classmethod
    def parse(cls, text: str) -> Challenge:
        """Raises BadHeader, also for another scheme than Digest."""
        values = _read(text)
        if "realm" not in values or not values.get("nonce"):
            raise BadHeader("a challenge without realm or nonce")
        return cls(
            values["realm"],
            values["nonce"],
            values.get("algorithm", "MD5"),
            tuple(option.strip().lower() for option in values.get("qop", "").split(",") if option.strip()),
            values.get("opaque"),
            values.get("stale", "").lower() == "true",
        )

    def __str__(self) -> str:
        parts = [f"realm={quoted(self.realm)}", f"nonce={quoted(self.nonce)}", f"algorithm={self.algorithm}"]
        if self.qop:
            parts.append(f"qop={quoted(','.join(self.qop))}")
        if self.opaque is not None:
            parts.append(f"opaque={quoted(self.opaque)}")
        if self.stale:
            parts.append("stale=true")
        return "Digest " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Authorization or Proxy-Authorization. `nc` is the nonce count; without `qop` it and `cnonce` are absent."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str = field(repr=False)
    algorithm: str = "MD5"
    qop: str | None = None
    nc: int | None = None
    cnonce: str | None = None
    opaque: str | None = None

    @classmethod
    def parse(cls, text: str) -> Credentials:
        """Raises BadHeader, also for another scheme than Digest."""
        values = _read(text)
        missing = {"username", "realm", "nonce", "uri", "response"} - values.keys()
        if missing:
            raise BadHeader(f"credentials without {', '.join(sorted(missing))}")
        count = values.get("nc")
        if count is not None and not _COUNT.fullmatch(count):
            raise BadHeader("credentials with a malformed nonce count")
        return cls(
            values["username"],
            values["realm"],
            values["nonce"],
            values["uri"],
            values["response"].lower(),
            values.get("algorithm", "MD5"),
            values["qop"].lower() if "qop" in values else None,
            None if count is None else int(count, 16),
            values.get("cnonce"),
            values.get("opaque"),
        )

    def __str__(self) -> str:
        parts = [
            *(f"{name}={quoted(getattr(self, name))}" for name in ("username", "realm", "nonce", "uri", "response")),
            f"algorithm={self.algorithm}",
        ]
        if self.cnonce is not None:
            parts.append(f"cnonce={quoted(self.cnonce)}")
        if self.opaque is not None:
            parts.append(f"opaque={quoted(self.opaque)}")
        if self.qop is not None:
            parts.append(f"qop={self.qop}")
        if self.nc is not None:
            parts.append(f"nc={self.nc:08x}")
        return "Digest " + ", ".join(parts)


def hash_user(algorithm: str, username: str, realm: str, password: str) -> str:
    """What a server may keep instead of the password, by algorithm (MD5 or SHA-256)."""
    return _hash(algorithm, f"{username}:{realm}:{password}")


def digest_response(hashed_user: str, credentials: Credentials, method: str, body: bytes = b"") -> str:
    """The `response` that fits to the other values of `credentials` (RFC 7616 section 3.4.1)."""
    algorithm = credentials.algorithm
    if algorithm.lower().endswith("-sess"):
        hashed_user = _hash(algorithm, f"{hashed_user}:{credentials.nonce}:{credentials.cnonce or ''}")
    request = f"{method}:{credentials.uri}"
    if credentials.qop == "auth-int":
        request += ":" + _hash(algorithm, body)
    hashed_request = _hash(algorithm, request)
    if credentials.qop is None:
        return _hash(algorithm, f"{hashed_user}:{credentials.nonce}:{hashed_request}")
    count = f"{credentials.nc or 0:08x}"
    return _hash(
        algorithm,
        f"{hashed_user}:{credentials.nonce}:{count}:{credentials.cnonce or ''}:{credentials.qop}:{hashed_request}",
    )


@dataclass
class DigestClient:
    """One account at one trunk. `realms` are the only ones that it answers; without any, the first that is asked for
    is kept to. `random(n)` gives 2n hexadecimal digits, as secrets.token_hex does.

    The last challenge of each realm is kept, so that later requests bring their credentials at once.
    """

    username: str
    password: str = field(repr=False)
    realms: Collection[str]
    random: Callable[[int], str]
    _known: dict[tuple[str, str], tuple[Challenge, str, int]] = field(default_factory=dict, repr=False)

    def authorize(self, method: str, uri: str, body: bytes = b"") -> list[tuple[str, str]]:
        """Header fields for a new request, by the challenges that were answered before; [] before the first."""
        return [
            (header, self._credentials(header, known[0], method, uri, body))
            for (header, _), known in list(self._known.items())
        ]

    def answer(
        self, response: Response, attempt: int, method: str, uri: str, body: bytes = b""
    ) -> list[tuple[str, str]]:
        """Header fields to try the request again with after a 401 or 407.

        `attempt` counts the challenges of this request, 1 for the first. Raises NotAnswered: for a foreign realm,
        without an algorithm that we know, at the third challenge, and when the same credentials would be refused again.
        """
        if response.status == 401:
            field_name, header = "WWW-Authenticate", "Authorization"
        else:
            field_name, header = "Proxy-Authenticate", "Proxy-Authorization"
        if attempt > 2:
            self.forget()
            raise NotAnswered("the password was refused twice")
        chosen: dict[str, Challenge] = {}  # by realm
        foreign: set[str] = set()
        for text in response.headers.lines(field_name):
            try:
                challenge = Challenge.parse(text)
            except BadHeader:
                continue
            if not _usable(challenge) or challenge.realm in chosen:
                continue  # the topmost that we can do counts (RFC 8760 section 2.4)
            if challenge.realm in (self.realms or tuple(chosen) or (challenge.realm,)):
                chosen[challenge.realm] = challenge
            else:
                foreign.add(challenge.realm)
        if not chosen:
            if foreign:
                named = ", ".join(repr(realm[:80]) for realm in sorted(foreign))
                raise NotAnswered(f"the challenge is for the realm {named}, which is not the trunk's")
            raise NotAnswered("there is no challenge that can be answered (Digest with MD5 or SHA-256)")
        self.realms = self.realms or tuple(chosen)[:1]
        fields = []
        for realm, challenge in chosen.items():
            known = self._known.get((header, realm))
            if attempt > 1 and known is not None and not challenge.stale:
                self.forget()
                raise NotAnswered("the password was refused")
            if known is None or known[0].nonce != challenge.nonce:
                self._known[header, realm] = (challenge, self.random(8), 0)
            fields.append((header, self._credentials(header, challenge, method, uri, body)))
        return fields

    def forget(self) -> None:
        """Nothing is sent before the next challenge."""
        self._known.clear()

    def _credentials(self, header: str, challenge: Challenge, method: str, uri: str, body: bytes) -> str:
        challenge, cnonce, count = self._known[header, challenge.realm]
        count += 1
        self._known[header, challenge.realm] = (challenge, cnonce, count)
        qop = next((option for option in ("auth", "auth-int") if option in challenge.qop), None)
        session = challenge.algorithm.lower().endswith("-sess")
        unanswered = Credentials(
            self.username,
            challenge.realm,
            challenge.nonce,
            uri,
            "",
            challenge.algorithm,
            qop,
            count if qop else None,
            cnonce if qop or session else None,
            challenge.opaque,
        )
        hashed = hash_user(challenge.algorithm, self.username, challenge.realm, self.password)
        response = digest_response(hashed, unanswered, method, body)
        return str(_with_response(unanswered, response))


@dataclass(frozen=True, slots=True)
class Accepted:
    username: str


@dataclass(frozen=True, slots=True)
class Denied:
    """`stale`: the credentials are right but their nonce is not usable any more; challenge again, saying so."""

    reason: str
    stale: bool = False


class DigestServer:
    """Asks for and checks the credentials of phones that register with us.

    `lookup(username)` gives the user's hashes by algorithm as hash_user makes them, None for nobody. `now` is in
    seconds of any clock that does not go back. Nonces count `lifetime` seconds. The nonce counts of the newest `nonces`
    that were used are kept against replays; whatever is older than those that had to be forgotten is stale.
    """

    def __init__(
        self,
        realm: str,
        secret: bytes,
        lookup: Callable[[str], Mapping[str, str] | None],
        random: Callable[[int], str],
        *,
        algorithms: Sequence[str] = ("SHA-256", "MD5"),
        lifetime: int = 300,
        nonces: int = 10_000,
    ) -> None:
        self.realm = realm
        self._secret = secret
        self._lookup = lookup
        self._random = random
        self._algorithms = tuple(algorithms)
        self._lifetime = lifetime
        self._nonces = nonces
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()  # nonce -> count, expiry
        self._forgotten = 0  # expiry of the youngest nonce that had to be forgotten

    def challenge(self, now: float, *, stale: bool = False) -> list[str]:
        """Values for WWW-Authenticate, the best algorithm first."""
        expiry = int(now) + self._lifetime
        salt = bytes.fromhex(self._random(8))
        payload = expiry.to_bytes(8, "big") + salt
        nonce = urlsafe_b64encode(payload + self._sign(payload)).decode()
        return [str(Challenge(self.realm, nonce, algorithm, ("auth",), stale=stale)) for algorithm in self._algorithms]

    def check(self, text: str, method: str, request_uri: str, now: float) -> Accepted | Denied:
        """`text` is the value of the Authorization header field for our realm."""
        try:
            credentials = Credentials.parse(text)
        except BadHeader as error:
            return Denied(str(error))
        if credentials.realm != self.realm or credentials.qop != "auth" or credentials.nc is None:
            return Denied("credentials for another challenge")
        if credentials.algorithm.upper() not in {name.upper() for name in self._algorithms}:
            return Denied("an algorithm that was not asked for")
        if not _same_uri(credentials.uri, request_uri):
            return Denied("credentials for another request")
        expiry = self._expiry(credentials.nonce)
        if expiry is None:
            return Denied("a nonce that is not ours", stale=True)
        # The work is the same for an unknown user.
        hashes = self._lookup(credentials.username)
        hashed = (hashes or {}).get(_family(credentials.algorithm))
        expected = digest_response(hashed or "0" * 64, credentials, method)
        if not hmac.compare_digest(expected.encode(), credentials.response.encode()) or hashed is None:
            return Denied("wrong user or password")
        if expiry <= now or expiry <= self._forgotten or not self._count(credentials.nonce, credentials.nc, expiry):
            return Denied("an old nonce", stale=True)
        return Accepted(credentials.username)

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._secret, b"sip nonce" + payload, "sha256")[:16]

    def _expiry(self, nonce: str) -> int | None:
        """None if we have not made it."""
        try:
            raw = urlsafe_b64decode(nonce) if len(nonce) <= 64 else b""
        except ValueError:
            return None
        payload, signature = raw[:16], raw[16:]
        if len(raw) != 32 or not hmac.compare_digest(self._sign(payload), signature):
            return None
        return int.from_bytes(payload[:8], "big")

    def _count(self, nonce: str, count: int, expiry: int) -> bool:
        """Whether the count is new for the nonce."""
        last = self._counts.get(nonce, (0, 0))[0]
        if count <= last:
            return False
        self._counts[nonce] = (count, expiry)
        if len(self._counts) > self._nonces:
            _, (_, oldest) = self._counts.popitem(last=False)
            self._forgotten = max(self._forgotten, oldest)
        return True


def _read(text: str) -> dict[str, str]:
    """The parameters of a Digest value by lower-case name, unquoted."""
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        raise BadHeader("another authentication scheme than Digest")
    if len(rest) > MAX_VALUE:
        raise BadHeader("a Digest value that is too long")
    values: dict[str, str] = {}
    at = 0
    while at < len(rest):
        match = _PART.match(rest, at)
        if match is None:
            raise BadHeader("a malformed Digest value")
        name = match[1].lower()
        if name in values:
            raise BadHeader(f"a Digest value with two {name}")
        values[name] = unquoted(match[2])
        at = match.end()
    return values


def _usable(challenge: Challenge) -> bool:
    known = challenge.algorithm.upper() in {name.upper() for name in ALGORITHMS}
    return (
        known
        and len(challenge.nonce) <= MAX_NONCE
        and (not challenge.qop or "auth" in challenge.qop or "auth-int" in challenge.qop)
    )


def _family(algorithm: str) -> str:
    return "SHA-256" if algorithm.upper().startswith("SHA-256") else "MD5"


def _hash(algorithm: str, data: str | bytes) -> str:
    raw = data if isinstance(data, bytes) else data.encode()
    if _family(algorithm) == "SHA-256":
        return hashlib.sha256(raw).hexdigest()
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()  # what the older half of the field still asks for


def _with_response(credentials: Credentials, response: str) -> Credentials:
    values = {name: getattr(credentials, name) for name in Credentials.__slots__}
    return Credentials(**{**values, "response": response})


def _same_uri(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return SipUri.parse(one).equals(SipUri.parse(other))
    except BadUri:
        return False
