"""The demo's data: users, queues, a site, canned replies, and earlier customers. A second start adds nothing."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hub import demo_flow, demo_history
from hub.auth import Auth, AuthSettings
from hub.clock import SystemClock
from hub.directory import Directory
from hub.ids import new_id
from hub.model import Millis, Role, User
from hub.ports import Store

Json = dict[str, Any]
PASSWORD = "demo"  # noqa: S105 - the demo's, printed when it starts
# Grows when there is more for a store that was filled by an earlier edition.
EDITION = 5
ORDERS_AT = re.escape(demo_flow.orders_url(0)).replace("0/", r"\d+/")

USERS: tuple[tuple[str, str, Role, dict[str, int]], ...] = (
    ("agent1", "Nadia Berg", Role.AGENT, {"support": 5, "billing": 3}),
    ("agent2", "Lin Mei", Role.AGENT, {"sales": 5, "support": 2, "chinese": 4}),
    ("agent3", "Deniz Arslan", Role.AGENT, {"billing": 5}),
    ("lead", "Ida Novak", Role.SUPERVISOR, {}),
    ("admin", "Alex Romero", Role.ADMINISTRATOR, {}),
)

ROUND_THE_CLOCK = [["00:00", "24:00"]]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _queue(name: str, skill: str, relax: list[Json] | None = None, *, record: str = "on_demand") -> Json:
    return {
        "name": name,
        "skills": {skill: 3 if relax else 1},
        "relax": relax or [],
        "offer_s": {"chat": 30},
        "wrap_up_s": 60,
        "retry_s": 30,
        "hours": "always",
        "target": {"percent": 80, "seconds": 30},
        "recording": {"mode": record},
    }


def _mailbox(name: str, queue: str) -> Json:
    """Mail is given to the hub by programs of this machine, and what it sends is kept and shown."""
    return {
        "name": name,
        "address": f"{queue}@demo.test",
        "display_name": f"Moss & Kiln {name}",
        "queue": queue,
        "inbound": {"kind": "direct"},
        "outbound": {"kind": "demo"},
        "acknowledge": True,
        "signature": "Moss & Kiln\nHandmade tableware, Berlin",
    }


ROWS: tuple[tuple[str, str, Json], ...] = (
    ("skill", "sales", {"name": "Sales"}),
    ("skill", "support", {"name": "Support"}),
    ("skill", "billing", {"name": "Billing"}),
    ("skill", "chinese", {"name": "Chinese"}),
    ("calendar", "always", {"name": "Round the clock", "week": dict.fromkeys(DAYS, ROUND_THE_CLOCK)}),
    (
        "calendar",
        "office",
        {
            "name": "Office hours",
            "timezone": "Europe/Berlin",
            "week": {day: [["09:00", "18:00"]] for day in DAYS[:5]},
            "holidays": [
                {"date": "2026-12-25", "name": "Christmas Day"},
                {"date": "2026-12-26", "name": "Second Day of Christmas"},
                {"date": "2027-01-01", "name": "New Year"},
            ],
        },
    ),
    ("queue", "sales", _queue("Sales", "sales")),
    ("queue", "support", _queue("Support", "support", [{"after_s": 60, "skills": {"support": 2}}], record="always")),
    ("queue", "billing", _queue("Billing", "billing")),
    # Who writes in Chinese is helped best by who reads it, also if he knows the goods less well than "Support" asks.
    ("queue", "chinese", _queue("Chinese", "chinese") | {"skills": {"chinese": 3}}),
    ("mailbox", "support", _mailbox("Support", "support")),
    ("mailbox", "sales", _mailbox("Sales", "sales")),
    ("mailbox", "billing", _mailbox("Billing", "billing")),
    (
        "mail_rule",
        "chinese",
        {
            "name": "Chinese to those who speak it",
            # Nobody in billing does.
            "when": [
                {"fact": "language", "op": "starts", "value": "zh"},
                {"fact": "mailbox", "op": "is_not", "value": "billing"},
            ],
            "queue": "chinese",
        },
    ),
    ("outcome", "solved", {"name": "Solved"}),
    ("outcome", "follow-up", {"name": "Follow-up needed"}),
    ("outcome", "sale", {"name": "Sale", "queues": ["sales"]}),
    ("outcome", "refund", {"name": "Refund", "queues": ["billing", "support"]}),
    ("outcome", "no-answer", {"name": "Customer left"}),
    ("outcome", "spam", {"name": "Spam"}),
    ("reason", "break", {"name": "Break"}),
    ("reason", "lunch", {"name": "Lunch"}),
    ("reason", "meeting", {"name": "Meeting"}),
    ("reason", "training", {"name": "Training"}),
)

EARLIER: tuple[tuple[str, str, Json], ...] = (
    # Together with what "Support" asks for, this was nobody's until that queue asked for less, a minute later.
    (
        "mail_rule",
        "chinese",
        {
            "name": "Chinese to those who speak it",
            "when": [
                {"fact": "language", "op": "starts", "value": "zh"},
                {"fact": "mailbox", "op": "is_not", "value": "billing"},
            ],
            "skills": {"chinese": 3},
        },
    ),
)
"""Rows as an earlier edition wrote them: where they still stand so, they are renewed."""

CANNED: tuple[tuple[str, str, str, str], ...] = (
    ("hello", "Greeting", "Hello {customer.first_name}, {agent.first_name} here. How can I help?", "en"),
    ("moment", "One moment", "One moment please, I am looking it up.", "en"),
    ("order", "Order number", "Could you tell me your order number? It starts with MK.", "en"),
    (
        "shipping",
        "Shipping times",
        "Orders placed by 16:00 leave our studio the same day and take two to three days.",
        "en",
    ),
    ("return", "Returns", "You have thirty days to send it back. I can e-mail you the label.", "en"),
    (
        "care",
        "Care for glazes",
        "Rinse with warm water only and let it dry open. No dishwasher for tenmoku, please.",
        "en",
    ),
    ("invoice", "Copy of the invoice", "I have sent a copy of the invoice to {customer.email}.", "en"),
    ("bye", "Goodbye", "Glad I could help. Have a good day, {customer.first_name}.", "en"),
    ("你好", "问候", "您好，{customer.name}，我是{agent.first_name}。请问有什么可以帮您？", "zh-CN"),
    ("稍等", "请稍等", "请稍等，我马上为您查询。", "zh-CN"),
    ("订单", "订单号", "请告诉我您的订单号，以 MK 开头。", "zh-CN"),
    ("再见", "告别", "很高兴能帮到您，祝您愉快。", "zh-CN"),
)


def _site(origins: list[str]) -> Json:
    topics = (
        ("sales", "Sales", "选购咨询"),
        ("support", "Support", "使用与售后"),
        ("billing", "Billing", "账单与付款"),
    )
    return {
        "name": "Moss & Kiln",
        "allowed_origins": origins,
        "locale": "en",
        "locales": ["en", "zh-CN", "ar"],
        "topics": [{"id": id, "label": {"en": en, "zh-CN": zh}, "queue": id} for id, en, zh in topics],
        "default_queue": "support",
        "theme": {"logo": "/demo/assets/mark.svg"},
        "privacy_url": "/demo/privacy.html",
        "invitations": [
            {
                "id": "teapot",
                "after_s": 40,
                "url_pattern": "*/demo/*product*",
                "text": {
                    "en": "Questions about glaze or size? We like to talk.",
                    "zh-CN": "对釉色或尺寸有疑问吗？欢迎咨询。",
                },
            }
        ],
        "identity_secret": secrets.token_hex(32),
    }


def write_config(folder: Path) -> Path:
    """hub.toml of the demo in its data folder; an existing one is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hub.toml"
    if not path.exists():
        path.write_text('# The demo\'s configuration.\n[server]\ndata_dir = "."\n\n[demo]\nenabled = true\n', "utf-8")
    return path


async def seed(store: Store, port: int) -> None:
    """Fills a store that has no demo data of this edition yet, once: what an administrator of the demo changes or
    deletes stays so.

    The site's origins follow the port of this start.
    """
    now = time.time_ns() // 1_000_000
    origins = [f"http://127.0.0.1:{port}", f"http://localhost:{port}"]
    if await store.cursor("demo") < EDITION:
        await _fill(store, now, origins)
        await store.set_cursor("demo", EDITION)
    site = await store.configs.get("site", "demo")
    await _ask_at(store, port, now)
    if site is not None and (missing := [each for each in origins if each not in site.data["allowed_origins"]]):
        data = site.data | {"allowed_origins": [*site.data["allowed_origins"], *missing]}
        await store.configs.put("site", "demo", data, version=site.version, actor="system", at=now)


async def _ask_at(store: Store, port: int, now: Millis) -> None:
    """Callers' flow asks the shop where it is at this start."""
    row = await store.configs.get("flow", demo_flow.ID)
    if row is None:
        return
    data = msgspec.json.decode(re.sub(ORDERS_AT, demo_flow.orders_url(port), msgspec.json.encode(row.data).decode()))
    if data != row.data:
        await store.configs.put("flow", demo_flow.ID, data, version=row.version, actor="system", at=now)


async def _fill(store: Store, now: Millis, origins: list[str]) -> None:
    """Writes what is not there yet, so that a start that was cut off is made up for by the next one."""
    flow = demo_flow.front_door(urlsplit(origins[0]).port or 0)
    rows = [*ROWS, *_canned(), ("site", "demo", _site(origins)), ("flow", demo_flow.ID, flow)]
    for kind, id, data in rows:
        found = await store.configs.get(kind, id)
        if found is None or (kind, id, found.data) in EARLIER:
            version = None if found is None else found.version
            await store.configs.put(kind, id, data, version=version, actor="system", at=now)
    auth = Auth(store, SystemClock(), AuthSettings(shortest_password=len(PASSWORD)))
    known = {user.username for user in await store.accounts.users()}
    for username, name, role, skills in USERS:
        if username not in known:
            user = User(new_id("us", now), username, name, role, skills=skills, units=200, created_at=now)
            await auth.create_user(user, PASSWORD, by="system")
    directory = Directory(store)
    await directory.load()
    await demo_history.play(store, directory, now, origins[0])


def _canned() -> Iterator[tuple[str, str, Json]]:
    for number, (shortcut, title, text, language) in enumerate(CANNED, 1):
        row = {"name": title, "shortcut": shortcut, "text": text, "language": language, "queues": None}
        yield "canned", f"canned-{number}", row
