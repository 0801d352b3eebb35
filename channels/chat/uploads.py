"""Files that visitors send into their conversations."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from hub.errors import Forbidden, NotSignedIn, WrongPhase
from hub.files import FileStore
from hub.limits import SharedLimit
from hub.machine import OPEN
from hub.views import file_json
from hub.web.context import Web
from hub.web.files import receive
from hub.web.security import bearer, check_origin

AGENT_TYPES = ("image/*", "application/pdf", "text/*", "application/zip", "application/msword", "application/vnd.*")
PER_HOUR = 60


def routes(web: Web, files: FileStore, max_bytes: int) -> list[BaseRoute]:
    """POST /widget/files: raw body, the visitor's bearer token, X-Contact and X-File-Name."""
    hub = web.hub
    limit = SharedLimit("file.received", PER_HOUR, 3600_000, hub.bus, hub.clock)

    async def upload(request: Request) -> Response:
        check_origin(request, web.settings)
        token = bearer(request.headers)
        if token is None:
            raise NotSignedIn("Start a conversation before you send a file.")
        visitor, site_id = hub.visitors.read_token(token)
        id = request.headers.get("x-contact", "")
        row = (await hub.contacts.many([id])).get(id)
        if row is None or row.contact.visitor != visitor:
            raise Forbidden("This conversation is not yours.")
        if row.contact.phase not in OPEN:
            raise WrongPhase("This conversation has ended.")
        await limit.take(visitor)
        rules = hub.directory.site(site_id).files
        stored = await receive(
            hub,
            files,
            request,
            visitor,
            contact=id,
            max_bytes=min(max_bytes, rules.max_bytes),
            allowed=list(rules.types),
        )
        return JSONResponse({"file": file_json(stored)}, 201, headers={"Cache-Control": "no-store"})

    return [Route("/widget/files", upload, methods=["POST"])]
