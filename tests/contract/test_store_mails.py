"""Mails, the progress of mailboxes, drafts and reminders in the store, on both databases."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub import commands as c
from hub.errors import Refused, VersionConflict
from hub.files import FileStore
from hub.mails import Draft, FolderProgress, KeptToken, MailAddress, MailState, OutboxStanding, Reminder, StoredMail
from hub.model import AuthorKind, Channel, FileRef, Message, MessageKind, Role, StoredFile, User
from hub.store import SqlStore, open_store, restore_store
from tests.talk import T0, Talk

EVA = MailAddress("Eva@Example.org", "Eva 中文")
US = MailAddress("support@demo.test", "Support")


def mail(id: str, talk: Talk, **values: Any) -> StoredMail:
    known: dict[str, Any] = {"subject": "Hello", "subject_key": "hello", "to": (US,), "message_id": f"{id}@example.org"}
    known |= {"hash": f"h{id}", "at": T0}
    known |= values
    at = known.pop("at")
    direction = known.pop("direction", "in")
    state = known.pop("state", MailState.RECEIVED if direction == "in" else MailState.QUEUED)
    return StoredMail(
        id, talk.contact.id, f"ms_{id}", direction, "support", state, at, known.pop("from_", EVA), **known
    )


async def said(talk: Talk, *mails: StoredMail, command: str | None = None, files: tuple[StoredFile, ...] = ()) -> None:
    """A message, and with it these mails, as one change."""
    message = Message(
        mails[0].message, talk.contact.id, talk.contact.messages + 1, talk.now, AuthorKind.SYSTEM, MessageKind.MAIL,
        "Guten Tag", data={"mail": mails[0].id},
    )  # fmt: skip
    change = talk.change(c.Say(message.id, "system", "mail"), messages=(message,), command=command)
    await talk.log.append(replace(change, mails=mails, files=files))
    assert change.contact is not None
    talk.contact = change.contact


async def test_a_mail_is_written_with_its_message(store: SqlStore) -> None:
    talk = await Talk(store.log).begin(channel=Channel.EMAIL)
    picture = FileRef("fl_1", "bild.png", 12, "image/png", 4, 5)
    first = mail(
        "m1", talk, inline={"a@b": picture}, attachments=(picture,), problems=("charset",), references=("x@y",),
        html="ab" * 32, raw="cd" * 32, cc=(MailAddress("boss@example.org"),), forwarded_from=EVA, date=T0 - 5,
    )  # fmt: skip
    await said(talk, first)
    stored = replace(first, version=1)
    assert await store.mails.get("m1") == stored
    assert await store.mails.by_hash("hm1") == stored
    assert await store.mails.of_contact(talk.contact.id) == [stored]
    (message,) = [m for m in await store.contacts.messages(talk.contact.id) if m.kind is MessageKind.MAIL]
    assert (message.data, message.text) == ({"mail": "m1"}, "Guten Tag")
    assert await store.mails.get("m9") is None
    assert await store.mails.by_hash("") is None


async def test_the_same_mail_is_stored_once_and_nothing_of_its_change(store: SqlStore) -> None:
    talk, other = await Talk(store.log).begin(), await Talk(store.log).begin()
    await said(talk, mail("m1", talk))
    with pytest.raises(Refused, match="stored already") as refused:
        await said(other, mail("m1", other))
    assert refused.value.code == "mail.known"
    assert len(await store.contacts.messages(other.contact.id)) == 0
    # Two at one moment: one of them wins.
    found = await asyncio.gather(said(talk, mail("m2", talk)), said(other, mail("m2", other)), return_exceptions=True)
    assert [getattr(each, "code", None) for each in found] in ([None, "mail.known"], ["mail.known", None])
    # The hash is another's, too, whatever the id.
    with pytest.raises(Refused, match="there already"):
        await said(talk, mail("m3", talk, hash="hm1"))
    assert await store.mails.get("m3") is None


async def test_a_change_may_tell_what_became_of_another_mail(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    await said(talk, mail("m1", talk, direction="out", state=MailState.SENT, from_=US, to=(EVA,)))
    sent = await store.mails.get("m1")
    assert sent is not None
    bounced = replace(sent, state=MailState.BOUNCED, error="no such user")
    await said(talk, mail("m2", talk, kind="bounce"), bounced)
    assert await store.mails.get("m1") == replace(bounced, version=2)
    with pytest.raises(VersionConflict):
        await said(talk, mail("m4", talk), replace(sent, state=MailState.FAILED))
    assert await store.mails.get("m4") is None


async def test_mails_of_one_moment_stand_in_the_order_of_question_and_answer(store: SqlStore) -> None:
    """An acknowledgement bears the time of what it acknowledges, whichever of their ids is the lower one."""
    talk = await Talk(store.log).begin()
    for id, direction, at in (("m5", "in", T0), ("m1", "out", T0), ("m3", "out", T0 - 1), ("m4", "in", T0 + 1)):
        await said(talk, mail(id, talk, direction=direction, at=at))
    assert [each.id for each in await store.mails.of_contact(talk.contact.id)] == ["m3", "m5", "m1", "m4"]


async def test_updates_count_versions(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    await said(talk, mail("m1", talk, direction="out", next_at=T0))
    queued = await store.mails.get("m1")
    assert queued is not None
    assert await store.mails.update(replace(queued, state=MailState.SENDING))
    assert not await store.mails.update(replace(queued, state=MailState.CANCELLED))
    assert await store.mails.get("m1") == replace(queued, state=MailState.SENDING, version=2)


async def test_what_is_due(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    assert await store.mails.next_due() is None
    assert await store.mails.outbox(T0) == OutboxStanding()
    for n, state in enumerate([MailState.QUEUED, MailState.SENDING, MailState.SENT, MailState.CANCELLED]):
        await said(talk, mail(f"m{n}", talk, direction="out", state=state, next_at=T0 + 10 - n, hash=""))
    await said(talk, mail("m9", talk, direction="out", hash="", next_at=T0 + 99))
    assert [each.id for each in await store.mails.due(T0 + 50)] == ["m1", "m0"]
    assert [each.id for each in await store.mails.due(T0 + 50, limit=1)] == ["m1"]
    assert await store.mails.next_due() == T0 + 9
    await said(talk, mail("m8", talk, direction="out", hash="", at=T0 - 5, send_at=T0 + 200, next_at=T0 + 200))
    assert await store.mails.outbox(T0 + 10) == OutboxStanding(3, 1, T0)
    assert await store.mails.outbox(T0 + 200) == OutboxStanding(3, 1, T0)
    assert [each.id for each in await store.mails.sent(limit=2)] == ["m9", "m3"]
    assert [each.id for each in await store.mails.sent(after="m3")] == ["m2", "m1", "m0", "m8"]


async def test_threads_are_found_by_message_ids_and_by_subject(store: SqlStore) -> None:
    talk, other = await Talk(store.log).begin(), await Talk(store.log).begin()
    await said(talk, mail("m1", talk, message_id="same@x", at=T0))
    # The same Message-ID with another content is another mail.
    await said(other, mail("m2", other, message_id="same@x", at=T0 + 1))
    await said(other, mail("m3", other, direction="out", from_=US, to=(EVA,), at=T0 + 2, message_id=""))
    assert [each.id for each in await store.mails.by_message_ids(["none@x", "same@x", ""])] == ["m2", "m1"]
    assert await store.mails.by_message_ids([""]) == []
    assert [each.id for each in await store.mails.alike("eva@example.ORG", "hello", T0 + 1)] == ["m3", "m2"]
    assert await store.mails.alike("eva@example.org", "other", T0) == []
    assert await store.mails.alike("mallory@example.org", "hello", T0) == []


async def test_how_many_went_to_an_address(store: SqlStore) -> None:
    talk = await Talk(store.log).begin()
    ours = {"direction": "out", "from_": US, "hash": ""}
    await said(talk, mail("m1", talk, to=(EVA,), automatic=True, **ours))
    await said(talk, mail("m2", talk, to=(US,), bcc=(EVA,), automatic=True, at=T0 + 9, **ours))
    await said(talk, mail("m3", talk, to=(EVA,), **ours))
    await said(talk, mail("m4", talk))
    count = store.mails.counted
    assert await count("eva@example.org", T0, automatic=True) == 2
    assert await count("eva@example.org", T0 + 1, automatic=True) == 1
    assert await count("EVA@example.org", T0, automatic=False) == 1


async def test_progress_of_folders(store: SqlStore) -> None:
    assert await store.mails.progress("support") == []
    inbox = FolderProgress("support", "INBOX", 7, 100, 50, 90, 41)
    await store.mails.set_progress(FolderProgress("sales", "INBOX", 1))
    await store.mails.set_progress(FolderProgress("support", "Ablage/中文", 1))
    await store.mails.set_progress(replace(inbox, newest=90))
    await store.mails.set_progress(inbox)
    assert await store.mails.progress("support") == [FolderProgress("support", "Ablage/中文", 1), inbox] or (
        await store.mails.progress("support") == [inbox, FolderProgress("support", "Ablage/中文", 1)]
    )


async def test_tokens_of_two_nodes(store: SqlStore) -> None:
    assert await store.mails.token("t") is None
    assert await store.mails.put_token(KeptToken("t", 0, 0, "one"))
    assert not await store.mails.put_token(KeptToken("t", 0, 0, "two"))
    assert await store.mails.token("t") == KeptToken("t", 1, 0, "one")
    assert await store.mails.put_token(KeptToken("t", 1, T0, "two"))
    assert not await store.mails.put_token(KeptToken("t", 1, 0, "three"))
    assert await store.mails.token("t") == KeptToken("t", 2, T0, "two")
    await store.mails.put_token(KeptToken("u", 0, 0, "of a mailbox that is deleted"))
    await store.mails.keep_tokens({"t", "none"})
    assert await store.mails.token("u") is None
    assert await store.mails.token("t") == KeptToken("t", 2, T0, "two")
    await store.mails.keep_tokens(())
    assert await store.mails.token("t") is None


async def test_drafts_of_two_windows(store: SqlStore) -> None:
    user = User("us_1", "agent1", "Ann", Role.AGENT)
    await store.accounts.put_user(user, version=None, actor="us_0", at=T0)
    draft = Draft("dr_1", "us_1", None, {"html": "<p>中文"}, T0)
    assert await store.mails.put_draft(draft)
    assert not await store.mails.put_draft(draft)
    stored = replace(draft, version=1)
    assert await store.mails.draft("dr_1") == stored
    assert await store.mails.put_draft(replace(stored, data={"html": "2"}, updated_at=T0 + 1))
    assert not await store.mails.put_draft(stored)
    assert not await store.mails.put_draft(replace(stored, version=2, user="us_2"))
    assert await store.mails.put_draft(Draft("dr_2", "us_1", "ct_1", {}, T0))
    assert [each.id for each in await store.mails.drafts("us_1")] == ["dr_1", "dr_2"]
    assert await store.mails.drafts("us_2") == []
    await store.mails.delete_draft("dr_1")
    assert await store.mails.draft("dr_1") is None


async def test_reminders(store: SqlStore) -> None:
    talk, other = await Talk(store.log).begin(), await Talk(store.log).begin()
    await store.mails.remind(Reminder(talk.contact.id, "us_1", T0 + 9))
    await store.mails.remind(Reminder(other.contact.id, "us_1", T0 + 5))
    later = Reminder(talk.contact.id, "us_2", T0 + 7)
    await store.mails.remind(later)
    assert await store.mails.reminders(T0 + 4) == []
    assert await store.mails.reminders(T0 + 9) == [Reminder(other.contact.id, "us_1", T0 + 5), later]
    await store.mails.forget_reminder(other.contact.id)
    assert await store.mails.reminders(T0 + 9) == [later]


async def test_files_come_with_the_change_and_the_backup_holds_raw_mails(store: SqlStore, tmp_path: Path) -> None:
    files = FileStore(tmp_path / "files")
    await files.open()

    raw, html = await files.keep(b"Subject: x\n\nHello"), await files.keep(b"<p>Hello")
    talk = await Talk(store.log).begin()
    attached = StoredFile("fl_1", talk.contact.id, "mail", "a.txt", 8, "text/plain", html, T0)
    await said(talk, mail("m1", talk, raw=raw, html=html), files=(attached,))
    # A second copy of the same attachment row is none.
    await said(talk, mail("m2", talk), files=(replace(attached, name="b.txt"),))
    assert await store.files.get("fl_1") == attached
    manifest = await store.backup(tmp_path / "all.zip", files=files)
    assert set(manifest.files) == {raw, html}
    assert await files.keep(b"<p>Hello") == html
    url = f"sqlite:///{tmp_path}/restored.db"
    await restore_store(url, tmp_path / "all.zip")
    await files.close()
    again = open_store(url)
    await again.open()
    assert await again.mails.of_contact(talk.contact.id) == await store.mails.of_contact(talk.contact.id)
    await again.close()
