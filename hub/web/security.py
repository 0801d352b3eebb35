"""What every answer carries so that browsers keep us safe, and where a request may come from."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response

from hub.errors import Forbidden

SESSION_COOKIE = "ch_session"
CSRF_COOKIE = "ch_csrf"
CSRF_HEADER = "x-csrf-token"

# What is not a page can do nothing at all when a browser is made to show it.
INERT_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# Of our own built files; a worker lives under the policy of its script.
STATIC_CSP = "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'"


class WebSettings(Struct, frozen=True):
    """`public_urls` are the origins the hub is reached at, the first one the main one; none: the request's own Host.

    `metrics_from` are the addresses that may read /metrics without signing in.
    """

    public_urls: tuple[str, ...] = ()
    metrics_from: tuple[str, ...] = ("127.0.0.1", "::1")
    requests_per_minute: int = 1200


def origin_of(url: str) -> str | None:
    """scheme://host[:port] in lower case without a default port; None for what has no such thing."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")


def own_origins(connection: HTTPConnection, settings: WebSettings) -> frozenset[str]:
    """The origins whose pages are ours."""
    given = {origin for url in settings.public_urls if (origin := origin_of(url))}
    # A socket's address says ws: and wss: where its page's origin says http: and https:.
    if not given and (origin := origin_of(re.sub("^ws", "http", str(connection.url)))):
        given = {origin}
    return frozenset(given)


def is_secure(connection: HTTPConnection, settings: WebSettings) -> bool:
    """Whether the browser reached us over https."""
    return connection.url.scheme in ("https", "wss") or any(url.startswith("https:") for url in settings.public_urls)


def check_origin(connection: HTTPConnection, settings: WebSettings) -> None:
    """Raises Forbidden `auth.origin` for a request that a page of another origin made. Browsers always say so."""
    headers = connection.headers
    origin = headers.get("origin")
    if origin is not None:
        if origin_of(origin) not in own_origins(connection, settings):
            raise Forbidden("This request came from another site and was refused.", code="auth.origin")
    elif headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Forbidden("This request came from another site and was refused.", code="auth.origin")


def page_csp(connection: HTTPConnection, settings: WebSettings, frame_ancestors: str = "'none'") -> str:
    """The policy of our pages: nothing inline, nothing from elsewhere, in nobody's frame unless said otherwise."""
    # Browsers that do not count ws:// as part of 'self' need it said.
    sockets = sorted(origin.replace("http", "ws", 1) for origin in own_origins(connection, settings))
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "font-src 'self'",
            "media-src 'self' blob:",
            " ".join(["connect-src 'self'", *sockets]),
            "worker-src 'self'",
            "frame-src 'self'",  # mails, each under a policy of its own
            "manifest-src 'self'",
            f"frame-ancestors {frame_ancestors}",
            "base-uri 'none'",
            "form-action 'self'",
        ]
    )


def add_headers(headers: MutableHeaders, path: str, *, secure: bool) -> None:
    """The headers of every answer; what a route has set itself stays."""
    headers.setdefault("content-security-policy", STATIC_CSP if path.startswith("/static/") else INERT_CSP)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if secure:
        headers.setdefault("strict-transport-security", "max-age=31536000")


_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), payment=(), usb=(), browsing-topics=(), microphone=(self)",
}


def set_session_cookie(response: Response, secret: str, *, secure: bool) -> None:
    """A cookie without an end of its own: the server knows when the session is over."""
    response.set_cookie(SESSION_COOKIE, secret, path="/", httponly=True, samesite="lax", secure=secure)


def clear_session_cookie(response: Response, *, secure: bool) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=secure)


def bearer(headers: Headers) -> str | None:
    """The token of an Authorization header of the kind Bearer."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None
