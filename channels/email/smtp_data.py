"""What follows DATA (RFC 5321, section 4.5.2): up to a line with a dot alone, with the dots that were put before others
taken away again.

It is taken in pieces as large as they come. Line by line, a mail with two photos kept all others of the hub waiting for
a fifth of a second.
"""

from __future__ import annotations

import asyncio

LONGEST_LINE = 1_000_000
"""Senders do not keep to the 998 of RFC 5321; text in one line is read all the same."""
PIECE = 64 * 1024
"""A reader's limit: a piece is little longer than that and what comes at once, so that no turn of the loop is long."""
PAUSE_S = 0.004
"""After each piece: mail can wait, and who chats is not to wait at each of his steps."""
END = b"\r\n.\r\n"
EMPTY_LINES = 1000
NO_HEAD = "550 5.6.0 a mail does not begin with so many empty lines"
TOO_LONG = "500 5.6.0 a line is too long"
TOO_LARGE = "552 5.3.4 this mail is too large"


class Unstuffed:
    """The mail, from pieces that end anywhere. `wrong` is the answer to one that cannot be taken, of which nothing is
    kept."""

    def __init__(self, most: int) -> None:
        self.wrong = ""
        self._most = most
        self._size = 0
        self._parts: list[bytes] = []
        self._begun = b""  # a line of which the end has not come

    def feed(self, piece: bytes) -> None:
        if self.wrong:
            return
        whole, end, self._begun = (self._begun + piece).rpartition(b"\r\n")
        longest = len(self._begun)
        if len(whole) > LONGEST_LINE:
            longest = max(longest, *map(len, whole.split(b"\r\n")))
        if longest > LONGEST_LINE:
            self.refuse(TOO_LONG)
        elif end:
            lines = whole.replace(b"\r\n.", b"\r\n") + end
            self._parts.append(lines[1:] if lines.startswith(b".") else lines)
            self._size += len(self._parts[-1])
        if self._size + len(self._begun) > self._most:
            self.refuse(TOO_LARGE)

    def refuse(self, why: str) -> None:
        self.wrong = self.wrong or why
        self._parts, self._begun, self._size = [], b"", 0

    def whole(self) -> bytes:
        """All of it, once its last line has ended."""
        return b"".join(self._parts)


async def take(reader: asyncio.StreamReader, most: int) -> tuple[str, bytes]:
    """(what is wrong, the mail); all of it is read in any case, as the answer has its place after the end.

    Raises IncompleteReadError when the other side is gone before the end.
    """
    mail = Unstuffed(most)
    ended = await _beginning(reader, mail)
    while not ended:
        try:
            # The line end before the dot is the mail's own.
            mail.feed((await reader.readuntil(END))[: -len(b".\r\n")])
            ended = True
        except asyncio.LimitOverrunError as error:
            mail.feed(await reader.readexactly(error.consumed))
            await asyncio.sleep(PAUSE_S)
    # To put 50 MB together takes as long as two hundred small mails.
    return mail.wrong, await asyncio.to_thread(mail.whole)


async def _beginning(reader: asyncio.StreamReader, mail: Unstuffed) -> bool:
    """Whether the mail ends with its first lines, of which each is empty or begins with a dot.

    The line end that belongs to the end was said before the mail, so the end cannot be looked for until a line has
    begun with something else.
    """
    empty = 0
    while True:
        first = await reader.readexactly(1)
        if first == b"\r":
            mail.feed(first + await reader.readexactly(1))
            empty += 1
            if empty % EMPTY_LINES == 0:
                mail.refuse(NO_HEAD)
                await asyncio.sleep(0)  # they are there at once, and others have their turn in between
            continue
        if first == b".":
            second = await reader.readexactly(1)
            if second == b"\r":
                await reader.readexactly(1)
                return True
            first += second
        mail.feed(first)
        return False
