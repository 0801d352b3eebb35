"""The media plane as the rest of the hub sees it: the legs of calls, what each of them hears, what is recorded.

A call is a set of legs that live in one media worker. A leg is one party's audio: plain RTP towards a trunk or a desk
phone, or WebRTC towards a browser. Each leg has one outgoing stream, and what it hears is switched: nothing, prompts,
or other legs. `MediaEngine` is implemented in `webrtc/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from msgspec import Struct

CODECS = ("PCMU", "PCMA", "G722", "opus")
"""The codecs that are passed through; prompts and mixing know the first two."""


class RtpOptions(Struct, frozen=True):
    """How a plain RTP leg is set up.

    `codecs` in order of preference; `dtmf` is how digits are sent: `rfc4733`, `inband`, or `info` (the signalling does
    it). `secure` asks for SDES-SRTP (only over TLS signalling). `latch`: whose packets are taken when they come from
    another address than the signalled one: `first` (the first source wins and is kept) or `signalled` (no other).
    `quiet_ms`: after so long without a packet `Silent` is reported. `towards`: the peer's host, for a leg that is
    offered by us: it decides which of our addresses is named.
    """

    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    dtmf: str = "rfc4733"
    secure: bool = False
    latch: str = "first"
    quiet_ms: int = 30_000
    towards: str = ""


class WebOptions(Struct, frozen=True):
    """How a browser's leg is answered: only with these codecs, best first; others in its offer are refused."""

    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    quiet_ms: int = 10_000


class Silence(Struct, frozen=True, tag=True):
    """The leg hears nothing (comfort silence keeps its stream alive)."""


class Play(Struct, frozen=True, tag=True):
    """The leg hears WAV files, one after the other, for ever when `loop`; `token` comes back in `Played`."""

    files: tuple[str, ...]
    loop: bool = False
    token: str = ""


class Hear(Struct, frozen=True, tag=True):
    """The leg hears other legs of the call: one is passed through, several are mixed."""

    legs: tuple[str, ...]


Source: TypeAlias = Silence | Play | Hear


class RecordingOptions(Struct, frozen=True):
    """Two channels: what `left` said (the customer) and what `right` said (the agent), in one file at `path`.

    The right leg may come and go (hold, transfer); its channel is silent meanwhile. `key`: 32 bytes, encrypts at rest.
    """

    id: str
    path: str
    left: str
    right: str
    key: bytes | None = None


class LegStats(Struct, frozen=True):
    """Figures of one leg: what came in, and how the other side says that it hears us.

    `loss` and `remote_loss` are shares (0 to 1); times are ms; `mos` is the E-model's estimate (ITU-T G.107), 1 to 4.5.
    """

    codec: str = ""
    packets_in: int = 0
    packets_out: int = 0
    lost: int = 0
    loss: float = 0.0
    jitter_ms: float = 0.0
    round_trip_ms: float | None = None
    remote_loss: float | None = None
    level: float = 0.0
    mos: float | None = None


class Connected(Struct, frozen=True, tag=True):
    """Media can flow: ICE and DTLS are done, or the first RTP packet was taken."""

    call: str
    leg: str


class Digit(Struct, frozen=True, tag=True):
    """The party pressed a key: 0-9, *, #, A-D."""

    call: str
    leg: str
    digit: str
    ms: int = 0


class Played(Struct, frozen=True, tag=True):
    """The files of a `Play` without loop are over."""

    call: str
    leg: str
    token: str


class Recognised(Struct, frozen=True, tag=True):
    """Who answered: "human" or "machine"; after "machine" also "clear", when it is ready to record."""

    call: str
    leg: str
    what: str


class Silent(Struct, frozen=True, tag=True):
    """No packet came for `ms`."""

    call: str
    leg: str
    ms: int


class Lost(Struct, frozen=True, tag=True):
    """The leg's transport failed (ICE, DTLS) or was closed by the other side."""

    call: str
    leg: str
    reason: str


class Recorded(Struct, frozen=True, tag=True):
    """A recording's file is closed; `error` says why it could not be written to its end (a full disk)."""

    call: str
    recording: str
    ms: int
    bytes: int
    error: str = ""


class Interrupted(Struct, frozen=True, tag=True):
    """The worker of these calls died. What was recorded so far is on the disk and playable."""

    calls: tuple[str, ...]


MediaEvent: TypeAlias = Connected | Digit | Played | Recognised | Silent | Lost | Recorded | Interrupted


class MediaEngine(Protocol):
    """Raises hub.errors.Unavailable when no worker can take the call, InvalidInput for SDP that cannot be met."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Every call ends; recordings are completed."""

    def listen(self, handler: Callable[[MediaEvent], None]) -> None:
        """`handler` is called on the loop with each event, in order per call."""

    async def rtp_leg(self, call: str, leg: str, options: RtpOptions, offer: str | None = None) -> str:
        """A new plain leg: the answer to the peer's SDP offer or, without one, our own offer."""

    async def web_leg(self, call: str, leg: str, options: WebOptions, offer: str) -> str:
        """A new WebRTC leg: the answer (all candidates inside) to a browser's complete offer."""

    async def answered(self, call: str, leg: str, answer: str) -> None:
        """The peer's answer to our offer; a second one (a fork, an early answer) replaces the first."""

    async def offered(self, call: str, leg: str, offer: str) -> str:
        """A plain leg's peer offers anew (re-INVITE, UPDATE): the answer. Hold and new addresses are honoured."""

    async def hear(self, call: str, leg: str, source: Source) -> None:
        """What the leg hears from now on."""

    async def digits(self, call: str, leg: str, digits: str) -> None:
        """Send keys to the leg's party, one after the other."""

    async def recognise(self, call: str, leg: str) -> None:
        """Listen to the leg's party from now on; `Recognised` follows."""

    async def record(self, call: str, options: RecordingOptions) -> None: ...

    async def pause_recording(self, call: str, recording: str, paused: bool) -> None:
        """While paused, silence is written on both channels."""

    async def stop_recording(self, call: str, recording: str) -> None:
        """`Recorded` follows."""

    async def stats(self, call: str) -> dict[str, LegStats]:
        """By leg, of one that is gone as it was at its end; {} for a call that is not known."""

    async def drop_leg(self, call: str, leg: str) -> None:
        """Nothing happens if it is not there."""

    async def drop_call(self, call: str) -> None:
        """All its legs and recordings end; nothing happens if it is not there."""


def wav_files(folder: Path, names: Sequence[str]) -> tuple[str, ...]:
    """The paths of prompts as `Play` takes them."""
    return tuple(str(folder / f"{name}.wav") for name in names)
