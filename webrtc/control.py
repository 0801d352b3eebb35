"""What the hub and a media worker say to each other: msgpack messages, each after its length, over a socket pair.

The hub asks (`Ask`), the worker answers each question once (`Reply`), in any order, and tells events (`Told`) in the
order in which they came about. When one end is gone the other reads the end of the stream.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar, cast

import msgspec
from msgspec import Struct

from hub.config import Logging
from hub.errors import HubError, InvalidInput, Unavailable
from hub.media import MediaEvent, RecordingOptions, RtpOptions, Source, WebOptions
from webrtc.settings import MediaSettings

LONGEST = 1024 * 1024
MOST_UNSENT = 8 * 1024 * 1024
LENGTH = struct.Struct("!I")


class Begin(Struct, frozen=True, tag=True):
    """The first message: how the worker is to run."""

    settings: MediaSettings
    ports: tuple[int, int]
    logging: Logging


class OpenRtp(Struct, frozen=True, tag=True):
    call: str
    leg: str
    options: RtpOptions
    offer: str | None


class OpenWeb(Struct, frozen=True, tag=True):
    call: str
    leg: str
    options: WebOptions
    offer: str


class Answered(Struct, frozen=True, tag=True):
    call: str
    leg: str
    answer: str


class Offered(Struct, frozen=True, tag=True):
    call: str
    leg: str
    offer: str


class SetSource(Struct, frozen=True, tag=True):
    call: str
    leg: str
    source: Source


class SendDigits(Struct, frozen=True, tag=True):
    call: str
    leg: str
    digits: str


class Recognise(Struct, frozen=True, tag=True):
    call: str
    leg: str


class Record(Struct, frozen=True, tag=True):
    call: str
    options: RecordingOptions


class PauseRecording(Struct, frozen=True, tag=True):
    call: str
    recording: str
    paused: bool


class StopRecording(Struct, frozen=True, tag=True):
    call: str
    recording: str


class ReadStats(Struct, frozen=True, tag=True):
    call: str


class DropLeg(Struct, frozen=True, tag=True):
    call: str
    leg: str


class DropCall(Struct, frozen=True, tag=True):
    call: str


class Ping(Struct, frozen=True, tag=True):
    """Whether the worker's loop still turns."""


class Stop(Struct, frozen=True, tag=True):
    """Complete all recordings, say goodbye on all legs, and end."""


Command: TypeAlias = (
    OpenRtp
    | OpenWeb
    | Answered
    | Offered
    | SetSource
    | SendDigits
    | Recognise
    | Record
    | PauseRecording
    | StopRecording
    | ReadStats
    | DropLeg
    | DropCall
    | Ping
    | Stop
    | Begin
)


class Ask(Struct, frozen=True):
    id: int
    command: Command


class Failure(Struct, frozen=True):
    """An error of the worker's; `kind` is `input`, `unavailable` or `error`."""

    kind: str
    message: str
    path: str = ""
    expected: str = ""

    def error(self) -> HubError:
        if self.kind == "input":
            return InvalidInput(self.path, self.expected)
        if self.kind == "unavailable":
            return Unavailable(self.message, code="media.unavailable")
        return HubError(self.message, code="media.failed")


def failure(error: HubError) -> Failure:
    if isinstance(error, InvalidInput):
        return Failure("input", error.message, error.details["path"], error.details["expected"])
    return Failure("unavailable" if isinstance(error, Unavailable) else "error", error.message)


class Reply(Struct, frozen=True, tag=True):
    """`value`: text (SDP), LegStats by leg as plain data, or nothing."""

    id: int
    value: Any = None
    failure: Failure | None = None


class Told(Struct, frozen=True, tag=True):
    event: MediaEvent


Answer: TypeAlias = Reply | Told
T = TypeVar("T")


class Link(asyncio.Protocol, Generic[T]):
    """One end. `on_message` gets each message of the type `kind`; `on_end` is called once, when the stream is over."""

    def __init__(self, kind: Any, on_message: Callable[[T], None], on_end: Callable[[], None]) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._encoder = msgspec.msgpack.Encoder()
        self._on_message = on_message
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 4:
            (length,) = LENGTH.unpack_from(buffer, at)
            if length > LONGEST:
                self.close()
                return
            if len(buffer) - at - 4 < length:
                break
            message = self._decoder.decode(memoryview(buffer)[at + 4 : at + 4 + length].tobytes())
            at += 4 + length
            self._on_message(message)
        del buffer[:at]

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._on_end()

    def send(self, message: Struct) -> bool:
        """False if the other end is gone, or has not read for so long that it must be taken for gone."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if transport.get_write_buffer_size() > MOST_UNSENT:
            transport.abort()
            return False
        data = self._encoder.encode(message)
        if len(data) > LONGEST:
            raise InvalidInput("", "is too long for the media plane")
        transport.write(LENGTH.pack(len(data)) + data)
        return True

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
