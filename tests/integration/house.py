"""A furnished hub for tests that speak REST: a queue, a site and a user of each role, signed in and with a token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hub import commands as c
from hub.contacts import Words
from hub.ids import new_id
from hub.model import AuthorKind, Channel, Customer, Role, User
from hub.web.table import BASE
from tests.integration.serving import Browser, Serving, serving

QUEUE = {"name": "Support", "skills": {"support": 1}}
SITE = {
    "name": "Shop",
    "topics": [{"id": "support", "label": {"en": "Support"}, "queue": "support"}],
    "allowed_origins": ["https://shop.example"],
}


@dataclass
class House:
    """A hub with a user of each role, signed in and with a token."""

    serving: Serving
    users: dict[str, User]
    browsers: dict[str, Browser]
    tokens: dict[str, str]
    program: httpx.Client

    @property
    def admin(self) -> Browser:
        return self.browsers["administrator"]

    def call(self, method: str, path: str, role: str = "administrator", **options: Any) -> httpx.Response:
        return self.browsers[role].request(method, BASE + path, **options)

    def contact(self, client_id: str, queue: str = "support", name: str = "Mara") -> str:
        """A waiting chat of a new customer."""
        hub = self.serving.application.hub
        now = hub.clock.now()
        customer = Customer(new_id("cu", now), name, f"{client_id}@mail.example", created_at=now)
        outcome = self.serving.run(
            hub.contacts.create(
                new_id("ct", now),
                c.Create(Channel.CHAT, "shop", customer.id, None, "Support", "en", {}),
                [c.Enqueue(queue, {})],
                actor="visitor",
                command_id=client_id,
                words=Words(AuthorKind.VISITOR, "vi_1", name, "Where is my parcel?"),
                customer=customer,
            )
        )
        return outcome.row.contact.id


@contextmanager
def furnished(folder: Path) -> Iterator[House]:
    """The running hub; its data lie in `folder`."""
    with serving(folder, security={"requests_per_minute": 100_000}) as running:
        running.put("skill", "support", name="Support")
        running.put("queue", "support", **QUEUE)
        running.put("site", "shop", **SITE)
        users = {
            str(role): running.user(f"the_{role}", role, skills={"support": 3} if role is Role.SUPERVISOR else {})
            for role in Role
        }
        browsers = {role: running.sign_in(user.username) for role, user in users.items()}
        tokens = {role: running.token(user) for role, user in users.items()}
        with running.client() as program:
            yield House(running, users, browsers, tokens, program)


def error_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])
