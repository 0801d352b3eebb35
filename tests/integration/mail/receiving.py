"""A hub that takes mail, in the test's own loop: store, files, workers and the receiver, without pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from channels.email.receive import Envelope, Received, Receiver
from hub import commands as c
from hub.bus import open_bus
from hub.clock import SystemClock
from hub.contacts import Words
from hub.files import FileStore
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import AuthorKind, Contact, Message, MessageKind
from hub.service import Hub
from hub.store import open_store
from mail.token import make_token, message_id, reply_address
from mail.worker import ParserPool

SECRET = b"a secret of the tests' own, 32 b"
ADDRESS = "support@hub.test"


class Clock(SystemClock):
    """The system's, moved on by a test."""

    ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead


class Post:
    """`deliver` gives mails to the hub as any of its ways in does."""

    def __init__(self, hub: Hub, files: FileStore, receiver: Receiver, clock: Clock) -> None:
        self.hub, self.files, self.receiver, self.clock = hub, files, receiver, clock
        self._numbers: Iterator[int] = iter(range(1, 10_000))

    async def mailbox(self, id: str = "support", **more: Any) -> None:
        row = {"name": id.capitalize(), "address": f"{id}@hub.test", "queue": "support", **more}
        known = await self.hub.store.configs.get("mailbox", id)
        version = known.version if known else None
        await self.hub.store.configs.put("mailbox", id, row, version=version, actor="system", at=1)
        await self.hub.directory.refresh("mailbox", id)

    def letter(self, text: str = "Where is my parcel?", **headers: str) -> EmailMessage:
        mail = EmailMessage()
        number = next(self._numbers)
        given = {
            "From": "Eva Berg <eva@berg.example>",
            "To": ADDRESS,
            "Subject": "My parcel",
            "Message-ID": f"<letter{number}@berg.example>",
            "Date": "Sun, 22 Nov 2026 10:00:00 +0100",
        }
        for name, value in (given | {name.replace("_", "-"): value for name, value in headers.items()}).items():
            if value:
                mail[name] = value
        mail.set_content(text)
        return mail

    async def deliver(
        self, mail: EmailMessage | bytes, mailbox: str = "support", to: tuple[str, ...] = (), sender: str = ""
    ) -> Received:
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        return await self.receiver.receive(raw, mailbox, Envelope(sender, to))

    async def contact(self, id: str) -> Contact:
        return (await self.hub.contacts.get(id)).contact

    async def mails(self, contact: str) -> list[StoredMail]:
        return await self.hub.store.mails.of_contact(contact)

    async def messages(self, contact: str) -> list[Message]:
        found = await self.hub.store.contacts.messages(contact)
        return [message for message in found if message.kind is MessageKind.MAIL]

    async def served(self, contact: str, agent: str = "us_1") -> None:
        """An agent takes it."""
        state = await self.contact(contact)
        fence, now = state.last_fence + 1, self.clock.now()
        await self.hub.contacts.do(
            contact, c.MakeOffer(agent, fence, now + 60_000, 1), c.Accept(agent, fence), actor=agent
        )

    async def closed(self, contact: str, agent: str = "us_1") -> None:
        """Taken, answered and closed."""
        await self.served(contact, agent)
        await self.hub.contacts.do(contact, c.End(agent, "closed", 0), c.Finish(agent, None), actor=agent)

    async def answered(self, contact: str, to: str = "eva@berg.example", *, automatic: bool = False) -> StoredMail:
        """A mail of ours in the contact, as the outbox leaves it."""
        number = next(self._numbers)
        token = make_token(contact, SECRET)
        id = f"ma_out{number}"
        mail = StoredMail(
            id=id,
            contact=contact,
            message=f"ms_out{number}",
            direction="out",
            account="support",
            state=MailState.SENT,
            at=self.clock.now(),
            from_=MailAddress(ADDRESS, "Support"),
            to=(MailAddress(to),),
            reply_to=(MailAddress(reply_address(ADDRESS, token)),),
            subject="Re: My parcel",
            subject_key="my parcel",
            message_id=message_id(token, f"out{number}", "hub.test"),
            automatic=automatic,
        )
        kind = AuthorKind.SYSTEM if automatic else AuthorKind.AGENT
        words = Words(
            kind, None if automatic else "us_1", "", "On its way.", kind=MessageKind.MAIL, id=mail.message,
            data={"mail": id}, mails=(mail,),
        )  # fmt: skip
        await self.hub.contacts.carry_out(contact, [words], actor="us_1", command_id=id)
        stored = await self.hub.store.mails.get(id)
        assert stored is not None
        return stored


@asynccontextmanager
async def post(folder: Path, url: str | None = None) -> AsyncIterator[Post]:
    clock = Clock()
    store = open_store(url or f"sqlite:///{folder}/hub.db")
    await store.open()
    bus = open_bus("", "test")
    await bus.start()
    hub = Hub(store, bus, clock, SECRET)
    for id in ("support", "sales"):
        if await store.configs.get("queue", id) is None:
            await store.configs.put("queue", id, {"name": id}, version=None, actor="system", at=1)
    files = FileStore(folder / "files")
    await files.open()
    await hub.start()
    pool = ParserPool(1)
    await pool.start()
    made = Post(hub, files, Receiver(hub, files, pool, SECRET), clock)
    await made.mailbox()
    try:
        yield made
    finally:
        await pool.stop()
        await hub.stop()
        await bus.close()
        await files.close()
        await store.close()
