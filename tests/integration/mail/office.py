"""A hub that sends mail, with a mailbox whose server a test plays, and agents at its REST interface and sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.email import delivery, outbox, posting
from hub.mails import MailState, StoredMail
from hub.model import Contact, Role, User
from hub.web.table import BASE
from tests.integration.floor import Floor, own_hub
from tests.integration.serving import Serving

PATIENCE_S = 30.0
ADDRESS = "support@hub.example"


class Office:
    """`agent` and `other` serve the queue `support`, `stranger` serves none, `lead` supervises."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.hub = serving.application.hub
        self.floor = Floor(serving, "support")
        self.users: dict[str, User] = {}
        self.tokens: dict[str, str] = {}
        self._numbers = iter(range(1, 10_000))

    async def furnish(self) -> None:
        def work() -> None:
            for name, role, skills in (
                ("agent", Role.AGENT, {"support": 3}),
                ("other", Role.AGENT, {"support": 3}),
                ("stranger", Role.AGENT, {}),
                ("lead", Role.SUPERVISOR, {}),
            ):
                self.users[name] = self.serving.user(name, role, skills=skills)
                self.tokens[name] = self.serving.token(self.users[name])

        await asyncio.to_thread(work)

    async def mailbox(self, port: int, id: str = "support", **more: Any) -> None:
        """A mailbox that gives its mail to a server on this machine; what is given stands in the place of the usual."""
        out = {"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "per_minute": 100_000}
        out |= more.pop("outbound", {})
        row = {"name": "Support", "address": ADDRESS, "queue": "support", "outbound": out, **more}

        def write() -> None:
            app = self.serving.application
            known = self.serving.run(app.store.configs.get("mailbox", id))
            version = None if known is None else known.version
            self.serving.run(app.store.configs.put("mailbox", id, row, version=version, actor="system", at=1))
            self.serving.run(app.hub.directory.refresh("mailbox", id))

        await asyncio.to_thread(write)

    async def rest(self, method: str, path: str, who: str = "agent", **json: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        async with httpx.AsyncClient(base_url=self.serving.origin, trust_env=False, timeout=30) as client:
            body = json if method == "POST" and json else None
            return await client.request(method, BASE + path, headers=headers, json=body)

    async def written(self, who: str = "agent", contact: str | None = None, **mail: Any) -> dict[str, Any]:
        """A mail that must be taken into the outbox."""
        path = "/mails" if contact is None else f"/contacts/{contact}/mails"
        mail.setdefault("client_id", f"client-{next(self._numbers):08d}")
        if contact is None:
            mail.setdefault("to", [{"address": "clara@berg.example", "name": "Clara Berg"}])
            mail.setdefault("subject", "Your order")
        mail.setdefault("text", "It left today.")
        answer = await self.rest("POST", path, who, **mail)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def mail(self, id: str) -> StoredMail:
        found = await self.floor.run(self.hub.store.mails.get(id))
        assert found is not None
        return found

    async def becomes(self, id: str, *states: MailState) -> StoredMail:
        """The mail, once it is in one of the states."""
        async with asyncio.timeout(PATIENCE_S):
            while (mail := await self.mail(id)).state not in states:
                await asyncio.sleep(0.02)
        return mail

    async def contact(self, id: str) -> Contact:
        return await self.floor.contact(id)

    async def lines(self, contact: str) -> list[str]:
        """The codes of the contact's system lines."""
        messages = await self.floor.run(self.hub.store.contacts.messages(contact))
        return [message.code for message in messages if message.code]


@asynccontextmanager
async def office(folder: Path, **email: Any) -> AsyncIterator[Office]:
    """`email` is the section of hub.toml."""
    async with own_hub(folder, email={"enabled": True, **email}) as serving:
        found = Office(serving)
        await found.furnish()
        yield found
        await found.floor.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes are milliseconds: nothing is held back for an undo, and what failed is tried again at once."""
    monkeypatch.setattr(posting, "UNDO_MS", 0)
    monkeypatch.setattr(delivery, "PAUSES_MS", (50, 100, 200))
    monkeypatch.setattr(outbox, "DOWN_PAUSES_MS", (50, 100, 200))
