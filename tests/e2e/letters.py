"""A customer who writes mails with Python's own smtplib, as any mail program would."""

from __future__ import annotations

import smtplib
from collections.abc import Iterable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import make_msgid
from io import BytesIO

import httpx
import pypdfium2  # type: ignore[import-untyped]
from PIL import Image

from tests.hub import DemoHub

MARA = "Mara Lind <mara@example.org>"


def letter(
    subject: str,
    text: str = "",
    html: str | None = None,
    *,
    to: str = "support@demo.test",
    sender: str = MARA,
    files: Iterable[tuple[str, str, bytes]] = (),
    inline: Iterable[tuple[str, bytes]] = (),
    **headers: str,
) -> EmailMessage:
    """`files` are (name, type, content), `inline` pictures (Content-ID, PNG); `In_Reply_To="..."` is a header."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"] = make_msgid(domain="example.org")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
        for content_id, data in inline:
            page = mail.get_payload()[1]  # type: ignore[index]
            page.add_related(data, "image", "png", cid=f"<{content_id}>")  # type: ignore[union-attr]
    for name, type, content in files:
        main, _, sub = type.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail


def post(hub: DemoHub, *mails: EmailMessage | bytes) -> None:
    """Returns when the hub has all of them."""
    with smtplib.SMTP("127.0.0.1", hub.smtp_port, timeout=60) as line:
        for mail in mails:
            if isinstance(mail, bytes):
                line.sendmail("mara@example.org", ["support@demo.test"], mail)
            else:
                line.send_message(mail)


def sent_mails(hub: DemoHub) -> list[EmailMessage]:
    """What would have gone to customers."""
    listed = httpx.get(f"{hub.url}/demo/outbox.json", trust_env=False).json()
    items = listed["items"] if isinstance(listed, dict) else listed
    raws = [httpx.get(f"{hub.url}/demo/outbox/{each['id']}.eml", trust_env=False).content for each in items]
    return [message_from_bytes(raw, policy=default) for raw in raws]


def picture(colour: str = "#0b6e63", size: tuple[int, int] = (300, 120)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def pdf(pages: int) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(595, 842)
    out = BytesIO()
    document.save(out)
    return out.getvalue()
