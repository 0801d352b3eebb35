"""One connection to an IMAP server: a command at a time, every wait with an end, nothing larger than asked for.

The language is `mail/imap.py`'s; here are the socket, TLS and the commands that reading a mailbox takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from base64 import b64encode
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from hub.model import Millis
from mail.imap import BadResponse, Parser, Response, Value, attributes, folder_name, quoted, uid_set

CONNECT_S = 20.0
COMMAND_S = 60.0
"""For so long a server may be silent within a command."""
CHUNK = 1024 * 1024
BLOCK = 64 * 1024


class ImapError(Exception):
    """`code` says what to do about it: connection, silent, tls, protocol (try again), auth, folder, full, denied,
    refused (try again too, but somebody should look), copied (moved as far as that went: copies are there)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Refused(ImapError):
    """The server said NO or BAD; the connection goes on."""


class Folder(Struct, frozen=True):
    uid_validity: int
    uid_next: int
    exists: int


class Listed(Struct, frozen=True):
    """What is known of a mail before it is fetched; `at` is when the server got it."""

    uid: int
    size: int
    at: Millis | None


_CODES = {
    "AUTHENTICATIONFAILED": "auth",
    "AUTHORIZATIONFAILED": "auth",
    "EXPIRED": "auth",
    "NONEXISTENT": "folder",
    "TRYCREATE": "folder",
    "OVERQUOTA": "full",
    "LIMIT": "full",
    "NOPERM": "denied",
    "UNAVAILABLE": "connection",
    "INUSE": "connection",
}


class Imap:
    """Made by `connect`; any error but Refused leaves it of no use."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser = Parser(4 * CHUNK)
        self._said: deque[Response] = deque()
        self._tags = 0
        self.capabilities: frozenset[str] = frozenset()
        self.read_only = False
        """Of the selected folder: commands that would change it may be answered by an OK that did nothing."""

    @classmethod
    async def connect(cls, host: str, port: int, security: str, tls: ssl.SSLContext) -> Imap:
        """A connection that was greeted, over TLS unless `security` is none. Raises ImapError."""
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    host, port, limit=BLOCK, ssl=tls if security == "tls" else None,
                    server_hostname=host if security == "tls" else None,
                )  # fmt: skip
                made = cls(reader, writer)
                try:
                    await made._greeted()
                    if security == "starttls":
                        await made._start_tls(host, tls)
                    if not made.capabilities:
                        await made._ask_capabilities()
                except BaseException:
                    made.abort()
                    raise
                return made
        except TimeoutError:
            raise ImapError("silent", f"{host} does not answer.") from None
        except ssl.SSLCertVerificationError as error:
            raise ImapError("tls", f"The certificate of {host} is not right: {error.verify_message}.") from None
        except ssl.SSLError as error:
            raise ImapError("tls", f"No TLS with {host} ({error.reason or 'no such protocol'}).") from None
        except OSError as error:
            raise ImapError("connection", f"{host} cannot be reached ({error.strerror or error}).") from None

    async def _greeted(self) -> None:
        greeting = await self._next(CONNECT_S)
        if greeting.tag != "*" or greeting.name not in ("OK", "PREAUTH"):
            full = greeting.name == "BYE"
            raise ImapError(
                "full" if full else "protocol",
                f"The server turns us away: {greeting.text}" if full else "That is no IMAP server.",
            )
        self._learn(greeting)

    async def _start_tls(self, host: str, tls: ssl.SSLContext) -> None:
        if not self.capabilities:
            await self._ask_capabilities()
        if "STARTTLS" not in self.capabilities:
            raise ImapError("tls", f"{host} offers no STARTTLS.")
        await self.command("STARTTLS")
        if not self._parser.empty or self._said:
            # Said before the encryption began, by whoever stands between.
            raise ImapError("tls", f"{host} said something between STARTTLS and TLS.")
        await self._writer.start_tls(tls, server_hostname=host)
        # What was offered without encryption may have been anybody's.
        self.capabilities = frozenset()

    def abort(self) -> None:
        """Without a word."""
        self._writer.transport.abort()

    async def close(self) -> None:
        with contextlib.suppress(ImapError, OSError, TimeoutError):
            async with asyncio.timeout(2):
                await self.command("LOGOUT")
        self.abort()

    # --- talking ------------------------------------------------------------------------------------------------------

    async def _next(self, seconds: float | None = None) -> Response:
        try:
            async with asyncio.timeout(COMMAND_S if seconds is None else seconds):
                while not self._said:
                    data = await self._reader.read(BLOCK)
                    if not data:
                        raise ImapError("connection", "The server closed the connection.")
                    self._said.extend(self._parser.feed(data))
        except TimeoutError:
            raise ImapError("silent", "The server does not answer any more.") from None
        except BadResponse as error:
            raise ImapError("protocol", f"The server says what is no IMAP: {error}.") from None
        except ssl.SSLError as error:
            raise ImapError("tls", f"TLS broke off ({error.reason or 'unknown'}).") from None
        except OSError as error:
            raise ImapError("connection", f"The connection was lost ({error.strerror or error}).") from None
        return self._said.popleft()

    async def _write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            async with asyncio.timeout(COMMAND_S):
                await self._writer.drain()
        except TimeoutError:
            raise ImapError("silent", "The server does not listen any more.") from None
        except OSError as error:
            raise ImapError("connection", f"The connection was lost ({error.strerror or error}).") from None

    def _learn(self, response: Response) -> None:
        values = response.values if response.name == "CAPABILITY" or response.code == "CAPABILITY" else ()
        if values:
            self.capabilities = frozenset(
                value.decode("ascii", "replace").upper() for value in values if isinstance(value, bytes)
            )

    def _tag(self) -> str:
        self._tags += 1
        return f"H{self._tags}"

    async def command(self, *parts: str | bytes) -> list[Response]:
        """What the server tells in answer; `bytes` go as literals. Raises Refused, ImapError."""
        tag, told = self._tag(), list[Response]()
        line = tag.encode()
        for part in parts:
            if isinstance(part, str):
                line += b" " + part.encode("ascii")
                continue
            await self._write(line + b" {%d}\r\n" % len(part))
            if (refusal := await self._continued(tag, told)) is not None:
                raise refusal
            line = part
        await self._write(line + b"\r\n")
        end = await self._ended(tag, told)
        told.append(end)
        return told

    async def _continued(self, tag: str, told: list[Response]) -> Refused | None:
        """Waits until the server wants more; what it says when it does not."""
        while True:
            response = await self._take(told)
            if response.tag == "+":
                return None
            if response.tag == tag:
                return _refused(response)

    async def _ended(self, tag: str, told: list[Response]) -> Response:
        while True:
            response = await self._take(told)
            if response.tag == tag:
                if response.name != "OK":
                    raise _refused(response)
                self._learn(response)
                return response

    async def _take(self, told: list[Response]) -> Response:
        response = await self._next()
        if response.tag == "*":
            if response.name == "BYE":
                raise ImapError("connection", f"The server says goodbye: {response.text}")
            self._learn(response)
            told.append(response)
        return response

    # --- commands -----------------------------------------------------------------------------------------------------

    async def _ask_capabilities(self) -> None:
        await self.command("CAPABILITY")

    async def login(self, username: str, password: str) -> None:
        if "AUTH=PLAIN" in self.capabilities:
            await self._authenticate("PLAIN", f"\0{username}\0{password}")
        elif "LOGINDISABLED" in self.capabilities:
            raise ImapError("tls", "The server takes passwords over TLS only.")
        else:
            await self.command("LOGIN", username.encode(), password.encode())
        await self._logged_in()

    async def login_with_token(self, username: str, token: str) -> None:
        await self._authenticate("XOAUTH2", f"user={username}\1auth=Bearer {token}\1\1")
        await self._logged_in()

    async def _logged_in(self) -> None:
        # Some tell of MOVE and IDLE only now.
        await self._ask_capabilities()

    async def _authenticate(self, way: str, secret: str) -> None:
        encoded = b64encode(secret.encode())
        tag, told = self._tag(), list[Response]()
        first = b" " + encoded if "SASL-IR" in self.capabilities else b""
        await self._write(f"{tag} AUTHENTICATE {way}".encode() + first + b"\r\n")
        sent = bool(first)
        while True:
            response = await self._take(told)
            if response.tag == "+":
                # After the token a question is its refusal, in words; an empty line lets the server end it.
                await self._write((b"" if sent else encoded) + b"\r\n")
                sent = True
            elif response.tag == tag:
                if response.name != "OK":
                    said = _refused(response)
                    raise Refused("auth" if said.code == "refused" else said.code, str(said))
                self._learn(response)
                return

    async def select(self, folder: str) -> Folder:
        try:
            told = await self.command("SELECT", _name(folder))
        except Refused as error:
            raise Refused("folder", f"The folder {folder} cannot be opened. {error}") from None
        validity, following, exists = 0, 1, 0
        for response in told:
            if response.name == "EXISTS" and response.number is not None:
                exists = response.number
            elif response.code in ("UIDVALIDITY", "UIDNEXT") and response.values:
                value = _number(response.values[0])
                validity, following = (value, following) if response.code == "UIDVALIDITY" else (validity, value)
        self.read_only = told[-1].code == "READ-ONLY"
        return Folder(validity, following, exists)

    async def search(self, low: int, high: int | None = None, since: str = "") -> list[int]:
        """The UIDs from `low` to `high` (None: to the end), in order; `since` is a date as IMAP writes it."""
        if high is not None and high < low:
            return []
        told = await self.command(f"UID SEARCH UID {low}:{'*' if high is None else high}{since and f' SINCE {since}'}")
        found = sorted({_number(value) for response in told if response.name == "SEARCH" for value in response.values})
        # n:* names the last one even when it is below n.
        return found[bisect_left(found, low) : len(found) if high is None else bisect_right(found, high)]

    async def listed(self, uids: Sequence[int]) -> list[Listed]:
        """In the order of `uids`; those that went meanwhile are missing."""
        told = await self.command(f"UID FETCH {uid_set(list(uids))} (UID RFC822.SIZE INTERNALDATE)")
        found: dict[int, Listed] = {}
        for response in told:
            if response.name == "FETCH":
                known = self._attributes(response)
                if "UID" in known and "RFC822.SIZE" in known:
                    uid = _number(known["UID"])
                    found[uid] = Listed(uid, _number(known["RFC822.SIZE"]), _date(known.get("INTERNALDATE")))
        return [found[uid] for uid in uids if uid in found]

    def _attributes(self, response: Response) -> dict[str, Value]:
        try:
            return attributes(response)
        except BadResponse as error:
            raise ImapError("protocol", f"The server says what is no IMAP: {error}.") from None

    async def fetch(
        self, uids: Sequence[int], section: str = "", start: int = 0, count: int = CHUNK
    ) -> dict[int, bytes]:
        """At most `count` bytes of each mail from `start` on, by UID; those that went meanwhile are missing."""
        told = await self.command(f"UID FETCH {uid_set(list(uids))} (UID BODY.PEEK[{section}]<{start}.{count}>)")
        found: dict[int, bytes] = {}
        for response in told:
            if response.name == "FETCH":
                known = self._attributes(response)
                if "UID" in known and f"BODY[{section}]" in known:
                    body = known[f"BODY[{section}]"]
                    found[_number(known["UID"])] = body if isinstance(body, bytes) else b""
        return found

    async def fetch_whole(self, uid: int, most: int) -> bytes | None:
        """A large mail in pieces; None when it went meanwhile. Raises Refused when it has more than `most` bytes."""
        pieces, size = list[bytes](), 0
        while True:
            piece = (await self.fetch([uid], start=size)).get(uid)
            if piece is None:
                return None
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise Refused("refused", "A mail is larger than the server said.")
            if len(piece) < CHUNK:
                # Not on the loop: 50 MB take as long as many small mails.
                return await asyncio.to_thread(b"".join, pieces)

    async def mark_read(self, uids: Sequence[int]) -> None:
        await self.command(f"UID STORE {uid_set(list(uids))} +FLAGS.SILENT (\\Seen)")

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """To a folder that is made if it is not there. Raises Refused; with the code `copied` when they are there by
        now, but cannot be taken away here."""
        try:
            await self._move(uids, folder)
        except Refused as error:
            if error.code not in ("folder", "refused"):
                raise
            try:
                await self.command("CREATE", _name(folder))
            except Refused as other:
                # It is there, and why nothing can be put into it was said before; or why it cannot be made.
                raise (other if error.code == "folder" else error) from None
            await self._move(uids, folder)

    async def _move(self, uids: Sequence[int], folder: str) -> None:
        found = uid_set(list(uids))
        if "MOVE" in self.capabilities:
            await self.command(f"UID MOVE {found}", _name(folder))
            return
        await self.command(f"UID COPY {found}", _name(folder))
        try:
            await self.command(f"UID STORE {found} +FLAGS.SILENT (\\Deleted \\Seen)")
            if "UIDPLUS" in self.capabilities:
                await self.command(f"UID EXPUNGE {found}")
        except Refused as error:
            raise Refused("copied", str(error)) from None
        # Without it EXPUNGE would also take what others marked: the mark is enough, and is not read again.

    async def wait(self, seconds: float) -> None:
        """Waits until something comes into the selected folder, at most so long; by IDLE where there is one."""
        if "IDLE" not in self.capabilities:
            await asyncio.sleep(seconds)
            await self.command("NOOP")
            return
        tag, told = self._tag(), list[Response]()
        await self._write(f"{tag} IDLE\r\n".encode())
        if (refusal := await self._continued(tag, told)) is not None:
            raise refusal
        deadline = asyncio.get_running_loop().time() + seconds
        while not any(response.name in ("EXISTS", "RECENT") for response in told):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            try:
                response = await self._next(left)
            except ImapError as error:
                if error.code == "silent":
                    break
                raise
            if response.name == "BYE":
                raise ImapError("connection", f"The server says goodbye: {response.text}")
            told.append(response)
        await self._write(b"DONE\r\n")
        await self._ended(tag, told)


def _refused(response: Response) -> Refused:
    code = _CODES.get(response.code, "refused")
    return Refused(code, f"The server refuses: {response.text or response.code or response.name}")


def _number(value: Value) -> int:
    if not isinstance(value, bytes) or not value.isdigit() or len(value) > 19:
        raise ImapError("protocol", "The server says something else where a number belongs.")
    return int(value)


def _name(folder: str) -> str:
    name = "INBOX" if folder.upper() == "INBOX" else folder_name(folder)
    return quoted(name).decode()


def _date(value: object) -> Millis | None:
    if not isinstance(value, bytes):
        return None
    try:
        found = datetime.strptime(value.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z")
        return max(int(found.timestamp() * 1000), 1)
    except (ValueError, OverflowError):
        return None
