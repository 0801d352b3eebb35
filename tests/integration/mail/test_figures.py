"""What /metrics tells of mail."""

from __future__ import annotations

import asyncio
import smtplib
from pathlib import Path

import httpx

from hub.mails import MailState
from tests.integration.mail.mailboxes import letter
from tests.integration.mail.office import hasty as hasty
from tests.integration.mail.office import office
from tests.integration.mail.servers import Box, taking


async def test_what_comes_and_goes_is_counted(tmp_path: Path, hasty: None) -> None:
    box = Box(rcpt=lambda address: "550 no such user" if address.startswith("nobody") else "250 OK")
    async with taking(box), office(tmp_path, listen=["smtp:127.0.0.1:0"]) as here:
        await here.mailbox(box.port, inbound={"kind": "direct"}, address="support@hub.test")
        channel = here.serving.application.mail_in
        assert channel is not None
        ((host, port),) = channel.smtp.addresses

        def give() -> None:
            with smtplib.SMTP(host, port, timeout=20) as line:
                for number in (1, 2, 2):
                    line.sendmail("c1@berg.example", ["support@hub.test"], letter(number))

        async def figures() -> dict[str, float]:
            async with httpx.AsyncClient(base_url=here.serving.origin, trust_env=False) as client:
                lines = (await client.get("/metrics")).text.splitlines()
            return {
                name: float(value)
                for name, _, value in (line.rpartition(" ") for line in lines)
                if name.startswith("contacthub_mail")
            }

        await asyncio.to_thread(give)
        sent = await here.written()
        await here.becomes(sent["id"], MailState.SENT)
        lost = await here.written(to=[{"address": "nobody@berg.example"}])
        await here.becomes(lost["id"], MailState.FAILED)
        found = await figures()
        assert found['contacthub_mail_received_total{mailbox="support",outcome="created"}'] == 2
        assert found['contacthub_mail_received_total{mailbox="support",outcome="known"}'] == 1
        assert found["contacthub_mail_parse_seconds_count"] == 2
        assert found['contacthub_mail_tries_total{mailbox="support",result="taken"}'] == 1
        assert found['contacthub_mail_tries_total{mailbox="support",result="refused"}'] == 1
        assert found['contacthub_mail_failures_total{cause="refused",mailbox="support"}'] == 1
        assert found['contacthub_mail_outbox{state="queued"}'] == 0
        assert found['contacthub_mailbox_state{code="",mailbox="support",state="direct"}'] == 1
        # Whoever is not reached is waited for.
        await here.mailbox(1, inbound={"kind": "direct"}, address="support@hub.test")
        waiting = await here.written()
        while (await here.mail(waiting["id"])).attempts == 0 and not (await here.mail(waiting["id"])).error:
            await asyncio.sleep(0.02)
        found = await figures()
        assert found['contacthub_mail_tries_total{mailbox="support",result="down"}'] >= 1
        assert found['contacthub_mail_outbox{state="queued"}'] == 1
        assert found["contacthub_mail_outbox_oldest_seconds"] > 0
        assert found['contacthub_mailbox_state{code="sending",mailbox="support",state="direct"}'] == 1
