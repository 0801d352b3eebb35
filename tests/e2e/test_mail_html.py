"""Mails in a browser: with every vector that we know, nothing leaves the agent's browser but what goes to the hub.

What leaves is taken from Chromium's own log of its network (every request, every name that is looked up, every
connection that is only prepared), not from what pages may see of it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from channels.email.showing import document, policy
from tests.e2e.conftest import CHROMIUM, People
from tests.e2e.letters import letter, picture, post
from tests.e2e.office import sign_in
from tests.hub import DemoHub
from tests.peers import CHECKOUT, require

VECTORS: list[str] = [
    each["payload"] for each in json.loads((CHECKOUT / "tests/fixtures/html/dompurify.json").read_text())
]
TRACKER = "tracker.test"
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
BATCH = 24
U = "https://HOST.tracker.test/x"
# One way to load something a line; HOST becomes a name of its own in each, so that the log tells them apart.
LOADS = f"""
<img src="{U}.png">
<img src="//HOST.tracker.test/x.png">
<img srcset="{U}.png 1x, {U}2.png 2x">
<img src="{U}.png" loading="lazy">
<img lowsrc="{U}.png" dynsrc="{U}.avi">
<picture><source srcset="{U}.png"><img></picture>
<image src="{U}.png">
<table background="{U}.png"><tr><td background="{U}2.png">x</td></tr></table>
<body background="{U}.png">
<div style="background:url({U}.png)">x</div>
<div style="background:\\75rl({U}.png)">x</div>
<div style="background-image:image-set('{U}.png' 1x)">x</div>
<div style="background-image:-webkit-image-set(url({U}.png) 1x)">x</div>
<ul style="list-style-image:url({U}.png)"><li>x</li></ul>
<div style="border:9px solid;border-image:url({U}.png) 9">x</div>
<div style="cursor:url({U}.cur),auto;width:100%;height:50px">x</div>
<div style="mask-image:url({U}.svg);height:9px">x</div>
<div style="shape-outside:url({U}.png);float:left;height:9px">x</div>
<div style="--a:url({U}.png);background:var(--a)">x</div>
<div style="filter:url({U}.svg#f)">x</div>
<style>.a::before{{content:url({U}.png)}}</style><p class="a">x</p>
<style>@import url({U}.css);</style>
<style>@import "{U}.css";</style>
<style>@font-face{{font-family:f;src:url({U}.woff2)}}.f{{font-family:f}}</style><p class="f">x</p>
<style>@media screen{{p{{background:url({U}.png)}}}}</style><p>x</p>
<link rel="stylesheet" href="{U}.css">
<link rel="preload" as="image" href="{U}.png">
<link rel="prefetch" href="{U}">
<link rel="prerender" href="{U}">
<link rel="dns-prefetch" href="//HOST.tracker.test">
<link rel="preconnect" href="https://HOST.tracker.test">
<link rel="modulepreload" href="{U}.js">
<link rel="icon" href="{U}.ico">
<link rel="manifest" href="{U}.json">
<script src="{U}.js"></script>
<script>fetch("{U}")</script>
<script type="speculationrules">{{"prefetch":[{{"urls":["{U}"],"eagerness":"immediate"}}]}}</script>
<img src="x" onerror="new Image().src='{U}.png'">
<svg onload="fetch('{U}')"></svg>
<svg><image href="{U}.png" width="9" height="9"/></svg>
<svg><image xlink:href="{U}.png" width="9" height="9"/></svg>
<svg><use href="{U}.svg#a"/></svg>
<svg><filter id="f"><feImage href="{U}.png"/></filter><rect filter="url(#f)" width="9" height="9"/></svg>
<svg><style>@import "{U}.css";</style></svg>
<svg><script href="{U}.js"></script></svg>
<svg><foreignObject><img src="{U}.png"/></foreignObject></svg>
<math><mtext><img src="{U}.png"></mtext></math>
<iframe src="{U}"></iframe>
<iframe srcdoc="<img src='{U}.png'>"></iframe>
<frameset><frame src="{U}"></frameset>
<object data="{U}"></object>
<object type="image/png" data="{U}.png"></object>
<embed src="{U}">
<applet code="{U}.class" archive="{U}.jar"></applet>
<video src="{U}.mp4" autoplay></video>
<video poster="{U}.png"></video>
<video><source src="{U}.mp4"><track src="{U}.vtt" default></video>
<audio src="{U}.mp3" autoplay></audio>
<bgsound src="{U}.mid">
<input type="image" src="{U}.png">
<form action="{U}"><input name="a" autofocus onfocus="this.form.submit()"><button>go</button></form>
<meta http-equiv="refresh" content="0;url={U}">
<meta http-equiv="refresh" content="0; url=data:text/html,<img src={U}.png>">
<meta http-equiv="Link" content="<{U}.css>; rel=stylesheet">
<meta http-equiv="x-dns-prefetch-control" content="on"><a href="{U}">link</a>
<meta http-equiv="Content-Security-Policy" content="img-src 'none'; report-uri {U}"><img src="/x.png">
<base href="{U}"><img src="relative.png">
<a href="{U}" ping="{U}">link</a>
<html manifest="{U}.appcache">
<noscript><img src="{U}.png"></noscript>
<noembed><img src="{U}.png"></noembed>
<!--[if !mso]><!--><img src="{U}.png"><!--<![endif]-->
<![CDATA[><img src="{U}.png">]]>
<title><img src="{U}.png"></title>
<textarea><img src="{U}.png"></textarea>
<template><img src="{U}.png"></template>
<xmp><img src="{U}.png"></xmp>
<?xml-stylesheet href="{U}.css"?><p>x</p>
<v:background xmlns:v="urn:schemas-microsoft-com:vml"><v:fill src="{U}.png"/></v:background>
<td style="width:1px;background:#fff url('{U}.png')">x</td>
<p style="background:url(&quot;{U}.png&quot;)">x</p>
<img src="\thttps://HOST.tracker.test/x.png">
<img src="htt&#10;ps://HOST.tracker.test/x.png">
<img src="https:\\\\HOST.tracker.test\\x.png">
<img src="feed:{U}.png"><img src="view-source:{U}.png">
<img src="blob:{U}"><img src="filesystem:{U}">
<img src="cid:&quot; srcset=&quot;{U}.png">
<img src="remote:{U}"><img src="remote:&quot; srcset=&quot;{U}.png 1x">
"""
WAYS = [line.replace("HOST", f"way{number}") for number, line in enumerate(LOADS.strip().splitlines())]


class Netlog:
    """Chromium's log of its network, to be read when the browser is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        text = self._path.read_text(errors="replace").rstrip().rstrip(",")
        found: dict[str, Any] = json.loads(text if text.endswith("}") else text + "]}")
        return found

    def urls(self) -> set[str]:
        """Everything that was asked for, by whatever part of the browser."""
        found = set()
        for event in self.read()["events"]:
            params = event.get("params", {})
            url = params.get("url")
            if isinstance(url, str) and url.startswith(("http", "ws")) and not params.get("is_preconnect"):
                found.add(url)
        return found

    def hosts(self) -> set[str]:
        """Every name that was looked up, or to which a connection was made or prepared."""
        found = {urlsplit(url).hostname or "" for url in self.urls()}
        for event in self.read()["events"]:
            params = event.get("params", {})
            for key in ("host", "group_id", "hostname", "dns_query", "address"):
                value = params.get(key)
                if isinstance(value, str):
                    found |= set(re.findall(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", value.lower()))
        return found


@contextmanager
def logged_chromium(chromium: Browser, folder: Path) -> Iterator[tuple[Any, Netlog]]:
    """A browser of its own, whose names all lead to a port where nobody listens."""
    log = folder / "netlog.json"
    # Without this flag, which tests have by default, names are looked up and connections made ahead, as everywhere.
    quiet = "--disable-background-networking"
    flags = [flag for flag in CHROMIUM if flag != quiet]
    flags += [f"--log-net-log={log}", "--net-log-capture-mode=Everything"]
    flags += ["--host-resolver-rules=MAP *.test 127.0.0.1"]
    browser = chromium.browser_type.launch(executable_path=require("chromium"), args=flags, ignore_default_args=[quiet])
    try:
        yield browser, Netlog(log)
    finally:
        browser.close()


# What Chromium asks its makers by itself, whatever it shows.
_OWN = re.compile(r"(^|\.)(google|gstatic|googleapis|google-analytics|gvt1|gvt2|googleusercontent|chromium)\.[a-z]+$")


def _of_chromium(netlog: Netlog) -> set[str]:
    return {url for url in netlog.urls() if _OWN.search(urlsplit(url).hostname or "")}


def strangers(netlog: Netlog) -> set[str]:
    """Names that no page of ours has any business with."""
    named = {host for host in netlog.hosts() if re.search(r"\.[a-z]{2,}$", host) and not host.endswith(".json")}
    return {host for host in named if not _OWN.search(host)}


class Pages:
    """Serves what it is told to, under the policy it is told to."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page, headers = outer.pages.get(self.path, ("", {}))
                self.send_response(200 if page else 404)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def pages() -> Iterator[Pages]:
    made = Pages()
    yield made
    made.close()


def settle(page: Page) -> None:
    """Until what was to be loaded has begun to; nothing tells when nothing comes."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(150)


def test_the_measure_sees_what_leaves(chromium: Browser, pages: Pages, tmp_path: Path) -> None:
    """The same ways without sanitiser and policy are seen, or nothing that is said below means anything."""
    for number, way in enumerate(WAYS):
        pages.pages[f"/raw/{number}"] = (f"<!doctype html>{way}", {})
    with logged_chromium(chromium, tmp_path) as (browser, netlog):
        context = browser.new_context()
        for number in range(len(WAYS)):
            page = context.new_page()  # some of them lead the page away
            page.goto(f"{pages.origin}/raw/{number}", wait_until="commit")
            page.wait_for_timeout(120)
            page.close()
    seen = {host for host in netlog.hosts() if host.endswith(TRACKER)}
    assert len(seen) >= 45, sorted(seen)


def test_the_policy_alone_lets_nothing_out(chromium: Browser, pages: Pages, tmp_path: Path) -> None:
    """The second fence without the first: HTML that nobody has sanitised, in the page and the frame that mails get."""
    headers = {"Content-Security-Policy": policy([pages.origin], "ma_1"), "X-DNS-Prefetch-Control": "off"}
    everything = [*WAYS, *VECTORS]
    for number, way in enumerate(everything):
        shown = document(way, lambda pointed: "/mails/ma_1/image", {}, remote=False, lang="en")
        pages.pages[f"/page/{number}"] = (shown, headers)
    batches = range(0, len(everything), BATCH)
    for first in batches:
        frames = [f'<iframe sandbox="{SANDBOX}" src="/page/{n}"></iframe>' for n in range(first, first + BATCH)]
        pages.pages[f"/frames/{first}"] = ("".join(frames), {})
    with logged_chromium(chromium, tmp_path) as (browser, netlog):
        page = browser.new_page()
        for first in batches:
            page.goto(f"{pages.origin}/frames/{first}")
            page.wait_for_timeout(600)
    # Connections are prepared all the same (for <iframe>, <link rel=preconnect>), which no policy of the web forbids:
    # what would cause them the sanitiser takes out, as the test below shows.
    assert {url for url in netlog.urls() if not url.startswith(pages.origin)} - _of_chromium(netlog) == set()


def test_no_mail_makes_the_agents_browser_ask_for_anything(
    chromium: Browser, own_hub: DemoHub, tmp_path: Path, artefacts: Path
) -> None:
    first = letter("Vectors", "They follow.", "<p>They follow.</p>")
    mails = [first]
    for number, way in enumerate([*WAYS, *VECTORS]):
        html = f"<html><body><p>vector {number}</p>{way}</body></html>"
        mails.append(letter("Re: Vectors", f"vector {number}", html, References=first["Message-ID"]))
    post(own_hub, *mails)
    with logged_chromium(chromium, tmp_path) as (browser, netlog):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{own_hub.url}/agent")
        sign_in(page, "agent1")
        page.get_by_role("combobox", name="Status").click()
        page.get_by_role("option", name="Available").first.click()
        page.get_by_role("alertdialog", name=re.compile("Mara")).get_by_role("button", name="Accept").click()
        page.get_by_role("textbox", name="Reply").wait_for()
        expect(page.locator("iframe.mail-frame").last).to_be_visible()
        page.screenshot(path=artefacts / "vectors.png")

        contact = page.url.rpartition("/")[2]
        listed = page.evaluate(
            "async (id) => (await (await fetch(`/api/v1/contacts/${id}/mails`)).json()).items", contact
        )
        shown = [mail for mail in listed if mail["direction"] == "in" and mail["html"]]
        assert len(shown) == len(mails), "every vector became a mail of this contact"
        # Each as the desktop shows it, and as somebody sees it who opens the frame's address in a tab.
        for first_of in range(0, len(shown), BATCH):
            page.evaluate(
                """async ([ids, sandbox]) => {
                  const frames = ids.map((id) => {
                    const frame = document.createElement("iframe");
                    frame.setAttribute("sandbox", sandbox);
                    frame.src = `/mails/${id}/html`;
                    return frame;
                  });
                  await Promise.all(frames.map((frame) => new Promise((loaded) => {
                    frame.addEventListener("load", loaded);
                    document.body.append(frame);
                  })));
                  await new Promise((later) => setTimeout(later, 300));
                  for (const frame of frames) frame.remove();
                }""",
                [[mail["id"] for mail in shown[first_of : first_of + BATCH]], SANDBOX],
            )
        tab = context.new_page()
        for mail in shown[:: max(1, len(shown) // 40)]:
            answer = tab.goto(f"{own_hub.url}/mails/{mail['id']}/html")
            assert answer is not None and "sandbox allow-popups" in answer.headers["content-security-policy"]
            settle(tab)
        mine = own_hub.url.removeprefix("http")
    foreign = [url for url in asked if not url.startswith(("http" + mine, "ws" + mine, "blob:", "data:"))]
    assert foreign == []
    assert strangers(netlog) == set()
    assert {url for url in netlog.urls() if urlsplit(url).port != own_hub.port} - _of_chromium(netlog) == set()


class Gallery:
    """Somebody else's server of pictures, which keeps what it was told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                if self.path == "/turn.png":
                    self.send_response(302)
                    self.send_header("Location", "/photo.png")
                    self.end_headers()
                    return
                body = picture("#8f5500", (400, 90)) if self.path == "/photo.png" else b"<script>alert(1)</script>"
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Set-Cookie", "who=agent")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def gallery() -> Iterator[Gallery]:
    made = Gallery()
    yield made
    made.close()


def mail_with_pictures(gallery: Gallery) -> str:
    names = ("photo.png", "turn.png", "page.png")
    return "<p>Look:</p>" + "".join(
        f'<p><img src="{gallery.origin}/{name}" alt="{name}" width="200"></p>' for name in names
    )


def open_mail(people: People, name: str = "agent1") -> Any:
    agent = people.agent(name)
    agent.set_status("available")
    agent.accept("Mara Lind")
    return agent


def test_images_are_fetched_by_the_hub_and_only_when_the_agent_asks(
    tmp_path: Path, chromium: Any, gallery: Gallery, artefacts: Path
) -> None:
    hub = DemoHub(tmp_path, settings="[email]\nimages_allow_private = true\n").start()
    people = People(chromium, hub, artefacts)
    try:
        post(hub, letter("Pictures", "Look.", mail_with_pictures(gallery)))
        agent = open_mail(people)
        page = agent.page
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        frame = page.frame_locator("iframe.mail-frame")
        expect(frame.get_by_text("Look:")).to_be_visible()
        agent.picture("hidden")
        assert gallery.asked == []
        page.get_by_role("button", name="Show images").click()
        expect(page.get_by_role("button", name="Show images")).to_have_count(0)
        expect(frame.get_by_alt_text("photo.png")).to_be_visible()
        for name, width in (("photo.png", 400), ("turn.png", 400), ("page.png", 0)):
            element = frame.get_by_alt_text(name)
            expect(element).to_have_js_property("complete", True)
            expect(element).to_have_js_property("naturalWidth", width)
        agent.picture("shown")
        assert sorted(path for path, _ in gallery.asked) == ["/page.png", "/photo.png", "/photo.png", "/turn.png"]
        for _, headers in gallery.asked:
            assert not {"cookie", "referer", "origin", "x-forwarded-for"} & headers.keys()
            assert "ContactHub-Pictures" in headers["user-agent"]
        assert not [url for url in asked if url.startswith(gallery.origin)]
        # A signed address is good for its mail and its picture only.
        signed = next(url for url in asked if "/image?remote=" in url)
        anybody = page.context.browser.new_context() if page.context.browser else page.context
        assert anybody.request.get(signed).status in (200, 404)
        assert anybody.request.get(signed.replace("remote=aHR0", "remote=aHR1")).status == 403
        assert anybody.request.get(re.sub("/mails/[^/]+/", "/mails/ma_other/", signed)).status == 403
        assert anybody.request.get(re.sub(r"until=(\d+)", "until=9999999999", signed)).status == 403
        anybody.close()
    finally:
        people.leave()
        hub.stop()


def test_pictures_inside_our_own_network_are_never_fetched(
    people_of_own_hub: People, own_hub: DemoHub, gallery: Gallery
) -> None:
    post(own_hub, letter("Pictures", "Look.", mail_with_pictures(gallery)))
    page = open_mail(people_of_own_hub).page
    page.get_by_role("button", name="Show images").click()
    image = page.frame_locator("iframe.mail-frame").get_by_alt_text("photo.png")
    expect(image).to_have_js_property("complete", True)
    expect(image).to_have_js_property("naturalWidth", 0)
    assert gallery.asked == []
