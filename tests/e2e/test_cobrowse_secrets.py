"""No secret of the customer's page may be in any byte that the sharing part of the widget gives away.

The part itself, as built, runs in Chromium on a page full of secrets of every kind; what it would send is collected
where it leaves the page.
"""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, Route

from tests.e2e.canaries import ALLOW, CANARIES, secret_part
from tests.e2e.people import until
from tests.e2e.test_cobrowse_pictures import COLOUR, near, png
from tests.peers import CHECKOUT

# Secure, as hashes need that.
ORIGIN = "https://shop.test"
PLAIN = "Kyusu teapot with a dark glaze"
SHARED = "Kastanienallee 12"
PICTURES = {"seen": (0, 180, 60), "private": (200, 0, 0), "totp-qr": (120, 0, 200), "x": (90, 60, 30)}

COLLECT = """() => {
  window.left = [];
  const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const port = { postMessage: (data) => {
    if (data.frame) left.push({ ...data, frame: { ...data.frame, body: text(data.frame.body) } });
    else left.push(data.body ? { ...data, body: text(data.body) } : data);
  } };
  window.ContactHub = (name, made) => {
    if (name == "cobrowse") window.sharing = made(port, 0);
    else window.pictures = made(sharing, port);
  };
}"""


def page_with(which: str) -> str:
    body = "\n".join(
        f'<div class="k{n}">{c.html.replace("@", getattr(c, which))}</div>' for n, c in enumerate(CANARIES)
    )
    return f"""<!doctype html><html lang="en"><head><title>Checkout</title></head><body>
      <h1>{PLAIN}</h1><input id="street" {ALLOW} value="{SHARED}">
      <img id="seen" src="/seen.png" alt="ibex1"><img src="/totp-qr.png" alt="x"><img src="/x.png" class="qrCode">
      <div data-private><img src="/private.png" alt="ibex2"><canvas width="40" height="40"></canvas></div>
      <div contenteditable><img src="/private.png"></div>
      <canvas id="drawn" width="40" height="40" title="ibex3"></canvas>
      {body}
      <div id="changes"></div><div id="host"></div>
      <input id="typed"><input id="typed-card" {ALLOW}><input id="toggled" type="password" {ALLOW} value="okapi1">
      <p id="pieces"><i>4242</i><i>4242</i><i>4242</i><i>4242</i></p>
      </body></html>"""


class Left:
    """What left the page: `text` is all of it, unpacked, `events` the events in it."""

    def __init__(self, page: Page) -> None:
        self.messages: list[dict[str, Any]] = page.evaluate("left")
        self.events: list[dict[str, Any]] = []
        self.pictures: list[str] = []
        texts, pieces = [], b""
        for message in self.messages:
            if frame := message.get("frame"):
                pieces += base64.b64decode(frame.pop("body"))
                if frame["part"] == frame["parts"] - 1:
                    json_bytes = gzip.decompress(pieces) if frame["encoding"] == "gzip" else pieces
                    texts.append(json_bytes.decode())
                    self.events += json.loads(json_bytes)
                    pieces = b""
            if "body" in message:
                self.pictures.append(message.pop("body"))
                texts.append(base64.b64decode(self.pictures[-1]).decode("latin-1"))
            texts.append(json.dumps(message, ensure_ascii=False))
        self.text = "\n".join(texts)


@pytest.fixture(scope="module")
def shop(chromium: Browser) -> Iterator[Page]:
    """A page of a shop that is being shared, after everything in it has also changed."""
    manifest = json.loads((CHECKOUT / "static/manifest.json").read_text())
    parts = [(CHECKOUT / "static" / manifest[part]["file"]).read_text() for part in ("cobrowse", "pictures")]

    def answer(route: Route, request: Request) -> None:
        if request.resource_type == "document" and request.url.startswith(ORIGIN + "/checkout"):
            route.fulfill(body=page_with("first"), content_type="text/html; charset=utf-8")
        elif name := next((name for name in PICTURES if request.url.endswith(f"/{name}.png")), None):
            # Its bytes hold a secret, as photographs hold where they were taken.
            route.fulfill(body=png(PICTURES[name], text=b"ibex in the bytes"), content_type="image/png")
        else:
            route.fulfill(status=404, body="")

    context = chromium.new_context()
    page = context.new_page()
    page.route("**/*", answer)
    page.goto(f"{ORIGIN}/checkout/4f9a8b7c6d5e4f3a2b1d?session=meerkat#token=lemur")
    page.evaluate("""() => {
      for (const host of [document.querySelector("#host")]) {
        host.attachShadow({ mode: "open" }).innerHTML =
          '<style>b{background:url(/x.png?k=tapir1)}</style><input value="tapir2"><p data-private>tapir3</p>' +
          '<p title="tapir4">in shadow</p>';
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("b{background:url(/x.png?k=tapir5)}");
        host.shadowRoot.adoptedStyleSheets = [sheet];
      }
      document.cookie = "session=tapir6";
      localStorage.setItem("token", "tapir7");
    }""")
    page.evaluate(COLLECT)
    for part in parts:
        page.evaluate(part)
    until(page, "left.some(({ frame }) => frame && frame.kind == 'snapshot')")
    change(page)
    ask_for_pictures(page)
    page.wait_for_timeout(400)
    yield page
    context.close()


def change(page: Page) -> None:
    """Everything secret comes once more, by scripts and by hand."""
    # What is given to innerHTML, to attributes that are there, to texts, and to values.
    page.evaluate(
        """(canaries) => canaries.forEach(([html, first, second], n) => {
          const box = document.createElement("div");
          box.innerHTML = html.replaceAll("@", second);
          document.querySelector("#changes").append(box);
          const old = document.querySelector(".k" + n);
          const walk = (node) => {
            for (const { name, value } of [...(node.attributes || [])])
              if (value.includes(first)) node.setAttribute(name, value.replaceAll(first, second));
            if (node.nodeType == 3 && node.data.includes(first)) node.data = node.data.replaceAll(first, second);
            if ("value" in node && typeof node.value == "string" && node.value.includes(first) && node.type != "file")
              node.value = node.value.replaceAll(first, second);
            node.childNodes.forEach(walk);
          };
          walk(old);
        })""",
        [[canary.html, canary.first, canary.second] for canary in CANARIES],
    )
    page.locator("#typed").press_sequentially("okapi2")
    page.locator("#typed-card").press_sequentially("4012888888881881")
    page.evaluate("document.querySelector('#toggled').type = 'text'")
    page.locator("#toggled").fill("okapi3")
    page.locator("#street").fill("Kastanienallee 14")
    page.evaluate("""() => {
      const sheet = document.querySelector("#changes style").sheet;
      sheet.insertRule("q{background:url(/x.png?k=okapi4)}");
      sheet.cssRules[0].style.setProperty("background", "url(/x.png?k=okapi5)");
      const { shadowRoot } = document.querySelector("#host");
      shadowRoot.adoptedStyleSheets[0].insertRule("q{background:url(/x.png?k=okapi6)}");
      shadowRoot.querySelector("input").value = "okapi7";
      shadowRoot.querySelector("input").dispatchEvent(new Event("input", { bubbles: true, composed: true }));
      history.replaceState(null, "", "?token=okapi8");
      document.title = "Your code is 120934";
      document.querySelector("h1").setAttribute("style", "background:url(/x.png?k=okapi9)");
      document.querySelector("h1").dataset.private = "";
    }""")
    page.wait_for_timeout(300)
    page.evaluate("document.querySelector('h1').firstChild.data = 'okapi10'")


def ask_for_pictures(page: Page) -> None:
    """Of the page and of its drawings, all that it has told of, until both are there."""
    page.evaluate("""() => document.querySelectorAll("canvas").forEach((canvas) => {
      const pen = canvas.getContext("2d");
      pen.fillStyle = canvas.id ? "rgb(0, 120, 220)" : "rgb(220, 220, 0)";
      pen.fillRect(0, 0, 40, 40);
    })""")
    deadline = time.monotonic() + 60
    while len({message["hash"] for message in page.evaluate("left") if "hash" in message}) < 2:
        assert time.monotonic() < deadline, Left(page).events[-20:]
        page.evaluate("pictures.stills()")
        page.wait_for_timeout(100)
        told = {hash for event in Left(page).events for row in event["data"].get("nodes", []) if (hash := row[1])}
        page.evaluate("(hashes) => pictures.give(hashes)", sorted(told))


def test_pictures_give_nothing_away(shop: Page) -> None:
    colours = [tuple(shop.evaluate(COLOUR, picture)) for picture in Left(shop).pictures]
    for wanted in (PICTURES["seen"], (0, 120, 220)):
        assert any(near(colour, wanted) for colour in colours)
    for secret in (PICTURES["private"], PICTURES["totp-qr"], PICTURES["x"], (220, 220, 0)):
        assert not any(near(colour, secret) for colour in colours)


def test_there_are_sixty_kinds() -> None:
    assert len(CANARIES) >= 60
    secrets = [secret for canary in CANARIES for secret in (canary.first, canary.second)]
    assert len(set(secrets)) == len(secrets)


def test_no_secret_leaves(shop: Page) -> None:
    left = Left(shop)
    found = [
        (canary.kind, secret)
        for canary in CANARIES
        for secret in (canary.first, canary.second)
        if secret_part(secret) in left.text
    ]
    assert found == []
    for word in [
        "ibex",
        "tapir",
        "okapi",
        "meerkat",
        "lemur",
        "4f9a8b7c",
        "120934",
        "4242",
        "401288888888",
        "wombat",
        "quokka",
    ]:
        assert word not in left.text, left.text[max(0, left.text.find(word) - 200) :][:300]


def test_what_is_no_secret_arrives(shop: Page) -> None:
    left = Left(shop)
    for word in [PLAIN, SHARED, "Kastanienallee 14", "in shadow", "Paid with", "https://shop.test/checkout/..."]:
        assert word in left.text, word
    assert [event["type"] for event in left.events[:2]] == [4, 2]
    # Something had become private meanwhile, so the page was told anew, as a new epoch that begins at its snapshot.
    frames = [message["frame"] for message in left.messages if "frame" in message]
    epochs = [frame["epoch"] for frame in frames if frame["kind"] == "snapshot"]
    assert len(epochs) >= 2 and epochs == list(range(1, len(epochs) + 1))
    for epoch in epochs:
        numbers = [frame["seq"] for frame in frames if frame["epoch"] == epoch]
        assert numbers == list(range(len(numbers)))
