"""The demo shop "Moss & Kiln": the site that the widget is shown on, under a policy as strict as a bank's.

The shop knows nothing of the hub but what any customer's website would: the address of `/widget.js`, its own site id
and the secret that it signs its customers' identities with.
"""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from widget import demo_orders
from widget.demo import art, catalogue
from widget.demo.texts import HTML_LANG, LANGUAGES, money, script_texts, translator

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'"
)
IDENTITY_LIFETIME_S: Final = 10 * 60
CLARA: Final = {"id": "mk-1042", "name": "Clara Berg", "email": "clara@berg.example", "phone": "+493055504821"}
"""The one customer who can sign in; the shop signs for nobody else."""

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_FOLDER: Final = Path(__file__).parent / "demo"

_environment = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.update(catalogue=catalogue, products=catalogue.BY_ID, money=money)


@dataclass(frozen=True)
class Page:
    """A page: its template, what the template is given beside the common values, the part of the shop it belongs to."""

    template: str
    section: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def _pages() -> dict[str, Page]:
    """Every page of the shop by its file name."""
    pages = {
        "index.html": Page("index.html"),
        "catalogue.html": Page("catalogue.html", values={"kind": None}),
        "basket.html": Page("basket.html"),
        "checkout.html": Page("checkout.html"),
        "review.html": Page("review.html"),
        "thank-you.html": Page("thank-you.html"),
        "contact.html": Page("contact.html", "contact"),
        "studio.html": Page("studio.html", "studio"),
        "delivery.html": Page("delivery.html"),
        "privacy.html": Page("privacy.html"),
        "account.html": Page("account.html"),
    }
    for kind in catalogue.KINDS:
        pages[f"{kind}.html"] = Page("catalogue.html", kind, {"kind": kind})
    for product in catalogue.PRODUCTS:
        pages[product.page] = Page("product.html", product.kind, {"product": product})
    return pages


PAGES: Final = _pages()


def routes(site_secret: Callable[[], str], now: Callable[[], float] = time.time) -> list[BaseRoute]:
    """The shop's routes, to be mounted at /demo.

    `site_secret` gives the secret that the hub knows the site by; `now` tells the time in seconds since the epoch.
    """

    async def identity(_request: Request) -> Response:
        """What the shop's server hands to a signed-in customer's browser, for `ContactHub("identify", ...)`."""
        signed = sign_identity(CLARA, site_secret(), expires=int(now()) + IDENTITY_LIFETIME_S)
        return JSONResponse(signed, headers={**_HEADERS, "Cache-Control": "no-store"})

    return [
        Route("/identity", identity, methods=["POST"]),
        Route("/orders/{number}.json", demo_orders.order),
        Mount("/assets", _Assets(directory=_FOLDER / "assets")),
        Route("/art/{name}.svg", _art),
        Route("/data/{language}.json", _data),
        Route("/zh", _to_chinese),
        Route("/zh/", _page),
        Route("/zh/{name}", _page),
        Route("/", _page),
        Route("/{name:path}", _page),
    ]


def sign_identity(customer: Mapping[str, str], secret: str, *, expires: int) -> dict[str, object]:
    """The customer with `exp` (seconds since the epoch), a `nonce` for one use and the `hash` that vouches for both."""
    nonce = secrets.token_hex(16)
    proof = hmac.new(secret.encode(), f"{customer['id']}.{expires}.{nonce}".encode(), hashlib.sha256)
    return {**customer, "exp": expires, "nonce": nonce, "hash": proof.hexdigest()}


# The handlers below read files at their first use; being plain functions, they run on a worker thread.


class _Assets(StaticFiles):
    """Style sheets and scripts; checked anew at every use, so that an updated shop never runs on old scripts."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(_HEADERS)
        return response


def _page(request: Request) -> Response:
    """A page in the language that its path names; the shop's own 404 for anything else."""
    base: str = request.scope["root_path"]
    path: str = request.scope["path"].removeprefix(base)
    language = "zh" if path.startswith("/zh/") else "en"
    name = path.removeprefix("/zh").removeprefix("/") or "index.html"
    page = PAGES.get(name)
    content = render(name, page or Page("not-found.html"), language, base)
    return Response(content, 200 if page else 404, _HEADERS, "text/html")


def render(name: str, page: Page, language: str, base: str) -> str:
    """A page's HTML; `base` is the path that the shop is mounted at."""
    translate = translator(language)
    homes = {tongue: base + ("/" if tongue == "en" else f"/{tongue}/") for tongue in LANGUAGES}
    return _environment.get_template(f"pages/{page.template}").render(
        {
            "_": translate,
            "lang": HTML_LANG[language],
            "language": language,
            "base": base,
            "home": homes[language],
            "alternates": {tongue: homes[tongue] + (name if name in PAGES else "") for tongue in LANGUAGES},
            "name": name,
            "section": page.section,
            "art": lambda picture: _art_url(base, picture, language),
            "countries": [(code, translate(country)) for code, country in catalogue.COUNTRIES],
            "deliveries": [(way.id, translate(way.name)) for way in catalogue.DELIVERIES],
            **page.values,
        }
    )


def _to_chinese(request: Request) -> Response:
    return RedirectResponse(f"{request.scope['root_path']}/zh/", headers=_HEADERS)


def _art(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in art.NAMES:
        return Response("There is no such picture.\n", 404, _HEADERS, "text/plain")
    return Response(art.draw(name), 200, {**_HEADERS, "Cache-Control": "max-age=3600"}, "image/svg+xml")


def _data(request: Request) -> Response:
    """What the scripts need to know: products, prices and their words in the page's language."""
    language = request.path_params["language"]
    if language not in LANGUAGES:
        return Response("There is no such language.\n", 404, _HEADERS, "text/plain")
    return JSONResponse(_shop_data(language, request.scope["root_path"]), headers=_HEADERS)


def _shop_data(language: str, base: str) -> dict[str, object]:
    translate = translator(language)

    def product_data(product: catalogue.Product) -> dict[str, object]:
        glazes = {
            glaze: {
                "name": translate(catalogue.GLAZE_NAMES[glaze]),
                "title": translate(product.title, glaze=translate(catalogue.GLAZE_ADJECTIVES[glaze])),
            }
            for glaze in product.glazes
        }
        return {
            "name": translate(product.name),
            "page": product.page,
            "price": product.price,
            "portion": translate(product.portion) if product.portion else "",
            "glazes": glazes,
            "art": _art_url(base, product.views[0].art, language),
        }

    return {
        "products": {product.id: product_data(product) for product in catalogue.PRODUCTS},
        "deliveries": {way.id: {"name": translate(way.name), "price": way.price} for way in catalogue.DELIVERIES},
        "countries": {code: translate(name) for code, name in catalogue.COUNTRIES},
        "free_from": catalogue.FREE_FROM,
        "vouchers": catalogue.VOUCHERS,
        "texts": {name: translate(text) for name, text in script_texts().items()},
    }


def _art_url(base: str, picture: str, language: str) -> str:
    """The address of a picture; a `{glaze}` in its name is left for the script to fill."""
    return f"{base}/art/{art.localised(picture, language)}.svg"
