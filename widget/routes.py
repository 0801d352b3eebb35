"""The widget's HTTP routes: the loader, a site's settings for it, the panel's page and its languages."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hub.errors import NotFound
from hub.web.assets import Assets
from hub.web.context import Web
from hub.web.security import origin_of, page_csp
from widget.settings import Settings
from widget.words import Words

Json = dict[str, Any]

# The loader and the settings are for pages of any origin, under whatever policy those have.
_FOR_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def routes(web: Web, assets: Assets, public_site: Callable[[str], Json]) -> list[BaseRoute]:
    """`public_site(id)` is SitePublic as it stands now; it raises NotFound. Reads files, once, when called."""
    words = Words()
    settings = Settings(words)
    loader = (assets.folder / assets.rows["widget"].file).read_bytes()

    def asked_locale(request: Request) -> str:
        return request.query_params.get("locale", "")[:35]

    async def widget_js(request: Request) -> Response:
        return _cached(request, loader, "text/javascript", 300, _FOR_ALL)

    async def site_script(request: Request) -> Response:
        # A call, not data: a host page that lets our script in need not let us fetch as well.
        given = settings.launcher(public_site(request.path_params["id"]), asked_locale(request))
        script = f'window.ContactHub&&window.ContactHub("settings",{_json(given)})'
        return _cached(request, script.encode(), "text/javascript", 30, _FOR_ALL)

    async def site_json(request: Request) -> Response:
        site = public_site(request.path_params["id"])
        return _cached(request, _json(site).encode(), "application/json", 30, _FOR_ALL)

    async def language(request: Request) -> Response:
        strings = words.languages.get(request.path_params["locale"])
        if strings is None:
            raise NotFound("language")
        return _cached(request, _json(strings).encode(), "application/json", 300, {})

    async def panel(request: Request) -> Response:
        site = public_site(request.query_params.get("site", "")[:64])
        boot = settings.boot(site, asked_locale(request)) | {
            "worker": assets.url("work.worker"),
            "sharing": {
                "companion": assets.url("companion"),
                "recorder": assets.url("cobrowse"),
                "pictures": assets.url("pictures"),
            },
        }
        page = _panel_page(boot, assets)
        # A site's pages may frame it, and our own.
        policy = page_csp(request, web.settings, " ".join(["'self'", *site["allowed_origins"]]))
        if origin := origin_of(site["theme"]["logo"] or ""):
            policy = policy.replace("img-src 'self'", f"img-src 'self' {origin}")
        return Response(
            page, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"}, media_type="text/html"
        )

    return [
        Route("/widget.js", widget_js),
        Route("/widget/sites/{id}.js", site_script),
        Route("/widget/sites/{id}", site_json),
        Route("/widget/locales/{locale}.json", language),
        Route("/widget/panel", panel),
    ]


def _cached(request: Request, content: bytes, media_type: str, seconds: int, headers: dict[str, str]) -> Response:
    """The content with an ETag, or 304 for who has it already."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**headers, "ETag": tag, "Cache-Control": f"public, max-age={seconds}"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def _json(value: Any) -> str:
    """JSON that may stand in a script and in a page: `<` is escaped, so nothing in it can end either."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _panel_page(boot: Json, assets: Assets) -> str:
    """The panel's page; it holds what its first picture needs, so that nothing else has to be asked for."""
    site, strings = boot["site"], boot["strings"]
    scheme = site["theme"]["scheme"]
    theme = "" if scheme == "auto" else f' data-theme="{scheme}"'
    links = [f'<link rel="stylesheet" href="{url}">' for url in assets.styles("panel")]
    links += [f'<link rel="modulepreload" href="{url}">' for url in assets.preload("panel")]
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{boot["locale"]}" dir="{strings["_"]["dir"]}"{theme}>',
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">',
            '<meta name="robots" content="noindex">',
            f"<title>{html.escape(strings['title'])} - {html.escape(site['name'])}</title>",
            *links,
            '<div id="app"></div>',
            f'<script type="application/json" id="boot">{_json(boot)}</script>',
            f'<script type="module" src="{assets.url("panel")}"></script>',
            "</html>",
            "",
        ]
    )
