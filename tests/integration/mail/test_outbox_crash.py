"""Kill -9 while mails go out: each arrives, none twice but for a kill of its own, and always the same."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections import Counter, defaultdict
from pathlib import Path

import httpx

from tests.integration.commands import Place
from tests.integration.mail.servers import Box, Received, taking

MAILS = 40
KILLS = 6
BEGIN_MS = 25_000
AT_ONCE = 4  # connections that a mailbox sends over


def furnish(client: httpx.Client, port: int) -> None:
    out = {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "per_minute": 100_000}
    mailbox = {"name": "Support", "address": "support@hub.example", "queue": "support", "outbound": out}
    for path, row in (
        ("skills", {"name": "Support"}),
        ("queues", {"name": "Support", "skills": {"support": 1}}),
        ("mailboxes", mailbox),
    ):
        answer = client.post(f"/api/v1/{path}", json={"id": "support", **row})
        assert answer.status_code == 201, answer.text


def write(client: httpx.Client, number: int, at: int) -> str:
    body = {
        "to": [{"address": f"b{number}@x.example"}],
        "subject": f"Mail {number}",
        "text": "It left today.",
        "client_id": f"crash-{number:08d}",
        "send_at": at,
    }
    answer = client.post("/api/v1/mails", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_every_mail_arrives_whenever_the_hub_dies(tmp_path: Path) -> None:
    place = Place(tmp_path, "[email]\nenabled = true\n[logging]\nlevel = 'warning'\n")
    place.done(
        "user", "add", "root", "--role", "administrator", "--name", "Root", "--password-stdin", stdin="a-password"
    )
    token = place.done("user", "token", "root").strip()
    hub: subprocess.Popen[bytes] = await asyncio.to_thread(place.start, "serve")
    arrived: dict[str, list[bytes]] = defaultdict(list)
    limbo: Counter[str] = Counter()
    kills = 0
    armed = False
    dying = asyncio.Event()

    def data(mail: Received) -> str:
        """Takes it; now and then the hub dies before it is told so."""
        nonlocal kills
        (to,) = mail.recipients
        arrived[to].append(mail.raw)
        if dying.is_set():
            limbo[to] += 1
        elif armed and kills < KILLS and random.random() < 0.25:
            kills += 1
            limbo[to] += 1
            hub.kill()
            dying.set()
        return "250 taken"

    try:
        async with taking(Box(data=data)) as box:
            with place.client(token) as client:
                await asyncio.to_thread(furnish, client, box.port)
                at = (time.time_ns() // 1_000_000) + BEGIN_MS
                ids = [await asyncio.to_thread(write, client, number, at) for number in range(MAILS)]
                # Nothing has gone yet: what was told to be in the outbox is there after the first death.
                hub.kill()
                hub.wait()
                assert not box.mails
                hub = await asyncio.to_thread(place.start, "serve")
                assert [await asyncio.to_thread(write, client, number, at) for number in range(MAILS)] == ids
                armed = True

                async def states() -> Counter[str]:
                    def read() -> Counter[str]:
                        found: Counter[str] = Counter()
                        contacts = client.get("/api/v1/contacts", params={"limit": 200}).json()["items"]
                        for contact in contacts:
                            mails = client.get(f"/api/v1/contacts/{contact['id']}/mails").json()["items"]
                            found.update(mail["state"] for mail in mails)
                        return found

                    try:
                        return await asyncio.to_thread(read)
                    except httpx.TransportError:
                        return Counter()  # it died just now

                async with asyncio.timeout(240):
                    while True:
                        if dying.is_set():
                            await asyncio.to_thread(hub.wait)
                            hub = await asyncio.to_thread(place.start, "serve")
                            dying.clear()
                        if len(arrived) == MAILS and (await states())["sent"] == MAILS and not dying.is_set():
                            break
                        await asyncio.sleep(0.2)
        hub.terminate()
        assert await asyncio.to_thread(hub.wait, 20) == 0, place.log.read_text()
    finally:
        hub.kill()
        hub.wait()
    assert kills > 0
    for to, raws in arrived.items():
        assert len(set(raws)) == 1, f"{to} got two different mails"
        assert len(raws) <= 1 + kills
    doubled = sum(len(raws) - 1 for raws in arrived.values())
    assert kills <= doubled <= AT_ONCE * kills
    print(f"{MAILS} mails, {kills} kills while one was given, {doubled} came twice")
