"""Reading mailboxes from a real Dovecot, as it should be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from channels.email import imap_in
from channels.email.imap_in import Budget
from hub.commands import End
from hub.errors import Unavailable
from hub.mails import FolderProgress
from hub.model import Channel, Contact
from hub.ports import ContactFilter
from tests.integration.mail.mailboxes import PATIENCE_S, Reader, flags, hasty, hub, letter, put, reader, served

__all__ = ["hasty", "hub", "reader"]


async def test_new_mail_comes_by_idle_and_is_marked(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await reader.begin(server.port)
        await reader.is_("idle")
        for number in (1, 2, 3):
            await put(server, letter(number))
            await reader.contacts(number)
            await reader.is_("idle")
        assert [contact.subject for contact in await reader.contacts(3)] == ["Mail 1", "Mail 2", "Mail 3"]
        assert all(b"\\Seen" in each for each in await flags(server))
        (progress,) = await reader.hub.hub.store.mails.progress("support")
        assert (progress.newest, progress.oldest, progress.total) == (3, 0, 0)


async def test_an_idle_is_renewed_before_servers_end_it(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    assert imap_in.IDLE_MOST_S < 29 * 60
    monkeypatch.setattr(imap_in, "IDLE_MOST_S", 0.3)
    with served() as server:
        await reader.begin(server.port)
        await reader.is_("idle")
        await asyncio.sleep(1.5)  # some renewals
        await put(server, letter(1))
        await reader.contacts(1)
        await reader.end()
        assert server.log.count("Login:") == 2, "one connection of ours, one of the test's"


async def test_new_mail_comes_by_polling_where_there_is_no_idle(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(more="imap_capability = IMAP4rev1 LITERAL+ SASL-IR UIDPLUS") as server:
        await reader.begin(server.port, poll_s=5)
        await reader.is_("idle")
        await put(server, letter(1))
        await reader.contacts(1)


async def test_the_backlog_is_taken_newest_first_with_progress_and_new_mail_before_it(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_in, "AT_A_TIME", 10)
    monkeypatch.setattr(imap_in, "BATCH", 5)
    with served() as server:
        await put(server, *(letter(number) for number in range(60)))
        seen: list[tuple[int, int]] = []

        async def look() -> None:
            assert reader.account is not None
            health = reader.account.health()
            seen.append((health.backlog_taken, health.backlog_total))
            if len(seen) == 12:
                await put(server, letter(99))

        reader.before = look
        await reader.begin(server.port)
        contacts = await reader.contacts(61)
        subjects = [int(contact.subject.split()[1]) for contact in contacts]
        assert set(subjects[:5]) == {59, 58, 57, 56, 55}
        assert set(subjects[-5:]) == {4, 3, 2, 1, 0}
        # What came meanwhile waited for ten of the others at most.
        assert subjects.index(99) < 35
        assert seen[0] == (0, 60)
        assert [taken for taken, _ in seen] == sorted(taken for taken, _ in seen)
        health = await reader.is_("idle")
        assert (health.backlog_taken, health.backlog_total) == (60, 60)
        # After a restart nothing is fetched again.
        await reader.end()
        before = len(reader.received)
        await reader.begin(server.port)
        await reader.is_("idle")
        assert len(reader.received) == before


async def test_a_backlog_that_was_broken_off_goes_on(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await put(server, *(letter(number) for number in range(40)))

        async def stop() -> None:
            if len(reader.received) >= 20:
                reader.failing = Unavailable("The database is locked.")

        reader.before = stop
        await reader.begin(server.port)
        health = await reader.is_("trouble", "store")
        assert health.problem
        stored = len(await reader.hub.hub.store.contacts.page(ContactFilter(), limit=100))
        assert 0 < stored < 40
        assert sum(b"\\Seen" in each for each in await flags(server)) <= stored
        reader.before, reader.failing = None, None
        await reader.contacts(40)
        await reader.is_("idle")
        assert sum(b"\\Seen" in each for each in await flags(server)) == 40


async def test_older_mail_stays_in_its_mailbox_while_enough_of_it_waits_for_agents(
    reader: Reader, tmp_path: Path
) -> None:
    hub = reader.hub.hub

    async def answered(contacts: list[Contact], comes: bytes) -> None:
        for contact in contacts:
            await hub.contacts.do(contact.id, End("agent", "answered", 0), actor="test")
        # What comes wakes the reader, and it sees that there is room.
        await put(server, comes)

    async def held(taken: int, waiting: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                health = await reader.is_("held")
                if (health.backlog_taken, hub.living.waiting(Channel.EMAIL)) == (taken, waiting):
                    return
                await asyncio.sleep(0.01)

    with served() as server:
        await put(server, *(letter(number) for number in range(45)))
        reader.around = replace(reader.around, queues=reader.queues(20))
        await reader.begin(server.port)
        first = await reader.contacts(20)
        assert {contact.subject for contact in first} == {f"Mail {number}" for number in range(25, 45)}
        await held(20, 20)

        # New mail comes in any case; older mail not for a single place that is free, and only as much as there are.
        await answered(first[:1], letter(100))
        await reader.contacts(21)
        await held(20, 20)
        await answered(first[1:9], letter(101))
        second = await reader.contacts(29)
        await held(27, 20)
        older = {contact.subject for contact in second} - {contact.subject for contact in first}
        assert older == {"Mail 100", "Mail 101", *(f"Mail {number}" for number in range(18, 25))}

        # After a restart it goes on where it was.
        await reader.end()
        reader.around = replace(reader.around, queues=reader.queues(100))
        await reader.begin(server.port)
        await reader.contacts(47)
        health = await reader.is_("idle")
        assert (health.backlog_taken, health.backlog_total) == (45, 45)
        assert len(reader.received) == 47


async def test_only_a_part_of_the_backlog(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await put(server, letter(1))
        await reader.begin(server.port, backlog_days=0)
        await reader.is_("idle")
        await put(server, letter(2))
        assert [contact.subject for contact in await reader.contacts(1)] == ["Mail 2"]
        await reader.end()
        await reader.hub.hub.store.mails.set_progress(FolderProgress("support", "INBOX", 1))
        await reader.begin(server.port, backlog_days=7)
        await reader.contacts(2)


async def test_mails_are_moved(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await put(server, *map(letter, range(5)))
        await reader.begin(server.port, after="move", move_to="Erledigt & 中文")
        await reader.contacts(5)
        await reader.is_("idle")
        await put(server, letter(7))
        await reader.contacts(6)
        await reader.is_("idle")
        assert await asyncio.to_thread(server.count) == 0
        assert await asyncio.to_thread(lambda: server.count('"Erledigt &- &Ti1lhw-"')) == 6


async def test_mails_are_moved_where_the_server_cannot_move(reader: Reader, tmp_path: Path) -> None:
    with served(more="imap_capability = IMAP4rev1 LITERAL+ SASL-IR UIDPLUS IDLE") as server:
        await put(server, letter(1))
        await reader.begin(server.port, after="move", move_to="Done")
        await reader.contacts(1)
        await reader.is_("idle")
        assert await asyncio.to_thread(server.count) == 0
        assert await asyncio.to_thread(lambda: server.count("Done")) == 1


async def test_several_folders(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await put(server, letter(1))
        await put(server, letter(2), folder="Rechnungen")
        await reader.begin(server.port, folders=["INBOX", "Rechnungen"], poll_s=5)
        await reader.contacts(2)
        await put(server, letter(3), folder="Rechnungen")
        await reader.contacts(3)


async def test_a_folder_that_is_numbered_anew_doubles_nothing(reader: Reader, tmp_path: Path) -> None:
    with served() as server:
        await put(server, *map(letter, range(6)))
        await reader.begin(server.port)
        await reader.contacts(6)
        await reader.is_("idle")
        await reader.end()
        (before,) = await reader.hub.hub.store.mails.progress("support")
        for path in (server.folder / "mail" / server.user).glob("dovecot*"):
            path.unlink()
        await asyncio.sleep(1.1)  # the new numbering is called by the second
        await put(server, letter(9))
        await reader.begin(server.port)
        await reader.contacts(7)
        await reader.is_("idle")
        (after,) = await reader.hub.hub.store.mails.progress("support")
        assert after.uid_validity != before.uid_validity
        assert sum(each.outcome == "known" for each in reader.received) == 6


async def test_large_mails(reader: Reader, tmp_path: Path) -> None:
    reader.around = replace(reader.around, max_size=8_000_000)
    with served() as server:
        large, too_large = letter(1, size=4_500_000), letter(2, size=7_000_000)
        assert len(large) < 8_000_000 < len(too_large)
        await put(server, large, too_large, letter(3))
        await reader.begin(server.port)
        contacts = {contact.subject: contact for contact in await reader.contacts(3)}
        (stored,) = await reader.hub.mails(contacts["Mail 1"].id)
        assert reader.hub.files.path(stored.raw).read_bytes() == large
        (cut,) = await reader.hub.mails(contacts["Mail 2"].id)
        assert cut.size < 2000
        (message,) = await reader.hub.messages(contacts["Mail 2"].id)
        assert f"{len(too_large)} bytes" in message.text


async def test_no_more_bytes_than_allowed_are_fetched_and_not_stored() -> None:
    budget, inside, most = Budget(100), 0, 0

    async def take(size: int) -> None:
        nonlocal inside, most
        async with budget.take(size):
            inside += min(size, 100)
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= min(size, 100)

    await asyncio.gather(*(take(size) for size in (40, 70, 100, 5000, 1, 30, 60) * 20))
    assert most <= 100
