"""/demo/outbox: what the demo would have sent, for whoever tries it. Anybody may look, so it is the demo's alone."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hub.errors import NotFound
from hub.files import FileStore
from hub.mails import MailAddress, StoredMail
from hub.service import Hub
from hub.views import file_json

Json = dict[str, Any]
SHOWN = 100
_FOLDER = Path(__file__).parent / "demo"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FRAME = _HEADERS | {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox",
}
_CID = re.compile(r'(\ssrc=")cid:([^"<>]*)"')
_environment = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def routes(hub: Hub, files: FileStore) -> list[BaseRoute]:
    """To be mounted at /demo, before the shop."""
    pages = _Pages(hub, files)
    return [
        Route("/outbox", pages.page),
        Route("/outbox.json", pages.listing),
        Route("/outbox.css", _sheet),
        Route("/outbox/{id}.eml", pages.raw),
        Route("/outbox/{id}/html", pages.html),
        Route("/outbox/{id}/files/{n:int}", pages.file),
    ]


def _sheet(request: Request) -> Response:
    return Response((_FOLDER / "outbox.css").read_bytes(), 200, _HEADERS, "text/css")


class _Pages:
    def __init__(self, hub: Hub, files: FileStore) -> None:
        self._hub, self._files = hub, files

    async def page(self, request: Request) -> Response:
        mails = await self._mails()
        base = request.scope["root_path"]

        def render() -> str:
            return _environment.get_template("outbox.html").render(mails=mails, base=base)

        return Response(await asyncio.to_thread(render), 200, _HEADERS, "text/html")

    async def listing(self, request: Request) -> Response:
        return JSONResponse({"items": await self._mails()}, headers=_HEADERS)

    async def _mails(self) -> list[Json]:
        mails = await self._hub.store.mails.sent(limit=SHOWN)
        found = []
        for mail in mails:
            message = await self._hub.contacts.message(mail.message)
            found.append(_shown(mail, message.text if message is not None else ""))
        return found

    async def raw(self, request: Request) -> Response:
        headers = _HEADERS | {"Content-Disposition": "attachment; filename=mail.eml"}
        return Response(await self._bytes(request), 200, headers, "message/rfc822")

    async def html(self, request: Request) -> Response:
        raw = await self._bytes(request)
        return Response(await asyncio.to_thread(_html, raw), 200, _FRAME, "text/html")

    async def file(self, request: Request) -> Response:
        raw = await self._bytes(request)
        name, data = await asyncio.to_thread(_file, raw, request.path_params["n"])
        headers = _HEADERS | {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        return Response(data, 200, headers, "application/octet-stream")

    async def _bytes(self, request: Request) -> bytes:
        """Raises NotFound for what has not been composed yet."""
        id = request.path_params["id"]
        mail = await self._hub.store.mails.get(id)
        if mail is None or mail.direction != "out" or not mail.raw:
            raise NotFound("mail", id)
        return b"".join([block async for block in self._files.read(self._files.path(mail.raw))])


def _shown(mail: StoredMail, text: str) -> Json:
    return {
        "id": mail.id,
        "contact": mail.contact,
        "state": str(mail.state),
        "automatic": mail.automatic,
        "error": mail.error,
        "from": _person(mail.from_),
        "to": _people(mail.to),
        "cc": _people(mail.cc),
        "bcc": _people(mail.bcc),
        "reply_to": _people(mail.reply_to),
        "subject": mail.subject,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "time": datetime.fromtimestamp((mail.date or mail.at) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "text": text,
        "html": mail.html is not None,
        "raw": bool(mail.raw),
        "attachments": [file_json(file) for file in mail.attachments],
    }


def _person(address: MailAddress) -> str:
    return f"{address.name} <{address.address}>" if address.name else address.address


def _people(addresses: Iterable[MailAddress]) -> list[str]:
    return [_person(each) for each in addresses]


def _parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def _html(raw: bytes) -> str:
    """The mail's HTML with its own pictures in it; what lies elsewhere is not loaded."""
    message = _parsed(raw)
    body = message.get_body(("html",))
    pictures: dict[str, str] = {}
    for part in message.walk():
        data = part.get_payload(decode=True)
        if part.get_content_maintype() == "image" and isinstance(data, bytes):
            id = str(part.get("content-id", "")).strip().strip("<>")
            pictures[id] = f"data:{part.get_content_type()};base64,{b64encode(data).decode()}"
    html = str(body.get_content()) if body is not None else ""
    return _CID.sub(lambda match: f'{match[1]}{pictures.get(match[2], "")}"', html)


def _file(raw: bytes, n: int) -> tuple[str, bytes]:
    """The n-th attachment's name and bytes. Raises NotFound."""
    parts = list(_parsed(raw).iter_attachments())
    if n >= len(parts):
        raise NotFound("file", str(n))
    data = parts[n].get_payload(decode=True)
    return parts[n].get_filename() or "attachment", data if isinstance(data, bytes) else parts[n].as_bytes()
