"""A chat as a mail: what both sides said, in the customer's language, without notes and system lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from channels.email.acknowledge import in_language
from channels.email.posting import Posting
from channels.email.threads import subject_key
from hub.contacts import Words
from hub.errors import InvalidInput, Refused
from hub.ids import derived_id
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import AuthorKind, Channel, Contact, Message, MessageKind, User
from hub.service import Hub
from hub.visitors import clean_email
from mail.compose_headers import clean, spec
from mail.token import make_token, message_id, reply_address

PER_DAY = 10
DAY_MS = 24 * 3600_000
MOST = 2000

_SUBJECTS = {"en": "Your conversation with {name}", "zh": "您与{name}的对话", "ar": "محادثتك مع {name}"}
_HEADS = {
    "en": "This is what was said in your conversation with {name} on {day} (times are {zone}).",
    "zh": "以下是您于 {day} 与{name}的对话（时间为 {zone}）。",
    "ar": "هذا ما قيل في محادثتك مع {name} بتاريخ {day} (الأوقات بتوقيت {zone}).",
}
_ENDS = {
    "en": "You can answer this mail, and your answer reaches us.",
    "zh": "您可以直接回复此邮件。",
    "ar": "يمكنك الرد على هذه الرسالة وسيصلنا ردك.",
}


def written(contact: Contact, messages: Sequence[Message], name: str, public_name: Callable[[str | None], str]) -> str:
    """The conversation as plain text; `public_name` gives an agent's name as visitors see it."""
    said = [m for m in messages if not m.internal and m.kind in (MessageKind.TEXT, MessageKind.FILE)]
    day = datetime.fromtimestamp(contact.created_at / 1000, UTC).strftime("%Y-%m-%d")
    lines = [in_language(_HEADS, contact.language).format(name=name, day=day, zone="UTC"), ""]
    for message in said:
        at = datetime.fromtimestamp(message.at / 1000, UTC).strftime("%H:%M")
        who = public_name(message.author) if message.author_kind is AuthorKind.AGENT else message.author_name
        text = f"[{message.file.name}]" if message.kind is MessageKind.FILE and message.file else message.text
        first, *rest = text.split("\n")
        lines += [f"{at}  {who}: {first}", *(f"       {line}" for line in rest)]
    return "\n".join([*lines, "", in_language(_ENDS, contact.language), "", name, ""])


class Transcripts:
    def __init__(self, hub: Hub, posting: Posting, secret: bytes, domain: str = "") -> None:
        self._hub, self._posting, self._secret, self._domain = hub, posting, secret, domain

    async def send(self, contact: Contact, to: str, author: User | None, key: str) -> StoredMail:
        """The chat so far, to this address or its customer's own. Raises InvalidInput, Refused, NotFound."""
        hub, now = self._hub, self._hub.clock.now()
        if contact.channel not in (Channel.CHAT, Channel.VOICE):
            raise Refused("Only what was said in a chat can be sent.", code="mail.transcript")
        id = derived_id("ma", 0, "transcript", contact.id, key)
        known = await hub.store.mails.get(id)
        if known is not None:
            return known
        customer = (await hub.contacts.customers([contact.customer])).get(contact.customer)
        address = clean_email(to) or (customer.email if customer else "")
        if not address:
            raise InvalidInput("to", "expected an address: this customer has none")
        spec(address, "to")
        if await hub.store.mails.counted(address.lower(), now - DAY_MS, automatic=True) >= PER_DAY:
            raise Refused("This address has got many mails from us today.", code="mail.too_many")
        account, box = self._posting.mailbox_of_queue(contact.queue)
        messages = await hub.store.contacts.messages(contact.id, limit=MOST, internal=False)
        name = clean(box.display_name or box.name)
        text = written(contact, messages, name, hub.directory.public_name)
        token = make_token(contact.id, self._secret)
        domain = self._domain or box.address.rpartition("@")[2]
        subject = in_language(_SUBJECTS, contact.language).format(name=name)
        mail = StoredMail(
            id=id,
            contact=contact.id,
            message=derived_id("ms", 0, id),
            direction="out",
            account=account,
            state=MailState.QUEUED,
            at=now,
            from_=MailAddress(box.address, name),
            to=(MailAddress(address, customer.name if customer and customer.name != address else ""),),
            reply_to=(MailAddress(reply_address(box.address, token), name),),
            subject=subject,
            subject_key=subject_key(subject),
            message_id=message_id(token, id.removeprefix("ma_"), domain),
            fold_at=len(text),
            automatic=True,
            language=contact.language,
            author=author.id if author else None,
            send_at=now,
            next_at=now,
        )
        words = Words(
            AuthorKind.SYSTEM,
            None,
            name,
            text,
            internal=True,
            kind=MessageKind.MAIL,
            id=mail.message,
            data={"mail": id},
            mails=(mail,),
        )
        actor = author.id if author else contact.visitor or "system"
        await hub.contacts.carry_out(contact.id, [words], actor=actor, command_id=f"transcript-{key}")
        return replace(mail, version=1)  # as it is stored
