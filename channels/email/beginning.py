"""What a composer begins with: from where, to whom, under which subject, with which signature and files."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from channels.email.acknowledge import reference
from channels.email.posting import Posting, forward_subject, reply_subject
from hub.config_mail import Mailbox
from hub.errors import InvalidInput, NotFound
from hub.mail_signature import Signature, for_queue
from hub.mail_template import Values, fill_in, first_name
from hub.mail_views import addresses_json
from hub.mails import MailAddress, StoredMail
from hub.model import Contact, FileRef, Scan, User
from hub.service import Hub
from hub.views import file_json
from mail.html_text import text_of

Json = dict[str, Any]
WAYS = ("reply", "reply_all", "forward", "new")


class Beginning:
    def __init__(self, hub: Hub, posting: Posting) -> None:
        self._hub, self._posting = hub, posting

    def mailboxes(self, user: User) -> list[Json]:
        return [
            {
                "id": id,
                "name": row.name,
                "address": row.address,
                "display_name": row.display_name or row.name,
                "queue": row.queue,
                "language": row.language,
            }
            for id, row in sorted(self._hub.directory.mailboxes().items())
            if self._posting.may_use(user, row)
        ]

    async def begin(self, user: User, contact: str | None, mail: str | None, how: str, mailbox: str | None) -> Json:
        """Raises NotFound, Forbidden, InvalidInput, Refused."""
        if how not in WAYS:
            raise InvalidInput("how", f"expected one of {', '.join(WAYS)}")
        row = None if contact is None else (await self._hub.seen_by(user, contact)).contact
        mails = [] if row is None else await self._hub.store.mails.of_contact(row.id)
        original = next((each for each in mails if each.id == mail), None)
        if mail is not None and original is None:
            raise NotFound("mail", mail)
        if original is None and how in ("reply", "reply_all", "forward"):
            # The last thing that was said to us, or by us.
            received = [each for each in mails if each.direction == "in"]
            original = next(reversed(received or mails), None)
        account, box = self._posting.mailbox(user, mailbox, row, mails)
        to: Iterable[MailAddress] = ()
        cc: Iterable[MailAddress] = ()
        if how != "forward" and row is not None:
            to = await self._posting.answer_to(row, original)
            if how == "reply_all" and original is not None:
                to, cc = reply_all(original, self._own(), to)
        subject = original.subject if original is not None else "" if row is None else row.subject
        if how == "forward":
            subject = forward_subject(subject)
        elif subject:
            subject = reply_subject(subject)
        text, html = await self._signature(user, row, box)
        return {
            "contact": contact,
            "mail": original.id if original is not None else None,
            "how": how,
            "mailbox": account,
            "to": addresses_json(to),
            "cc": addresses_json(cc),
            "subject": subject,
            "signature": {"text": text, "html": html},
            "attachments": [file_json(file) for file in _passed_on(original)]
            if how == "forward" and original is not None
            else [],
        }

    def _own(self) -> set[str]:
        return {address for box in self._hub.directory.mailboxes().values() for address in box.addresses}

    async def _signature(self, user: User, contact: Contact | None, box: Mailbox) -> tuple[str, str]:
        """The agent's own, then the mailbox's; as text and HTML."""
        values = await self.values(user, contact, box)
        queue = box.queue if contact is None else contact.queue or box.queue
        both = [signature(for_queue(user.settings, queue), values), signature(Signature(box.signature), values)]
        return "\n".join(text for text, _ in both if text), "".join(html for _, html in both)

    async def values(self, user: User, contact: Contact | None, box: Mailbox) -> Values:
        """What templates may name."""
        customer = None
        if contact is not None:
            customer = (await self._hub.contacts.customers([contact.customer])).get(contact.customer)
        name = "" if customer is None or customer.name == customer.email else customer.name
        queue = self._hub.directory.queues().get(box.queue if contact is None else contact.queue or box.queue)
        return {
            "customer": {
                "name": name,
                "first_name": first_name(name),
                "email": customer.email,
                "phone": customer.phone,
            }
            if customer is not None
            else {},
            "agent": {"name": user.name, "first_name": first_name(user.name)},
            "contact": {} if contact is None else {"reference": reference(contact.id), "subject": contact.subject},
            "queue": {} if queue is None else {"name": queue.name},
            "mailbox": {"name": box.display_name or box.name, "address": box.address},
        }

    async def fill_in(self, user: User, template: str, contact: str | None, mailbox: str | None) -> Json:
        """Raises NotFound, Forbidden, InvalidInput, Refused."""
        found = self._hub.directory.mail_templates().get(template)
        if found is None:
            raise NotFound("template", template)
        row = None if contact is None else (await self._hub.seen_by(user, contact)).contact
        mails = [] if row is None else await self._hub.store.mails.of_contact(row.id)
        _, box = self._posting.mailbox(user, mailbox, row, mails)
        values = await self.values(user, row, box)
        text = fill_in(found.text, values, path="text")
        html = fill_in(found.html, values, html=True, path="html") if found.html else text_as_html(text)
        return {"subject": fill_in(found.subject, values, path="subject"), "text": text, "html": html}


def signature(given: Signature, values: Values) -> tuple[str, str]:
    """Text and HTML with their blanks filled in; either is made of the other where it is missing."""
    if given.blank:
        return "", ""
    html = _filled(given.html, values, html=True) if given.html else ""
    text = _filled(given.text, values) if given.text.strip() else text_of(html).strip()
    return text, html or text_as_html(text)


def _filled(source: str, values: Values, *, html: bool = False) -> str:
    try:
        return fill_in(source, values, html=html)
    except InvalidInput:
        return source  # somebody's words with braces in them are words


def _passed_on(mail: StoredMail) -> list[FileRef]:
    """The files that may go with a mail to somebody else: not those that nobody gets."""
    infected = {id for id, said in mail.scans.items() if said.scan is Scan.INFECTED}
    return [file for file in mail.attachments if file.id not in infected]


def reply_all(
    mail: StoredMail, own: set[str], answer_to: Iterable[MailAddress]
) -> tuple[list[MailAddress], list[MailAddress]]:
    """(to, cc) of an answer to everybody but ourselves; each address once."""

    def is_own(address: str) -> bool:
        local, _, domain = address.lower().rpartition("@")
        return address.lower() in own or f"{local.partition('+')[0]}@{domain}" in own

    seen: set[str] = set()
    to: list[MailAddress] = []
    cc: list[MailAddress] = []
    for target, group in ((to, answer_to), (cc, (*mail.to, *mail.cc))):
        for each in group:
            if each.address.lower() not in seen and not is_own(each.address):
                seen.add(each.address.lower())
                target.append(each)
    return to, cc


def text_as_html(text: str) -> str:
    """Plain text as paragraphs."""
    paragraphs = [part for part in text.strip("\n").split("\n\n") if part.strip()]
    return "".join(f"<p>{escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in paragraphs)
