"""The form "E-mail us": what it becomes, what is let in, and what its writer may ask about it."""

import asyncio
import os
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from channels.email import puzzle
from channels.email.acknowledge import FORM_SUBJECTS, Acknowledger, reference
from channels.email.acknowledge import SUBJECTS as ACK_SUBJECTS
from channels.email.acknowledge import TEXTS as ACK_TEXTS
from channels.email.form import FORM, SENT, SOONEST_MS, EmailForm, Sender, SendInput
from channels.email.form_files import AFTER_MS, UnsentFiles
from channels.email.inquiry import ASKED, Inquiries
from channels.email.triage import Sorter
from hub.errors import Forbidden, HubError, InvalidInput, NotFound, NotSignedIn, RateLimited, Refused, TooLarge
from hub.ids import new_id
from hub.mails import MailState
from hub.model import Channel, Phase, StoredFile
from hub.ports import ContactFilter
from tests.integration.mail.receiving import ADDRESS, SECRET, Post, post

HOUR_MS = 3600_000
SITE: dict[str, Any] = {
    "name": "Shop",
    "allowed_origins": ["https://shop.example"],
    "topics": [
        {"id": "support", "label": {"en": "Support"}, "queue": "support", "skills": {}},
        {"id": "sales", "label": {"en": "Sales"}, "queue": "sales", "skills": {}},
    ],
    "prechat": [{"name": "name", "required": True}, {"name": "order", "required": True}, {"name": "topic"}],
}


class House:
    """A hub with a site, a mailbox for support that sends and acknowledges, and none for sales."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.form = EmailForm(post.hub, post.files, post.receiver, SECRET)
        self.inquiries = Inquiries(post.hub)

    async def put(self, kind: str, id: str, **row: Any) -> None:
        store = self.post.hub.store.configs
        known = await store.get(kind, id)
        await store.put(kind, id, row, version=known.version if known else None, actor="system", at=1)
        await self.post.hub.directory.refresh(kind, id)

    async def filled(self, number: int = 1, **more: Any) -> SendInput:
        """A form with its puzzle solved, after the time that a person takes."""
        begun = await self.form.begin(sender(number))
        made = puzzle.Puzzle(begun["nonce"], "demo", 0, begun["bits"])
        counter = await asyncio.to_thread(lambda: next(n for n in range(2**24) if puzzle.solved(made, n)))
        self.post.clock.ahead += SOONEST_MS
        basic = {"name": "Eva Berg", "email": "Eva@Berg.example", "topic": "support", "text": "Where is my parcel?"}
        return SendInput(begun["ticket"], counter, **(basic | {"fields": {"order": "MK-1"}} | more))

    async def attach(self, form: SendInput, data: bytes, name: str = "invoice.pdf") -> str:
        """As the upload's route does it."""
        _, place = await self.form.uploads_to(f"{form.ticket}.{form.counter}")
        sha256 = await self.post.files.keep(data)
        id, now = new_id("fi", self.post.clock.now()), self.post.clock.now()
        await self.post.hub.store.files.put(
            StoredFile(id, place, place, name, len(data), "application/pdf", sha256, now)
        )
        return id

    async def sent(self, number: int = 1, **more: Any) -> str:
        answer = await self.form.send(sender(number), await self.filled(number, **more))
        return str(answer["reference"])

    async def contacts(self) -> list[str]:
        return [row.contact.id for row in await self.post.hub.store.contacts.page(ContactFilter())]

    async def refused(self, form: SendInput, number: int = 1) -> str:
        with pytest.raises(HubError) as caught:
            await self.form.send(sender(number), form)
        return caught.value.code


def sender(number: int = 1) -> Sender:
    return Sender("demo", f"192.0.2.{number}")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with post(tmp_path) as made:
        found = House(made)
        made.receiver.answer = Acknowledger(made.hub, SECRET)
        made.hub.mailing = Nobody()
        await made.mailbox(outbound={"kind": "demo"}, acknowledge=True)
        await found.put("site", "demo", **SITE)
        yield found


class Nobody:
    """The hub sends mail; what its agents write is not asked about here."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


async def test_a_form_becomes_a_contact_like_one_that_came_by_mail(house: House) -> None:
    form = await house.filled(subject="My parcel", locale="zh-CN")
    pdf = b"%PDF-1.4 invoice"
    form = SendInput(**{**as_dict(form), "files": [await house.attach(form, pdf)]})
    answer = await house.form.send(sender(), form)
    (id,) = await house.contacts()
    assert answer["reference"] == reference(id) and len(answer["reference"]) == 8
    contact = await house.post.contact(id)
    assert (contact.channel, contact.phase, contact.queue, contact.site) == (
        Channel.EMAIL, Phase.QUEUED, "support", "demo",
    )  # fmt: skip
    assert (contact.subject, contact.language, contact.visitor) == ("My parcel", "zh-CN", None)
    assert contact.fields == {"order": "MK-1"}
    mail, acknowledged = sorted(await house.post.mails(id), key=lambda each: each.direction)
    assert (mail.direction, mail.state, mail.account) == ("in", MailState.RECEIVED, "support")
    assert (mail.from_.address, mail.from_.name, mail.to[0].address) == ("eva@berg.example", "Eva Berg", ADDRESS)
    assert [(file.name, file.size) for file in mail.attachments] == [("invoice.pdf", len(pdf))]
    row = await house.post.hub.store.files.get(mail.attachments[0].id)
    assert row is not None and row.contact == id
    message = (await house.post.messages(id))[0]
    assert message.text.strip() == "Where is my parcel?" and message.data == {"mail": mail.id}
    # Its acknowledgement names the reference, and nothing that somebody typed in.
    assert acknowledged.automatic and acknowledged.to[0].address == "eva@berg.example" and not acknowledged.to[0].name
    assert answer["reference"] in acknowledged.subject and "parcel" not in acknowledged.subject
    told = (await house.post.messages(id))[1].text
    assert answer["reference"] in told and "Eva" not in told and "您" in told


@pytest.mark.parametrize(
    ("locale", "subject", "greeting"),
    [
        ("ar", "وصلتنا رسالتك (", "مرحبًا،"),
        ("zh-CN", "已收到您的来信（", "您好："),
        ("zh-TW", "已收到您的來信（", "您好："),
    ],
)
async def test_the_acknowledgement_is_in_the_language_of_the_form(
    house: House, locale: str, subject: str, greeting: str
) -> None:
    named = await house.sent(locale=locale)
    (id,) = await house.contacts()
    (mail,) = [each for each in await house.post.mails(id) if each.direction == "out"]
    (text,) = [each.text for each in await house.post.messages(id) if each.id == mail.message]
    assert mail.language == locale and mail.subject.startswith(subject)
    assert named in mail.subject and named in text and text.startswith(greeting)
    for words in (ACK_TEXTS, ACK_SUBJECTS, FORM_SUBJECTS):
        assert {"en", "zh", "ar"} <= words.keys()


def as_dict(form: SendInput) -> dict[str, Any]:
    return {name: getattr(form, name) for name in form.__struct_fields__}


async def test_the_same_form_is_one_mail_and_a_puzzle_lets_in_one(house: House) -> None:
    form = await house.filled()
    answers = await asyncio.gather(*(house.form.send(sender(), form) for _ in range(5)))
    assert len({answer["reference"] for answer in answers}) == 1
    assert len(await house.contacts()) == 1
    other = SendInput(**{**as_dict(form), "text": "Buy these pills"})
    assert await house.refused(other) == "form.used"
    assert await house.refused(SendInput(**{**as_dict(form), "email": "else@berg.example"})) == "form.used"
    # The same words in another form are another mail.
    assert await house.sent(2) not in {answers[0]["reference"]}
    assert len(await house.contacts()) == 2


async def test_a_rule_may_send_a_form_elsewhere_and_adds_to_what_its_topic_asks_for(house: House) -> None:
    for skill in ("german", "tea", "chinese"):
        await house.put("skill", skill, name=skill)
    topics = [{**topic, "skills": {"german": 4, "tea": 1}} for topic in SITE["topics"]]
    await house.put("site", "demo", **{**SITE, "topics": topics})
    words = {"fact": "text", "op": "contains"}
    await house.put("mail_rule", "tea", name="t", when=[{**words, "value": "tea"}], skills={"german": 2, "tea": 3})
    zh = [{"fact": "language", "op": "is", "value": "zh"}]
    await house.put("mail_rule", "zh", name="z", when=zh, queue="sales", skills={"chinese": 3})
    house.post.receiver.triage = Sorter(house.post.hub.directory)

    async def placed(**form: Any) -> tuple[str | None, dict[str, int]]:
        known = set(await house.contacts())
        await house.sent(**form)
        (id,) = set(await house.contacts()) - known
        contact = await house.post.contact(id)
        return contact.queue, dict(contact.requirements)

    assert await placed() == ("support", {"german": 4, "tea": 1})
    assert await placed(text="Which tea is this?") == ("support", {"german": 4, "tea": 3})
    assert await placed(text="茶壶漏水了，可以退货吗？") == ("sales", {"chinese": 3})


async def test_a_form_never_enters_a_thread_of_somebody_else(house: House) -> None:
    begun = await house.post.deliver(house.post.letter())
    await house.sent(email="eva@berg.example", subject="Re: My parcel", text="Send it to me instead")
    assert len(await house.contacts()) == 2
    assert len(await house.post.mails(begun.contact)) == 2  # the mail and its acknowledgement


async def test_machines_are_kept_out(house: House) -> None:
    form = await house.filled()
    wrong = SendInput(**{**as_dict(form), "counter": form.counter + 1})
    assert await house.refused(wrong) == "form.unsolved"
    assert await house.refused(SendInput(**{**as_dict(form), "ticket": form.ticket[:-4] + "AAAA"})) == "form.expired"
    assert await house.refused(SendInput(**{**as_dict(form), "website": "https://pills.example"})) == "form.trap"
    house.post.clock.ahead -= SOONEST_MS
    with pytest.raises(Refused) as early:
        await house.form.send(sender(), form)
    assert early.value.code == "form.early" and 0 < early.value.details["retry_after_ms"] <= SOONEST_MS
    house.post.clock.ahead += 13 * HOUR_MS
    assert await house.refused(form) == "form.expired"
    assert await house.contacts() == []


async def test_limits_for_an_address_and_for_an_e_mail_address(house: House) -> None:
    for number in range(SENT):
        await house.sent(1, email=f"eva{number}@berg.example")
    form = await house.filled(1, email="eva@berg.example")
    with pytest.raises(RateLimited):
        await house.form.send(sender(1), form)
    for number in range(SENT):
        await house.sent(number + 2, email="karl@berg.example")
    assert await house.refused(await house.filled(90, email="KARL@berg.example"), 90) == "rate.limited"
    # After so many, puzzles are harder.
    assert (await house.form.begin(sender(91)))["bits"] > puzzle.EASY


async def test_what_is_missing_is_said_and_the_sites_rules_hold(house: House) -> None:
    for changes, path in (
        ({"email": ""}, "email"),
        ({"email": "eva@"}, "email"),
        ({"text": " \n"}, "question"),
        ({"fields": {}}, "order"),
        ({"topic": "nonsense"}, "topic"),
        ({"topic": "sales"}, "topic"),  # no mailbox serves its queue
    ):
        with pytest.raises(InvalidInput) as caught:
            await house.form.send(sender(), await house.filled(**changes))
        assert caught.value.details["path"] == path
    await house.put("site", "demo", **SITE, email=False)
    with pytest.raises(Refused):
        await house.form.begin(sender())


async def test_blocked_people_are_refused(house: House) -> None:
    await house.put("block", "b1", name="Eva", what="email", value="eva@berg.example")
    with pytest.raises(Forbidden):
        await house.form.send(sender(), await house.filled())
    assert await house.contacts() == []


async def test_files_belong_to_their_form_and_are_bounded(house: House) -> None:
    one, two = await house.filled(1), await house.filled(1)
    id = await house.attach(one, b"%PDF-1.4")
    with pytest.raises(NotFound):
        await house.form.send(sender(), SendInput(**{**as_dict(two), "files": [id]}))
    for bearer in (one.ticket, f"{one.ticket}.1", f"{one.ticket}.x", "nonsense.5"):
        with pytest.raises(NotSignedIn):
            await house.form.uploads_to(bearer)
    large = [await house.attach(one, bytes(8_000_000), f"{n}.pdf") for n in range(2)]
    with pytest.raises(TooLarge):
        await house.form.send(sender(), SendInput(**{**as_dict(one), "files": large}))
    with pytest.raises(RateLimited):
        for _ in range(20):
            assert (await house.form.uploads_to(f"{one.ticket}.{one.counter}"))[1].startswith(FORM)


async def test_files_of_a_form_that_is_never_sent_are_deleted(house: House) -> None:
    files, rows = house.post.files, house.post.hub.store.files
    unsent = UnsentFiles(house.post.hub, files)
    left, sent = await house.filled(1), await house.filled(2)
    contents = [b"%PDF-1.4 left", b"%PDF-1.4 left, but sent by another"]
    first, shared = [await house.attach(left, each) for each in contents]
    also = await house.attach(sent, contents[1])
    with_files = SendInput(**{**as_dict(sent), "files": [also]})
    await house.form.send(sender(2), with_files)
    hashes = [sha256(each).hexdigest() for each in contents]
    assert await unsent.sweep() == 0
    # The form can be sent no longer.
    house.post.clock.ahead += AFTER_MS + 1
    # Content that was stored of late is somebody else's, whose row is still to come.
    await files.keep(contents[0])
    assert await unsent.sweep() == 2
    assert await files.has(hashes[0]) and await rows.get(first) is not None
    for each in hashes:
        os.utime(files.path(each), (1, 1))
    assert await unsent.sweep() == 1
    assert [await rows.get(id) for id in (first, shared, also)] == [None, None, None]
    # What was sent is a file of its contact, with a row of its own.
    assert [await files.has(each) for each in hashes] == [False, True]
    (contact,) = await house.contacts()
    (mail,) = [each for each in await house.post.mails(contact) if each.direction == "in"]
    assert [file.name for file in mail.attachments] == ["invoice.pdf"]
    assert await unsent.sweep() == 0
    # Whoever had put it out of reach and died there has lost nothing.
    files.path(hashes[1]).replace(files.path(hashes[1]).parents[3] / "incoming" / f"aside-{hashes[1]}")
    await files.open()
    assert await files.has(hashes[1])


async def test_headers_cannot_be_put_in(house: House) -> None:
    await house.sent(name="Eva\r\nBcc: all@berg.example", subject="Hi\r\nBcc: all@berg.example")
    (id,) = await house.contacts()
    mail = next(each for each in await house.post.mails(id) if each.direction == "in")
    assert mail.bcc == () and mail.cc == ()
    assert b"\nBcc:" not in house.post.files.path(mail.raw).read_bytes()


async def test_a_hub_without_mail_keeps_the_message(house: House) -> None:
    house.post.hub.mailing = None
    house.form = EmailForm(house.post.hub, house.post.files, None, SECRET)
    form = await house.filled(topic="sales")
    form = SendInput(**{**as_dict(form), "files": [await house.attach(form, b"%PDF-1.4")]})
    answer = await house.form.send(sender(), form)
    assert await house.form.send(sender(), form) == answer
    (id,) = await house.contacts()
    contact = await house.post.contact(id)
    assert (contact.channel, contact.queue, contact.phase) == (Channel.EMAIL, "sales", Phase.QUEUED)
    messages = await house.post.hub.store.contacts.messages(id, internal=False)
    assert [each.code for each in messages if each.code] == ["offline_received"]
    assert [each.text for each in messages if each.author_name == "Eva Berg" and each.text] == ["Where is my parcel?"]
    assert [each.file.name for each in messages if each.file] == ["invoice.pdf"]
    assert (await house.inquiries.ask("192.0.2.1", "eva@berg.example", answer["reference"]))["state"] == "waiting"


async def test_how_it_stands_is_told_to_who_has_reference_and_address(house: House) -> None:
    named = await house.sent()
    (id,) = await house.contacts()

    async def standing(at: int = 1) -> str:
        asked = f" {named[:4].lower()}-{named[4:]} "
        return str((await house.inquiries.ask(f"192.0.2.{at}", "EVA@berg.example ", asked))["state"])

    assert await standing() == "waiting"
    await house.post.served(id)
    assert await standing() == "working"
    await house.post.answered(id)
    assert await standing() == "answered"
    told = await house.inquiries.ask("192.0.2.1", "eva@berg.example", named)
    assert set(told) == {"state", "received_at", "answered_at"} and told["answered_at"] >= told["received_at"]
    for email, asked in (("karl@berg.example", named), ("eva@berg.example", "ABCD1234"), ("eva@berg.example", id)):
        with pytest.raises(NotFound) as caught:
            await house.inquiries.ask("192.0.2.7", email, asked)
        assert caught.value.code == "reference.not_found"
    # A mail that came by itself can be asked about too.
    mail = await house.post.deliver(house.post.letter(From="karl@berg.example"))
    found = await house.inquiries.ask("192.0.2.7", "karl@berg.example", reference(mail.contact))
    assert found["state"] == "waiting"
    with pytest.raises(RateLimited):
        for _ in range(ASKED + 1):
            await house.inquiries.ask("192.0.2.8", "karl@berg.example", reference(mail.contact))
