"""Files that visitors send into their conversations, and with the form "E-mail us"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

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
FORM = "form"
"""In the place of a contact: a form that is being filled in; the bearer is its solved puzzle then."""


def routes(
    web: Web, files: FileStore, max_bytes: int, form: Callable[[str], Awaitable[tuple[str, str]]]
) -> list[BaseRoute]:
    """POST /widget/files: raw body, the visitor's bearer token, X-Contact and X-File-Name.

    `form` is told a form's bearer and gives (site, what stands in the place of a contact); it raises NotSignedIn.
    """
    hub = web.hub
    limit = SharedLimit("file.received", PER_HOUR, 3600_000, hub.bus, hub.clock)

    async def upload(request: Request) -> Response:
        check_origin(request, web.settings)
        token = bearer(request.headers)
        if token is None:
            raise NotSignedIn("Start a conversation before you send a file.")
        id = request.headers.get("x-contact", "")
        if id == FORM:
            site_id, id = await form(token)
            uploader = id
            await limit.take(request.client.host if request.client else "")
        else:
            uploader, site_id = hub.visitors.read_token(token)
            row = (await hub.contacts.many([id])).get(id)
            if row is None or row.contact.visitor != uploader:
                raise Forbidden("This conversation is not yours.")
            if row.contact.phase not in OPEN:
                raise WrongPhase("This conversation has ended.")
            await limit.take(uploader)
        rules = hub.directory.site(site_id).files
        stored = await receive(
            hub,
            files,
            request,
            uploader,
            contact=id,
            max_bytes=min(max_bytes, rules.max_bytes),
            allowed=list(rules.types),
        )
        return JSONResponse({"file": file_json(stored)}, 201, headers={"Cache-Control": "no-store"})

    return [Route("/widget/files", upload, methods=["POST"])]
