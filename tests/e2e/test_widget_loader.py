"""The loader on other people's pages: what it needs, what it leaves alone, and how everything is put back."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import People
from tests.e2e.people import PHONE, until
from tests.hub import DemoHub

# What a shop with a bank's policy has to add for us: our script and our frame, nothing else.
STRICT = "default-src 'none'; script-src 'nonce-host' {hub}; style-src 'self'; frame-src {hub}; connect-src 'none'"
HOST = """<!doctype html><html lang="en"><title>Their page</title><meta name="viewport" content="width=device-width">
<script nonce="host">
  window.seen = [];
  window.onerror = (message) => seen.push("error: " + message);
  addEventListener("unhandledrejection", (event) => seen.push("rejection: " + event.reason));
  document.addEventListener("securitypolicyviolation", (event) => seen.push("policy: " + event.violatedDirective));
  window.contactHub = {site: "demo"};
  window.ContactHub = function () { (ContactHub.q = ContactHub.q || []).push(arguments) };
  %s
</script>
<script async src="{hub}/widget.js"></script>
<h1>Their page</h1><button>Theirs</button><div class="tall"></div>
"""


class HostSite:
    """A web server of somebody else's, whose pages hold the widget; `pages` are (headers, HTML) by path."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[dict[str, str], str]] = {}
        pages = self.pages

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers, html = pages.get(self.path.partition("?")[0], ({}, ""))
                self.send_response(200 if html else 404)
                for name, value in {"Content-Type": "text/html", "Content-Length": str(len(html)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def allow(hub: DemoHub, origin: str) -> None:
    """The administrator adds an origin to the demo's site."""
    with httpx.Client(base_url=hub.url, headers={"Origin": hub.url}, trust_env=False) as client:
        csrf = re.search(r'name="csrf"[^>]*(?:value|content)="([^"]+)"', client.get("/login").text)
        assert csrf is not None
        signed_in = {"X-CSRF-Token": csrf[1]}
        client.post("/login", json={"username": "admin", "password": "demo"}, headers=signed_in).raise_for_status()
        boot = re.search(r'id="boot">(.*?)</script>', client.get("/admin").text, re.DOTALL)
        assert boot is not None
        site = client.get("/api/v1/sites/demo").raise_for_status().json()
        site["allowed_origins"].append(origin)
        body = {name: value for name, value in site.items() if name not in ("id", "updated_at", "identity_secret")}
        csrf_header = {"X-CSRF-Token": json.loads(boot[1])["csrf"]}
        answer = client.put("/api/v1/sites/demo", json=body, headers=csrf_header)
        assert answer.is_success, answer.text


@pytest.fixture(scope="module")
def site(shared_hub: DemoHub) -> Iterator[HostSite]:
    site = HostSite()
    allow(shared_hub, site.origin)
    yield site
    site.server.shutdown()
    site.server.server_close()


class HostPage:
    """A page of another origin that holds the widget."""

    def __init__(
        self, context: BrowserContext, hub: DemoHub, site: HostSite, script: str = "", policy: str = STRICT
    ) -> None:
        self.hub = hub
        self.page: Page = context.new_page()
        self.origin = site.origin
        headers = {"Content-Security-Policy": policy.replace("{hub}", hub.url)} if policy else {}
        site.pages["/host"] = (headers, (HOST % script).replace("{hub}", hub.url))

    def go(self, path: str = "/host") -> HostPage:
        self.page.goto(self.origin + path)
        return self

    @property
    def launcher(self) -> Any:
        return self.page.get_by_role("button", name="Talk to an agent")

    @property
    def widget(self) -> Any:
        return self.page.frame_locator("iframe")

    @property
    def seen(self) -> list[Any]:
        seen: list[Any] = self.page.evaluate("window.seen")
        return seen


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    context.set_default_timeout(15_000)
    yield context
    context.close()


def stored(page: Page) -> dict[str, Any]:
    """All that the page's origin and the hub's keep in this browser."""
    script = """async () => ({local: {...localStorage}, session: {...sessionStorage}, cookies: document.cookie,
                              databases: (await indexedDB.databases()).length})"""
    return {frame.url.split("/")[2]: frame.evaluate(script) for frame in page.frames}


NOTHING = {"local": {}, "session": {}, "cookies": "", "databases": 0}


def test_it_works_under_a_strict_policy_and_stores_nothing_before_the_visitor_acts(
    context: BrowserContext, shared_hub: DemoHub, site: HostSite
) -> None:
    host = HostPage(context, shared_hub, site).go()
    requests: list[str] = []
    host.page.on("request", lambda request: requests.append(request.url))
    expect(host.launcher).to_be_visible()
    assert host.page.locator("iframe").count() == 0, "the frame is made when it is first needed"
    before = host.page.evaluate("[getComputedStyle(document.querySelector('h1')).font, document.title]")
    host.launcher.click()
    expect(host.widget.get_by_role("dialog", name="Talk to us")).to_be_visible()
    expect(host.widget.get_by_role("button", name="Chat")).to_be_visible()
    host.widget.get_by_role("button", name="Chat").click()
    expect(host.widget.get_by_role("textbox", name="Name")).to_be_visible()
    host.page.wait_for_timeout(800)
    assert stored(host.page) == {site.origin.split("/")[2]: NOTHING, f"127.0.0.1:{shared_hub.port}": NOTHING}
    assert context.cookies() == []
    assert host.seen == []
    assert host.page.evaluate("[getComputedStyle(document.querySelector('h1')).font, document.title]") == before
    assert host.page.evaluate("document.querySelectorAll('style, [style]').length") == 0
    assert all(url.startswith(shared_hub.url) for url in requests)


def test_it_needs_no_more_under_trusted_types(context: BrowserContext, shared_hub: DemoHub, site: HostSite) -> None:
    policy = STRICT + "; require-trusted-types-for 'script'; trusted-types contacthub"
    host = HostPage(context, shared_hub, site, policy=policy).go()
    host.launcher.click()
    expect(host.widget.get_by_role("button", name="Chat")).to_be_visible()
    assert host.seen == []


def test_a_page_that_the_site_does_not_name_cannot_frame_the_panel(
    context: BrowserContext, shared_hub: DemoHub
) -> None:
    elsewhere = HostSite()
    address = f"{shared_hub.url}/widget/panel?site=demo&origin={elsewhere.origin}"
    elsewhere.pages["/"] = ({}, f'<iframe src="{address}"></iframe>')
    page = context.new_page()
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(elsewhere.origin)
    assert page.frames[1].locator("#app").count() == 0
    elsewhere.server.shutdown()
    elsewhere.server.server_close()


@pytest.mark.parametrize("what", ["/widget.js", "/widget/sites/", "/widget/panel"])
def test_a_failed_load_breaks_nothing(context: BrowserContext, shared_hub: DemoHub, site: HostSite, what: str) -> None:
    host = HostPage(context, shared_hub, site, 'ContactHub("open"); ContactHub("identify", {id: "x"});')
    host.page.route(f"{shared_hub.url}{what}*", lambda route: route.abort())
    host.page.route(f"{shared_hub.url}{what}**", lambda route: route.abort())
    host.page.clock.install()
    host.go()
    host.page.get_by_role("button", name="Theirs").click()
    assert host.page.evaluate("document.readyState") == "complete"
    if what == "/widget/panel":
        host.page.locator("iframe").wait_for(state="attached")
        host.page.clock.run_for(16_000)
        expect(host.page.get_by_role("dialog").get_by_text("We cannot connect you just now.")).to_be_visible()
        host.page.unroute(f"{shared_hub.url}{what}*")
        host.page.unroute(f"{shared_hub.url}{what}**")
        host.page.get_by_role("button", name="Try again").click()
        expect(host.widget.get_by_role("button", name="Chat")).to_be_visible()
    assert host.seen == []


def test_the_api_answers_before_and_after_loading_and_guards_the_page_from_itself(
    context: BrowserContext, shared_hub: DemoHub, site: HostSite
) -> None:
    script = """
      ContactHub("on", "open", () => { seen.push("open"); throw new Error("theirs") });
      ContactHub("on", "close", () => seen.push("close"));
      ContactHub("email");
    """
    host = HostPage(context, shared_hub, site, script).go()
    expect(host.widget.get_by_role("heading", name="E-mail us")).to_be_visible()
    host.page.evaluate("ContactHub('close')")
    expect(host.launcher).to_be_visible()
    host.page.evaluate("ContactHub('chat')")
    expect(host.widget.get_by_role("button", name="Start chat")).to_be_visible()
    host.page.evaluate("ContactHub('close')")
    host.page.evaluate("ContactHub('open')")
    host.page.evaluate("ContactHub('callback')")
    expect(host.widget.get_by_role("button", name="Request callback")).to_be_visible()
    host.page.evaluate("ContactHub('no such thing', {}); ContactHub()")
    assert [event for event in host.seen if "error" not in event] == ["open", "close", "open", "close", "open"]
    assert not any("error" in event for event in host.seen)


def test_focus_goes_in_and_comes_back(context: BrowserContext, shared_hub: DemoHub, site: HostSite) -> None:
    host = HostPage(context, shared_hub, site).go()
    host.launcher.focus()
    host.page.keyboard.press("Enter")
    expect(host.widget.get_by_role("heading", name="Talk to us")).to_be_focused()
    host.page.keyboard.press("Tab")
    host.page.keyboard.press("Enter")
    expect(host.widget.get_by_role("heading", name="Chat")).to_be_focused()
    host.page.keyboard.press("Escape")
    expect(host.launcher).to_be_focused()
    theirs = host.page.get_by_role("button", name="Theirs")
    theirs.focus()
    host.page.evaluate("ContactHub('open')")
    expect(host.widget.get_by_role("dialog", name="Talk to us")).to_be_visible()
    host.widget.get_by_role("button", name="Minimise").click()
    expect(theirs).to_be_focused()


def test_a_phone_gets_the_whole_screen_and_its_page_back_to_the_pixel(
    chromium: Browser, shared_hub: DemoHub, site: HostSite
) -> None:
    context = chromium.new_context(**PHONE)
    host = HostPage(context, shared_hub, site, policy="").go("/host?first")
    host.go("/host?second")
    page = host.page
    page.add_style_tag(content=".tall{height:4000px} html{scroll-behavior:smooth}")
    page.evaluate("scrollTo({top: 1234.5, behavior: 'instant'})")
    top = page.evaluate("scrollY")
    host.launcher.click()
    expect(host.widget.get_by_role("button", name="Chat")).to_be_visible()
    panel = page.get_by_role("dialog", name="Talk to us").first

    def place() -> list[object]:
        return list((panel.bounding_box() or {}).values())

    for _ in range(100):  # it rises for a moment
        if place() == [0, 0, 390, 844]:
            break
        page.wait_for_timeout(50)
    assert place() == [0, 0, 390, 844]
    assert page.evaluate("getComputedStyle(document.documentElement).overflow") == "hidden"
    for small in host.widget.locator(".way, button:visible:not(.way *), a:visible").all():
        size = small.bounding_box()
        assert size is not None and size["height"] >= 44 and size["width"] >= 44, small.inner_text()
    host.widget.get_by_role("button", name="Chat").click()
    sizes = host.widget.locator("input, select, textarea").evaluate_all(
        "all => all.map(e => getComputedStyle(e).fontSize)"
    )
    assert set(sizes) == {"16px"}, "smaller fields make phones zoom"

    # Back closes a sheet, then the panel, and only then leaves the page.
    host.widget.get_by_role("button", name="Back").click()
    host.widget.get_by_role("button", name="English").click()
    expect(host.widget.get_by_role("dialog", name="Language")).to_be_visible()
    page.go_back()
    expect(host.widget.get_by_role("dialog", name="Language")).to_have_count(0)
    expect(host.widget.get_by_role("button", name="Chat")).to_be_visible()
    page.go_back()
    expect(host.launcher).to_be_visible()
    assert page.url.endswith("?second")
    assert page.evaluate("scrollY") == top
    assert page.evaluate("document.documentElement.style.overflow") == ""

    # Closed by its own button, the panel leaves no entry behind.
    host.launcher.click()
    host.widget.get_by_role("button", name="Minimise").click()
    expect(host.launcher).to_be_visible()
    until(page, "!history.state?.contactHub")
    assert page.evaluate("scrollY") == top
    page.go_back()
    page.wait_for_url("**/host?first")
    context.close()


def test_an_invitation_comes_by_its_rule_and_not_again(people: People) -> None:
    visitor = people.visitor()
    page = visitor.page
    page.clock.install()
    visitor.visit("/demo/studio.html")
    page.get_by_role("button", name="Talk to an agent").wait_for()
    page.clock.run_for(60_000)
    line = page.get_by_role("button", name="Questions about glaze or size? We like to talk.")
    expect(line).to_have_count(0)
    visitor.visit("/demo/product-kyusu.html")
    page.get_by_role("button", name="Talk to an agent").wait_for()
    page.clock.run_for(30_000)
    expect(line).to_have_count(0)
    page.clock.run_for(12_000)
    expect(line).to_be_visible()
    visitor.picture("invitation")
    assert page.evaluate("Object.keys(sessionStorage).filter(key => key.startsWith('contacthub'))") == []
    page.get_by_role("button", name="Close", exact=True).click()
    expect(line).to_have_count(0)
    visitor.visit("/demo/product-tray.html")
    page.get_by_role("button", name="Talk to an agent").wait_for()
    page.clock.run_for(60_000)
    expect(line).to_have_count(0)


def test_moves_within_a_single_page_site_reach_the_agent(people: People) -> None:
    agent = people.agent("agent1")
    agent.set_status("available")
    visitor = people.visitor()
    visitor.visit("/demo/studio.html")
    visitor.start_chat("Clara Berg", "Support", "Hello")
    agent.accept("Clara Berg")
    visitor.page.evaluate("history.pushState({}, '', '/demo/pushed?id=7&token=secret#part'); document.title = 'Moved'")
    customer = agent.page.get_by_role("region", name="Customer")
    expect(customer).to_contain_text("Moved")
    assert "secret" not in agent.page.content()
    assert visitor.page.evaluate("history.state") == {}


def test_the_settings_are_cacheable_and_open_to_every_origin(shared_hub: DemoHub, context: BrowserContext) -> None:
    request = context.request
    for path, seconds in (("/widget.js", 300), ("/widget/sites/demo.js", 30), ("/widget/sites/demo", 30)):
        answer = request.get(shared_hub.url + path)
        assert answer.ok
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == f"public, max-age={seconds}"
        again = request.get(shared_hub.url + path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status == 304
    site = json.loads(request.get(f"{shared_hub.url}/widget/sites/demo").text())
    assert "identity_secret" not in json.dumps(site)
    assert request.get(f"{shared_hub.url}/widget/sites/nobody.js").status == 404
    assert request.get(f"{shared_hub.url}/widget/locales/xx.json").status == 404
    policy = request.get(f"{shared_hub.url}/widget/panel?site=demo").headers["content-security-policy"]
    assert re.search(r"frame-ancestors 'self' http://127\.0\.0\.1:\d+ http://localhost:\d+", policy)
    assert "unsafe" not in policy
