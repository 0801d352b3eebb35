"""The demo shop: every page in both languages, under its policy, with nothing that leads nowhere."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from widget import demo_shop
from widget.demo import art, catalogue, texts

SECRET = "a-secret-of-the-site"
NOW = 1_795_000_000.0
PAGES = [f"/demo/{folder}{page}" for folder in ("", "zh/") for page in ("", *demo_shop.PAGES)]
PRIVATE = {"cc-name", "cc-number", "cc-exp", "cc-csc", "one-time-code", "vat"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Mount("/demo", routes=demo_shop.routes(lambda: SECRET, now=lambda: NOW))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
        yield client


class Elements(HTMLParser):
    """All start tags of a page with their attributes, and the text inside scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style"):
            self.inline += data.strip()

    def named(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in tags]


@pytest.mark.parametrize("path", PAGES)
async def test_page_is_there_under_the_policy(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == demo_shop.CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    elements = Elements(answer.text)
    assert elements.named("html")[0]["lang"] == ("zh-CN" if "/zh/" in path else "en")
    assert elements.inline == "", "an inline script or style is refused by the policy"
    assert not elements.named("style")
    for tag, attributes in elements.found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag


@pytest.mark.parametrize("path", PAGES)
async def test_page_bears_the_widget(client: httpx.AsyncClient, path: str) -> None:
    scripts = [script["src"] for script in Elements((await client.get(path)).text).named("script")]
    assert scripts.index("/demo/assets/widget-config.js") < scripts.index("/widget.js"), "the widget reads its settings"


async def test_every_internal_link_leads_somewhere(client: httpx.AsyncClient) -> None:
    targets: set[str] = set()
    fragments: set[tuple[str, str]] = set()
    ids: dict[str, set[str | None]] = {}
    for path in PAGES:
        elements = Elements((await client.get(path)).text)
        ids[path] = {attributes["id"] for _, attributes in elements.found if "id" in attributes}
        addresses = [attributes.get("href") for attributes in elements.named("a", "link")]
        addresses += [attributes.get("src") for attributes in elements.named("img", "script")]
        for address in addresses:
            assert address
            parts = urlsplit(urljoin(path, address))
            if parts.scheme or parts.path == "/widget.js":
                assert parts.scheme in ("", "mailto", "tel"), "the shop asks nobody else for anything"
                continue
            targets.add(parts.path)
            if parts.fragment:
                fragments.add((parts.path, parts.fragment))
    for target in targets:
        assert (await client.get(target)).status_code == 200, target
    for target, fragment in fragments:
        assert fragment in ids[target], f"{target}#{fragment}"


async def test_pictures_that_scripts_choose_are_there(client: httpx.AsyncClient) -> None:
    for product in catalogue.PRODUCTS:
        for glaze in product.glazes or (None,):
            for view in range(len(product.views)):
                assert product.art(glaze, view) in art.NAMES
    for name in art.NAMES:
        picture = await client.get(f"/demo/art/{name}.svg")
        assert picture.headers["content-type"].startswith("image/svg+xml")
        drawing = ElementTree.fromstring(picture.text)
        assert not [element for element in drawing.iter() if "style" in element.attrib], "the policy refuses them"
    assert (await client.get("/demo/art/kyusu-gold.svg")).status_code == 404


@pytest.mark.parametrize("path", ["/demo/nowhere.html", "/demo/zh/nowhere.html", "/demo/a/b", "/demo/zh/%2e%2e/x"])
async def test_unknown_page_is_the_shops_own(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-security-policy"] == demo_shop.CONTENT_SECURITY_POLICY


def test_there_is_enough_to_look_at() -> None:
    assert len([page for page in demo_shop.PAGES if page.startswith("product-")]) >= 4
    for page in ("index", "catalogue", "basket", "checkout", "contact", "studio", "thank-you", "account"):
        assert f"{page}.html" in demo_shop.PAGES


@pytest.mark.parametrize("folder", ["", "zh/"])
async def test_checkout_has_its_fields(client: httpx.AsyncClient, folder: str) -> None:
    elements = Elements((await client.get(f"/demo/{folder}checkout.html")).text)
    fields = {field["name"]: field for field in elements.named("input", "select")}
    labelled = {label["for"] for label in elements.named("label")}
    assert len(fields) >= 20
    assert set(fields) <= labelled
    assert {name for name, field in fields.items() if "data-private" in field} == PRIVATE
    shared = {name for name, field in fields.items() if field.get("data-cobrowse") == "allow"}
    assert {"postcode", "city", "street"} <= shared
    assert not shared & PRIVATE
    assert fields["one-time-code"]["autocomplete"] == "one-time-code"
    assert fields["cc-number"]["autocomplete"] == "cc-number"


async def test_nothing_but_the_shops_customer_is_signed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/demo/identity", json={"id": "somebody-else", "name": "Mallory"})
    signed = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert {key: signed[key] for key in demo_shop.CLARA} == demo_shop.CLARA
    assert signed["exp"] == NOW + demo_shop.IDENTITY_LIFETIME_S
    message = f"{signed['id']}.{signed['exp']}.{signed['nonce']}"
    assert signed["hash"] == hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
    assert (await client.post("/demo/identity")).json()["nonce"] != signed["nonce"], "a nonce is for one use"
    assert (await client.get("/demo/identity")).status_code in (404, 405)


async def test_secret_is_nowhere_to_be_read(client: httpx.AsyncClient) -> None:
    for path in (*PAGES, "/demo/data/en.json", "/demo/data/zh.json"):
        assert SECRET not in (await client.get(path)).text


async def test_scripts_get_the_catalogue_in_their_language(client: httpx.AsyncClient) -> None:
    english = (await client.get("/demo/data/en.json")).json()
    chinese = (await client.get("/demo/data/zh.json")).json()
    assert english["products"]["kyusu"]["price"] == chinese["products"]["kyusu"]["price"] == 8400
    assert english["products"]["kyusu"]["glazes"]["celadon"]["title"] == "Kyusu teapot in celadon glaze"
    assert chinese["products"]["sencha"]["art"] == "/demo/art/sencha-zh.svg"
    assert english["texts"].keys() == chinese["texts"].keys()
    assert (await client.get("/demo/data/xx.json")).status_code == 404


def test_every_product_goes_with_others() -> None:
    for product in catalogue.PRODUCTS:
        assert product.kind in catalogue.KINDS
        assert len({*product.goes_with, product.id}) == 5
        assert set(product.goes_with) <= catalogue.BY_ID.keys()


def test_chinese_is_complete_and_holds_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()

    def recording(language: str) -> texts.Translate:
        translate = texts.translator(language)

        def record(text: str, /, **values: object) -> str:
            used.add(text)
            return translate(text, **values)

        return record

    monkeypatch.setattr(demo_shop, "translator", recording)
    for name, page in (*demo_shop.PAGES.items(), ("nowhere", demo_shop.Page("not-found.html"))):
        demo_shop.render(name, page, "zh", "/demo")
    demo_shop._shop_data("zh", "/demo")
    chinese = json.loads((texts._FOLDER / "zh.json").read_text(encoding="utf-8"))
    assert set(chinese) == used
    for english, words in chinese.items():
        assert set(re.findall(r"{\w+}", words)) == set(re.findall(r"{\w+}", english)), english


def test_texts_of_the_scripts_are_used_by_them() -> None:
    scripts = "".join(file.read_text(encoding="utf-8") for file in (demo_shop._FOLDER / "assets").glob("*.js"))
    said = set(re.findall(r'say\("(\w+)"', scripts)) | set(re.findall(r'step\(-?1, "(\w+)"', scripts))
    assert said == texts.script_texts().keys()


@pytest.mark.parametrize(("cents", "written"), [(0, "€\u00a00.00"), (490, "€\u00a04.90"), (123456, "€\u00a01,234.56")])
def test_money(cents: int, written: str) -> None:
    assert texts.money(cents) == written
