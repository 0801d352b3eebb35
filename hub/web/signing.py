"""Signing in and out over HTTP: the checks around the password, and the cookies."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Annotated
from urllib.parse import parse_qsl

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from hub.errors import Forbidden, HubError, InvalidInput, NotSignedIn, RateLimited
from hub.model import User
from hub.web.context import Web
from hub.web.limits import read_body, read_json
from hub.web.security import (
    CSRF_COOKIE,
    CSRF_HEADER,
    SESSION_COOKIE,
    check_origin,
    clear_session_cookie,
    is_secure,
    set_session_cookie,
)
from hub.web.table import read_as
from hub.web.text import check_json

_LARGEST = 16 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_OUT_OF_DATE = "This page was open for too long. Please load it again."


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """What the sign-in page sends, as a form or as JSON; `next` is the local address to go to afterwards."""

    username: Annotated[str, Meta(max_length=200)] = ""
    password: Annotated[str, Meta(max_length=1000)] = ""
    next: Annotated[str, Meta(max_length=2000)] | None = None
    csrf: Annotated[str, Meta(max_length=100)] | None = None


def is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


async def read_sign_in(request: Request) -> SignIn:
    """Raises InvalidInput, TooLarge."""
    return read_as(SignIn, await _read(request))  # type: ignore[no-any-return]


async def _read(request: Request) -> object:
    if is_json(request):
        return await read_json(request, _LARGEST)
    body = await read_body(request, _LARGEST)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError:
        raise InvalidInput("", "expected a form") from None
    fields = dict(pairs)
    check_json(fields)
    return fields


def page_token(request: Request) -> str:
    """The token that the sign-in page carries and the cookie repeats; kept while the browser has one."""
    token = request.cookies.get(CSRF_COOKIE, "")
    return token if _TOKEN.fullmatch(token) else secrets.token_urlsafe(24)


def keep_page_token(web: Web, request: Request, response: Response, token: str) -> None:
    response.set_cookie(
        CSRF_COOKIE, token, path="/login", httponly=True, samesite="lax", secure=is_secure(request, web.settings)
    )


async def sign_in(web: Web, request: Request, form: SignIn) -> tuple[User, str]:
    """The user and the secret for his cookie. A session that the browser had before ends.

    Raises Forbidden for another site's form, NotSignedIn `auth.failed`, RateLimited.
    """
    check_origin(request, web.settings)
    cookie = request.cookies.get(CSRF_COOKIE, "")
    given = request.headers.get(CSRF_HEADER) or form.csrf or ""
    if not _TOKEN.fullmatch(cookie) or not hmac.compare_digest(cookie.encode(), given.encode("utf-8", "replace")):
        raise Forbidden(_OUT_OF_DATE, code="auth.csrf")
    address = request.client.host if request.client else ""
    try:
        session, secret = await web.auth.sign_in(
            form.username, form.password, address, request.headers.get("user-agent", "")
        )
    except HubError as error:
        limited = isinstance(error, RateLimited)
        web.metrics.sign_ins.labels("limited" if limited else "failed" if error.status == 401 else "error").inc()
        raise
    web.metrics.sign_ins.labels("ok").inc()
    await _end_former(web, request)
    user = (await web.auth.by_session_id(session.id)).user
    request.scope["user_id"] = user.id
    return user, secret


async def _end_former(web: Web, request: Request) -> None:
    try:
        former = await web.auth.by_cookie(request.cookies.get(SESSION_COOKIE))
    except NotSignedIn:
        return
    if former.session is not None:
        await web.auth.sign_out(former.session)


def signed_in(web: Web, request: Request, response: Response, secret: str) -> Response:
    """`response` with the session's cookie."""
    set_session_cookie(response, secret, secure=is_secure(request, web.settings))
    return response


async def sign_out(web: Web, request: Request, response: Response) -> Response:
    """Ends the session of the cookie, if there is one, and gives `response` back without the cookie.

    Raises Forbidden for another site's request and one without the session's token.
    """
    check_origin(request, web.settings)
    try:
        who = await web.auth.by_cookie(request.cookies.get(SESSION_COOKIE))
    except NotSignedIn:
        who = None
    if who is not None and who.session is not None:
        given = request.headers.get(CSRF_HEADER)
        if given is None and not is_json(request):
            given = (await read_sign_in(request)).csrf
        web.auth.check_csrf(who.session, given)
        await web.auth.sign_out(who.session)
    clear_session_cookie(response, secure=is_secure(request, web.settings))
    return response


def local_path(text: str | None) -> str | None:
    """The address if it leads to a page of ours and nowhere else, whatever a browser makes of it."""
    if not text or not re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", text) or text.startswith(("/login", "/logout")):
        return None
    return text
