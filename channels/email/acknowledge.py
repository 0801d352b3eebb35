"""Telling who writes that his mail is here, without ever beginning a conversation of machines (RFC 3834).

Only a person's first mail is acknowledged: nothing automatic, no list, no bounce, none of our own addresses, nobody
whose answers are to go to somebody else, and each address only a few times a day. What is sent bears Auto-Submitted,
so that the other side's machine stays silent, too.
"""

from __future__ import annotations

from channels.email.receive import Arrival
from channels.email.threads import subject_key
from hub.contacts import Words, clean_text
from hub.errors import InvalidInput
from hub.ids import derived_id
from hub.mail_template import fill_in, first_name
from hub.mails import MailAddress, MailState, StoredMail
from hub.model import AuthorKind, MessageKind
from hub.service import Hub
from mail.compose_headers import clean, spec
from mail.model import MailKind
from mail.token import make_token, message_id, reply_address

PER_DAY = 4
DAY_MS = 24 * 3600_000
# Addresses behind which nobody reads; none of them is ever answered by a machine.
NOBODY = frozenset({"mailer-daemon", "postmaster", "noreply", "no-reply", "donotreply", "do-not-reply", "bounces"})

TEXTS = {
    "en": (
        "Hello{% if customer.name %} {{ customer.name }}{% endif %},\n\n"
        "thank you for your message. It has reached us, and we will answer as soon as we can.\n"
        "Your reference is {{ contact.reference }}.\n\n{{ mailbox.name }}\n"
    ),
    "zh": (
        "您好{% if customer.name %}，{{ customer.name }}{% endif %}：\n\n"
        "我们已收到您的邮件，会尽快回复您。\n您的编号是 {{ contact.reference }}。\n\n{{ mailbox.name }}\n"
    ),
    "zh-TW": (
        "您好{% if customer.name %}，{{ customer.name }}{% endif %}：\n\n"
        "我們已收到您的郵件，會盡快回覆您。\n您的編號是 {{ contact.reference }}。\n\n{{ mailbox.name }}\n"
    ),
    "ar": (
        "مرحبًا{% if customer.name %} {{ customer.name }}{% endif %}،\n\n"
        "شكرًا لرسالتك. لقد وصلتنا وسنرد عليك في أقرب وقت ممكن.\n"
        "رقمك المرجعي هو {{ contact.reference }}.\n\n{{ mailbox.name }}\n"
    ),
}
SUBJECTS = {
    "en": "We have received: {subject}",
    "zh": "已收到：{subject}",
    "zh-TW": "已收到：{subject}",
    "ar": "وصلتنا رسالتك: {subject}",
}
# Of what came by a form. Nobody makes us send his words to a stranger by giving the stranger's address as his own.
FORM_SUBJECTS = {
    "en": "We have received your message ({reference})",
    "zh": "已收到您的来信（{reference}）",
    "zh-TW": "已收到您的來信（{reference}）",
    "ar": "وصلتنا رسالتك ({reference})",
}


def reference(contact: str) -> str:
    """What a customer may call his contact by: the last eight letters of its id."""
    return contact[-8:].upper()


def silent_because(mail: StoredMail, own: set[str]) -> str | None:
    """Why this mail is not acknowledged; None when nothing speaks against it. `own` are all addresses of ours."""
    sender = mail.from_.address.lower()
    local, _, domain = sender.rpartition("@")
    if mail.kind != MailKind.NORMAL:
        return "automatic"
    if not local or not domain:
        return "no address"
    if sender in own or _without_plus(sender) in own:
        return "our own address"
    if local in NOBODY or local.startswith(("bounce", "owner-")) or local.endswith(("-request", "-bounces")):
        return "nobody reads there"
    if any(_without_plus(each.address.lower()) != _without_plus(sender) for each in mail.reply_to):
        return "answers go to somebody else"
    try:
        spec(sender)
    except InvalidInput:
        return "no address"
    return None


def _without_plus(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


class Acknowledger:
    """Makes the acknowledgement of a mail that is about to become a contact, for the same step."""

    def __init__(self, hub: Hub, secret: bytes, domain: str = "") -> None:
        self._hub, self._secret, self._domain = hub, secret, domain

    async def __call__(self, arrival: Arrival) -> Words | None:
        row, mail = arrival.row, arrival.mail
        if not row.acknowledge or row.outbound.kind == "none" or not row.enabled:
            return None
        own = {address for box in self._hub.directory.mailboxes().values() for address in box.addresses}
        if silent_because(mail, own) is not None:
            return None
        since = mail.at - DAY_MS
        if await self._hub.store.mails.counted(mail.from_.address.lower(), since, automatic=True) >= PER_DAY:
            return None
        return self._words(arrival)

    def _words(self, arrival: Arrival) -> Words:
        row, mail = arrival.row, arrival.mail
        language = arrival.language or row.language
        # Who gave no name is called by his address everywhere else, but nobody is greeted so.
        unnamed = arrival.typed or arrival.customer.name == arrival.customer.email
        name = "" if unnamed else arrival.customer.name
        values = {
            "customer": {"name": name, "first_name": first_name(name), "email": arrival.customer.email},
            "contact": {"reference": reference(mail.contact), "subject": "" if arrival.typed else mail.subject},
            "queue": {"name": self._hub.directory.queue_name(arrival.queue)},
            "mailbox": {"name": row.display_name or row.name, "address": row.address},
        }
        own_words = in_language(row.acknowledgement, language)
        try:
            text = fill_in(own_words or in_language(TEXTS, language) or TEXTS["en"], values)
        except InvalidInput:
            text = own_words  # somebody's own text with braces in it is a text
        domain = self._domain or row.address.rpartition("@")[2]
        token = make_token(mail.contact, self._secret)
        id = derived_id("ma", 0, "acknowledged", mail.id)
        subjects = FORM_SUBJECTS if arrival.typed else SUBJECTS
        subject = in_language(subjects, language).format(subject=mail.subject, reference=reference(mail.contact))[:500]
        chain = mail.references or ((mail.in_reply_to,) if mail.in_reply_to else ())
        answer = StoredMail(
            id=id,
            contact=mail.contact,
            message=derived_id("ms", 0, id),
            direction="out",
            account=arrival.mailbox,
            state=MailState.QUEUED,
            at=mail.at,
            from_=MailAddress(row.address, clean(row.display_name or row.name)),
            to=(MailAddress(mail.from_.address) if arrival.typed else mail.from_,),
            reply_to=(MailAddress(reply_address(row.address, token), clean(row.display_name or row.name)),),
            subject=clean(subject),
            subject_key=subject_key(mail.subject),
            message_id=message_id(token, id.removeprefix("ma_"), domain),
            in_reply_to=mail.message_id,
            references=tuple(dict.fromkeys((*chain, mail.message_id))) if mail.message_id else (),
            fold_at=len(text),
            automatic=True,
            language=language,
            send_at=mail.at,
            next_at=mail.at,
        )
        return Words(
            AuthorKind.SYSTEM,
            None,
            row.display_name or row.name,
            clean_text(text, limit=20_000),
            kind=MessageKind.MAIL,
            id=answer.message,
            data={"mail": id},
            mails=(answer,),
        )


def in_language(texts: dict[str, str], language: str) -> str:
    """The text in this language or its main one (zh for zh-CN); else the English one, else the first."""
    lower = {key.lower(): text for key, text in texts.items() if text.strip()}
    wanted = language.lower()
    main = wanted.partition("-")[0]
    for key in (wanted, main, *(key for key in lower if key.partition("-")[0] == main), "en"):
        if key in lower:
            return lower[key]
    return next(iter(lower.values()), "")
