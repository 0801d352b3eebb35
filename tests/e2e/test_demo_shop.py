"""The demo shop in a real browser: buying, the policy, small screens, the keyboard, axe, and what it tells the widget.

The hub is not there: the shop has to work where the widget's script does not load.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.e2e.people import until
from tests.peers import CHECKOUT
from widget import demo_shop

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ONE_OF_EACH = [
    "index.html",
    "catalogue.html",
    "tea.html",
    "product-kyusu.html",
    "product-tray.html",
    "basket.html",
    "checkout.html",
    "review.html",
    "thank-you.html",
    "contact.html",
    "studio.html",
    "delivery.html",
    "privacy.html",
    "account.html",
    "nowhere.html",
]
DETAILS = {
    "E-mail": "clara@berg.example",
    "Phone, for the courier": "+49 30 5550 4821",
    "First name": "Clara",
    "Last name": "Berg",
    "Street": "Kastanienallee",
    "Number": "12",
    "Postcode": "10435",
    "City": "Berlin",
    "Name on the card": "Clara Berg",
    "Card number": "4242 4242 4242 4242",
    "Valid until": "09 / 48",
    "Security code": "418",
    "One-time code from your bank": "123456",
}


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The address of the shop's English pages."""
    app = Starlette(routes=[Mount("/demo", routes=demo_shop.routes(lambda: "a-secret-of-the-site"))])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/demo/"
    server.should_exit = True
    thread.join()


@dataclass
class Visit:
    """A visitor's page, and what went wrong on it."""

    page: Page
    wrong: list[str]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """A new visitor on a desktop; the page may not break the policy nor raise an error."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(10_000)
    visit = Visit(context.new_page(), [])
    visit.page.on("pageerror", lambda error: visit.wrong.append(str(error)))
    visit.page.on(
        "console", lambda said: visit.wrong.append(said.text) if "Content Security Policy" in said.text else None
    )
    yield visit
    context.close()
    assert visit.wrong == []


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's source."""
    if AXE.exists():
        return AXE.read_text(encoding="utf-8")
    if os.environ.get("CI") == "true":
        pytest.fail("axe-core is missing, and CI needs it: npm ci")
    pytest.skip("axe-core is missing: npm ci")


def violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(
        "async (tags) => (await axe.run(document, {runOnly: {type: 'tag', values: tags}})).violations", AXE_TAGS
    )
    return [f"{page.url}: {each['id']} at {each['nodes'][0]['target']}: {each['help']}" for each in found]


def add_to_basket(page: Page, shop: str, product: str) -> None:
    page.goto(f"{shop}product-{product}.html")
    page.get_by_role("button", name="Add to basket").click()
    expect(page.get_by_role("status").filter(has_text="In your basket")).to_be_visible()


def fill_in(page: Page) -> None:
    for label, value in DETAILS.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("I have read how delivery").check()


def test_buying_a_pot(visit: Visit, shop: str) -> None:
    page = visit.page
    page.goto(f"{shop}product-kyusu.html")
    page.get_by_text("Celadon", exact=True).locator("..").locator("input").check()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kyusu teapot in celadon glaze")
    page.get_by_role("button", name="One more").click()
    page.get_by_role("button", name="Add to basket").click()
    expect(page.get_by_role("link", name="Basket, 2")).to_be_visible()
    add_to_basket(page, shop, "cups")

    page.goto(f"{shop}basket.html")
    lines = page.get_by_role("main").get_by_role("listitem").filter(has=page.get_by_role("button", name="Remove"))
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("€\u00a0168.00")
    page.get_by_role("button", name="One fewer: Kyusu teapot, Celadon").click()
    expect(lines.first).to_contain_text("€\u00a084.00")
    totals = page.get_by_role("complementary")
    expect(totals).to_contain_text("Goods€\u00a0120.00")
    expect(totals).to_contain_text("Together€\u00a0124.90")

    page.get_by_role("link", name="Go to checkout").click()
    fill_in(page)
    page.get_by_label("Voucher").fill("firstcup")
    expect(totals).to_contain_text("Together€\u00a0112.90")
    page.get_by_role("button", name="Review and order").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Review your order")
    expect(page.get_by_role("main")).to_contain_text("10435 Berlin")
    expect(page.get_by_role("main")).to_contain_text("Card ending in 4242")
    page.get_by_role("button", name="Order and pay €\u00a0112.90").click()

    page.wait_for_url("**/thank-you.html")
    expect(page.get_by_role("main")).to_contain_text("Thank you, Clara")
    page.get_by_role("link", name="Basket", exact=True).click()
    expect(page.get_by_role("heading", name="Your basket is empty")).to_be_visible()


def test_checkout_says_what_is_wrong(visit: Visit, shop: str) -> None:
    page = visit.page
    add_to_basket(page, shop, "tray")
    page.goto(f"{shop}checkout.html")
    fill_in(page)
    postcode = page.get_by_label("Postcode")
    postcode.fill("1043")
    page.get_by_label("Card number").fill("4242 4242 4242 4243")
    page.get_by_label("City").fill("")
    page.get_by_role("button", name="Review and order").click()
    expect(page.get_by_role("alert")).to_have_text("3 fields need another look.")
    expect(postcode).to_be_focused()
    expect(postcode).to_have_accessible_description("This postcode is one digit short: it has 5 digits.")
    expect(page.get_by_label("Card number")).to_have_accessible_description(
        "One digit of this card number is mistyped."
    )
    postcode.fill("10435")
    expect(postcode).not_to_have_attribute("aria-invalid", "true")


def test_nothing_that_could_pay_is_kept(visit: Visit, shop: str) -> None:
    page = visit.page
    add_to_basket(page, shop, "bowl")
    page.goto(f"{shop}checkout.html")
    fill_in(page)
    page.get_by_label("VAT number").fill("DE811569869")
    page.get_by_role("button", name="Review and order").click()
    page.wait_for_url("**/review.html")
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "Kastanienallee" in kept
    for secret in ("4242 4242", "42424242", "418", "123456", "09 / 48", "DE811569869"):
        assert secret not in kept


def test_two_tabs_agree_on_the_basket(visit: Visit, shop: str) -> None:
    other = visit.page.context.new_page()
    other.goto(f"{shop}index.html")
    add_to_basket(visit.page, shop, "sencha")
    expect(other.get_by_role("link", name="Basket, 1")).to_be_visible()


def test_basket_survives_strange_contents(visit: Visit, shop: str) -> None:
    page = visit.page
    for strange in ("{", "null", "7", '[{"product": "gone", "glaze": "", "quantity": 1}]', '[{"quantity": -5}]'):
        page.goto(f"{shop}index.html")
        page.evaluate("(text) => localStorage.setItem('moss-kiln.basket', text)", strange)
        page.goto(f"{shop}basket.html")
        expect(page.get_by_role("heading", name="Your basket is empty")).to_be_visible()


def test_buying_with_the_keyboard_only(visit: Visit, shop: str) -> None:
    page = visit.page
    page.goto(f"{shop}product-gaiwan.html")

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent.trim()") == name:
                return
        pytest.fail(f"{name} is not reached by Tab")

    tab_to("Skip to the content")
    page.keyboard.press("Enter")
    tab_to("One more")
    page.keyboard.press("Space")
    tab_to("Add to basket")
    page.keyboard.press("Enter")
    tab_to("See basket")
    page.keyboard.press("Enter")
    page.wait_for_url("**/basket.html")
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    tab_to("Remove Gaiwan, Celadon")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="See the teapots")).to_be_focused()


def test_signing_in_introduces_the_customer_to_the_widget(visit: Visit, shop: str) -> None:
    page = visit.page

    def calls() -> list[list[object]]:
        found: list[list[object]] = json.loads(
            page.evaluate("JSON.stringify((ContactHub.q || []).map((call) => Array.from(call)))")
        )
        return found

    page.goto(f"{shop}account.html")
    page.get_by_role("button", name="Sign in as Clara Berg").click()
    expect(page.get_by_role("status")).to_have_text("You are signed in as Clara Berg.")
    [[name, identity]] = calls()
    assert name == "identify"
    assert isinstance(identity, dict)
    assert set(identity) == {"id", "name", "email", "phone", "exp", "nonce", "hash"}

    page.goto(f"{shop}studio.html")
    expect(page.get_by_role("link", name="Clara")).to_be_visible()
    until(page, "ContactHub.q?.length > 0")
    [[name, again]] = calls()
    assert isinstance(again, dict)
    assert again["nonce"] != identity["nonce"]

    page.goto(f"{shop}account.html")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in as Clara Berg")).to_be_focused()
    assert calls()[-1] == ["logout"]


@pytest.mark.parametrize(("folder", "width"), [("", 1440), ("zh/", 390)])
def test_axe_finds_nothing(visit: Visit, shop: str, axe: str, folder: str, width: int) -> None:
    page = visit.page
    page.set_viewport_size({"width": width, "height": 900})
    found: list[str] = []
    for name in ONE_OF_EACH:
        page.goto(f"{shop}{folder}{name}", wait_until="networkidle")
        found += violations(page, axe)
    assert found == []


def test_axe_finds_nothing_in_use(visit: Visit, shop: str, axe: str) -> None:
    page = visit.page
    add_to_basket(page, shop, "kyusu")
    found = violations(page, axe)
    page.goto(f"{shop}basket.html", wait_until="networkidle")
    found += violations(page, axe)
    page.goto(f"{shop}checkout.html", wait_until="networkidle")
    page.get_by_role("button", name="Review and order").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += violations(page, axe)
    fill_in(page)
    page.get_by_role("button", name="Review and order").click()
    page.wait_for_url("**/review.html")
    page.wait_for_load_state("networkidle")
    found += violations(page, axe)
    page.goto(f"{shop}account.html")
    page.get_by_role("button", name="Sign in as Clara Berg").click()
    expect(page.get_by_role("status")).to_be_visible()
    found += violations(page, axe)
    assert found == []


@pytest.mark.parametrize("folder", ["", "zh/"])
def test_nothing_sticks_out_of_a_small_screen(visit: Visit, shop: str, folder: str) -> None:
    page = visit.page
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{shop}index.html")
    full = [
        {"product": "kyusu", "glaze": "tenmoku", "quantity": 12},
        {"product": "hojicha", "glaze": "", "quantity": 99},
    ]
    page.evaluate("(lines) => localStorage.setItem('moss-kiln.basket', JSON.stringify(lines))", full)
    for name in ONE_OF_EACH:
        page.goto(f"{shop}{folder}{name}", wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, name
