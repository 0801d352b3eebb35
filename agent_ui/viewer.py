"""The page in which agents see customers' pages, for an origin of its own: another port or, better, another host name.

Whatever a customer's page holds is rebuilt in there. So that origin knows nobody (it reads no cookie and sets none),
answers with this page and its own few files only, and the page's policy lets nothing be fetched and no script run but
its own. On another port of the hub's own host the browser sends the hub's cookies along with these few requests, as
cookies do not know ports; they are not looked at, and scripts cannot read them.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from hub.web.assets import Assets

ENTRY = "viewer"
_FOREVER = "public, max-age=31536000, immutable"


def policy(hub_origins: Sequence[str]) -> str:
    """Of the viewer's page, and so of the mirrored page in it, which has no address of its own."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            # The mirrored page's own styles; they can fetch nothing but what is written in them.
            "style-src 'self' 'unsafe-inline'",
            "img-src data: blob:",
            "font-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {' '.join(hub_origins)}",
            "sandbox allow-scripts allow-same-origin",
        ]
    )


def headers(hub_origins: Sequence[str]) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy(hub_origins),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Origin-Agent-Cluster": "?1",
        "X-DNS-Prefetch-Control": "off",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), clipboard-read=()",
    }


def viewer_app(assets: Assets, hub_origins: Callable[[Request], Sequence[str]]) -> ASGIApp:
    """`hub_origins` are those whose pages may frame it; the first is the one it speaks to. Reads files when called."""
    row = assets.rows[ENTRY]
    names = [row.file, *row.imports, *([row.css] if row.css else [])]
    files = {name: (assets.folder / name).read_bytes() for name in names}
    head, rest = (
        '<!doctype html>\n<html lang="en" data-hub="{hub}">\n',
        "\n".join(
            [
                '<meta charset="utf-8">',
                '<meta name="robots" content="noindex">',
                "<title>Shared page</title>",
                *(f'<link rel="stylesheet" href="{url}">' for url in assets.styles(ENTRY)),
                '<div id="mirror" inert></div><div id="pointer" hidden></div>',
                '<div id="hand"></div><div id="chosen" hidden></div>',
                f'<script type="module" src="{assets.url(ENTRY)}"></script>',
                "</html>",
                "",
            ]
        ),
    )

    async def page(request: Request) -> Response:
        origins = hub_origins(request)
        text = head.format(hub=html.escape(origins[0])) + rest
        return Response(text, headers={**headers(origins), "Cache-Control": "no-cache"}, media_type="text/html")

    async def file(request: Request) -> Response:
        name, common = request.path_params["name"], headers(hub_origins(request))
        if name not in files:
            return Response(status_code=404, headers=common)
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return Response(files[name], headers={**common, "Cache-Control": _FOREVER}, media_type=kind)

    async def nothing(request: Request) -> Response:
        return Response(status_code=404, headers=headers(hub_origins(request)))

    return Router([Route("/", page), Route("/static/{name}", file), Route("/{path:path}", nothing)])
