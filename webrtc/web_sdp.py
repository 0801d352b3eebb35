"""A browser's SDP offer, read, and the answer to it, written (JSEP, RFC 9429; ICE RFC 8839; DTLS-SRTP RFC 5763).

Only what a phone in a browser needs: one bundled audio section with RTP and RTCP on one port, candidates all inside
(no trickle). Other sections (video, data) are refused, as the answer has to say for each of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from hub.errors import InvalidInput
from webrtc.sdp import whole
from webrtc.stream import Codec

LONGEST = 64_000
"""Characters of an offer. Chromium's with audio only is about 3,000, with many candidates 8,000."""
MOST_CANDIDATES = 100
LESS = 1000 << 8
"""A thousand steps of local preference in a candidate's priority (RFC 8445 5.1.2.1)."""

PROFILES = ("UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "RTP/SAVPF", "UDP/TLS/RTP/SAVP")
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
DIGEST_SIZES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}

# RFC 3551: these may come without a rtpmap. G722 samples at 16 kHz and says 8000 for historical reasons.
STATIC = {0: ("pcmu", 8000), 8: ("pcma", 8000), 9: ("g722", 8000)}
RATES = {"PCMU": 8000, "PCMA": 8000, "G722": 8000, "opus": 48_000}


class Fingerprint(Struct, frozen=True):
    """`algorithm` in lower case, one of DIGEST_SIZES; `value` as colon-separated hexadecimal."""

    algorithm: str
    value: str


class Candidate(Struct, frozen=True):
    """A UDP candidate of component 1; `type` is host, srflx, prflx or relay."""

    foundation: str
    priority: int
    host: str
    port: int
    type: str
    related: tuple[str, int] | None = None

    def __str__(self) -> str:
        line = f"{self.foundation} 1 udp {self.priority} {self.host} {self.port} typ {self.type}"
        return line if self.related is None else f"{line} raddr {self.related[0]} rport {self.related[1]}"


class Section(Struct, frozen=True):
    """One m= line, as much of it as a refusal repeats."""

    kind: str
    profile: str
    formats: str
    mid: str | None


class WebOffer(Struct, frozen=True):
    """`audio` is the index of the section that is answered; `rtpmaps`: payload type -> (lower-case name, clock rate).

    `setup` is actpass, active or passive; `direction` as the browser says it, from its side.
    """

    sections: tuple[Section, ...]
    audio: int
    username: str
    password: str
    lite: bool
    setup: str
    fingerprints: tuple[Fingerprint, ...]
    candidates: tuple[Candidate, ...]
    rtpmaps: Mapping[int, tuple[str, int]]
    direction: str
    ptime_ms: int = 20

    @property
    def sends(self) -> bool:
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        return self.direction in ("sendrecv", "recvonly")


def _wrong(expected: str) -> InvalidInput:
    return InvalidInput("offer", expected)


def read_offer(text: str) -> WebOffer:
    """Raises InvalidInput that says what an offer must hold."""
    if len(text) > LONGEST:
        raise _wrong(f"expected SDP of at most {LONGEST} characters")
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines or lines[0].strip() != "v=0":
        raise _wrong("expected SDP that begins with v=0")
    session: list[str] = []
    parts: list[tuple[str, list[str]]] = []
    for line in lines:
        line = line.strip()
        if line.startswith("m="):
            parts.append((line[2:], []))
        elif line.startswith("a="):
            (parts[-1][1] if parts else session).append(line[2:])
    sections = tuple(_section(head, attributes) for head, attributes in parts)
    audio = next(
        (
            n
            for n, (head, _) in enumerate(parts)
            if sections[n].kind == "audio" and sections[n].profile in PROFILES and not head.startswith("audio 0 ")
        ),
        None,
    )
    if audio is None:
        raise _wrong("expected an audio section over DTLS-SRTP (UDP/TLS/RTP/SAVPF)")
    own = parts[audio][1]
    both = own + session
    if "rtcp-mux" not in own:
        raise _wrong("expected RTP and RTCP on one port (a=rtcp-mux)")
    username, password = _value(both, "ice-ufrag"), _value(both, "ice-pwd")
    if username is None or password is None or not 4 <= len(username) <= 256 or not 22 <= len(password) <= 256:
        raise _wrong("expected ICE credentials (a=ice-ufrag of 4, a=ice-pwd of 22 characters or more)")
    setup = _value(both, "setup") or "actpass"
    if setup not in ("actpass", "active", "passive"):
        raise _wrong(f'expected a=setup:actpass, active or passive, got "{setup}"')
    direction = next((attribute for attribute in both if attribute in DIRECTIONS), "sendrecv")
    ptime = _value(own, "ptime") or "20"
    return WebOffer(
        sections=sections,
        audio=audio,
        username=username,
        password=password,
        lite="ice-lite" in session,
        setup=setup,
        fingerprints=_fingerprints(own, session),
        candidates=_candidates(own),
        rtpmaps=_rtpmaps(sections[audio].formats, own),
        direction=direction,
        ptime_ms=wished if (wished := whole(ptime)) is not None and 10 <= wished <= 60 else 20,
    )


def _section(head: str, attributes: Sequence[str]) -> Section:
    words = head.split(maxsplit=3)
    if len(words) < 4:
        raise _wrong(f'expected "m=kind port profile formats", got "m={head[:80]}"')
    return Section(words[0], words[2], words[3], _value(attributes, "mid"))


def _value(attributes: Sequence[str], name: str) -> str | None:
    prefix = f"{name}:"
    return next((found[len(prefix) :].strip() for found in attributes if found.startswith(prefix)), None)


def _fingerprints(own: Sequence[str], session: Sequence[str]) -> tuple[Fingerprint, ...]:
    """The section's own ones, or those of the session. Each known one has to fit the certificate, so one is enough."""
    for attributes in (own, session):
        found = []
        for attribute in attributes:
            if not attribute.startswith("fingerprint:"):
                continue
            algorithm, _, value = attribute[len("fingerprint:") :].strip().partition(" ")
            size = DIGEST_SIZES.get(algorithm.lower())
            if size is None:
                continue
            try:
                digest = bytes.fromhex(value.strip().replace(":", ""))
            except ValueError:
                digest = b""
            if len(digest) != size:
                raise _wrong(f"expected {size} hexadecimal bytes in a=fingerprint:{algorithm}")
            found.append(Fingerprint(algorithm.lower(), digest.hex(":").upper()))
        if found:
            return tuple(found)
    raise _wrong("expected a certificate's fingerprint (a=fingerprint:sha-256 ...)")


def _candidates(attributes: Sequence[str]) -> tuple[Candidate, ...]:
    """UDP ones with a plain address. Names (mDNS) are left out: the browser's own checks make its address known."""
    found: list[Candidate] = []
    for attribute in attributes:
        if not attribute.startswith("candidate:") or len(found) == MOST_CANDIDATES:
            continue
        words = attribute[len("candidate:") :].split()
        if len(words) < 8 or words[1] != "1" or words[2].lower() != "udp" or words[6] != "typ":
            continue
        try:
            host, port, priority = str(ipaddress.ip_address(words[4])), int(words[5]), int(words[3])
        except ValueError:
            continue
        if 0 < port < 65536 and 0 <= priority < 2**32 and words[7] in ("host", "srflx", "prflx", "relay"):
            found.append(Candidate(words[0], priority, host, port, words[7]))
    return tuple(found)


def _rtpmaps(formats: str, attributes: Sequence[str]) -> dict[int, tuple[str, int]]:
    """In the order of the m= line."""
    said: dict[int, tuple[str, int]] = dict(STATIC)
    for attribute in attributes:
        if attribute.startswith("rtpmap:"):
            number, _, rest = attribute[len("rtpmap:") :].partition(" ")
            name, _, rate = rest.strip().partition("/")
            kind, clock = whole(number), whole(rate.partition("/")[0])
            if kind is not None and clock is not None:
                said[kind] = (name.lower(), clock)
    kinds = [kind for word in formats.split() if (kind := whole(word)) is not None]
    return {kind: said[kind] for kind in kinds if kind < 128 and kind in said}


def choose_codec(offer: WebOffer, codecs: Sequence[str]) -> tuple[Codec, int | None]:
    """The first of `codecs` (hub.media.CODECS) that the browser offers, and its payload type for telephone events.

    Only this one is answered, so that nobody can switch in the middle of a call. Telephone events have to share the
    codec's clock (RFC 4733 2.1); None when there is none. Raises InvalidInput when no codec is common.
    """
    for name in codecs:
        wanted = (name.lower(), RATES[name])
        number = next((number for number, found in offer.rtpmaps.items() if found == wanted), None)
        if number is not None:
            event = ("telephone-event", RATES[name])
            events = next((number for number, found in offer.rtpmaps.items() if found == event), None)
            return Codec(name, number, RATES[name]), events
    raise _wrong(f"expected one of the codecs {', '.join(codecs)} in the audio section")


def write_answer(
    offer: WebOffer,
    *,
    codec: Codec,
    events: int | None,
    username: str,
    password: str,
    fingerprint: Fingerprint,
    candidates: Sequence[Candidate],
    session: int,
    ssrc: int,
    cname: str,
) -> str:
    """The complete answer. `session` is its number in the o= line, `ssrc` and `cname` name our one stream."""
    audio = offer.sections[offer.audio]
    bundle = "" if audio.mid is None else f"a=group:BUNDLE {audio.mid}\r\n"
    head = f"v=0\r\no=- {session} 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n{bundle}a=msid-semantic: WMS *\r\n"
    if offer.lite is False:
        head += "a=ice-options:ice2\r\n"
    parts = []
    for n, section in enumerate(offer.sections):
        if n != offer.audio:
            mid = "" if section.mid is None else f"a=mid:{section.mid}\r\n"
            parts.append(
                f"m={section.kind} 0 {section.profile} {section.formats}\r\nc=IN IP4 0.0.0.0\r\n{mid}a=inactive\r\n"
            )
            continue
        # Host candidates come first; a peer that knows no ICE would take this address.
        first = candidates[0] if candidates else Candidate("0", 0, "0.0.0.0", 9, "host")  # noqa: S104
        family = "IP6" if ":" in first.host else "IP4"
        lines = [
            f"m=audio {first.port} {section.profile} {codec.payload_type}{'' if events is None else f' {events}'}",
            f"c=IN {family} {first.host}",
            "a=rtcp:9 IN IP4 0.0.0.0",
            *(f"a=candidate:{candidate}" for candidate in candidates),
            "a=end-of-candidates",
            f"a=ice-ufrag:{username}",
            f"a=ice-pwd:{password}",
            f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
            f"a=setup:{answer_setup(offer)}",
            *([] if section.mid is None else [f"a=mid:{section.mid}"]),
            f"a={answer_direction(offer)}",
            f"a=msid:{cname} audio",
            "a=rtcp-mux",
            f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.rate}{'/2' if codec.name == 'opus' else ''}",
        ]
        if codec.name == "opus":
            lines.append(f"a=fmtp:{codec.payload_type} minptime=10;useinbandfec=1")
        if events is not None:
            lines += [f"a=rtpmap:{events} telephone-event/{codec.rate}", f"a=fmtp:{events} 0-15"]
        lines += [f"a=ptime:{codec.ptime_ms}", f"a=ssrc:{ssrc} cname:{cname}"]
        parts.append("\r\n".join(lines) + "\r\n")
    return head + "".join(parts)


def answer_setup(offer: WebOffer) -> str:
    """We open the DTLS handshake when the browser leaves it to us: half a round trip earlier (RFC 5763 5)."""
    return "passive" if offer.setup == "active" else "active"


def answer_direction(offer: WebOffer) -> str:
    return {"sendonly": "recvonly", "recvonly": "sendonly"}.get(offer.direction, offer.direction)


def advertised(candidates: Sequence[Candidate], public: str) -> tuple[Candidate, ...]:
    """The candidates as they are told: each host one also at the `public` address of its family, and there first.

    For a machine behind one-to-one NAT that keeps ports. Its own address is told as well, since a browser in the same
    network may not reach the public one from inside. "" leaves all as they are; loopback is for the machine itself.
    """
    if not public:
        return tuple(candidates)
    address = ipaddress.ip_address(public)
    told: dict[tuple[str, int], Candidate] = {}
    for candidate in candidates:
        own = ipaddress.ip_address(candidate.host)
        if candidate.type == "host" and own.version == address.version and not own.is_loopback:
            outside = structs.replace(candidate, foundation=f"{candidate.foundation}p", host=public)
            told.setdefault((public, candidate.port), outside)
            candidate = structs.replace(candidate, priority=max(1, candidate.priority - LESS))
        told.setdefault((candidate.host, candidate.port), candidate)
    return tuple(told.values())
