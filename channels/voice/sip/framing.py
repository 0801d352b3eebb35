"""Messages out of a stream (RFC 3261 section 18.3) and the keep-alives between them (RFC 5626 section 3.5.1)."""

from __future__ import annotations

import re

from channels.voice.sip.message import MAX_BODY, MAX_HEAD

PING = b"\r\n\r\n"
PONG = b"\r\n"

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*+:[ \t\r\n]*+([0-9]{1,9}+)[ \t]*+(?![^\r])", re.IGNORECASE)


class Framer:
    """Takes a connection's bytes as they come and gives whole messages; at most one message is kept.

    `broken` says, once it is set, why no further message can be found: the connection is to be closed. What was
    given with it may still be answered. `pings` counts the double CRLFs; each asks for a PONG.
    """

    def __init__(self) -> None:
        self.broken: str | None = None
        self.pings = 0
        self._half_pings = 0
        self._buffer = bytearray()
        self._seen = 0  # no end of a head begins before here
        self._end = 0  # of the message whose head is complete, 0 while it is not

    @property
    def idle(self) -> bool:
        """No message has begun."""
        return not self._buffer

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete with `data`, for message.parse(stream=True)."""
        if self.broken is not None:
            return []
        buffer, messages, start = self._buffer, [], 0
        buffer += data
        while True:
            if not self._end:
                start = self._skip_keep_alives(start)
                at = buffer.find(b"\r\n\r\n", max(start, self._seen))
                if at < 0 or at - start > MAX_HEAD:
                    if len(buffer) - start > MAX_HEAD:
                        self._break("the head of a message is too long")
                        break
                    self._seen = max(start, len(buffer) - 3)
                    break
                head_end = at + 4
                self._half_pings = 0
                lengths = _LENGTH.findall(buffer, start, head_end)
                if len(lengths) != 1 or int(lengths[0]) > MAX_BODY:
                    messages.append(bytes(buffer[start:head_end]))
                    self._break("a message has no usable Content-Length")
                    return messages
                self._end = head_end + int(lengths[0])
            if len(buffer) < self._end:
                break
            messages.append(bytes(buffer[start : self._end]))
            start, self._seen, self._end = self._end, self._end, 0
        if start:
            del buffer[:start]
            self._seen = max(self._seen - start, 0)
            self._end = max(self._end - start, 0)
        return messages

    def _skip_keep_alives(self, start: int) -> int:
        """Behind the CRLFs between two messages. Two make a ping, even when they come one by one."""
        while self._buffer.startswith(b"\r\n", start):
            start += 2
            self._half_pings += 1
            if self._half_pings == 2:
                self._half_pings = 0
                self.pings += 1
        return start

    def _break(self, why: str) -> None:
        self.broken = why
        self._buffer.clear()
