"""Reads a mailbox from an IMAP server for as long as it is there: what is new at once, what lay there before in turn,
newest first, as long as not too many wait for agents.

A mail is marked or moved, and the folder's progress written, only once it is committed; all of it may happen again, as
a mail that is known stays one. What cannot be moved is not read again for that: see `filing.py`. Whatever goes wrong is
told by `health`, and tried again after a while that grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime

import structlog
from msgspec import Struct
from msgspec.structs import replace

from channels.email import filing
from channels.email.imap_client import CHUNK, Folder, Imap, ImapError, Listed, Refused
from channels.email.oauth import NoToken, OAuthTokens
from channels.email.receive import Received
from hub.config_mail import Mailbox
from hub.errors import ConfigError, HubError, NotFound
from hub.mails import FolderProgress, MailHealth, Mails
from hub.model import Millis
from hub.ports import Clock

log = structlog.get_logger(__name__)

IDLE_MOST_S = 25 * 60.0
"""Under the 29 minutes after which servers may end an IDLE (RFC 2177)."""
BATCH = 16
SMALL = CHUNK - 1
LISTED = 500
AT_A_TIME = 64
"""So many of the backlog are taken before it is asked again what is new."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
# What somebody has to look at is not asked for every second.
LONG = frozenset({"auth", "token", "secret", "tls", "folder"})
LONG_PAUSE_S = 30.0
DAY_S = 24 * 3600
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Receive = Callable[[bytes, str, Millis | None], Awaitable[Received]]


class Budget:
    """How many bytes of mail all accounts together may have fetched and not yet stored. Who wants more than there is
    gets all of it."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._free = most
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def take(self, size: int) -> AsyncIterator[None]:
        share = min(max(size, 1), self.most)
        async with self._changed:
            await self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            self._free += share
            async with self._changed:
                self._changed.notify_all()


class Queues(Struct, frozen=True):
    """How many e-mails may wait for agents (`most`) when older mail is fetched, and do.

    Mail that waits takes memory and is in the way of what is new; in its mailbox it is as safe, and in the same order.
    """

    most: int
    waiting: Callable[[], int]

    @property
    def room(self) -> int:
        return max(0, self.most - self.waiting())

    @property
    def worthwhile(self) -> bool:
        """Whether to begin again: not for each single mail that was answered."""
        return self.room * 10 >= self.most


class Around(Struct, frozen=True):
    """What all accounts have in common. `max_size`: of a larger mail only the head is fetched."""

    mails: Mails
    clock: Clock
    receive: Receive
    read_secret: Callable[[str], str]
    tokens: OAuthTokens
    tls: ssl.SSLContext
    budget: Budget
    queues: Queues
    max_size: int


class Trouble(Exception):
    """Something of ours is wrong: `code` and a sentence, as `MailHealth` has them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ImapAccount:
    """One mailbox. `start` and `stop` may follow each other any number of times."""

    def __init__(self, id: str, row: Mailbox, around: Around) -> None:
        self.id, self.row = id, row
        self._around = around
        self._task: asyncio.Task[None] | None = None
        self._state, self._code, self._problem = "connecting", "", ""
        self._last_at: Millis | None = None
        self._progress: dict[str, FolderProgress] = {}
        self._held = False  # older mail lies in its mailbox until fewer wait

    def start(self) -> None:
        if self._task is None:
            # Another node may have read on meanwhile.
            self._progress = {}
            self._task = asyncio.create_task(self._run(), name=f"mailbox {self.id}")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def health(self) -> MailHealth:
        total = sum(each.total for each in self._progress.values())
        taken = sum(each.taken for each in self._progress.values())
        problem, code = self._problem, self._code
        if not problem and (problem := filing.problem(self._progress.values())):
            code = "filing"
        return MailHealth(self.id, self.row.name, self._state, problem, code, self._last_at, total, taken)

    async def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                imap = await self._connect()
                try:
                    # A connection that carried mail, or waited for some, was a good one.
                    await self._read(imap)
                    pause = FIRST_PAUSE_S
                    while True:
                        await self._wait(imap)
                        await self._read(imap)
                finally:
                    imap.abort()
            except (ImapError, NoToken, Trouble, HubError) as error:
                self._trouble(_code(error), str(error))
            except Exception as error:
                log.exception("mailbox.failed", mailbox=self.id)
                self._trouble("failed", f"Something went wrong in the hub ({type(error).__name__}).")
            least = LONG_PAUSE_S if self._code in LONG else 0.0
            await asyncio.sleep(max(pause, least) * random.uniform(0.8, 1.2))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _trouble(self, code: str, sentence: str) -> None:
        if (self._state, self._code) != ("trouble", code):
            log.warning("mailbox.trouble", mailbox=self.id, code=code)
        self._state, self._code, self._problem = "trouble", code, sentence[:500]

    def _well(self, state: str) -> None:
        if self._state == "trouble":
            log.info("mailbox.well", mailbox=self.id)
        self._state, self._code, self._problem = state, "", ""

    # --- the connection -----------------------------------------------------------------------------------------------

    async def _connect(self) -> Imap:
        return await connect(self.row, self._around.tls, self._around.read_secret, self._around.tokens)

    async def _wait(self, imap: Imap) -> None:
        """Until there may be something new: the first folder tells by itself, the others are looked at."""
        self._well("held" if self._held else "idle")
        folders = self.row.inbound.folders
        if len(folders) > 1:
            await imap.select(folders[0])
        seconds = min(float(self.row.inbound.poll_s), IDLE_MOST_S)
        if (due := filing.due_at(self._progress.values())) is not None:
            seconds = min(seconds, max(1.0, (due - self._around.clock.now()) / 1000))
        await imap.wait(seconds)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read(self, imap: Imap) -> None:
        """All that is new in all folders, then of their backlogs what may come; what comes meanwhile goes before."""
        queues = self._around.queues
        go_on = queues.worthwhile if self._held else queues.room > 0
        self._held = False
        if not self._progress:
            known = {each.folder: each for each in await self._around.mails.progress(self.id)}
            now = self._around.clock.now()
            self._progress = {
                folder: filing.anew(known[folder], now) for folder in self.row.inbound.folders if folder in known
            }
        for folder in self.row.inbound.folders:
            selected = await imap.select(folder)
            progress = await self._of_folder(imap, folder, selected)
            progress = await self._new(imap, progress)
            if progress.waiting and progress.retry_at <= self._around.clock.now():
                progress = await self._file_again(imap, progress)
            if progress.oldest <= 1:
                continue
            if not go_on:
                self._held = True
                continue
            left = await imap.search(1, progress.oldest - 1, self._since())
            while left and (room := queues.room):
                self._well("backlog")
                some = [left.pop() for _ in range(min(len(left), room, AT_A_TIME))]
                progress = await self._backlog(imap, progress, some)
                progress = await self._new(imap, progress)
            if left:
                self._held = True
            else:
                await self._write(replace(progress, oldest=0, taken=progress.total))

    async def _of_folder(self, imap: Imap, folder: str, selected: Folder) -> FolderProgress:
        """How far it was read. When the server numbers it anew, all of it is looked at once more; what is known is
        known by its content."""
        known = self._progress.get(folder)
        if known is not None and known.uid_validity == selected.uid_validity:
            return known
        if known is not None:
            log.warning("mailbox.renumbered", mailbox=self.id, folder=folder)
        newest = max(selected.uid_next - 1, 0)
        days = self.row.inbound.backlog_days
        found = 0 if days == 0 else len(await imap.search(1, newest, self._since()))
        return await self._write(
            FolderProgress(self.id, folder, selected.uid_validity, newest, newest + 1 if found else 0, found, 0)
        )

    def _since(self) -> str:
        days = self.row.inbound.backlog_days
        if days is None:
            return ""
        day = datetime.fromtimestamp(self._around.clock.now() / 1000 - days * DAY_S, UTC)
        return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"

    async def _write(self, progress: FolderProgress) -> FolderProgress:
        await self._around.mails.set_progress(progress)
        self._progress[progress.folder] = progress
        return progress

    async def _new(self, imap: Imap, progress: FolderProgress) -> FolderProgress:
        """Oldest first, so that what is above `newest` has always not been taken."""
        for uids in _windows(await imap.search(progress.newest + 1)):
            for batch in _batches(await imap.listed(uids)):
                read = replace(progress, newest=max(each.uid for each in batch))
                progress = await self._take(imap, batch, read)
            progress = await self._write(replace(progress, newest=max(progress.newest, uids[-1])))
        return progress

    async def _backlog(self, imap: Imap, progress: FolderProgress, uids: Sequence[int]) -> FolderProgress:
        """Some of what lay there before; `uids` are the newest of them, newest first."""
        for batch in _batches(await imap.listed(uids)):
            taken = min(progress.taken + len(batch), progress.total)
            read = replace(progress, oldest=min(each.uid for each in batch), taken=taken)
            progress = await self._take(imap, batch, read)
        return await self._write(replace(progress, oldest=min(progress.oldest, uids[-1])))

    async def _take(self, imap: Imap, batch: Sequence[Listed], read: FolderProgress) -> FolderProgress:
        """Fetches, commits and puts away; `read` is the progress once that is done. Nothing else is fetched meanwhile:
        a slow store slows the reading."""
        around = self._around
        async with around.budget.take(sum(min(each.size, around.max_size) for each in batch)):
            found = await self._fetch(imap, batch)
            at = {each.uid: each.at for each in batch}
            outcomes = await asyncio.gather(
                *(around.receive(raw, self.id, at[uid]) for uid, raw in found.items()), return_exceptions=True
            )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        if not found:
            return await self._write(read)
        self._last_at = around.clock.now()
        filed = await self._file(imap, list(found), read)
        if filed.why:
            return await self._write(filing.refused(read, found, filed, around.clock.now()))
        # What is in order for these may be so for those before.
        progress = await self._write(filing.well(read))
        return await self._file_again(imap, progress) if progress.waiting else progress

    # --- putting away -------------------------------------------------------------------------------------------------

    async def _file(self, imap: Imap, uids: Sequence[int], read: FolderProgress) -> filing.Filed:
        try:
            filed = await filing.file(imap, uids, self.row.inbound)
        except ImapError as error:
            # These mails are here: a server that breaks off at a MOVE does not have them fetched for ever.
            now = self._around.clock.now()
            failed = filing.Filed(f"Mails are read, but the connection broke off when they were put away. {error}")
            again = set(uids) <= set(read.waiting)
            await self._write(filing.refused(read, () if again else uids, failed, now, again=again))
            raise
        if filed.why:
            log.warning("mailbox.not_filed", mailbox=self.id, code=filed.code)
        return filed

    async def _file_again(self, imap: Imap, progress: FolderProgress) -> FolderProgress:
        """Those that the server refused to move or mark."""
        for uids in _windows(progress.waiting):
            filed = await self._file(imap, uids, progress)
            if filed.why:
                now = self._around.clock.now()
                return await self._write(filing.refused(progress, (), filed, now, again=True))
            progress = await self._write(filing.well(progress, uids))
        return progress

    async def _fetch(self, imap: Imap, batch: Sequence[Listed]) -> dict[int, bytes]:
        most = self._around.max_size
        small = [each.uid for each in batch if each.size <= SMALL]
        found = await imap.fetch(small) if small else {}
        for each in batch:
            if each.size > most:
                head = (await imap.fetch([each.uid], "HEADER")).get(each.uid)
                if head is not None:
                    found[each.uid] = _cut(head, each.size)
            elif each.size > SMALL or len(found.get(each.uid, b"")) >= CHUNK:
                whole = await imap.fetch_whole(each.uid, most + CHUNK)
                if whole is not None:
                    found[each.uid] = whole
        return found


async def connect(row: Mailbox, tls: ssl.SSLContext, read_secret: Callable[[str], str], tokens: OAuthTokens) -> Imap:
    """A connection of this mailbox that is logged in. Raises ImapError, NoToken, Trouble."""
    inbound = row.inbound
    try:
        password = await asyncio.to_thread(read_secret, inbound.secret) if inbound.secret else ""
    except ConfigError as error:
        raise Trouble("secret", str(error)) from None
    token = "" if inbound.oauth is None else await tokens.token(inbound.oauth)
    imap = await Imap.connect(inbound.host, inbound.port, inbound.security, tls)
    try:
        if inbound.oauth is None:
            await imap.login(inbound.username, password)
        else:
            try:
                await imap.login_with_token(inbound.username, token)
            except Refused:
                # It may have ended or been withdrawn before its time: once with a new one.
                tokens.refused(inbound.oauth)
                await imap.login_with_token(inbound.username, await tokens.token(inbound.oauth))
    except BaseException:
        imap.abort()
        raise
    return imap


def _code(error: Exception) -> str:
    match error:
        case ImapError() | Trouble():
            return error.code
        case NoToken():
            return "token"
        case NotFound():
            return "config"
        case _:
            return "store"


def _cut(head: bytes, size: int) -> bytes:
    """A mail of which only the head was fetched; it says so in its text."""
    note = f"This mail has {size} bytes, more than the hub takes. It lies in its mailbox."
    lines = head.replace(b"\r\n", b"\n").split(b"\n\n")[0].split(b"\n")
    kept: list[bytes] = []
    dropping = False
    for line in lines:
        if not line.startswith((b" ", b"\t")):
            dropping = line.lower().startswith((b"content-", b"mime-version:"))
        if not dropping:
            kept.append(line)
    return b"\r\n".join([*kept, b"X-Contact-Hub-Cut: too_big", b"", note.encode(), b""])


def _windows(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(uids), LISTED):
        yield uids[at : at + LISTED]


def _batches(found: Sequence[Listed]) -> Iterator[list[Listed]]:
    """Small ones together; a large one alone."""
    batch: list[Listed] = []
    size = 0
    for each in found:
        if batch and (len(batch) == BATCH or size + each.size > 4 * CHUNK - BATCH * 1024):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += each.size
    if batch:
        yield batch
