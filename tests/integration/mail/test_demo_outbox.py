"""The demo keeps what it would have sent, and shows it to whoever looks."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from pathlib import Path

import httpx

from tests.integration.floor import own_hub
from tests.integration.mail.office import hasty as hasty
from tests.ports import free_port


async def test_what_the_demo_would_have_sent_is_shown(tmp_path: Path, hasty: None) -> None:
    demo = {"enabled": True, "smtp_port": free_port(), "sip_port": 0}
    async with own_hub(tmp_path, demo=demo, voice={"enabled": False}) as serving:
        app = serving.application
        user = await asyncio.to_thread(lambda: serving.run(app.store.accounts.user_by_name("agent1")))
        assert user is not None
        token = await asyncio.to_thread(serving.token, user)
        pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        new = {
            "mailbox": "support",
            "to": [{"address": "clara@berg.example"}],
            "subject": "<b>您的订单</b>",
            "text": "It left <today>.",
            "html": f'<p>It left.<img src="data:image/png;base64,{pixel}"><img src="https://x.example/p.png"></p>',
        }
        async with httpx.AsyncClient(base_url=serving.origin, trust_env=False, timeout=30) as anybody:
            answer = await anybody.post("/api/v1/mails", json=new, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 201, answer.text
            mail = answer.json()
            async with asyncio.timeout(30):
                while (await anybody.get("/demo/outbox.json")).json()["items"][0]["state"] != "sent":
                    await asyncio.sleep(0.05)
            page = await anybody.get("/demo/outbox")
            assert page.status_code == 200
            assert "&lt;b&gt;您的订单&lt;/b&gt;" in page.text
            assert "It left &lt;today&gt;." in page.text
            assert "clara@berg.example" in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert (await anybody.get("/demo/outbox.css")).headers["content-type"].startswith("text/css")
            frame = await anybody.get(f"/demo/outbox/{mail['id']}/html")
            assert "sandbox" in frame.headers["content-security-policy"]
            assert "img-src data:" in frame.headers["content-security-policy"]
            assert f'src="data:image/png;base64,{pixel}"' in frame.text
            raw = await anybody.get(f"/demo/outbox/{mail['id']}.eml")
            message = message_from_bytes(raw.content, policy=policy.default)
            assert message["subject"] == "<b>您的订单</b>"
            (item,) = (await anybody.get("/demo/outbox.json")).json()["items"]
            assert (item["id"], item["state"], item["text"]) == (mail["id"], "sent", "It left <today>.")
            assert item["message_id"] == str(message["message-id"]).strip("<>")
            assert (await anybody.get("/demo/outbox/nothing.eml")).status_code == 404
            assert (await anybody.get("/demo/")).status_code == 200
