"""A page that changes at random, watched through a line that loses, doubles and holds up frames: at the end the agent
sees what the customer's page shows, but for its secrets.

The recorder and the viewer are the built ones, in Chromium; the relay between them is the server's.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from channels.cobrowse.relay import Frame, Relay
from tests.e2e.people import until
from tests.e2e.viewer import Desk, Pages, served
from tests.peers import CHECKOUT

COLLECT = """() => {
  window.left = [];
  const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  window.ContactHub = (name, share) => {
    window.sharing = share({ postMessage: ({ frame }) => {
      if (frame) left.push({ ...frame, body: text(frame.body) });
    } }, 0);
  };
}"""

SHOP = """<!doctype html><meta charset="utf-8"><title>Shop</title>
<style>.a { color: teal } .b { font-weight: bold } [hidden] { display: none }</style>
<h1>Shop</h1><input id="open" data-cobrowse="allow"><input id="masked"><input type="checkbox" data-cobrowse="allow">
<textarea data-cobrowse="allow">Words</textarea>
<select data-cobrowse="allow"><option>One<option>Two<option>Three</select>
<div data-private>Nobody's business <input data-cobrowse="allow" value="none"></div>
<div id="area"><ul><li>One<li>Two</ul><p>Some <b>bold</b> words</p></div><div id="host"></div>"""

# One random change of the page; all chances come from a seed.
EDIT = """([seed, calm]) => {
  let state = seed >>> 0;
  const chance = (below) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  const area = document.querySelector("#area");
  const host = document.querySelector("#host");
  if (!host.shadowRoot) host.attachShadow({ mode: "open" }).innerHTML = "<p>In the shadow</p>";
  const inside = () => [area, ...area.querySelectorAll("*"), ...host.shadowRoot.querySelectorAll("*")];
  const pick = (list) => list[chance(list.length)];
  const any = () => pick(inside());
  const movable = () => pick(inside().slice(1)) ?? area.appendChild(made());
  const tags = ["p", "div", "span", "b", "ul", "li", "section", "my-box", "svg", "o:p", "script"];
  const made = () => {
    const element = document.createElement(pick(tags));
    if (element.localName == "script") element.type = "text/plain";
    element.append("Text " + chance(1000));
    if (chance(4) == 0) {
      element.append(document.createElement("i"), document.createComment("c" + chance(10)), "tail");
    }
    if (chance(9) == 0) element.setAttribute("data-private", "");
    if (chance(9) == 0) element.append(Object.assign(document.createElement("input"), { value: "v" + chance(99) }));
    return element;
  };
  const put = (how) => {
    const [at, to] = [movable(), movable()];
    if (!at.contains(to)) to[how](at);
  };
  const write = (change) => {
    const text = any().firstChild;
    if (text?.nodeType == 3) change(text);
  };
  const steps = [
    () => any().append(made()),
    () => any().prepend(made()),
    () => movable().before(made()),
    () => inside().length > 12 && movable().remove(),
    () => put("append"),
    () => put("before"),
    () => write((text) => (text.data = "Now " + chance(1000))),
    () => write((text) => text.splitText(chance(text.length + 1))),
    () => any().normalize(),
    () => (any().className = pick(["", "a", "b", "a b"])),
    () => (any().style.color = pick(["red", "", "blue"])),
    () => any().toggleAttribute("hidden"),
    () => (movable().innerHTML = "<p>New <i>one " + chance(100) + "</i></p><p data-private>no</p>"),
    () => calm || (chance(4) == 0 && movable().toggleAttribute("data-private")),
    () => {
      const field = pick([...document.querySelectorAll("input, textarea, select")]);
      if (field.type == "checkbox") field.checked = !field.checked;
      else if (field.localName == "select") field.selectedIndex = chance(3);
      else field.value = "typed " + chance(100);
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    },
  ];
  for (let n = 0; n < 30; n++) pick(steps)();
}"""

# What can be seen, in one text: of the page itself, with the rules of scrub() applied by hand, and of the mirror.
SEEN = """(document, mirrored) => {
  const seen = (node) => {
    if (node.nodeType == 3) return node.data;
    if (node.nodeType != 1) return "";
    const tag = node.localName;
    if (/^(script|style|head|cb-gone)$|:/.test(tag)) return "";
    if (mirrored ? node.getAttribute("data-cb") == "private" : node.hasAttribute("data-private")) return "<private/>";
    let own = "";
    if (/^(input|textarea|select)$/.test(tag)) {
      const open = mirrored || node.dataset.cobrowse == "allow";
      own = node.type == "checkbox" ? (open ? node.checked : false) : open ? node.value : node.value && "••••••";
      return `<${tag}=${own}/>`;
    }
    const inner = [...node.childNodes].map(seen).join("");
    // An empty one is told with its first child.
    const shade = [...(node.shadowRoot?.childNodes ?? [])].map(seen).join("");
    const shadow = shade && `{${shade}}`;
    const look = `${node.className.baseVal ?? node.className} ${node.style.color} ${node.hidden}`;
    return `<${tag}.${look}>${shadow}${inner}</>`;
  };
  return [...document.body.childNodes].map(seen).join("").replace(/\\s+/g, " ");
}"""

MIRROR = 'document.querySelector(".stage:not(.coming) iframe").contentDocument'


class Line:
    """From the page through the relay to the viewer, and back again, with what chance does to it."""

    def __init__(self, page: Page, desk: Desk, seed: int, faults: bool) -> None:
        self.page, self.desk, self.chance = page, desk, random.Random(seed)
        self.relay, self.now, self.faults = Relay(), 0, faults
        self.waiting: list[Frame] = []
        self.lost = self.resyncs = 0
        self.relay.join("agent")

    def carry(self) -> None:
        self.now += 400
        for raw in self.page.evaluate("left.splice(0)"):
            frame = Frame(**{**raw, "body": base64.b64decode(raw["body"])})
            copies = self.chance.choice([0, 2, *[1] * 30]) if self.faults else 1
            self.lost += copies == 0
            for _ in range(copies):
                held_up = self.chance.choice([1, 2, *[0] * 20]) if self.faults else 0
                self.waiting.insert(max(0, len(self.waiting) - held_up), frame)
        sent = []
        while self.waiting:
            sent += [frame for _, frame in self.relay.take(self.waiting.pop(0))]
        self.desk.pass_on(sent)
        for heard in self.desk.page.evaluate("heard.splice(0)"):
            if heard["t"] == "shown":
                self.desk.pass_on([frame for _, frame in self.relay.ack("agent", heard["epoch"], heard["seq"])])
            elif heard["t"] == "missing":
                self.relay.missing("agent")
        if self.relay.wants_snapshot(self.now):
            self.resyncs += 1
            self.page.evaluate("sharing.resync()")


@pytest.fixture(scope="module")
def desktop() -> Iterator[Pages]:
    pages = Pages()
    yield pages
    pages.close()


@pytest.mark.parametrize(("seed", "faults"), [(1, True), (10, True), (13, False), (21, False)])
def test_the_mirror_equals_the_page(chromium: Browser, desktop: Pages, seed: int, faults: bool) -> None:
    manifest = json.loads((CHECKOUT / "static/manifest.json").read_text())
    part = (CHECKOUT / "static" / manifest["cobrowse"]["file"]).read_text()
    shop = Pages()
    shop.html = SHOP
    with served(desktop):
        desk = Desk(chromium, desktop.url)
        context = chromium.new_context()
        page = context.new_page()
        page.goto(shop.url)
        page.evaluate(COLLECT)
        page.evaluate(part)
        until(page, "left.length > 0")
        line = Line(page, desk, seed, faults)
        for n in range(40):
            page.evaluate(EDIT, [seed * 1000 + n, not faults])
            line.carry()
        line.faults = False
        assert (line.lost > 0 and line.resyncs > 1) if faults else line.resyncs == 0
        expected = page.evaluate(f"({SEEN})(document, false)")
        deadline = time.monotonic() + 30
        while True:
            page.wait_for_timeout(60)
            line.carry()
            shown = desk.viewer.evaluate(f"{MIRROR} ? ({SEEN})({MIRROR}, true) : ''")
            if shown == expected:
                break
            assert time.monotonic() < deadline, difference(shown, expected)
        desk.context.close()
        context.close()
    shop.close()


def difference(shown: Any, expected: Any) -> str:
    at = next((n for n, (a, b) in enumerate(zip(shown, expected, strict=False)) if a != b), 0)
    return f"shown ...{shown[max(0, at - 150) : at + 150]}\nexpected ...{expected[max(0, at - 150) : at + 150]}"
