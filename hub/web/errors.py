"""The one place where an error becomes an HTTP answer."""

from __future__ import annotations

import math
from collections.abc import Mapping

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub.errors import HubError

log = structlog.get_logger(__name__)

_HTTP = {
    404: ("http.not_found", "There is nothing at this address."),
    405: ("http.method", "This address does not take that method."),
}


def as_hub_error(error: Exception) -> HubError:
    """What the caller may know of any exception; one that nobody foresaw is logged with where it happened."""
    match error:
        case HubError():
            return error
        case HTTPException():
            code, message = _HTTP.get(error.status_code, (f"http.{error.status_code}", error.detail))
            found = HubError(message, code=code)
            found.status = error.status_code
            return found
        case _:
            log.error("http.failed", exc_info=error)
            return HubError("Something went wrong on our side. Please try again.", code="server.error")


def error_response(error: HubError, headers: Mapping[str, str] | None = None) -> Response:
    """`{"error": {"code", "message", "details"}}` with the error's status."""
    response = JSONResponse({"error": error.to_json()}, status_code=error.status, headers=headers)
    response.headers["Cache-Control"] = "no-store"
    retry = error.details.get("retry_after_ms")
    if isinstance(retry, int):
        response.headers["Retry-After"] = str(math.ceil(retry / 1000))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Contact Hub"'
    return response


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer: a browser that navigates, not a script."""
    return (
        request.method in ("GET", "HEAD", "POST")
        and not request.url.path.startswith("/api/")
        and "text/html" in request.headers.get("accept", "")
    )
