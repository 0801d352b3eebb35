"""The e-mail channel as a whole: mailboxes made over REST, read at once, their health told; and two hubs that meet."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from channels.email.acknowledge import Acknowledger
from channels.email.check import check_mail
from channels.email.letters import Letters
from hub.config_email import Email
from hub.config_rows import Mailbox, read
from hub.mails import MailState
from hub.model import Role
from hub.ports import ContactFilter
from hub.web.table import BASE
from tests.dovecot import PASSWORD
from tests.integration.mail.mailboxes import letter, served
from tests.integration.mail.receiving import SECRET, Post, post
from tests.integration.serving import Serving, serving

PATIENCE_S = 60.0


def until(wanted: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := wanted()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def client_of(hub: Serving) -> httpx.Client:
    hub.put("queue", "support", name="Support")
    token = hub.token(hub.user("admin", Role.ADMINISTRATOR))
    return hub.client(headers={"Authorization": f"Bearer {token}"})


def test_a_mailbox_is_read_as_soon_as_it_is_made(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "mail").write_text(PASSWORD, "utf-8")
    row: dict[str, Any] = {"id": "support", "name": "Support", "address": "support@hub.test", "queue": "support"}
    with served() as dovecot, serving(tmp_path, email={"enabled": True, "secrets": str(secrets)}) as hub:
        dovecot.put(letter(1, "Wo ist mein Paket?"))
        inbound = {"kind": "imap", "host": "127.0.0.1", "port": dovecot.port, "security": "none"}
        inbound |= {"username": "support", "secret": "file:mail"}
        with client_of(hub) as client:

            def health() -> dict[str, Any]:
                (found,) = client.get(f"{BASE}/mailboxes/health").json()["items"]
                return dict(found)

            made = client.post(f"{BASE}/mailboxes", json=row | {"inbound": inbound})
            assert made.status_code == 201, made.text
            (contact,) = until(lambda: client.get(f"{BASE}/contacts").json()["items"])
            assert (contact["channel"], contact["subject"], contact["queue"]["id"]) == ("email", "Mail 1", "support")
            told = client.get(f"{BASE}/contacts/{contact['id']}/messages").json()["items"]
            (mail,) = [each for each in told if each["kind"] == "mail"]
            assert mail["text"].strip() == "Wo ist mein Paket?"
            until(lambda: health()["state"] == "idle")
            assert (health()["backlog_taken"], health()["backlog_total"], health()["problem"]) == (1, 1, "")
            # Another password is shown at the next change of the row; nobody has to restart anything.
            wrong = made.json() | {"inbound": made.json()["inbound"] | {"secret": "file:other"}}
            changed = client.put(f"{BASE}/mailboxes/support", json=wrong)
            assert changed.status_code == 200, changed.text
            until(lambda: (health()["state"], health()["code"]) == ("trouble", "secret"))
            off = client.put(f"{BASE}/mailboxes/support", json=changed.json() | {"enabled": False})
            assert off.status_code == 200, off.text
            until(lambda: health()["state"] == "off")
            # A queue that a mailbox names is kept.
            assert client.delete(f"{BASE}/queues/support").json()["error"]["code"] == "config.in_use"
            assert client.get(f"{BASE}/mailboxes/health", headers={"Authorization": ""}).status_code == 401


def test_mail_is_given_to_the_whole_hub(tmp_path: Path) -> None:
    email = {"enabled": True, "listen": ["smtp:127.0.0.1:0"]}
    with serving(tmp_path, email=email) as hub, client_of(hub) as client:
        hub.put("mailbox", "support", name="S", address="support@hub.test", queue="support", inbound={"kind": "direct"})
        channel = hub.application.mail_in
        assert channel is not None
        ((host, port),) = channel.smtp.addresses
        with smtplib.SMTP(host, port, timeout=20) as line:
            line.sendmail("c1@berg.example", ["support@hub.test"], letter(1))
        (contact,) = client.get(f"{BASE}/contacts").json()["items"]
        assert contact["subject"] == "Mail 1"
        (health,) = client.get(f"{BASE}/mailboxes/health").json()["items"]
        assert health["state"] == "direct"


def test_what_check_tells_of_mailboxes(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text(PASSWORD, "utf-8")

    def box(id: str, **inbound: Any) -> Mailbox:
        given = {"kind": "imap", "host": "127.0.0.1", "security": "none", "username": "support", "secret": "file:mail"}
        row = {"name": id, "address": f"{id}@hub.test", "queue": "support", "inbound": given | inbound}
        return read(Mailbox, row)

    with served(more="auth_failure_delay = 0") as dovecot:
        dovecot.put(letter(1), letter(2))
        rows = {
            "well": box("well", port=dovecot.port),
            "folder": box("folder", port=dovecot.port, folders=["Nowhere"]),
            "locked": box("locked", port=dovecot.port, username="nobody"),
            "secret": box("secret", port=dovecot.port, secret="file:none"),
            "away": box("away", port=9),
            "direct": box("direct", kind="direct"),
        }
        found = {each.name: each for each in check_mail(Email(enabled=True, secrets=str(tmp_path)), rows)}
    assert {name for name, each in found.items() if each.ok} == {"mailbox well"}
    assert found["mailbox well"].text == "127.0.0.1 lets us in, 2 mails in INBOX"
    assert "Nowhere" in found["mailbox folder"].text
    assert "refuses" in found["mailbox locked"].text
    assert "none" in found["mailbox secret"].text
    assert "cannot be reached" in found["mailbox away"].text
    assert "direct" in found["email.listen"].text


async def test_two_hubs_that_acknowledge_each_other_end_after_one_round(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    async with post(tmp_path / "here") as here, post(tmp_path / "there") as there:
        hubs: dict[str, Post] = {"here": here, "there": there}
        for name, hub in hubs.items():
            await hub.mailbox("support", address=f"support@{name}.test", acknowledge=True, outbound={"kind": "demo"})
            hub.receiver.answer = Acknowledger(hub.hub, SECRET)
        # A mail from there's own address comes here, as if its agent had written it.
        await here.deliver(here.letter(From="support@there.test", To="support@here.test", Subject="Hello"))
        rounds, carried = 0, 1
        while carried:
            assert rounds < 5
            rounds, carried = rounds + 1, 0
            for hub in hubs.values():
                for mail in await hub.hub.store.mails.due(10**15):
                    to = mail.to[0].address.rpartition("@")[2].removesuffix(".test")
                    raw = await Letters(hub.hub.store, hub.files).compose(mail, hub.clock.now())
                    sent = await hub.hub.store.mails.get(mail.id)
                    assert sent is not None
                    await hub.hub.store.mails.update(replace(sent, state=MailState.SENT, next_at=None))
                    await hubs[to].deliver(raw, to=(mail.to[0].address,))
                    carried += 1
        automatic = [
            mail
            for hub in hubs.values()
            for row in await hub.hub.store.contacts.page(ContactFilter())
            for mail in await hub.mails(row.contact.id)
            if mail.automatic
        ]
        assert len(automatic) == 1, "one acknowledgement, and none of it"
        (there_row,) = await there.hub.store.contacts.page(ContactFilter())
        assert there_row.contact.tags == ("auto_reply",)
