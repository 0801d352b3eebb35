"""Mails on their way out of a running hub: taken, refused, tried again, taken back, and what agents are told."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from channels.email import delivery, posting
from hub.mails import MailState
from hub.model import Phase
from tests.integration.mail.office import ADDRESS, office
from tests.integration.mail.office import hasty as hasty
from tests.integration.mail.servers import Box, Received, playing, polite, taking
from tests.integration.mail.test_signing import PEM, verified

S = MailState


async def test_a_new_mail_goes_out_and_is_its_authors(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port, display_name="Moss & Kiln")
        mail = await here.written(html="<p>It left <b>today</b>.</p>", subject="Ihre Bestellung: 您的订单")
        sent = await here.becomes(mail["id"], S.SENT)
        contact = await here.contact(mail["contact"])
        assert (contact.phase, contact.agent) == (Phase.ACTIVE, here.users["agent"].id)
        (received,) = box.mails
        assert (received.sender, received.recipients) == (ADDRESS, ["clara@berg.example"])
        message = message_from_bytes(received.raw, policy=policy.default)
        assert message["subject"] == "Ihre Bestellung: 您的订单"
        assert message["from"].addresses[0].addr_spec == ADDRESS
        assert message["from"].addresses[0].display_name == "Agent (Moss & Kiln)"
        assert message["reply-to"].addresses[0].addr_spec.startswith("support+")
        assert message["message-id"] == f"<{sent.message_id}>"
        body = message.get_body(("html",))
        assert body is not None
        assert "<b>today</b>" in body.get_content()
        assert (sent.taken, sent.refused, sent.attempts, sent.error) == (("clara@berg.example",), {}, 1, "")
        assert sent.raw and sent.size == len(received.raw)


async def test_the_same_request_again_sends_nothing_more(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        first = await here.written(client_id="the-very-same")
        again = await here.written(client_id="the-very-same")
        assert (again["id"], again["contact"]) == (first["id"], first["contact"])
        await here.becomes(first["id"], S.SENT)
        more = await here.written(contact=first["contact"])
        await here.becomes(more["id"], S.SENT)
        assert len(box.mails) == 2


async def test_a_thread_is_held_together(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        first = await here.written()
        await here.becomes(first["id"], S.SENT)
        second = await here.written(contact=first["contact"], reply_to_mail=first["id"])
        await here.becomes(second["id"], S.SENT)
        one, two = (message_from_bytes(mail.raw, policy=policy.default) for mail in box.mails)
        assert two["in-reply-to"] == one["message-id"]
        assert two["references"] == one["message-id"]
        assert two["subject"] == "Re: Your order"
        assert two["to"] == one["to"]
        assert two["reply-to"] == one["reply-to"]


async def test_it_can_be_taken_back_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "UNDO_MS", 2000)
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        mail = await here.written()
        assert mail["state"] == "queued"
        assert mail["undo_until"] == mail["send_at"]
        other = await here.rest("POST", f"/mails/{mail['id']}/undo", "other")
        assert other.status_code in (403, 409)
        undone = await here.rest("POST", f"/mails/{mail['id']}/undo")
        assert (undone.status_code, undone.json()["state"]) == (200, "cancelled")
        gone = await here.written()
        await here.becomes(gone["id"], S.SENT)
        late = await here.rest("POST", f"/mails/{gone['id']}/undo")
        assert (late.status_code, late.json()["error"]["code"]) == (409, "mail.gone")
        assert len(box.mails) == 1


async def test_it_goes_when_it_should(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        at = here.hub.clock.now() + 1500
        mail = await here.written(send_at=at)
        assert not box.mails
        sent = await here.becomes(mail["id"], S.SENT)
        assert sent.date is not None and sent.date >= at


async def test_greylisting_is_waited_out_for_those_alone_whom_it_concerns(tmp_path: Path, hasty: None) -> None:
    said: list[str] = []

    def rcpt(address: str) -> str:
        said.append(address)
        return "451 4.7.1 greylisted" if address == "grey@x.example" and said.count(address) < 3 else "250 OK"

    async with taking(Box(rcpt=rcpt)) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        mail = await here.written(to=[{"address": "b@x.example"}, {"address": "grey@x.example"}])
        sent = await here.becomes(mail["id"], S.SENT)
        assert sorted(sent.taken) == ["b@x.example", "grey@x.example"]
        assert sent.attempts == 3
        assert [received.recipients for received in box.mails] == [["b@x.example"], ["grey@x.example"]]
        assert box.mails[0].raw == box.mails[1].raw  # the same mail, byte for byte


async def test_a_refusal_is_said_and_brings_the_contact_back(tmp_path: Path, hasty: None) -> None:
    async with taking(Box(data=lambda mail: "554 5.7.1 we do not like it")) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        mail = await here.written(waiting=True)
        failed = await here.becomes(mail["id"], S.FAILED)
        assert (failed.status, failed.next_at) == (554, None)
        assert "we do not like it" in failed.error
        contact = await here.floor.reaches(mail["contact"], Phase.QUEUED)
        assert contact.preferred == here.users["agent"].id
        lines = await here.lines(mail["contact"])
        assert lines.count("mail_failed") == 1
        box.data = lambda mail: "250 OK"
        again = await here.rest("POST", f"/mails/{mail['id']}/resend", "lead")
        assert again.status_code == 200, again.text
        await here.becomes(mail["id"], S.SENT)
        assert len(box.mails) == 1


async def test_who_does_not_exist_is_named_and_the_others_have_it(tmp_path: Path, hasty: None) -> None:
    def rcpt(address: str) -> str:
        return "550 5.1.1 no such person" if address.startswith("gone") else "250 OK"

    async with taking(Box(rcpt=rcpt)) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        mail = await here.written(to=[{"address": "b@x.example"}, {"address": "gone@x.example"}])
        sent = await here.becomes(mail["id"], S.SENT)
        assert sent.taken == ("b@x.example",)
        assert sent.refused == {"gone@x.example": "550 5.1.1 no such person"}
        assert (await here.lines(mail["contact"])).count("mail_failed") == 1
        assert box.mails[0].recipients == ["b@x.example"]


async def test_it_is_given_up_after_days(tmp_path: Path, hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.email.outbox.GIVE_UP_MS", 500)
    async with taking(Box(data=lambda mail: "452 4.3.1 full")) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        failed = await here.becomes((await here.written())["id"], S.FAILED)
        assert failed.attempts >= 3
        assert failed.error == "Given up after five days: 452 4.3.1 full"


async def test_a_server_that_is_away_costs_nothing(tmp_path: Path, hasty: None, unused_tcp_port: int) -> None:
    async with office(tmp_path) as here:
        await here.mailbox(unused_tcp_port)
        mails = [await here.written() for _ in range(3)]
        waiting = await here.becomes(mails[0]["id"], S.QUEUED)
        async with asyncio.timeout(20):
            while not (waiting := await here.mail(mails[0]["id"])).error:
                await asyncio.sleep(0.02)
        assert f"127.0.0.1 port {unused_tcp_port}" in waiting.error
        assert waiting.attempts == 0
        out = here.serving.application.mail_out
        assert out is not None
        assert out.problem("support")
        async with taking(Box(), port=unused_tcp_port) as box:
            for mail in mails:
                await here.becomes(mail["id"], S.SENT)
            assert len(box.mails) == 3
        assert not out.problem("support")


async def test_a_connection_lost_within_the_mail(tmp_path: Path, hasty: None) -> None:
    tries = 0
    taken: list[bytes] = []

    async def scene(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        await polite(reader, writer, until=b"DATA")
        writer.write(b"354 go on\r\n")
        tries += 1
        if tries < 3:
            await reader.readuntil(b"Subject")
            writer.transport.abort()
            return
        taken.append(await reader.readuntil(b"\r\n.\r\n"))
        writer.write(b"250 taken\r\n")
        await reader.read()

    async with playing(scene) as port, office(tmp_path) as here:
        await here.mailbox(port)
        sent = await here.becomes((await here.written())["id"], S.SENT)
        assert (sent.attempts, len(taken)) == (3, 1)


async def test_one_mailbox_in_trouble_holds_up_no_other(tmp_path: Path, hasty: None) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with playing(never) as port, taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(port, "slow", address="slow@hub.example")
        await here.mailbox(box.port)
        for _ in range(6):
            await here.written(mailbox="slow")
        mail = await here.written(mailbox="support")
        await here.becomes(mail["id"], S.SENT)


async def test_a_mailbox_sends_at_its_pace(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port, outbound={"per_minute": 240})  # ten at once, then one in 250 ms
        began = here.hub.clock.now()
        mails = [await here.written() for _ in range(14)]
        for mail in mails:
            await here.becomes(mail["id"], S.SENT)
        assert here.hub.clock.now() - began >= 900
        assert len(box.mails) == 14


async def test_waiting_for_the_customer(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        at = here.hub.clock.now() + 1500
        mail = await here.written(waiting=True, remind_at=at)
        contact = await here.floor.reaches(mail["contact"], Phase.CLOSED)
        assert contact.ended_by == here.users["agent"].id
        assert not here.hub.living.of_agent(here.users["agent"].id)
        contact = await here.floor.reaches(mail["contact"], Phase.QUEUED)
        assert here.hub.clock.now() >= at
        assert contact.preferred == here.users["agent"].id
        async with asyncio.timeout(60):
            while await here.floor.run(here.hub.store.mails.reminders(2**53)):
                await asyncio.sleep(0.02)


async def test_an_attempt_that_was_refused_as_too_large_or_wrong_leaves_nothing(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        for wrong, path in (
            ({"to": [{"address": "no address"}]}, "to[0].address"),
            ({"to": [{"address": "a@b.example\r\nRCPT TO:<c@d.example>"}]}, "to[0].address"),
            ({"to": [{"address": "b@x.example", "name": "B\r\nX-Evil: 1"}]}, "to[0].name"),
            ({"subject": "Hello\r\nBcc: x@y.example"}, "subject"),
            ({"text": "  "}, "text"),
            ({"to": [], "cc": []}, "to"),
            ({"send_at": here.hub.clock.now() + 400 * 86_400_000}, "send_at"),
        ):
            usual: dict[str, Any] = {"to": [{"address": "b@x.example"}], "text": "x", "client_id": "client-wrong"}
            answer = await here.rest("POST", "/mails", **(usual | wrong))
            assert answer.status_code == 422, answer.text
            assert answer.json()["error"]["details"]["path"] == path
        assert not await here.floor.run(here.hub.store.mails.sent())
        assert not box.mails


async def test_who_may_write_where(tmp_path: Path, hasty: None) -> None:
    async with taking(Box()) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        await here.mailbox(box.port, "off", address="off@hub.example", enabled=False)
        new: dict[str, Any] = {"to": [{"address": "b@x.example"}], "text": "x"}
        stranger = await here.rest("POST", "/mails", "stranger", **new)
        assert (stranger.status_code, stranger.json()["error"]["code"]) == (409, "mailbox.none")
        named = await here.rest("POST", "/mails", "stranger", mailbox="support", **new)
        assert (named.status_code, named.json()["error"]["code"]) == (403, "mailbox.forbidden")
        off = await here.rest("POST", "/mails", mailbox="off", **new)
        assert (off.status_code, off.json()["error"]["code"]) == (403, "mailbox.forbidden")
        mail = await here.written()
        for who, status in (("other", 403), ("stranger", 403), ("lead", 201)):
            answer = await here.rest("POST", f"/contacts/{mail['contact']}/mails", who, text="And this.")
            assert answer.status_code == status, (who, answer.text)
        listed = {who: (await here.rest("GET", "/me/mailboxes", who)).json()["items"] for who in here.users}
        assert [box["id"] for box in listed["agent"]] == ["support"]
        assert listed["stranger"] == []
        assert [box["id"] for box in listed["lead"]] == ["support"]


async def test_the_bytes_are_made_once(tmp_path: Path, hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes between two tries (the clock, a signature) changes nothing of what the second server sees."""
    seen: list[bytes] = []

    def data(mail: Received) -> str:
        seen.append(mail.raw)
        return "250 OK" if len(seen) == 3 else "421 4.3.0 not now"

    monkeypatch.setattr(delivery, "PAUSES_MS", (1100,))
    async with taking(Box(data=data)) as box, office(tmp_path) as here:
        await here.mailbox(box.port)
        await here.becomes((await here.written())["id"], S.SENT)
        assert len(set(seen)) == 1


async def test_a_mailbox_signs_what_it_sends(tmp_path: Path, hasty: None) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "dkim.pem").write_text(PEM)
    async with taking(Box()) as box, office(tmp_path / "hub", secrets=str(secrets)) as here:
        dkim = {"domain": "example.org", "selector": "mail", "key": "file:dkim.pem"}
        await here.mailbox(box.port, address="support@example.org", outbound={"dkim": dkim})
        await here.becomes((await here.written(html="<p>你好</p>"))["id"], S.SENT)
        assert verified(box.mails[0].raw)
        missing = dkim | {"key": "file:nothing.pem"}
        await here.mailbox(box.port, address="support@example.org", outbound={"dkim": missing})
        mail = await here.written()
        async with asyncio.timeout(20):
            while not (await here.mail(mail["id"])).error:
                await asyncio.sleep(0.02)
        assert "nothing.pem" in (await here.mail(mail["id"])).error
        await here.mailbox(box.port, address="support@example.org", outbound={"dkim": dkim})
        await here.becomes(mail["id"], S.SENT)
