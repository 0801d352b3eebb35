"""libsrtp's four operations as plain functions of bytes, at half the cost of pylibsrtp's methods, on its own sessions.

pylibsrtp makes a length and copies through two layers for each packet; here both are made once a stream. It is used
below its public names (`_binding`, `Session._srtp`); tests/unit/webrtc/test_srtp.py holds that both do the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pylibsrtp import Error, Session
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

ROOM = 2048
LONGEST = ROOM - 160
"""Bytes of a packet; libsrtp appends at most 144."""

Cipher = Callable[[bytes], bytes]
"""Raises pylibsrtp.Error for what is damaged, replayed or too long."""


def protector(session: Session) -> Cipher:
    return _cipher(session, lib.srtp_protect)


def rtcp_protector(session: Session) -> Cipher:
    return _cipher(session, lib.srtp_protect_rtcp)


def unprotector(session: Session) -> Cipher:
    return _cipher(session, lib.srtp_unprotect)


def rtcp_unprotector(session: Session) -> Cipher:
    return _cipher(session, lib.srtp_unprotect_rtcp)


def _cipher(session: Session, function: Any) -> Cipher:
    # `session` is kept by the function, as it frees the stream's keys when it goes.
    room = ffi.new("char[]", ROOM)
    buffer = ffi.buffer(room)
    length = ffi.new("int *")

    def process(packet: bytes) -> bytes:
        size = len(packet)
        if size > LONGEST:
            raise Error("the packet is too long")
        buffer[0:size] = packet
        length[0] = size
        if status := function(session._srtp[0], room, length):
            raise Error(f"libsrtp refused the packet ({status})")
        result: bytes = buffer[0 : length[0]]
        return result

    return process
