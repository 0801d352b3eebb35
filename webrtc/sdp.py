"""Audio in SDP (RFC 8866): reading a peer's description, and offers and answers (RFC 3264) of plain RTP legs. Pure.

Only what a telephone call needs: one audio stream, PCMU, PCMA, G722 or opus with telephone-event (RFC 4733), packet
time, direction and hold in all their spellings, RTCP's place, and SDES keys (RFC 4568). Everything else is read over.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from msgspec import Struct

from hub.errors import InvalidInput
from webrtc.stream import Codec

STATIC = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000)}
"""Payload types that need no rtpmap (RFC 3551)."""
CLOCKS = {"PCMU": 8000, "PCMA": 8000, "G722": 8000, "opus": 48_000}
LAWS = {"PCMU", "PCMA"}
OURS = {"PCMU": 0, "PCMA": 8, "G722": 9, "opus": 96}
EVENTS = {8000: 101, 48_000: 110}
"""The payload types of telephone-event in our offers, by the clock of the codec that it goes with."""
PTIMES = (10, 20, 30, 40, 60)
SUITES = {"AEAD_AES_128_GCM": 28, "AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30}
"""What we offer of RFC 4568 and RFC 7714, with the length of key and salt in bytes."""
SEND = {"sendrecv", "sendonly"}
RECEIVE = {"sendrecv", "recvonly"}
MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
LONGEST = 32_768
STREAMS = 32


class Format(Struct, frozen=True):
    payload_type: int
    name: str
    rate: int
    parameters: str = ""


class Crypto(Struct, frozen=True):
    """An SDES line: `key` is master key and salt together."""

    tag: int
    suite: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


class Audio(Struct, frozen=True):
    """One m= line of audio. `direction` is as its sender says it; `port` 0 means refused or ended."""

    index: int
    host: str
    port: int
    profile: str
    formats: tuple[Format, ...]
    direction: str = "sendrecv"
    ptime: int | None = None
    maxptime: int | None = None
    rtcp: tuple[str, int] | None = None
    mux: bool = False
    crypto: tuple[Crypto, ...] = ()

    @property
    def sends(self) -> bool:
        return self.port != 0 and self.direction in SEND

    @property
    def receives(self) -> bool:
        """False on hold, also as the old phones say it: with an address of zeros (RFC 2543)."""
        return self.port != 0 and self.direction in RECEIVE and not is_nowhere(self.host)

    @property
    def secure(self) -> bool:
        return "SAVP" in self.profile


class Description(Struct, frozen=True):
    """A whole session description: its audio streams, and every m= line as it must be refused in an answer."""

    audio: tuple[Audio, ...]
    refusals: tuple[str, ...]


class Local(Struct, frozen=True):
    """Our end: address and even port for RTP (the next is RTCP's) and the session's id and version (o=)."""

    host: str
    port: int
    session: int
    version: int = 1


class Agreed(Struct, frozen=True):
    """What both sides settled on. `accept`: what the peer may send; `codec`: what we send.

    `events` is the payload type of telephone-event in both directions (RFC 3264 wants them alike; where they differ
    `events_in` is what the peer sends). `keys`: ours for sending, the peer's for receiving; None for plain RTP.
    """

    codec: Codec
    accept: tuple[Codec, ...]
    events: int | None
    events_in: int | None
    host: str
    port: int
    rtcp: tuple[str, int]
    mux: bool
    sends: bool
    receives: bool
    keys: tuple[Crypto, Crypto] | None = None


def is_nowhere(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def whole(text: str) -> int | None:
    """A number of plain digits, few enough to be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def number(text: str, path: str, highest: int = 65_535) -> int:
    found = whole(text)
    if found is None or found > highest:
        raise InvalidInput(path, f"expected a number up to {highest}")
    return found


def parse(text: str) -> Description:
    """Reads a peer's description; InvalidInput where it cannot be understood. Names of hosts are not resolved here."""
    if len(text) > LONGEST:
        raise InvalidInput("sdp", "is too long")
    session: list[tuple[str, str]] = []
    media: list[list[tuple[str, str]]] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        if len(line) < 2 or line[1] != "=":
            raise InvalidInput("sdp", "every line must be a letter, = and a value")
        key, value = line[0], line[2:].strip()
        if key == "m":
            media.append([])
        (media[-1] if media else session).append((key, value))
    if not session or session[0] != ("v", "0"):
        raise InvalidInput("sdp.v", "must begin with v=0")
    if not media or len(media) > STREAMS:
        raise InvalidInput("sdp.m", f"must have 1 to {STREAMS} media streams")
    audio, refusals = [], []
    for index, lines in enumerate(media):
        fields = lines[0][1].split()
        if len(fields) < 4:
            raise InvalidInput(f"sdp.m[{index}]", "must have a kind, a port, a profile and formats")
        refusals.append(f"m={fields[0]} 0 {fields[2]} {fields[3]}")
        if fields[0] == "audio" and "RTP/" in fields[2].upper():
            audio.append(read_audio(index, fields, session, lines))
    return Description(tuple(audio), tuple(refusals))


def read_audio(
    index: int, fields: Sequence[str], session: Sequence[tuple[str, str]], lines: Sequence[tuple[str, str]]
) -> Audio:
    path = f"sdp.m[{index}]"
    port = number(fields[1].split("/")[0], f"{path}.port")
    host, direction = "", "sendrecv"
    maps: dict[int, tuple[str, int]] = {}
    parameters: dict[int, str] = {}
    ptime = maxptime = None
    rtcp: tuple[str, int] | None = None
    mux = False
    crypto: list[Crypto] = []
    for key, value in (*session, *lines):
        if key == "c":
            host = connection(value, f"{path}.c")
        if key != "a":
            continue
        name, _, rest = value.partition(":")
        match name.strip().lower():
            case "sendrecv" | "sendonly" | "recvonly" | "inactive" as said:
                direction = said
            case "rtpmap":
                kind, _, encoding = rest.partition(" ")
                parts = encoding.strip().split("/")
                mapped_kind, rate = whole(kind), whole(parts[1]) if len(parts) >= 2 else None
                if mapped_kind is not None and rate:
                    maps[mapped_kind] = (parts[0], rate)
            case "fmtp":
                kind, _, given = rest.partition(" ")
                formatted = whole(kind)
                if formatted is not None:
                    parameters[formatted] = given.strip()
            case "ptime":
                ptime = round_up(rest)
            case "maxptime":
                maxptime = round_up(rest)
            case "rtcp-mux":
                mux = True
            case "rtcp":
                place = rest.split()
                rtcp_port = whole(place[0]) if place else None
                if rtcp_port and rtcp_port < 65_536:
                    rtcp = (place[3] if len(place) >= 4 and is_address(place[3]) else "", rtcp_port)
            case "crypto":
                found = read_crypto(rest)
                if found is not None:
                    crypto.append(found)
    if not host and port:
        raise InvalidInput(f"{path}.c", "there is no address for the media")
    formats = []
    for text in fields[3:]:
        kind_number = number(text, f"{path}.formats", 127)
        mapped = maps.get(kind_number) or STATIC.get(kind_number)
        if mapped is not None:
            formats.append(Format(kind_number, canonical(mapped[0]), mapped[1], parameters.get(kind_number, "")))
    if rtcp is not None and not rtcp[0]:
        rtcp = (host, rtcp[1])
    return Audio(
        index=index,
        host=host,
        port=port,
        profile=fields[2].upper(),
        formats=tuple(formats),
        direction=direction,
        ptime=ptime,
        maxptime=maxptime,
        rtcp=rtcp,
        mux=mux,
        crypto=tuple(crypto),
    )


def canonical(name: str) -> str:
    """Encoding names compare without regard to case."""
    return {"pcmu": "PCMU", "pcma": "PCMA", "g722": "G722", "opus": "opus"}.get(name.lower(), name.lower())


def connection(value: str, path: str) -> str:
    parts = value.split()
    if len(parts) != 3 or parts[0] != "IN" or parts[1] not in {"IP4", "IP6"}:
        raise InvalidInput(path, "expected IN IP4 or IN IP6 and an address")
    host = parts[2].split("/")[0]
    try:
        if ip_address(host).is_multicast:
            raise InvalidInput(path, "multicast is not taken")
    except ValueError:
        if not host.replace("-", "").replace(".", "").isalnum():
            raise InvalidInput(path, "expected an address") from None
    return host


def round_up(text: str) -> int | None:
    """A packet time in ms; some write 20.0."""
    try:
        ms = float(text)
    except ValueError:
        return None
    return int(ms) if 0 < ms <= 200 else None


def read_crypto(text: str) -> Crypto | None:
    """An SDES line that we can serve; None for suites, several keys or key identifiers (MKI) that we cannot."""
    fields = text.split()
    tag = whole(fields[0]) if fields else None
    if tag is None or len(fields) < 3 or fields[1].upper() not in SUITES:
        return None
    # Session parameters change how packets are made; only those that do not matter to us may stand there.
    if any(not field.upper().startswith(("KDR=0", "WSH=")) for field in fields[3:]):
        return None
    method, _, inline = fields[2].partition(":")
    if method.lower() != "inline" or ";" in inline:
        return None
    key, *rest = inline.split("|")
    if any(":" in part for part in rest):
        return None
    try:
        raw = base64.b64decode(key + "=" * (-len(key) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    suite = fields[1].upper()
    return Crypto(tag, suite, raw) if len(raw) == SUITES[suite] else None


def choose_ptime(audio: Audio) -> int:
    """The packet time that the peer asks for, if we can make it; else 20 ms."""
    ptime = audio.ptime if audio.ptime in PTIMES else 20
    if audio.maxptime is not None and ptime > audio.maxptime:
        ptime = max((ms for ms in PTIMES if ms <= audio.maxptime), default=10)
    return ptime


def offer(
    local: Local,
    codecs: Sequence[str],
    *,
    events: bool = True,
    secure: bool = False,
    random: Callable[[int], bytes],
) -> str:
    """Our offer. With `secure` only SRTP is offered, with a key for each suite."""
    formats = [Format(OURS[name], name, CLOCKS[name]) for name in codecs if name in OURS]
    if not formats:
        raise InvalidInput("codecs", "name none of PCMU, PCMA, G722, opus")
    clocks = dict.fromkeys(entry.rate for entry in formats) if events else ()
    formats += [Format(EVENTS[clock], "telephone-event", clock, "0-16") for clock in clocks]
    crypto = [Crypto(n, suite, random(length)) for n, (suite, length) in enumerate(SUITES.items(), 1)] if secure else []
    profile = "RTP/SAVP" if secure else "RTP/AVP"
    return head(local) + media(local, profile, formats, 20, "sendrecv", crypto, mux=True, rtcp=False)


def answer(
    theirs: Description,
    local: Local,
    codecs: Sequence[str],
    *,
    events: bool = True,
    secure: bool = False,
    random: Callable[[int], bytes],
) -> tuple[str, Agreed]:
    """Our answer with exactly one codec, the best of ours that was offered, and what was agreed.

    InvalidInput where nothing can be agreed. Streams beside the chosen one are refused. With `secure` a stream must
    have SDES keys; without it must not ask for them, as keys in plain signalling protect nothing.
    """
    if not theirs.audio:
        raise InvalidInput("sdp.m", "there is no audio stream")
    reason = "no codec in common"
    for audio in theirs.audio:
        if audio.port == 0:
            reason = "the audio stream is disabled"
            continue
        if "TLS" in audio.profile or (audio.secure and not secure):
            reason = "SRTP was offered where it cannot be had"
            continue
        if secure and not audio.crypto:
            reason = "SRTP with a key in the description (SDES) is required"
            continue
        chosen = next((entry for name in codecs for entry in audio.formats if entry.name == name), None)
        if chosen is None:
            continue
        codec = Codec(chosen.name, chosen.payload_type, chosen.rate, choose_ptime(audio))
        event = event_format(audio.formats, chosen.rate) if events else None
        keys = None
        if secure:
            remote = audio.crypto[0]
            keys = (Crypto(remote.tag, remote.suite, random(len(remote.key))), remote)
        formats = [chosen, *([event] if event else [])]
        lines = [f"{refusal}\r\n" for refusal in theirs.refusals]
        lines[audio.index] = media(
            local,
            audio.profile,
            formats,
            codec.ptime_ms,
            MIRROR[audio.direction],
            [keys[0]] if keys else [],
            mux=audio.mux,
            rtcp=audio.rtcp is not None,
        )
        kind = event.payload_type if event else None
        return head(local) + "".join(lines), settled(audio, codec, (codec,), kind, kind, audio.mux, keys)
    raise InvalidInput("sdp.audio", reason)


def agree(ours: Description, theirs: Description) -> Agreed:
    """What the peer's answer to our offer settles; InvalidInput if he refused or answered with what was not offered."""
    mine = ours.audio[0]
    audio = next((entry for entry in theirs.audio if entry.index == mine.index), None)
    if audio is None or audio.port == 0:
        raise InvalidInput("sdp.audio", "the audio stream was refused")
    if audio.secure != mine.secure and not (mine.secure and audio.crypto):
        raise InvalidInput("sdp.audio", "answered with another profile than was offered")
    offered = {entry.name: entry for entry in mine.formats}
    ptime = choose_ptime(audio)
    common = [
        (Codec(entry.name, entry.payload_type, entry.rate, ptime), offered[entry.name].payload_type)
        for entry in audio.formats
        if entry.name in CLOCKS and entry.name in offered
    ]
    if not common:
        raise InvalidInput("sdp.audio", "no codec in common")
    codec = common[0][0]
    # He may change between the laws of G.711 as he likes; any other change would need a new description.
    common = [(entry, own) for entry, own in common if entry.name == codec.name or {entry.name, codec.name} == LAWS]
    # We send with the peer's numbers; he sends with ours, or (most do) with his own.
    accept = {own: Codec(entry.name, own, entry.rate, ptime) for entry, own in common}
    accept |= {entry.payload_type: entry for entry, _ in common if entry.payload_type not in accept}
    first = next(own for entry, own in common if entry is codec)
    accept = {first: accept[first], **accept}
    event = event_format(audio.formats, codec.rate)
    event_in = event_format(mine.formats, codec.rate)
    keys = None
    if mine.secure:
        pairs = [
            (own, got) for got in audio.crypto for own in mine.crypto if (own.tag, own.suite) == (got.tag, got.suite)
        ]
        if not pairs:
            raise InvalidInput("sdp.crypto", "answered with no key of what was offered")
        keys = pairs[0]
    return settled(
        audio,
        codec,
        tuple(accept.values()),
        event.payload_type if event else None,
        event_in.payload_type if event and event_in else None,
        audio.mux and mine.mux,
        keys,
    )


def settled(
    audio: Audio,
    codec: Codec,
    accept: tuple[Codec, ...],
    events: int | None,
    events_in: int | None,
    mux: bool,
    keys: tuple[Crypto, Crypto] | None,
) -> Agreed:
    return Agreed(
        codec=codec,
        accept=accept,
        events=events,
        events_in=events_in,
        host=audio.host,
        port=audio.port,
        rtcp=(audio.host, audio.port) if mux else audio.rtcp or (audio.host, min(audio.port + 1, 65_535)),
        mux=mux,
        sends=audio.sends,
        receives=audio.receives,
        keys=keys,
    )


def event_format(formats: Sequence[Format], rate: int) -> Format | None:
    """telephone-event of the codec's clock (RFC 4733 2.1)."""
    found = [entry for entry in formats if entry.name == "telephone-event"]
    return next((entry for entry in found if entry.rate == rate), None)


def head(local: Local) -> str:
    family = address_family(local.host)
    return (
        f"v=0\r\no=- {local.session} {local.version} IN {family} {local.host}\r\n"
        f"s=-\r\nc=IN {family} {local.host}\r\nt=0 0\r\n"
    )


def media(
    local: Local,
    profile: str,
    formats: Sequence[Format],
    ptime: int,
    direction: str,
    crypto: Sequence[Crypto],
    *,
    mux: bool,
    rtcp: bool,
) -> str:
    lines = [f"m=audio {local.port} {profile} {' '.join(str(entry.payload_type) for entry in formats)}"]
    for entry in formats:
        channels = "/2" if entry.name == "opus" else ""
        lines.append(f"a=rtpmap:{entry.payload_type} {entry.name}/{entry.rate}{channels}")
        if entry.name == "telephone-event":
            lines.append(f"a=fmtp:{entry.payload_type} 0-16")
        elif entry.name == "opus":
            lines.append(f"a=fmtp:{entry.payload_type} minptime=10;useinbandfec=1")
    lines += [f"a=crypto:{entry}" for entry in crypto]
    lines += [f"a=ptime:{ptime}", f"a={direction}"]
    if rtcp:
        lines.append(f"a=rtcp:{local.port if mux and local.port else local.port + 1}")
    if mux:
        lines.append("a=rtcp-mux")
    return "".join(f"{line}\r\n" for line in lines)


def address_family(host: str) -> str:
    return "IP6" if ":" in host else "IP4"
