"""The whole way of a conversation between real mail servers: Postfix delivers, Dovecot keeps, the hub reads by IMAP and
answers by SMTP."""

from __future__ import annotations

import asyncio
import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import httpx

from hub.mails import MailState
from hub.model import Phase
from hub.ports import ContactFilter
from tests.dovecot import PASSWORD, Dovecot
from tests.integration.mail.mailboxes import served
from tests.integration.mail.office import PATIENCE_S, Office, office
from tests.integration.mail.office import hasty as hasty
from tests.integration.mail.postfix import Postfix, postfix

CLARA = "clara@peer.example"
SUPPORT = "support@hub.example"


async def post(peer: Postfix, to: str, text: str, **headers: str) -> None:
    """As Clara's mail program hands it to her server."""

    def work() -> None:
        mail = EmailMessage()
        mail["From"], mail["To"] = f"王芳 <{CLARA}>", to
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", peer.port, timeout=20) as smtp:
            smtp.send_message(mail, CLARA, [to])

    await asyncio.to_thread(work)


async def idles(here: Office) -> None:
    """The hub waits for the server to tell it of new mail."""
    async with asyncio.timeout(PATIENCE_S):
        while [health.state for health in here.hub.mail_health()] != ["idle"]:
            await asyncio.sleep(0.05)


async def arrives(server: Dovecot) -> EmailMessage:
    """The only mail in Clara's mailbox, once it is there."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await asyncio.to_thread(server.mails, "clara")):
            await asyncio.sleep(0.05)
    (raw,) = found
    return message_from_bytes(raw, policy=policy.default)


async def upload(here: Office, name: str, contact: str, data: bytes) -> str:
    headers = {"Authorization": f"Bearer {here.tokens[name]}", "X-Contact": contact, "X-File-Name": "%E5%8D%95.pdf"}
    async with httpx.AsyncClient(base_url=here.serving.origin, trust_env=False, timeout=30) as client:
        answer = await client.post("/api/v1/files", content=data, headers=headers | {"Content-Type": "application/pdf"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["file"]["id"])


async def test_a_conversation_goes_through_postfix_and_dovecot(hasty: None, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "imap").write_text(PASSWORD, "utf-8")
    with served(more_users=("clara",)) as dovecot:
        async with (
            postfix(people=(CLARA, SUPPORT), boxes=dovecot.folder / "mail") as peer,
            office(tmp_path, secrets=str(secrets)) as here,
        ):
            floor = here.floor
            await asyncio.to_thread(here.serving.put, "skill", "chinese", name="Chinese")
            rule = {
                "name": "zh",
                "when": [{"fact": "language", "op": "starts", "value": "zh"}],
                "skills": {"chinese": 3},
            }
            await asyncio.to_thread(lambda: here.serving.put("mail_rule", "zh", **rule))
            inbound = {"kind": "imap", "host": "127.0.0.1", "port": dovecot.port, "security": "none", "poll_s": 3600}
            await here.mailbox(peer.port, inbound=inbound | {"username": "support", "secret": "file:imap"})
            nadia = await floor.agent("nadia", skills={"support": 5})
            mei = await floor.agent("mei", skills={"support": 2, "chinese": 4})
            here.tokens["mei"] = await asyncio.to_thread(here.serving.token, here.hub.directory.user(mei.id))
            await idles(here)

            # From the customer to the agent who reads it.
            asked = {"Subject": "茶壶漏水", "Message_ID": "<first@peer.example>"}
            await post(peer, SUPPORT, "您好，我上周买的茶壶漏水了。请问可以退货吗？", **asked)
            async with asyncio.timeout(PATIENCE_S):
                while not mei.offers:
                    await asyncio.sleep(0.02)
            (contact,) = mei.offers
            assert nadia.offers == []
            await mei.takes(contact)
            state = await floor.contact(contact)
            assert (state.subject, state.language, state.agent) == ("茶壶漏水", "zh", mei.id)

            # Her answer, with a file, to the customer's mailbox.
            label = b"%PDF-1.4\n" + b"label " * 5000
            file = await upload(here, "mei", contact, label)
            said = await here.written("mei", contact, text="可以退货，退货单见附件。", attachments=[file])
            await here.becomes(said["id"], MailState.SENT)
            answer = await arrives(dovecot)
            assert (answer["subject"], answer["in-reply-to"]) == ("Re: 茶壶漏水", "<first@peer.example>")
            (enclosed,) = answer.iter_attachments()
            assert (enclosed.get_filename(), enclosed.get_payload(decode=True)) == ("单.pdf", label)

            # What he writes to that is in the same conversation, and with her.
            back = answer["reply-to"].addresses[0].addr_spec
            assert back.startswith("support+")
            await idles(here)
            thread = {"In_Reply_To": answer["message-id"], "References": f"<first@peer.example> {answer['message-id']}"}
            await post(
                peer, back, "谢谢，明天就寄出。", Subject="回复：茶壶漏水", Message_ID="<second@peer.example>", **thread
            )
            async with asyncio.timeout(PATIENCE_S):
                while len(mails := await floor.run(here.hub.store.mails.of_contact(contact))) < 3:
                    await asyncio.sleep(0.02)
            # By name, as IMAP tells the second in which a mail came and no more.
            assert sorted((mail.direction, mail.subject) for mail in mails) == [
                ("in", "回复：茶壶漏水"),
                ("in", "茶壶漏水"),
                ("out", "Re: 茶壶漏水"),
            ]
            assert len(await floor.run(here.hub.store.contacts.page(ContactFilter()))) == 1
            state = await floor.contact(contact)
            assert (state.phase, state.agent) == (Phase.ACTIVE, mei.id)
            await idles(here)
            assert all(b"\\Seen" in flags for flags in await asyncio.to_thread(dovecot.flags))
