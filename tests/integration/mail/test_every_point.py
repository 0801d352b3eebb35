"""kill -9 at each point between a mail's receipt and its answer: one contact, put away, answered, at most once more."""

from __future__ import annotations

import asyncio
import smtplib
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.dovecot import PASSWORD
from tests.integration.commands import Place
from tests.integration.mail.mailboxes import letter, served
from tests.integration.mail.servers import Box, taking
from tests.ports import free_port

PATIENCE_S = 60.0
# The ways in, with what happens on them in this order; then the way of the answer.
POINTS = [
    *(("smtp", "parsed"), ("smtp", "committed"), ("imap", "unfiled"), ("imap", "filed")),
    *(("smtp", "queued"), ("imap", "claimed"), ("smtp", "sent")),
]


class Mortal(Place):
    """A hub that dies where it is told to."""

    def command(self, *arguments: str) -> list[str]:
        config = str(self.folder / "hub.toml")
        return [sys.executable, "-m", "tests.integration.mail.dying", "--config", config, *arguments]


def give(port: int, raw: bytes) -> bool:
    """As a mail server does that has it in its queue: whether it was taken."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as line:
            return line.sendmail("eva@berg.example", "direct@hub.test", raw) == {}
    except (OSError, smtplib.SMTPException):
        return False


async def test_a_hub_that_dies_anywhere_on_a_mails_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    armed, smtp_port = tmp_path / "dies-at", free_port()
    monkeypatch.setenv("CONTACTHUB_TEST_DIES", str(armed))
    monkeypatch.setenv("CONTACTHUB_TEST_MAIL", PASSWORD)
    email = f'[email]\nenabled = true\nlisten = ["smtp:127.0.0.1:{smtp_port}"]\n[logging]\nlevel = "warning"\n'
    place = Mortal(tmp_path / "hub", email)
    await asyncio.to_thread(
        place.done, "user", "add", "root", "--role", "administrator", "--name", "Root", "--password-stdin",
        stdin="a-password",
    )  # fmt: skip
    token = (await asyncio.to_thread(place.done, "user", "token", "root")).strip()
    hub: subprocess.Popen[bytes] = await asyncio.to_thread(place.start, "serve")
    answered: Counter[str] = Counter()

    def data(mail: Any) -> str:
        answered.update(mail.recipients)
        return "250 taken"

    try:
        with served() as dovecot, place.client(token) as client:
            async with taking(Box(data=data)) as box:

                def furnish() -> None:
                    out = {"kind": "smtp", "host": "127.0.0.1", "port": box.port, "security": "none"}
                    imap = {"kind": "imap", "host": "127.0.0.1", "port": dovecot.port, "security": "none"}
                    imap |= {"username": "support", "secret": "env:CONTACTHUB_TEST_MAIL"}
                    more = {"queue": "support", "outbound": out, "acknowledge": True}
                    for path, row in (
                        ("skills", {"id": "support", "name": "Support"}),
                        ("queues", {"id": "support", "name": "Support", "skills": {"support": 1}}),
                        ("mailboxes", {"id": "direct", "name": "Direct", "address": "direct@hub.test", **more}),
                        ("mailboxes", {"id": "imap", "name": "Imap", "address": "i@hub.test", "inbound": imap, **more}),
                    ):
                        made = client.post(f"/api/v1/{path}", json=row)
                        assert made.status_code == 201, made.text

                def mails() -> dict[str, list[dict[str, Any]]]:
                    """By the subject of the contact."""
                    found: dict[str, list[dict[str, Any]]] = {}
                    for contact in client.get("/api/v1/contacts", params={"limit": 200}).json()["items"]:
                        rows = client.get(f"/api/v1/contacts/{contact['id']}/mails").json()["items"]
                        assert contact["subject"] not in found, "two contacts of one mail"
                        found[contact["subject"]] = rows
                    return found

                def done(number: int) -> bool:
                    rows = mails().get(f"Mail {number}", [])
                    return sorted(each["state"] for each in rows) == ["received", "sent"]

                await asyncio.to_thread(furnish)
                for number, (way, point) in enumerate(POINTS):
                    armed.write_text(point)
                    raw = letter(number)
                    if way == "imap":
                        await asyncio.to_thread(dovecot.put, raw)
                    else:
                        # "queued" and later: it may have been taken before the hub died.
                        taken = await asyncio.to_thread(give, smtp_port, raw)
                        assert not taken or point in ("queued", "sent"), point
                    assert await asyncio.to_thread(hub.wait, PATIENCE_S) == -9, point
                    assert not armed.exists()
                    hub = await asyncio.to_thread(place.start, "serve")
                    if way == "smtp":
                        assert await asyncio.to_thread(give, smtp_port, raw)
                    deadline = time.monotonic() + PATIENCE_S
                    while not await asyncio.to_thread(done, number):
                        assert time.monotonic() < deadline, (way, point, place.log.read_text())
                        await asyncio.sleep(0.1)
                    # Only who died between the sending and the note of it may have sent it twice.
                    assert answered[f"c{number}@berg.example"] == (2 if point == "sent" else 1), point
                assert len(await asyncio.to_thread(mails)) == len(POINTS)
                fetched = sum(way == "imap" for way, _ in POINTS)
                flags = await asyncio.to_thread(dovecot.flags)
                assert len(flags) == fetched and all(b"\\Seen" in each for each in flags)
    finally:
        hub.kill()
        hub.wait()
