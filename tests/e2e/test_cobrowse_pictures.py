"""The pictures of a shared page: what is seen arrives, drawn anew and once; what is private or unreadable does not.

The recorder, the pictures' part and the viewer are the built ones, in Chromium. Each picture has a colour of its own,
by which it is known on the other side, and a secret in its bytes.
"""

from __future__ import annotations

import base64
import http.server
import json
import struct
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from channels.cobrowse.pictures import Picture, check
from channels.cobrowse.relay import Frame
from tests.e2e.people import until
from tests.e2e.viewer import Desk, Pages, served
from tests.peers import CHECKOUT

SECRET = b"wombat-in-the-bytes"

Colour = tuple[int, int, int]
COLOURS: dict[str, Colour] = {
    "same": (200, 0, 0),
    "allowed": (0, 200, 0),
    "refused": (0, 0, 200),
    "private": (200, 200, 0),
    "background": (0, 200, 200),
    "private-background": (200, 0, 200),
    "shadow": (120, 60, 0),
    "canvas": (90, 90, 200),
    "private-canvas": (30, 120, 60),
    "later": (250, 120, 30),
    "qr-code": (10, 90, 160),
    "masked": (160, 90, 10),
    "vector": (80, 160, 240),
}
GREY = [213, 218, 222]
SEEN = {"same", "allowed", "background", "shadow", "later", "vector"}


def png(colour: Colour, side: int = 40, text: bytes = SECRET) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * side) * side
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    comment = chunk(b"tEXt", b"Comment\0" + text)
    return b"\x89PNG\r\n\x1a\n" + head + comment + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


VECTOR = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
    f'<rect width="40" height="40" fill="rgb{COLOURS["vector"]}"/><desc>{SECRET.decode()}</desc></svg>'
)


class Images:
    """A server of pictures by their names, and of a page; `allow` lets other origins read."""

    def __init__(self, allow: bool = False) -> None:
        self.html = ""
        images = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/").partition(".")[0]
                body = images.html.encode() if not name else VECTOR.encode()
                kind = "text/html" if not name else "image/svg+xml"
                if name in COLOURS and name != "vector":
                    body, kind = png(COLOURS[name]), "image/png"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                if allow:
                    self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def shop(allowing: str, refusing: str) -> str:
    return f"""<!doctype html><meta charset="utf-8"><title>Shop</title>
      <style>.b {{ width: 40px; height: 40px; background: #eee url(background.png) }}
        [data-private] .s::before {{ content: url(private-background.png) }}</style>
      <h1>Pictures</h1>
      <img id="same" src="same.png" alt="x"><img id="allowed" src="{allowing}/allowed.png">
      <img id="refused" src="{refusing}/refused.png"><img id="vector" src="vector.svg" width="20">
      <div data-private><img src="private.png"><p class="s">x</p><canvas id="pc" width="40" height="40"></canvas></div>
      <img id="qr" src="qr-code.png"><div contenteditable><img src="masked.png"></div>
      <div class="b" id="back"></div><div id="host"></div>
      <canvas id="canvas" width="40" height="40"></canvas><canvas id="tainted" width="40" height="40"></canvas>
      <script>
        host.attachShadow({{ mode: "open" }}).innerHTML = '<img id="inner" src="shadow.png">';
        const paint = (id, colour) => {{
          const pen = document.getElementById(id).getContext("2d");
          pen.fillStyle = colour;
          pen.fillRect(0, 0, 40, 40);
        }};
        paint("canvas", "rgb{COLOURS["canvas"]}");
        paint("pc", "rgb{COLOURS["private-canvas"]}");
        addEventListener("load", () => tainted.getContext("2d").drawImage(refused, 0, 0));
      </script>"""


COLLECT = """() => {
  window.left = []; window.given = [];
  const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const port = { postMessage: ({ t, frame, hash, body }) => {
    if (frame) left.push({ ...frame, body: text(frame.body) });
    if (t == "cb:picture") given.push([hash, text(body)]);
  } };
  window.ContactHub = (name, made) => {
    if (name == "cobrowse") window.sharing = made(port, 0);
    else window.pictures = made(sharing, port);
  };
}"""

# The colour in the middle of a picture.
COLOUR = """async (text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  return [...pen.getImageData(bitmap.width / 2, bitmap.height / 2, 1, 1).data].slice(0, 3);
}"""

# What the mirror shows: of pictures their colour, of the rest what stands for them.
MIRRORED = """async () => {
  const page = document.querySelector(".stage:not(.coming) iframe")?.contentDocument;
  if (!page?.querySelector("#host")?.shadowRoot) return {};
  const pixel = (image, width, height) => {
    const canvas = new OffscreenCanvas(width, height);
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    return [...pen.getImageData(width / 2, height / 2, 1, 1).data].slice(0, 3);
  };
  const shown = {};
  const images = [...page.querySelectorAll("img[id]"), page.querySelector("#host").shadowRoot.querySelector("img")];
  for (const image of images) {
    if (image.srcset.startsWith("blob:") && image.complete && image.naturalWidth)
      shown[image.id] = [...pixel(image, image.naturalWidth, image.naturalHeight), image.naturalWidth];
    else shown[image.id] = image.src.startsWith("data:image/svg") ? "grey" : "nothing";
  }
  for (const canvas of page.querySelectorAll("canvas[id]")) shown[canvas.id] = pixel(canvas, 40, 40);
  const { backgroundImage, backgroundColor } = page.defaultView.getComputedStyle(page.querySelector("#back"));
  shown.back = [backgroundImage.slice(0, 9), backgroundColor];
  return shown;
}"""


class Line:
    """Between the page and the viewer: all frames, and the pictures that are wanted."""

    def __init__(self, page: Page, desk: Desk) -> None:
        self.page, self.desk = page, desk
        self.wanted: list[str] = []
        self.given: dict[str, bytes] = {}
        self.bytes = b""

    def carry(self) -> None:
        raws = self.page.evaluate("left.splice(0)")
        frames = [Frame(**{**raw, "body": base64.b64decode(raw["body"])}) for raw in raws]
        for frame in frames:
            self.bytes += frame.body if frame.encoding == "json" else zlib.decompress(frame.body, 31)
        self.desk.pass_on(frames)
        for heard in self.desk.page.evaluate("heard.splice(0)"):
            if heard["t"] == "want":
                self.wanted += heard["hashes"]
                self.page.evaluate("(hashes) => pictures.give(hashes)", heard["hashes"])
        for hash, text in self.page.evaluate("given.splice(0)"):
            body = base64.b64decode(text)
            check(Picture(hash, body))
            assert hash not in self.given, "each goes once"
            self.given[hash] = body
            self.desk.page.evaluate("(picture) => give(...picture)", [hash, text])

    def colour(self, hash: str) -> tuple[int, ...]:
        return tuple(self.page.evaluate(COLOUR, base64.b64encode(self.given[hash]).decode()))

    def until(self, **wanted: Any) -> dict[str, Any]:
        """Carries on until the mirror shows these."""
        shown: dict[str, Any] = {}
        for _ in range(600):
            self.carry()
            shown = self.desk.viewer.evaluate(MIRRORED)
            if all(close(shown.get(name), value) for name, value in wanted.items()):
                return shown
            self.page.wait_for_timeout(50)
        raise AssertionError({name: (shown.get(name), value) for name, value in wanted.items()})


def close(shown: Any, wanted: Any) -> bool:
    """Packing moves colours a little."""
    if not isinstance(shown, list) or isinstance(shown[0], str) or isinstance(wanted, str):
        return bool(shown == wanted)
    return all(abs(a - b) <= 12 for a, b in zip(shown, wanted, strict=False))


@pytest.fixture(scope="module")
def desktop() -> Iterator[Pages]:
    pages = Pages()
    yield pages
    pages.close()


def test_pictures_of_a_page(chromium: Browser, desktop: Pages) -> None:
    manifest = json.loads((CHECKOUT / "static/manifest.json").read_text())
    parts = [(CHECKOUT / "static" / manifest[part]["file"]).read_text() for part in ("cobrowse", "pictures")]
    own, allowing, refusing = Images(), Images(allow=True), Images()
    own.html = shop(allowing.url, refusing.url)
    with served(desktop):
        desk = Desk(chromium, desktop.url)
        context = chromium.new_context()
        page = context.new_page()
        page.goto(own.url)
        page.evaluate(COLLECT)
        for part in parts:
            page.evaluate(part)
        until(page, "left.length > 0")
        line = Line(page, desk)
        c = COLOURS
        shown = line.until(
            same=[*c["same"], 40],
            allowed=[*c["allowed"], 40],
            inner=[*c["shadow"], 40],
            vector=[*c["vector"], 40],
            refused="grey",
            qr="grey",
            back=['url("blob', "rgb(238, 238, 238)"],
        )
        assert shown["canvas"] == shown["tainted"] == GREY, "not asked for yet"

        # Drawings are told when they are asked for; one with another origin's picture in it cannot be.
        page.evaluate("pictures.stills()")
        shown = line.until(canvas=list(c["canvas"]))
        assert shown["tainted"] == GREY

        # Another picture in the same place; and told anew nothing is sent twice.
        page.evaluate("document.querySelector('#same').src = 'later.png'")
        line.until(same=[*c["later"], 40])
        before = len(line.given)
        page.evaluate("sharing.resync()")
        page.evaluate("document.querySelector('h1').textContent = 'Again'")
        line.until(same=[*c["later"], 40], allowed=[*c["allowed"], 40], canvas=GREY)
        assert len(line.given) == before

        # What has become private since is not given any more, also to whoever asks for it by its name.
        hashes = sorted(line.given, key=lambda hash: near(line.colour(hash), c["later"]))
        page.evaluate("document.querySelector('#allowed').setAttribute('data-private', '')")
        until(page, "left.some(({ kind }) => kind == 'snapshot')")
        page.evaluate("given.length = 0")
        again: list[tuple[int, ...]] = []
        # They go in the order in which they are asked for: it would come before the last.
        while not any(near(colour, c["later"]) for colour in again):
            page.evaluate("(hashes) => pictures.give(hashes)", hashes)
            page.wait_for_timeout(50)
            again += [tuple(page.evaluate(COLOUR, text)) for _, text in page.evaluate("given.splice(0)")]
        assert not any(near(colour, c["allowed"]) for colour in again)

        colours = [line.colour(hash) for hash in line.given]
        for name, colour in c.items():
            assert any(near(seen, colour) for seen in colours) == (name in SEEN | {"canvas"}), name
        for sent in [line.bytes, *line.given.values()]:
            assert SECRET not in sent and b".png" not in sent and b"svg+xml" not in sent
        assert not [asked for asked in desk.asked if not asked.startswith(("blob:", "data:"))]
        desk.context.close()
        context.close()
    for server in (own, allowing, refusing):
        server.close()


def near(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(abs(x - y) <= 12 for x, y in zip(a, b, strict=True))
