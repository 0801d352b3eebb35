"""Ogg Opus files (RFC 7845) of two parties, written from their packets without decoding. Pure.

Both parties' packets go as two mono streams into one multistream packet (mapping family 1, two uncoupled streams): the
left party's in the self-delimiting framing of RFC 6716 appendix B, the right one's as it is. Any player shows them as
the left and the right channel.
"""

from __future__ import annotations

import struct
import zlib

FRAME = 960
"""Samples at 48 kHz of the 20 ms that every packet here holds."""
NOTHING = b"\xf8\xff\xfe"
"""20 ms of silence: CELT, full band, mono."""
PRE_SKIP = 312
DURATIONS = ((480, 960, 1920, 2880), (480, 960), (120, 240, 480, 960))
CONTINUED, FIRST, LAST = 1, 2, 4


REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Every byte with its bits the other way round."""


def checksum(data: bytes) -> int:
    """Ogg's CRC is zlib's with the bits of all bytes, and of the result, the other way round, and no inversions."""
    value = zlib.crc32(data.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(value.to_bytes(4, "little").translate(REVERSED), "big")


def duration(packet: bytes) -> int:
    """Samples at 48 kHz in a packet; 0 if it is none (RFC 6716 3.1)."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = DURATIONS[0][config & 3]
    elif config < 16:
        frame = DURATIONS[1][config & 1]
    else:
        frame = DURATIONS[2][config & 3]
    if code < 3:
        return frame * (1 if code == 0 else 2)
    return frame * (packet[1] & 63) if len(packet) > 1 else 0


def self_delimited(packet: bytes) -> bytes:
    """The same packet with the size of its last frame, so that another can follow; only of one frame (code 0)."""
    size = len(packet) - 1
    length = bytes((size,)) if size < 252 else bytes((252 + size % 4, (size - 252 - size % 4) // 4))
    return packet[:1] + length + packet[1:]


def fit(packet: bytes) -> bytes:
    """A packet as it can be recorded: one frame of 20 ms, else silence."""
    return packet if packet and packet[0] & 3 == 0 and duration(packet) == FRAME and len(packet) < 1276 else NOTHING


class OggWriter:
    """Makes pages. `serial` names the stream within the file."""

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._page = 0
        self._samples = 0

    def head(self) -> bytes:
        opus = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, PRE_SKIP, 48_000, 0, 1) + bytes((2, 0, 0, 1))
        vendor = b"Contact Hub"
        tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
        return self._make([opus], 0, FIRST) + self._make([tags], 0, 0)

    def page(self, pairs: list[tuple[bytes, bytes]], *, last: bool = False) -> bytes:
        """Pages with 20 ms of both parties for each pair."""
        out = b""
        packets: list[bytes] = []
        lacing = 0
        for left, right in pairs:
            packet = self_delimited(left) + right
            segments = len(packet) // 255 + 1
            if lacing + segments > 255:
                out += self._make(packets, self._samples, 0)
                packets, lacing = [], 0
            packets.append(packet)
            lacing += segments
            self._samples += FRAME
        if packets or last:
            out += self._make(packets, self._samples, LAST if last else 0)
        return out

    def _make(self, packets: list[bytes], position: int, flags: int) -> bytes:
        lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,)) for packet in packets)
        body = b"".join(packets)
        shape = "<4sBBqIIIB"
        before = struct.pack(shape, b"OggS", 0, flags, position, self._serial, self._page, 0, len(lacing))
        value = checksum(before + lacing + body)
        self._page += 1
        return before[:22] + struct.pack("<I", value) + before[26:] + lacing + body
