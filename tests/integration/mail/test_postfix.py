"""A real Postfix takes what the hub sends, and the hub what Postfix sends: answers find their way back."""

from __future__ import annotations

import asyncio
import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from hub.mails import MailState
from hub.model import Phase
from tests.integration.mail.office import hasty as hasty
from tests.integration.mail.office import office
from tests.integration.mail.postfix import Postfix, postfix
from tests.ports import free_port


def give(peer: Postfix, message: EmailMessage, sender: str, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", peer.port, timeout=20) as smtp:
        smtp.send_message(message, sender, list(recipients))


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


async def test_postfix_takes_and_delivers_it_as_it_was_written(hasty: None, tmp_path: Path) -> None:
    async with postfix() as peer, office(tmp_path) as here:
        await here.mailbox(peer.port, address="support@hub.example")
        mail = await here.written(
            to=[{"address": "clara@peer.example", "name": "Bergström, Clara"}],
            bcc=[{"address": "owner@peer.example"}],
            subject="您的订单 " * 20,
            text="你好。\n.\nFrom here on " + "x" * 3000,
            html="<p>你好 <b>Clara</b></p>",
        )
        await here.becomes(mail["id"], MailState.SENT)
        (raw,) = await peer.wait_for("clara")
        message = read(raw)
        assert message["subject"] == ("您的订单 " * 20).strip()
        assert message["to"].addresses[0].addr_spec == "clara@peer.example"
        assert message["bcc"] is None
        plain = message.get_body(("plain",))
        assert plain is not None
        assert plain.get_content().rstrip() == "你好。\n.\nFrom here on " + "x" * 3000
        assert len(await peer.wait_for("owner")) == 1


async def test_postfix_refuses_who_is_not_there_and_what_is_too_large(hasty: None, tmp_path: Path) -> None:
    async with postfix() as peer, office(tmp_path) as here:
        await here.mailbox(peer.port)
        people = [{"address": "clara@peer.example"}, {"address": "nobody@peer.example"}]
        sent = await here.becomes((await here.written(to=people))["id"], MailState.SENT)
        assert sent.taken == ("clara@peer.example",)
        assert "User unknown" in sent.refused["nobody@peer.example"]
        large = await here.written(to=people[:1], text="all work and no play " * 23_000, html="<p>x</p>" * 80_000)
        failed = await here.becomes(large["id"], MailState.FAILED)
        assert failed.status == 552
        assert await here.lines(large["contact"]) != []


async def test_an_answer_by_way_of_postfix_comes_back_into_its_contact(hasty: None, tmp_path: Path) -> None:
    port = free_port()
    async with (
        postfix(relay={"hub.example": f"smtp:[127.0.0.1]:{port}"}) as peer,
        office(tmp_path, listen=[f"smtp:127.0.0.1:{port}"]) as here,
    ):
        await here.mailbox(peer.port, inbound={"kind": "direct"})
        mail = await here.written(to=[{"address": "clara@peer.example"}], waiting=True)
        (raw,) = await peer.wait_for("clara")
        await here.floor.reaches(mail["contact"], Phase.CLOSED)
        ours = read(raw)
        answer = EmailMessage()
        answer["From"] = "Clara Berg <clara@peer.example>"
        answer["To"] = str(ours["reply-to"])
        answer["Subject"] = f"Re: {ours['subject']}"
        answer["Message-ID"] = "<answer-1@peer.example>"
        answer.set_content("Thank you. When does it come?")
        to = ours["reply-to"].addresses[0].addr_spec
        await asyncio.to_thread(give, peer, answer, "clara@peer.example", to)
        contact = await here.floor.reaches(mail["contact"], Phase.QUEUED)
        assert contact.preferred == here.users["agent"].id
        mails = await here.floor.run(here.hub.store.mails.of_contact(mail["contact"]))
        assert [(each.direction, each.subject) for each in mails] == [("out", "Your order"), ("in", "Re: Your order")]


async def test_a_bounce_from_postfix_marks_the_mail(hasty: None, tmp_path: Path) -> None:
    """Taken at first and sent back later, as by most servers between us and who is not there."""
    port, closed = free_port(), free_port()
    relay = {"hub.example": f"smtp:[127.0.0.1]:{port}", "gone.example": f"smtp:[127.0.0.1]:{closed}"}
    async with (
        postfix(relay=relay, more="bounce_queue_lifetime = 0\nmaximal_queue_lifetime = 0") as peer,
        office(tmp_path, listen=[f"smtp:127.0.0.1:{port}"]) as here,
    ):
        await here.mailbox(peer.port, inbound={"kind": "direct"})
        mail = await here.written(to=[{"address": "somebody@gone.example"}])
        bounced = await here.becomes(mail["id"], MailState.BOUNCED)
        assert "somebody@gone.example" in bounced.error


async def test_two_hubs_acknowledge_each_other_once(hasty: None, tmp_path: Path) -> None:
    """A mail from one hub's own mailbox to the other's, both of which acknowledge: the loop ends with one round."""
    ports = free_port(), free_port()
    relay = {
        "hub.example": f"smtp:[127.0.0.1]:{ports[0]}",
        "second.example": f"smtp:[127.0.0.1]:{ports[1]}",
    }
    async with (
        postfix(relay=relay) as peer,
        office(tmp_path / "one", listen=[f"smtp:127.0.0.1:{ports[0]}"]) as one,
        office(tmp_path / "two", listen=[f"smtp:127.0.0.1:{ports[1]}"]) as two,
    ):
        await one.mailbox(peer.port, inbound={"kind": "direct"}, acknowledge=True)
        await two.mailbox(peer.port, address="help@second.example", inbound={"kind": "direct"}, acknowledge=True)
        mail = await one.written(to=[{"address": "help@second.example"}])
        async with asyncio.timeout(30):
            while not [
                m for m in await one.floor.run(one.hub.store.mails.of_contact(mail["contact"])) if m.direction == "in"
            ]:
                await asyncio.sleep(0.05)
        await asyncio.sleep(2)
        first = await one.floor.run(one.hub.store.mails.of_contact(mail["contact"]))
        assert [(each.direction, each.kind, each.automatic) for each in first] == [
            ("out", "normal", False),
            ("in", "auto_reply", False),
        ]
        sent = await two.floor.run(two.hub.store.mails.sent())
        assert [(each.automatic, each.to[0].address) for each in sent] == [(True, "support@hub.example")]
