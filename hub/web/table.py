"""REST routes as data: each is declared once, and from it come the route itself, OpenAPI and the tests' matrix."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.auth import SignedIn
from hub.config_rows import invalid
from hub.errors import InvalidInput, NotSignedIn
from hub.model import Session, User
from hub.permissions import Permission, require
from hub.ports import Store
from hub.service import Hub
from hub.web.context import Web
from hub.web.limits import LARGEST_BODY, read_json
from hub.web.security import (
    CSRF_HEADER,
    SESSION_COOKIE,
    bearer,
    check_origin,
    is_secure,
    set_session_cookie,
)
from hub.web.text import check_line

BASE = "/api/v1"
# "session": anyone who is signed in or shows a token. "public": everybody.
Access = Permission | Literal["public", "session"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
B = TypeVar("B", covariant=True)
Q = TypeVar("Q", covariant=True)
T = TypeVar("T")
_encoder = msgspec.json.Encoder()


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """No query parameters."""


class Input(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what callers send; unknown members are mistakes."""


@dataclass(frozen=True)
class Call(Generic[B, Q]):
    """One request, with who makes it and what was sent, already checked."""

    web: Web
    request: Request
    who: SignedIn | None
    body: B
    query: Q

    @property
    def user(self) -> User:
        assert self.who is not None, "only routes that are not public have a user"
        return self.who.user

    @property
    def hub(self) -> Hub:
        return self.web.hub

    @property
    def store(self) -> Store:
        return self.web.hub.store

    @property
    def now(self) -> int:
        return self.web.hub.clock.now()

    def path(self, name: str) -> str:
        value: str = self.request.path_params[name]
        return value


Handler = Callable[[Call[Any, Any]], Awaitable[Any]]


@dataclass(frozen=True)
class Endpoint:
    """`body`, `query` and `result` are msgspec types; a result of None is an answer without a body (204), unless
    `media` says what type of file is answered (`ranges`: also in parts)."""

    method: Method
    path: str
    access: Access
    handler: Handler
    summary: str
    query: type[Any] = Nothing
    body: Any = None
    result: Any = None
    status: int = 200
    largest: int = LARGEST_BODY
    tag: str = ""
    media: str = ""
    ranges: bool = False


class Table:
    """Collects endpoints; paths are below /api/v1."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.endpoints: list[Endpoint] = []

    def add(
        self,
        method: Method,
        path: str,
        access: Access,
        *,
        query: type[Any] = Nothing,
        body: Any = None,
        result: Any = None,
        status: int | None = None,
        largest: int = LARGEST_BODY,
        media: str = "",
        ranges: bool = False,
        summary: str,
    ) -> Callable[[Handler], Handler]:
        """Declares the decorated function as the handler of an endpoint."""

        def declare(handler: Handler) -> Handler:
            answer = status or (204 if result is None and not media else 200)
            found = Endpoint(method, path, access, handler, summary, query, body, result, answer, largest)
            self.endpoints.append(replace(found, tag=self.tag, media=media, ranges=ranges))
            return handler

        return declare


def routes(web: Web, endpoints: Iterable[Endpoint]) -> list[Route]:
    """Starlette's routes, one a path, so that a wrong method is answered with those that are right."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        methods = by_path.setdefault(endpoint.path, {})
        assert endpoint.method not in methods, f"{endpoint.method} {endpoint.path} is declared twice"
        methods[endpoint.method] = endpoint
    return [
        Route(BASE + path, _dispatch(web, methods), methods=list(methods), name=path)
        for path, methods in by_path.items()
    ]


def _dispatch(web: Web, methods: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    async def dispatch(request: Request) -> Response:
        endpoint = methods["GET" if request.method == "HEAD" else request.method]
        return await answer(web, endpoint, request)

    return dispatch


async def answer(web: Web, endpoint: Endpoint, request: Request) -> Response:
    """Checks who asks and what was sent, in this order, and lets the handler answer. Raises HubError."""
    request.scope["route_path"] = endpoint.path
    who = None
    if endpoint.access != "public":
        who = await authenticate(web, request)
        if isinstance(endpoint.access, Permission):
            require(who.user, endpoint.access)
    query = read_query(request, endpoint.query)
    body = None
    if endpoint.body is not None:
        body = read_as(endpoint.body, await read_json(request, endpoint.largest))
    result = await endpoint.handler(Call(web, request, who, body, query))
    if isinstance(result, Response):
        response = result
    elif endpoint.result is None:
        response = Response(status_code=endpoint.status)
    else:
        response = Response(_encoder.encode(result), endpoint.status, media_type="application/json")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if who is not None and who.session is not None:
        await renew_cookie(web, request, response, who.session)
    return response


async def authenticate(web: Web, request: Request) -> SignedIn:
    """Who makes the request, by bearer token or by the session's cookie.

    Raises NotSignedIn; Forbidden `auth.origin` or `auth.csrf` for a request with a cookie that no page of ours made.
    """
    token = bearer(request.headers)
    if token is not None:
        who = await web.auth.by_token(token)
    elif "authorization" in request.headers:
        raise NotSignedIn("Expected a bearer token.", code="auth.token")
    else:
        who = await web.auth.by_cookie(request.cookies.get(SESSION_COOKIE))
        check_origin(request, web.settings)
        if request.method not in ("GET", "HEAD"):
            assert who.session is not None
            web.auth.check_csrf(who.session, request.headers.get(CSRF_HEADER))
    request.scope["user_id"] = who.user.id
    web.limit.take(who.user.id, web.hub.clock.now())
    return who


async def renew_cookie(web: Web, request: Request, response: Response, session: Session) -> None:
    """Puts a new secret into the cookie when the present one is old."""
    secret = await web.auth.rotate(session)
    if secret is not None:
        set_session_cookie(response, secret, secure=is_secure(request, web.settings))


def read_query(request: Request, kind: type[T]) -> T:
    """The query string as a struct. Raises InvalidInput."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        check_line(value, "query")
        if name in given:
            raise InvalidInput(name[:60], "expected this once")
        given[name] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def read_as(kind: Any, data: Any) -> Any:
    """Decoded JSON as `kind`. Raises InvalidInput with the path of the first mistake."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def given(body: Struct) -> dict[str, Any]:
    """The members that were sent, of a struct whose others are UNSET."""
    return {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
