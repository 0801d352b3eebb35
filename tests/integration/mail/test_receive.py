"""What becomes of mails: new contacts, threads, closed contacts that go on, reports, loops, and all bad mail."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from channels.email.acknowledge import PER_DAY, Acknowledger
from hub.errors import NotFound
from hub.mails import MailState, Reminder
from hub.model import AuthorKind, Channel, Phase
from hub.ports import ContactFilter
from mail.token import make_token, reply_address
from tests.integration.mail.receiving import ADDRESS, SECRET, Post, post
from tests.peers import require

DAY_MS = 24 * 3_600_000


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Post]:
    async with post(tmp_path) as found:
        yield found


async def test_a_mail_becomes_a_contact(hub: Post) -> None:
    mail = hub.letter("您好，订单 MK-42 在哪里？", From="王伟 <Wang@Example.CN>", Subject="我的订单")
    mail.add_attachment(b"%PDF-1.4 invoice", maintype="application", subtype="pdf", filename="rechnung.pdf")
    received = await hub.deliver(mail)
    assert received.outcome == "created"
    contact = await hub.contact(received.contact)
    assert (contact.channel, contact.phase, contact.queue, contact.subject) == (
        Channel.EMAIL,
        Phase.QUEUED,
        "support",
        "我的订单",
    )
    assert contact.language.startswith("zh")
    (stored,) = await hub.mails(contact.id)
    assert (stored.direction, stored.state, stored.account, stored.kind) == (
        "in",
        MailState.RECEIVED,
        "support",
        "normal",
    )
    (message,) = await hub.messages(contact.id)
    assert "订单 MK-42" in message.text
    assert (message.author_kind, message.author_name, message.data) == (
        AuthorKind.VISITOR,
        "王伟",
        {"mail": stored.id},
    )
    # It waits as anything does: what it says of itself is no message left by a form.
    lines = [each.code for each in await hub.hub.store.contacts.messages(contact.id) if each.code]
    assert lines == ["queued"]
    # The raw mail and what it brought are kept; the customer is known by his address, which proves nothing.
    assert hub.files.path(stored.raw).read_bytes() == mail.as_bytes()
    (attached,) = stored.attachments
    row = await hub.hub.store.files.get(attached.id)
    assert row is not None
    assert (attached.name, row.contact, row.size) == ("rechnung.pdf", contact.id, 16)
    customer = await hub.hub.store.people.customer(contact.customer)
    assert customer is not None
    assert (customer.name, customer.email, customer.verified) == ("王伟", "wang@example.cn", False)
    hits = await hub.hub.store.contacts.search("订单", ContactFilter())
    assert [hit.contact.contact.id for hit in hits] == [contact.id]


async def test_an_identical_mail_is_one_whatever_way_it_comes(hub: Post) -> None:
    await hub.mailbox("sales")
    mail = hub.letter().as_bytes()
    first = await hub.deliver(mail)
    again = await hub.deliver(b"Received: from elsewhere by here; now\nDelivered-To: x@y\n" + mail)
    windows = await hub.deliver(mail.replace(b"\n", b"\r\n"), "sales")
    assert (again.outcome, windows.outcome) == ("known", "known")
    assert {each.mail for each in (first, again, windows)} == {first.mail}
    same = await asyncio.gather(
        *(hub.deliver(hub_mail) for hub_mail in [hub.letter(Message_ID="<x@y>").as_bytes()] * 5)
    )
    assert sorted(each.outcome for each in same) == ["created", *["known"] * 4]
    assert len(await hub.hub.store.contacts.page(ContactFilter())) == 2


async def test_the_same_message_id_with_another_content_is_another_mail(hub: Post) -> None:
    one = await hub.deliver(hub.letter("One", Message_ID="<same@berg.example>"))
    two = await hub.deliver(hub.letter("Two", Message_ID="<same@berg.example>"))
    assert (one.outcome, two.outcome) == ("created", "created")
    assert len({one.contact, two.contact, one.mail, two.mail}) == 4


# --- threads ----------------------------------------------------------------------------------------------------------


async def test_a_reply_finds_its_thread_by_its_token(hub: Post) -> None:
    begun = await hub.deliver(hub.letter())
    await hub.answered(begun.contact)
    to = reply_address(ADDRESS, make_token(begun.contact, SECRET))
    by_address = await hub.deliver(hub.letter("Thanks", To=to, Subject="Anything"))
    assert (by_address.outcome, by_address.contact) == ("continued", begun.contact)
    # Whoever got the token may use it, but the agent sees that he is another.
    stranger = await hub.deliver(hub.letter("I am her boss", To=to, From="boss@berg.example"))
    assert stranger.contact == begun.contact
    found = {each.id: each.problems for each in await hub.mails(begun.contact)}
    assert "other_sender" in found[stranger.mail]
    assert "other_sender" not in found[by_address.mail]


async def test_a_reply_finds_its_thread_by_references_of_who_is_in_it(hub: Post) -> None:
    first = hub.letter(Message_ID="<first@berg.example>", Cc="Karl <karl@berg.example>")
    begun = await hub.deliver(first)
    for sender in ("eva@berg.example", "KARL@berg.example"):
        more = hub.letter("And another thing", From=sender, References="<first@berg.example>", Subject="More")
        assert (await hub.deliver(more)).contact == begun.contact
    forged = hub.letter("Send it to me", From="mallory@evil.example", In_Reply_To="<first@berg.example>")
    assert (await hub.deliver(forged)).outcome == "created"
    # As somebody who is in it, but with answers to go elsewhere.
    diverted = hub.letter("Send it", References="<first@berg.example>", Reply_To="mallory@evil.example")
    assert (await hub.deliver(diverted)).outcome == "created"
    # Nobody speaks as us.
    as_us = hub.letter("Fine", From=f"Support <{ADDRESS}>", References="<first@berg.example>")
    spoken = await hub.deliver(as_us)
    assert spoken.outcome == "created"
    (stored,) = await hub.mails(spoken.contact)
    assert "own_address" in stored.problems
    assert (await hub.messages(spoken.contact))[0].author_kind is AuthorKind.VISITOR


async def test_a_subject_alone_leads_nowhere(hub: Post) -> None:
    begun = await hub.deliver(hub.letter(Subject="My parcel"))
    assert (await hub.deliver(hub.letter("Again", Subject="My parcel"))).outcome == "created"
    assert (await hub.deliver(hub.letter("Me too", Subject="Re: My parcel", From="x@y.example"))).outcome == "created"
    other = await hub.deliver(hub.letter("Still", Subject="AW: My parcel"))
    assert other.outcome == "continued"
    contact = other.contact
    assert "by_subject" in (await hub.mails(contact))[-1].problems
    hub.clock.ahead += 8 * DAY_MS
    assert (await hub.deliver(hub.letter("Late", Subject="Re: My parcel"))).outcome == "created"
    assert begun.outcome == "created"


async def test_a_forged_token_leads_nowhere(hub: Post) -> None:
    begun = await hub.deliver(hub.letter())
    guess = f"support+{begun.contact[3:]}{'a' * 16}@hub.test"
    forged = hub.letter(
        "Hello", From="mallory@evil.example", To=guess, In_Reply_To=f"<{begun.contact[3:]}aaaa.x@hub.test>"
    )
    assert (await hub.deliver(forged)).outcome == "created"


async def test_nobody_speaks_as_an_agent_whatever_his_headers_say(hub: Post) -> None:
    begun = await hub.deliver(hub.letter(Message_ID="<first@berg.example>"))
    sent = await hub.answered(begun.contact)
    forgeries = [
        # Our own address as the sender, in answer to what others may know: the customer's own Message-ID.
        {"From": f"Support <{ADDRESS}>", "References": "<first@berg.example>"},
        {"From": f"Support <{ADDRESS}>", "References": "<first@berg.example>", "Reply-To": "mallory@evil.example"},
        {"From": f"Support <{ADDRESS}>", "Subject": "Re: My parcel"},
        # With the proof itself, as the customer has it.
        {"From": f"Support <{ADDRESS}>", "In-Reply-To": f"<{sent.message_id}>", "X-Author": "us_1"},
        {
            "From": f"Support <{ADDRESS}>",
            "Sender": ADDRESS,
            "Auto-Submitted": "no",
            "References": f"<{sent.message_id}>",
        },
    ]
    for number, headers in enumerate(forgeries):
        forged = hub.letter(f"Please pay to another account ({number}).", **headers)
        received = await hub.deliver(forged)
        kinds = {
            each.author_kind: each.author
            for each in await hub.messages(received.contact)
            if "another account" in each.text
        }
        assert kinds.keys() <= {AuthorKind.VISITOR, AuthorKind.SYSTEM} and set(kinds.values()) <= {None}, headers
        if number < 3:
            assert received.contact != begun.contact, headers


async def test_a_reply_opens_a_closed_contact_for_its_last_agent(hub: Post) -> None:
    begun = await hub.deliver(hub.letter(Message_ID="<first@berg.example>"))
    await hub.closed(begun.contact, "us_7")
    await hub.hub.store.mails.remind(Reminder(begun.contact, "us_7", 1))
    reply = await hub.deliver(hub.letter("It came broken", References="<first@berg.example>"))
    assert (reply.outcome, reply.contact) == ("reopened", begun.contact)
    contact = await hub.contact(begun.contact)
    assert (contact.phase, contact.preferred, contact.queue) == (Phase.QUEUED, "us_7", "support")
    assert await hub.hub.store.mails.reminders(10**15) == []
    # Long after its end a new one follows it.
    await hub.closed(begun.contact, "us_7")
    hub.clock.ahead += 15 * DAY_MS
    late = await hub.deliver(hub.letter("And now?", References="<first@berg.example>"))
    assert (late.outcome, late.contact == begun.contact) == ("created", False)
    follows = await hub.contact(late.contact)
    assert (follows.fields, follows.preferred) == ({"follows": begun.contact}, "us_7")


async def test_living_views_know_an_opened_contact_again(hub: Post) -> None:
    begun = await hub.deliver(hub.letter(Message_ID="<first@berg.example>"))
    await hub.closed(begun.contact)
    feed = hub.hub.feed
    await feed.reached(feed.readers["state"], await hub.hub.store.log.head())
    assert hub.hub.living.get(begun.contact) is None
    await hub.deliver(hub.letter("More", References="<first@berg.example>"))
    await feed.reached(feed.readers["state"], await hub.hub.store.log.head())
    row = hub.hub.living.get(begun.contact)
    assert row is not None
    assert row.contact == await hub.contact(begun.contact)


# --- what no person wrote -------------------------------------------------------------------------------------------


def bounce(of: str, recipient: str = "eva@berg.example", action: str = "failed") -> bytes:
    return (
        f"From: MAILER-DAEMON@mx.berg.example\nTo: {ADDRESS}\nSubject: Undelivered\nMessage-ID: <{action}@mx>\n"
        "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nIt could not be delivered.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.berg.example\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 no such user\n\n"
        f"--b\nContent-Type: message/rfc822\n\nFrom: {ADDRESS}\nTo: {recipient}\nSubject: Re: My parcel\n"
        f"Message-ID: <{of}>\n\nOn its way.\n--b--\n"
    ).encode()


async def test_a_bounce_marks_the_mail_and_tells_its_agent(hub: Post) -> None:
    begun = await hub.deliver(hub.letter())
    await hub.served(begun.contact)
    sent = await hub.answered(begun.contact)
    delayed = await hub.deliver(bounce(sent.message_id, action="delayed"))
    assert delayed.contact == begun.contact
    assert (await hub.mails(begun.contact))[1].state is MailState.SENT
    told = await hub.deliver(bounce(sent.message_id))
    assert (told.outcome, told.contact) == ("continued", begun.contact)
    bounced = await hub.hub.store.mails.get(sent.id)
    assert bounced is not None
    assert (bounced.state, "no such user" in bounced.error) == (MailState.BOUNCED, True)
    assert (await hub.messages(begun.contact))[-1].author_kind is AuthorKind.SYSTEM


async def test_a_bounce_of_a_persons_mail_opens_its_contact_and_no_others(hub: Post) -> None:
    begun = await hub.deliver(hub.letter())
    acknowledged = await hub.answered(begun.contact, automatic=True)
    sent = await hub.answered(begun.contact)
    await hub.closed(begun.contact)
    assert (await hub.deliver(bounce(acknowledged.message_id, action="failed"))).outcome == "continued"
    assert (await hub.contact(begun.contact)).phase is Phase.CLOSED
    raw = bounce(sent.message_id).replace(b"<failed@mx>", b"<other@mx>")
    assert (await hub.deliver(raw)).outcome == "reopened"
    assert (await hub.contact(begun.contact)).phase is Phase.QUEUED


async def test_automatic_answers_open_nothing_and_are_not_answered(hub: Post) -> None:
    asked: list[str] = []

    async def answer(arrival: object) -> None:
        asked.append("asked")

    hub.receiver.answer = answer
    begun = await hub.deliver(hub.letter())
    assert asked == ["asked"]
    sent = await hub.answered(begun.contact)
    await hub.closed(begun.contact)
    away = hub.letter("I am away", In_Reply_To=f"<{sent.message_id}>", Auto_Submitted="auto-replied")
    assert (await hub.deliver(away)).outcome == "continued"
    assert (await hub.contact(begun.contact)).phase is Phase.CLOSED
    lost = await hub.deliver(hub.letter("I am away", Auto_Submitted="auto-replied", Subject="Away"))
    assert (await hub.contact(lost.contact)).tags == ("auto_reply",)
    assert asked == ["asked"]


async def test_our_own_mail_that_comes_back_opens_nothing(hub: Post) -> None:
    begun = await hub.deliver(hub.letter())
    sent = await hub.answered(begun.contact)
    await hub.closed(begun.contact)
    back = hub.letter("On its way.", From=ADDRESS, To="eva@berg.example", Message_ID=f"<{sent.message_id}>")
    received = await hub.deliver(back)
    assert (received.outcome, received.contact) == ("continued", begun.contact)
    assert (await hub.contact(begun.contact)).phase is Phase.CLOSED


async def test_one_address_is_acknowledged_a_few_times_a_day(hub: Post) -> None:
    hub.receiver.answer = Acknowledger(hub.hub, SECRET)
    await hub.mailbox(outbound={"kind": "demo"}, acknowledge=True)

    async def answered(number: int, sender: str = "eva@berg.example") -> bool:
        begun = await hub.deliver(hub.letter(f"Number {number}", From=sender, Subject=f"Another matter {number}"))
        return any(each.automatic for each in await hub.mails(begun.contact))

    assert [await answered(number) for number in range(PER_DAY + 2)] == [True] * PER_DAY + [False] * 2
    assert await answered(90, "EVA@berg.example") is False
    assert await answered(91, "karl@berg.example")
    hub.clock.ahead += DAY_MS + 1
    assert await answered(92)


async def test_mail_in_a_circle_is_not_answered(hub: Post) -> None:
    asked: list[str] = []

    async def answer(arrival: object) -> None:
        asked.append("asked")

    hub.receiver.answer = answer
    mail = b"".join(b"Received: from a by b\n" for _ in range(60)) + hub.letter().as_bytes()
    await hub.deliver(mail)
    assert asked == []


# --- who is served ----------------------------------------------------------------------------------------------------


async def test_blocked_senders_leave_nothing(hub: Post) -> None:
    block = {"name": "spam", "what": "domain", "value": "evil.example"}
    await hub.hub.store.configs.put("block", "b", block, version=None, actor="system", at=1)
    await hub.hub.directory.refresh("block", "b")
    assert (await hub.deliver(hub.letter(From="x@evil.example"))).outcome == "blocked"
    assert (await hub.deliver(hub.letter(), sender="x@EVIL.example")).outcome == "blocked"
    assert await hub.hub.store.contacts.page(ContactFilter()) == []


async def test_routing_rules_place_mails(hub: Post) -> None:
    rule = {"name": "r", "when": [{"fact": "email", "op": "matches", "value": "*@berg.example"}], "queue": "sales"}
    verified = {"name": "v", "when": [{"fact": "verified", "value": "yes"}], "priority": 50}
    for id, row in (("r", rule), ("v", verified)):
        await hub.hub.store.configs.put("rule", id, row, version=None, actor="system", at=1)
        await hub.hub.directory.refresh("rule", id)
    contact = await hub.contact((await hub.deliver(hub.letter())).contact)
    assert (contact.queue, contact.rules, contact.priority) == ("sales", ("r",), 0)


async def test_a_mailbox_that_is_not_there_keeps_the_mail_with_who_brings_it(hub: Post) -> None:
    with pytest.raises(NotFound):
        await hub.deliver(hub.letter(), "gone")


async def test_header_injection_stays_text(hub: Post) -> None:
    mail = (
        b"From: =?utf-8?q?Eva=0D=0ABcc:_all@x.example?= <eva@berg.example>\r\nTo: support@hub.test\r\n"
        b"Subject: =?utf-8?q?Hello=0D=0AX-Evil:_1=00?=\r\n\r\nHi\x00there\r\n"
    )
    received = await hub.deliver(mail)
    (stored,) = await hub.mails(received.contact)
    for text in (stored.subject, stored.from_.name, (await hub.contact(received.contact)).subject):
        assert not set(text) & set("\r\n\0")


# --- bad mail -----------------------------------------------------------------------------------------------------


async def test_every_bad_mail_becomes_a_readable_contact(hub: Post) -> None:
    folder = require("fixtures") / "mime"
    names = sorted(folder.glob("*.msg"))
    assert len(names) == 80
    raws = {path.name: path.read_bytes() for path in names}
    seen = {}
    for name, raw in raws.items():
        received = await hub.deliver(raw)
        seen[name] = received
        contact = await hub.contact(received.contact)
        assert contact.channel is Channel.EMAIL
        found = next(each for each in await hub.mails(received.contact) if each.id == received.mail)
        message = next(each for each in await hub.messages(received.contact) if each.data == {"mail": received.mail})
        assert message.text.strip() or found.html or found.attachments or found.inline or found.problems, name
        assert hub.files.path(found.raw).read_bytes() == raw
    # Some of them are the same mail under other names.
    assert len({each.mail for each in seen.values()}) == len(set(raws.values()))


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\0" * 100, b"\xff\xfe" * 50, b":" * 1000, b"From:\r\n\r\n"])
async def test_what_is_no_mail_is_kept_all_the_same(hub: Post, raw: bytes) -> None:
    received = await hub.deliver(raw)
    (stored,) = await hub.mails(received.contact)
    assert hub.files.path(stored.raw).read_bytes() == raw


async def test_a_large_mail(hub: Post) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "eva@berg.example", ADDRESS, "Large"
    mail.set_content("See the attachment.")
    mail.add_attachment(b"\x01" * 30_000_000, maintype="application", subtype="octet-stream", filename="large.bin")
    received = await hub.deliver(mail)
    (stored,) = await hub.mails(received.contact)
    assert stored.size > 40_000_000
    assert stored.subject == "Large"
