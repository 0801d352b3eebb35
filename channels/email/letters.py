"""From a mail's row to the letter that is sent: its text, HTML, pictures and files, fetched from where they lie."""

from __future__ import annotations

import asyncio
from pathlib import Path

from channels.email.html_out import outward
from hub.errors import Unavailable
from hub.files import FileStore
from hub.mails import MailAddress, StoredMail
from hub.model import FileRef, Message, Millis
from hub.ports import Store
from mail.compose import LARGEST, Enclosure, Letter, compose
from mail.model import Address


class Letters:
    def __init__(self, store: Store, files: FileStore) -> None:
        self._store, self._files = store, files

    async def compose(self, mail: StoredMail, date: Millis, largest: int = LARGEST) -> bytes:
        """The mail's bytes. Raises InvalidInput and TooLarge for what cannot be written, Unavailable."""
        letter = await self.letter(mail, date)
        return await asyncio.to_thread(compose, letter, largest)

    async def letter(self, mail: StoredMail, date: Millis) -> Letter:
        message = await self._store.contacts.message(mail.message)
        if message is None:
            raise Unavailable("The mail's text is not there.")
        html = outward((await self._content(mail.html)).decode()) if mail.html else None
        return Letter(
            addressed(mail.from_),
            mail.message_id,
            date,
            to=tuple(map(addressed, mail.to)),
            cc=tuple(map(addressed, mail.cc)),
            bcc=tuple(map(addressed, mail.bcc)),
            reply_to=tuple(map(addressed, mail.reply_to)),
            subject=mail.subject,
            in_reply_to=mail.in_reply_to,
            references=mail.references,
            text=text_of(message),
            html=html,
            inline=tuple([await self._enclosure(file, id) for id, file in mail.inline.items()]),
            attachments=tuple([await self._enclosure(file) for file in mail.attachments]),
            automatic=("auto-replied" if mail.in_reply_to else "auto-generated") if mail.automatic else "",
            language=mail.language,
        )

    async def _enclosure(self, file: FileRef, content_id: str = "") -> Enclosure:
        stored = await self._store.files.get(file.id)
        if stored is None:
            raise Unavailable(f"The file {file.name} is not there.")
        return Enclosure(file.name, file.type, await self._content(stored.sha256), content_id)

    async def _content(self, sha256: str) -> bytes:
        path: Path = self._files.path(sha256)
        return b"".join([block async for block in self._files.read(path)])


def text_of(message: Message) -> str:
    return message.text


def addressed(address: MailAddress) -> Address:
    return Address(address.address, address.name)
