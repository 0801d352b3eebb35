"""What becomes of a mail in its mailbox once it is committed: it is moved or marked. What the server refuses of that is
tried again for some days.

A folder that is full, gone or not ours to write in keeps no mail from being read, and none from being read on: the
mail is here, is marked as read in its place, and waits in the folder's progress to be moved. So it is not fetched again
for that, and still is put away after a restart. After `TRIES` it stays where it is, and that is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from channels.email.imap_client import Imap, Refused
from hub.config_mail import Inbound
from hub.mails import FolderProgress
from hub.model import Millis

FIRST_RETRY_MS = 5 * 60_000
LONGEST_RETRY_MS = 24 * 3600_000
TRIES = 10
"""Over about five days, as the outbox tries."""
MOST_WAITING = 20_000


class Filed(Struct, frozen=True):
    """`why` it was not all put away, in words; empty when it was. `again`: whether to try that once more."""

    why: str = ""
    code: str = ""
    again: bool = True


async def file(imap: Imap, uids: Sequence[int], inbound: Inbound) -> Filed:
    """Moves or marks mails of the selected folder. Raises ImapError for a connection that is lost, and no Refused."""
    if imap.read_only:
        return Filed("Mails are read, but this account may change nothing in their folder.", "denied")
    failed = Filed()
    if inbound.after == "move":
        try:
            await imap.move(uids, inbound.move_to)
            return failed
        except Refused as error:
            why = f"Mails are read, but cannot be moved to {inbound.move_to}. {error}"
            failed = Filed(why, error.code, again=error.code != "copied")
    try:
        await imap.mark_read(uids)
    except Refused as error:
        failed = failed if failed.why else Filed(f"Mails are read, but cannot be marked as read. {error}", error.code)
    return failed


def refused(
    progress: FolderProgress, uids: Collection[int], filed: Filed, now: Millis, *, again: bool = False
) -> FolderProgress:
    """After the server refused `uids`, which it was asked for the first time, or what waits, `again`."""
    tries = progress.tries + 1 if again else progress.tries
    why = filed.why[:400]
    if again and (tries >= TRIES or not filed.again):
        left = progress.left + len(progress.waiting)
        return replace(progress, waiting=(), tries=0, retry_at=0, why=why, left=left)
    if not filed.again:
        return replace(progress, why=why, left=progress.left + len(uids))
    waiting = tuple(islice((*progress.waiting, *uids), MOST_WAITING))
    left = progress.left + len(progress.waiting) + len(uids) - len(waiting)
    retry_at = progress.retry_at
    if again or not progress.waiting:
        retry_at = now + min(FIRST_RETRY_MS * 3**tries, LONGEST_RETRY_MS)
    return replace(progress, waiting=waiting, tries=tries, retry_at=retry_at, why=why, left=left)


def well(progress: FolderProgress, uids: Collection[int] = ()) -> FolderProgress:
    """After the server did what it was asked; `uids` waited for it."""
    done = set(uids)
    waiting = tuple(uid for uid in progress.waiting if uid not in done)
    if waiting:
        return replace(progress, waiting=waiting)
    return replace(progress, waiting=(), tries=0, retry_at=0, why="", left=0)


def anew(progress: FolderProgress, now: Millis) -> FolderProgress:
    """When the mailbox is opened, or set otherwise: somebody may have put right what was wrong."""
    return replace(progress, tries=0, retry_at=now) if progress.waiting else progress


def due_at(folders: Iterable[FolderProgress]) -> Millis | None:
    return min((each.retry_at for each in folders if each.waiting), default=None)


def problem(folders: Iterable[FolderProgress]) -> str:
    """What an administrator is told; empty when all is put away."""
    told = [each for each in folders if each.why and (each.waiting or each.left)]
    if not told:
        return ""
    waiting, left = sum(len(each.waiting) for each in told), sum(each.left for each in told)
    counted = [f"{waiting} to be tried again" if waiting else "", f"{left} left where they are" if left else ""]
    return f"{told[0].why} ({', '.join(filter(None, counted))})"
