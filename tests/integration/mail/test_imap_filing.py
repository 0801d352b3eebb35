"""Mails that are here but cannot be put away in their mailbox: read on, marked, tried again for some days, and told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from channels.email import filing
from hub.mails import FolderProgress
from tests.dovecot import Dovecot
from tests.integration.mail.mailboxes import Reader, Wire, flags, hasty, hub, letter, put, reader, served

__all__ = ["hasty", "hub", "reader"]

# A part of the mailbox with room for a single mail.
QUOTA = """
mail_plugins = quota
namespace archive {
  prefix = Archive/
  separator = /
  location = maildir:%h/archive
}
plugin {
  quota = maildir:User quota:ns=
  quota2 = maildir:Archive:ns=Archive/
  quota2_rule = *:messages=1
}
"""
ACL = """
mail_plugins = acl
plugin {
  acl = vfile
}
"""
NO_MOVE = "imap_capability = IMAP4rev1 LITERAL+ SASL-IR UIDPLUS IDLE\n"


def may_write(server: Dovecot, folder: str, *, allowed: bool) -> None:
    """Whether the server itself may put something into the folder."""
    place = server.folder / "mail" / server.user / f".{folder}"
    for each in (*(place / name for name in ("cur", "new", "tmp")), place):
        each.chmod(0o700 if allowed else 0o500)


async def progress(reader: Reader) -> FolderProgress:
    (found,) = await reader.hub.hub.store.mails.progress("support")
    return found


async def told(reader: Reader, words: str) -> str:
    """What an administrator sees, once it says so."""
    async with asyncio.timeout(60):
        while words not in (problem := (await reader.is_("idle")).problem) or (words == "" and problem):
            await asyncio.sleep(0.02)
    return problem


@pytest.mark.parametrize("capabilities", ["", NO_MOVE], ids=["MOVE", "COPY"])
async def test_a_folder_that_may_not_be_written_to(reader: Reader, capabilities: str) -> None:
    with served(more=capabilities) as server:
        await put(server, folder="Done")
        may_write(server, "Done", allowed=False)
        await put(server, letter(1), letter(2))
        await reader.begin(server.port, after="move", move_to="Done")
        await reader.contacts(2)
        problem = await told(reader, "cannot be moved to Done")
        assert "The server refuses" in problem and "2 to be tried again" in problem
        assert (await reader.is_("idle")).code == "filing"
        # Read on, marked in place, fetched once.
        assert all(b"\\Seen" in each for each in await flags(server))
        await put(server, letter(3))
        await reader.contacts(3)
        await told(reader, "3 to be tried again")
        assert len(reader.received) == 3
        # Somebody puts it right: what waited is moved with what comes next.
        may_write(server, "Done", allowed=True)
        await put(server, letter(4))
        await reader.contacts(4)
        await told(reader, "")
        assert await asyncio.to_thread(server.count) == 0
        assert await asyncio.to_thread(server.count, "Done") == 4
        assert len(reader.received) == 4
        found = await progress(reader)
        assert (found.waiting, found.why, found.left) == ((), "", 0)


async def test_a_folder_that_is_full_is_tried_again_after_a_restart_and_later(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "FIRST_RETRY_MS", 700)
    with served(more=QUOTA) as server:
        await put(server, letter(0), folder="Archive/Done")
        await put(server, letter(1))
        await reader.begin(server.port, after="move", move_to="Archive/Done")
        await reader.contacts(1)
        await told(reader, "1 to be tried again")
        await reader.end()
        found = await progress(reader)
        assert found.waiting and found.retry_at
        # It is known after a restart, and said, though nothing new comes; and still full.
        await reader.begin(server.port, after="move", move_to="Archive/Done")
        await told(reader, "1 to be tried again")
        assert (await progress(reader)).tries >= 1
        # Now there is room; the next try comes by itself, and no mail is fetched for it.
        await asyncio.to_thread(_empty, server, "Archive/Done")
        await told(reader, "")
        assert await asyncio.to_thread(server.count) == 0
        assert len(reader.received) == 1


def _empty(server: Dovecot, folder: str) -> None:
    box = server.box()
    box.select(folder)
    box.store("1:*", "+FLAGS", "\\Deleted")
    box.expunge()
    box.logout()


async def test_a_folder_that_cannot_be_made(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await put(server, letter(1))
        await reader.begin(server.port, after="move", move_to="Done/../../away")
        await reader.contacts(1)
        await told(reader, "cannot be moved to Done/../../away")
        assert all(b"\\Seen" in each for each in await flags(server))
        await reader.end()
        # Moved elsewhere as the mailbox is set now.
        await reader.begin(server.port, after="move", move_to="Done")
        await told(reader, "")
        assert await asyncio.to_thread(server.count, "Done") == 1
        assert len(reader.received) == 1


async def test_a_mailbox_in_which_nothing_may_be_changed(reader: Reader) -> None:
    with served(more=ACL + NO_MOVE) as server:
        await put(server, letter(1))
        path = server.folder / "mail" / server.user / "dovecot-acl"
        path.write_text("owner lr\n")
        for _ in range(2):
            await reader.begin(server.port, after="move", move_to="Done")
            await reader.contacts(1)
            assert "may change nothing" in await told(reader, "1 to be tried again")
            await reader.end()
        # No copy is made of what could not be taken away.
        assert await asyncio.to_thread(server.count) == 1
        assert not (server.folder / "mail" / server.user / ".Done").exists()
        assert len(reader.received) == 1


async def test_a_server_that_breaks_off_when_mails_are_moved(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "FIRST_RETRY_MS", 50)
    with served() as server:
        await put(server, letter(1))
        async with Wire(server.port) as wire:
            wire.cut_at = b"UID MOVE"
            await reader.begin(wire.port, after="move", move_to="Done")
            await reader.is_("trouble", "connection")
            await reader.contacts(1)
            async with asyncio.timeout(60):
                while wire.connections < 3:
                    await asyncio.sleep(0.02)
            assert len(reader.received) == 1
            assert (await progress(reader)).waiting
            wire.cut_at = b""
            await told(reader, "")
        assert await asyncio.to_thread(server.count, "Done") == 1
        assert len(reader.received) == 1
