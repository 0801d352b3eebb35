"""Around every HTTP request: its id, its line in the log, its count, the security headers, and errors as answers."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.errors import HubError
from hub.web.context import Web
from hub.web.errors import as_hub_error, error_response, wants_page
from hub.web.security import add_headers, is_secure

log = structlog.get_logger("http")
# Turns an error into a page for a person; None: the JSON answer will do.
ErrorPage = Callable[[Request, HubError], Awaitable[Response | None]]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Asked for so often by machines that a line for each would hide the others.
_QUIET = ("/healthz", "/readyz", "/metrics", "/static/", "/socket.io/")


class Around:
    """The outermost layer of the HTTP application. WebSockets pass through untouched."""

    def __init__(self, app: ASGIApp, web: Web, error_page: ErrorPage | None = None) -> None:
        self._app, self._web, self._error_page = app, web, error_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        given = request.headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        secure = is_secure(request, self._web.settings)
        started = time.perf_counter()
        status = 500
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                add_headers(headers, request.url.path, secure=secure)
            await send(message)

        scope["request_id"] = request_id
        scope.setdefault("app", self)  # without one, Starlette answers 404 and 405 itself
        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self._app(scope, receive, send_on)
            except Exception as error:
                found = as_hub_error(error)
                if begun:
                    # Half an answer is out; only breaking the connection tells the caller.
                    raise
                # Of Starlette's own errors: which methods an address takes.
                headers = error.headers if isinstance(error, HTTPException) else None
                response = await self._error(request, found, headers)
                await response(scope, receive, send_on)
            finally:
                self._note(request, status, time.perf_counter() - started)

    async def _error(self, request: Request, error: HubError, headers: Mapping[str, str] | None) -> Response:
        if self._error_page is not None and wants_page(request):
            page = await self._error_page(request, error)
            if page is not None:
                return page
        return error_response(error, headers)

    def _note(self, request: Request, status: int, seconds: float) -> None:
        path = request.url.path
        route = str(request.scope.get("route_path") or _area(path))
        metrics = self._web.metrics
        # Whatever word a client sends as its method becomes no label of its own.
        method = request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE") else "other"
        metrics.requests.labels(method, route, str(status)).inc()
        metrics.request_seconds.labels(method, route).observe(seconds)
        if path.startswith(_QUIET) and status < 500:
            return
        log.info(
            "http.request",
            method=method,
            path=path[:200],
            status=status,
            ms=round(seconds * 1000, 1),
            address=request.client.host if request.client else "",
            user=request.scope.get("user_id"),
        )


def _area(path: str) -> str:
    """A label for paths without a declared route: few of them, whatever is asked for."""
    first = path.split("/", 2)[1] if "/" in path else ""
    known = {"", "login", "logout", "agent", "supervisor", "admin", "widget", "widget.js", "static", "files", "demo"}
    known |= {"healthz", "readyz", "metrics", "socket.io", "api"}
    return f"/{first}" if first in known else "other"
