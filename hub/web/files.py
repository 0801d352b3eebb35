"""Uploaded files: receiving them into a contact, and serving them from a path on which nothing can run."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hub.errors import Forbidden, InvalidInput, NotFound, NotSignedIn, RateLimited
from hub.files import FileStore
from hub.ids import new_id
from hub.model import StoredFile
from hub.permissions import Permission, require
from hub.previews import Previews
from hub.service import Hub
from hub.views import file_json
from hub.web.context import Web
from hub.web.security import bearer
from hub.web.table import authenticate

# Shown in place; everything else is only ever saved.
INLINE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
DAY_MS = 24 * 3600_000
BYTES_PER_DAY = 1_000_000_000
NAME_LIMIT = 1000
# In the place of a contact: the draft of a mail that has none yet. Its files are its author's alone.
_DRAFT = re.compile(r"draft:[A-Za-z0-9_-]{8,64}")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=86400, immutable",
}


async def receive(
    hub: Hub, files: FileStore, request: Request, uploader: str, *, contact: str, max_bytes: int, allowed: list[str]
) -> StoredFile:
    """The request's raw body as a file of the contact. Nothing is stored of what is refused.

    The name comes percent-encoded in X-File-Name. Raises TooLarge, UnsupportedType, InvalidInput, RateLimited.
    """
    now = hub.clock.now()
    if await hub.store.files.bytes_since(uploader, now - DAY_MS) > BYTES_PER_DAY:
        raise RateLimited(3600_000, "You have sent too many files today.")
    raw = request.headers.get("x-file-name", "")
    if not raw or len(raw) > NAME_LIMIT:
        raise InvalidInput("X-File-Name", "expected the file's name, percent-encoded")
    declared = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    blob = await files.save(
        request.stream(), name=unquote(raw), declared=declared, max_bytes=max_bytes, allowed=allowed
    )
    stored = StoredFile(
        new_id("fi", now),
        contact,
        uploader,
        blob.name,
        blob.size,
        blob.type,
        blob.sha256,
        now,
        blob.width,
        blob.height,
        blob.thumb,
    )
    await hub.store.files.put(stored)
    return stored


Admit = Callable[[StoredFile], Awaitable[None]]
"""Raises Forbidden or Unavailable for a file that nobody gets, or not yet."""


def routes(web: Web, files: FileStore, max_bytes: int, allowed: tuple[str, ...], admit: Admit) -> list[BaseRoute]:
    """Uploads of agents, and the files themselves for agents and for the contact's own visitor."""
    hub = web.hub
    previews = Previews()

    async def upload(request: Request) -> Response:
        who = await authenticate(web, request)
        require(who.user, Permission.CONTACT_HANDLE)
        contact = request.headers.get("x-contact", "")
        if not _DRAFT.fullmatch(contact):
            await hub.seen_by(who.user, contact)
        stored = await receive(
            hub, files, request, who.user.id, contact=contact, max_bytes=max_bytes, allowed=list(allowed)
        )
        return JSONResponse({"file": file_json(stored)}, 201, headers={"Cache-Control": "no-store"})

    async def whole(request: Request) -> Response:
        stored = await _allowed(web, request, admit)
        return _serve(stored, files.path(stored.sha256), stored.type)

    async def thumb(request: Request) -> Response:
        stored = await _allowed(web, request, admit)
        if not stored.thumb:
            raise NotFound("thumbnail", stored.id)
        return _serve(stored, files.thumb_path(stored.sha256), "image/webp")

    async def page(request: Request) -> Response:
        """A page of a PDF, drawn by us; X-Pages says how many there are."""
        stored = await _allowed(web, request, admit)
        if stored.type != "application/pdf":
            raise NotFound("page", stored.id)
        view = await previews.page(stored.sha256, files.path(stored.sha256), request.path_params["n"] - 1)
        return Response(view.data, media_type="image/webp", headers=_HEADERS | {"X-Pages": str(view.pages)})

    return [
        Route("/api/v1/files", upload, methods=["POST"]),
        Route("/files/{id}", whole),
        Route("/files/{id}/thumb", thumb),
        Route("/files/{id}/page/{n:int}", page),
    ]


async def _allowed(web: Web, request: Request, admit: Admit) -> StoredFile:
    """The file, if nothing is wrong with it, for who may see it.

    Raises NotSignedIn, Forbidden (for a visitor also when there is no such file), NotFound, Unavailable.
    """
    stored = await _seen(web, request)
    await admit(stored)
    return stored


async def _seen(web: Web, request: Request) -> StoredFile:
    """For an agent who may see its contact or for the contact's own visitor."""
    hub = web.hub
    id = request.path_params["id"]
    token = bearer(request.headers)
    visitor = _visitor_of(hub, token) if token is not None else None
    if visitor is None:
        who = await authenticate(web, request)
        stored = await hub.store.files.get(id)
        if stored is None:
            raise NotFound("file", id)
        if not _DRAFT.fullmatch(stored.contact):
            await hub.seen_by(who.user, stored.contact)
        elif stored.uploader != who.user.id:
            raise Forbidden("This file belongs to another agent's draft.")
        return stored
    stored = await hub.store.files.get(id)
    known = await hub.contacts.many([stored.contact]) if stored is not None else {}
    contact = known[stored.contact].contact if stored is not None and stored.contact in known else None
    if stored is None or contact is None or contact.visitor != visitor:
        raise Forbidden("This file is not yours.")
    return stored


def _visitor_of(hub: Hub, token: str) -> str | None:
    """The visitor of a visitor's token; None for what is no such token (an agent's bearer token may be one)."""
    try:
        return hub.visitors.read_token(token)[0]
    except NotSignedIn:
        return None


def _serve(stored: StoredFile, path: Path, type: str) -> Response:
    kind = "inline" if type in INLINE else "attachment"
    headers = _HEADERS | {"Content-Disposition": f"{kind}; filename*=UTF-8''{quote(stored.name, safe='')}"}
    media = type if type in INLINE else "application/octet-stream"
    return FileResponse(path, media_type=media, headers=headers)
