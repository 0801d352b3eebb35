"""kill -9 of the hub while mail is given to it: who gives it does so until it was taken, and it is there once."""

import asyncio
import functools
import random
import smtplib
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from hub.mails import StoredMail
from hub.model import Contact
from hub.ports import ContactFilter
from hub.store import open_store
from tests.hub import DemoHub

MAILS = 60
PATIENCE_S = 120.0


@functools.cache
def letter(number: int) -> bytes:
    """The same bytes each time, as a mail server keeps them: written anew, a mail has another boundary between its
    parts, and is another mail."""
    mail = EmailMessage()
    mail["From"], mail["To"] = f"c{number}@berg.example", "support@demo.test"
    mail["Subject"], mail["Message-ID"] = f"Mail {number}", f"<{number}@berg.example>"
    mail.set_content("Hello " * 50)
    mail.add_attachment(
        random.Random(number).randbytes(20_000), maintype="application", subtype="zip", filename="a.zip"
    )
    return mail.as_bytes(policy=SMTP)


def give(hub: DemoHub, number: int) -> bool:
    """As a mail server does: whether it was taken."""
    try:
        with smtplib.SMTP("127.0.0.1", hub.smtp_port, timeout=10) as line:
            return line.sendmail(f"c{number}@berg.example", ["support@demo.test"], letter(number)) == {}
    except (OSError, smtplib.SMTPException):
        return False


async def stored(hub: DemoHub) -> list[tuple[Contact, list[StoredMail]]]:
    store = open_store(f"sqlite:///{hub.folder}/demo-data/hub.db")
    await store.open()
    rows = await store.contacts.page(ContactFilter(channels=("email",)), limit=1000)
    found = [(row.contact, await store.mails.of_contact(row.contact.id)) for row in rows]
    await store.close()
    return [(contact, [mail for mail in mails if mail.direction == "in"]) for contact, mails in found]


async def test_mails_given_while_the_hub_is_killed_are_there_once(tmp_path: Path) -> None:
    hub = await asyncio.to_thread(DemoHub(tmp_path).start)
    taken: set[int] = set()
    tries = 0

    async def sender(numbers: list[int]) -> None:
        nonlocal tries
        for number in numbers:
            while number not in taken:
                tries += 1
                if await asyncio.to_thread(give, hub, number):
                    taken.add(number)
                else:
                    await asyncio.sleep(0.1)

    async def killer() -> None:
        for share in (0.15, 0.4, 0.7):
            while len(taken) < MAILS * share:
                await asyncio.sleep(0.01)
            await asyncio.sleep(random.uniform(0, 0.05))
            hub.kill()
            await asyncio.to_thread(hub.start)

    try:
        async with asyncio.timeout(PATIENCE_S * 4):
            await asyncio.gather(killer(), *(sender(list(range(n, MAILS, 4))) for n in range(4)))
        assert taken == set(range(MAILS))
        assert tries > MAILS, "it was never killed while a mail was given"
    finally:
        await asyncio.to_thread(hub.stop)
    found = [(contact, mails) for contact, mails in await stored(hub) if contact.subject.startswith("Mail ")]
    assert sorted(contact.subject for contact, _ in found) == sorted(f"Mail {number}" for number in range(MAILS))
    for _, mails in found:
        (mail,) = mails
        raw = next((hub.folder / "demo-data" / "files").glob(f"content/*/*/{mail.raw}"))
        assert raw.stat().st_size == mail.size
        assert len(mail.attachments) == 1
