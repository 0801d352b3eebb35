"""What an agent's browser asks for of a mail: its HTML as a page, its pictures, and the mail as it came."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from channels.email import showing
from channels.email.pictures import SHOWN, RemotePictures
from channels.email.scanning import Scanner
from hub.errors import Forbidden, NotFound
from hub.file_types import safe_name
from hub.files import FileStore
from hub.mails import StoredMail
from hub.model import FileRef
from hub.permissions import Permission, require
from hub.web.context import Web
from hub.web.security import own_origins
from hub.web.table import authenticate

# Signed addresses are asked for by a frame without an origin, which is nobody's own.
_PICTURE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=3600",
}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class MailPages:
    """`images`: whether agents may have pictures from elsewhere shown; `allow_private`: also from hosts inside."""

    def __init__(
        self,
        web: Web,
        files: FileStore,
        secret: bytes,
        scanner: Scanner,
        *,
        images: bool = True,
        allow_private: bool = False,
    ) -> None:
        self._web, self._files, self._images = web, files, images
        self._scanner = scanner
        self._signer = showing.Signer(secret)
        self._remote = RemotePictures(allow_private=allow_private)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/mails/{id}/html", self._html),
            Route("/mails/{id}/image", self._image),
            Route("/mails/{id}/quoted", self._quoted),
            Route("/mails/{id}/raw", self._raw),
        ]

    async def close(self) -> None:
        await self._remote.close()

    async def _mail(self, request: Request) -> StoredMail:
        """The mail, for an agent who may see its contact. Raises NotSignedIn, Forbidden, NotFound."""
        who = await authenticate(self._web, request)
        require(who.user, Permission.CONTACT_HANDLE)
        hub, id = self._web.hub, request.path_params["id"]
        mail = await hub.store.mails.get(id) if _ID.fullmatch(id) else None
        if mail is None:
            raise NotFound("mail", id)
        await hub.seen_by(who.user, mail.contact)
        return mail

    async def _content(self, sha256: str) -> bytes:
        return b"".join([block async for block in self._files.read(self._files.path(sha256))])

    async def _html(self, request: Request) -> Response:
        """`?images=1`: with pictures from elsewhere. X-Mail-Remote says whether there are any, X-Mail-Height about how
        high the page is; a HEAD request is enough for those."""
        mail = await self._mail(request)
        if mail.html is None:
            raise NotFound("html", mail.id)
        content = await self._content(mail.html)
        remote = self._images and request.query_params.get("images") == "1"
        now_s = self._web.hub.clock.now() // 1000

        def address(pointed: showing.Pointed) -> str:
            return f"/mails/{mail.id}/image?{self._signer.sign(mail.id, pointed, now_s)}"

        def made() -> tuple[bytes, bool, int]:
            html = content.decode("utf-8", "replace")
            ids = {id: file.id for id, file in mail.inline.items()} | {file.id: file.id for file in _files(mail)}
            page = showing.document(html, address, ids, remote=remote, lang=mail.language)
            return page.encode(), self._images and showing.has_remote(html), showing.height_of(html)

        page, waits, height = await asyncio.to_thread(made)
        headers = {
            "Content-Security-Policy": showing.policy(own_origins(request, self._web.settings), mail.id),
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-DNS-Prefetch-Control": "off",
            "X-Mail-Remote": str(int(waits)),
            "X-Mail-Height": str(height),
            "Cache-Control": "private, no-store",
        }
        return Response(page, media_type="text/html", headers=headers)

    async def _image(self, request: Request) -> Response:
        id = request.path_params["id"]
        now_s = self._web.hub.clock.now() // 1000
        pointed = self._signer.read(id, dict(request.query_params), now_s)
        if pointed is None:
            raise Forbidden("This address is not good any more. Please open the mail again.", code="mail.address")
        if pointed.kind == "remote":
            if not self._images:
                raise NotFound("picture")
            fetched = await self._remote.fetch(pointed.name)
            return Response(fetched.data, media_type=fetched.type, headers=_PICTURE_HEADERS)
        stored = await self._web.hub.store.files.get(pointed.name)
        if stored is None or stored.type not in SHOWN:
            raise NotFound("picture")
        await self._scanner.admit(stored)
        return FileResponse(self._files.path(stored.sha256), media_type=stored.type, headers=_PICTURE_HEADERS)

    async def _quoted(self, request: Request) -> Response:
        """The HTML as an answer quotes it: a text, which no browser takes for a page."""
        mail = await self._mail(request)
        if mail.html is None:
            raise NotFound("html", mail.id)
        html = showing.quoted((await self._content(mail.html)).decode("utf-8", "replace"))
        return JSONResponse({"html": html}, headers={"Cache-Control": "private, no-store"})

    async def _raw(self, request: Request) -> Response:
        """The mail as it came, byte for byte, to be saved."""
        mail = await self._mail(request)
        if not mail.raw or not await self._files.has(mail.raw):
            raise NotFound("raw", mail.id)
        await self._scanner.admit_original(mail)
        name = safe_name(f"{mail.subject or 'mail'}.eml")
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
            "Content-Length": str(mail.size),
        }
        return StreamingResponse(self._blocks(mail.raw), media_type="message/rfc822", headers=headers)

    async def _blocks(self, sha256: str) -> AsyncIterator[bytes]:
        async for block in self._files.read(self._files.path(sha256)):
            yield block


def _files(mail: StoredMail) -> list[FileRef]:
    return [*mail.inline.values(), *mail.attachments]
