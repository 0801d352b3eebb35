"""The part that runs in the customer's page: what it lets out of which page, and what it lets an agent do there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.people import until
from tests.e2e.viewer import Pages
from tests.peers import CHECKOUT

SHOP = """<!doctype html><meta charset="utf-8"><title>Shop</title><h1>Shop</h1>
<form onsubmit="event.preventDefault(); window.sent = (window.sent ?? 0) + 1">
<input id="open" data-cobrowse="allow"><input id="mine"><input id="pass" type="password" data-cobrowse="allow">
<input id="card" autocomplete="cc-number" data-cobrowse="allow"><input id="code" name="otp" data-cobrowse="allow">
<div data-private><input id="inner" data-cobrowse="allow"></div>
<input id="gone" data-cobrowse="allow" hidden><input id="fixed" data-cobrowse="allow" readonly value="F">
<input id="date" type="date" data-cobrowse="allow"><input id="tick" type="checkbox" data-cobrowse="allow">
<select id="list" data-cobrowse="allow"><option value="a">One<option value="b">Two</select>
<textarea id="area" data-cobrowse="allow">one two three</textarea>
<button id="send">Order now</button><button id="more" type="button" onclick="window.more = 1">More</button></form>
<a id="away" href="https://elsewhere.example/">Elsewhere</a>
<form id="fast" onsubmit="event.preventDefault(); window.quick = (window.quick ?? 0) + 1">
<label id="for-send" for="quick-send">Go</label><button id="quick-send">Go</button>
<select id="jump" data-cobrowse="allow" onchange="this.form.requestSubmit()"><option>One<option>Two</select>
<div id="bare" onclick="this.closest('form').requestSubmit()">Next</div></form>
<a id="buy" href="#" onclick="window.bought = 1">Jetzt kaufen</a>
<span id="plain" onclick="window.bought = 1">立即付款</span>
<button id="icon" type="button" onclick="window.bought = 1"><img alt="Pay now"></button>
<div id="notes" contenteditable data-cobrowse="allow">one <b>two</b> three</div><div id="own" contenteditable>x</div>
<input id="city" role="combobox" aria-controls="cities" data-cobrowse="allow"><ul id="cities" role="listbox"></ul>
<script>
  city.addEventListener("input", () => setTimeout(() => {
    cities.innerHTML = "<li role=option>Berlin, Germany</li><li role=option>Bern, Switzerland</li>";
    cities.addEventListener("mousedown", ({ target }) => {
      window.chosen = target.textContent;
      city.value = target.textContent;
      cities.replaceChildren();
    }, { once: true });
  }, 150));
</script>"""

# What loader and panel do: a port, the calls, and answers to what the page is asked.
HOST = """() => {
  const { port1, port2 } = new MessageChannel();
  window.heard = []; window.panel = port1; window.shared = (url) => !url.includes("/account");
  port1.onmessage = ({ data }) => {
    if (data.t == "cb:frame" && data.frame.kind == "snapshot") window.snapshot = data.frame;
    heard.push(data.t == "cb:frame" ? { t: data.t, epoch: data.frame.epoch, at: location.pathname } : data);
    if (data.t == "cb:page" && window.answering)
      port1.postMessage({ t: "cb:shown", d: { url: data.url, shared: shared(data.url) } });
  };
  window.answering = true;
  port2.start();
  const calls = { load: () => window.loads = (window.loads ?? 0) + 1 };
  window.ContactHub = (name, given) => name == "run" ? given(port2, calls) : calls[name](given);
}"""
SAID = "seen paused paused_page stop pause resume look show suggests use no press press_yes revoke send go go_yes"
WORDS = dict(zip(SAID.split(), SAID.split(), strict=True))
# By its id, the number that each element has in the snapshot: what the agent's side knows.
IDS = """async () => {
  const { body, encoding } = window.snapshot;
  const bytes = new Blob([body]).stream();
  const stream = encoding == "gzip" ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
  window.ids = {};
  const gather = (node) => {
    if (node.attributes?.id) ids[node.attributes.id] = node.id;
    (node.childNodes ?? []).forEach(gather);
  };
  JSON.parse(await new Response(stream).text()).forEach(({ data }) => data.node && gather(data.node));
}"""
ALL = ["view", "point", "draw", "scroll", "type", "click", "navigate"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    manifest = json.loads((CHECKOUT / "static/manifest.json").read_text())
    shop = Pages()
    shop.html = SHOP
    context = chromium.new_context()
    page = context.new_page()
    page.goto(shop.url)
    page.evaluate(HOST)
    for part in ("companion", "cobrowse"):
        page.evaluate((CHECKOUT / "static" / manifest[part]["file"]).read_text())
    yield page
    context.close()
    shop.close()


def tell(page: Page, kind: str, data: Any = None) -> None:
    page.evaluate("([t, d]) => panel.postMessage({ t, d })", [kind, data])


def start(page: Page, granted: list[str], *, held: bool = False) -> None:
    words = {**WORDS, "locale": "en", "dir": "ltr", "may": dict.fromkeys(ALL, "may")}
    given = {"session": "sh_1", "epoch": 5, "granted": granted, "held": held, "words": words, "recorder": "/x.js"}
    tell(page, "cb:start", given)


def frames(page: Page) -> int:
    return int(page.evaluate("heard.filter(({ t }) => t == 'cb:frame').length"))


def act(page: Page, operation: str, selector: str, value: str = "", base: str = "", *, epoch: int = 0) -> str:
    """The first thing that is said of it."""
    made = {"operation": operation, "value": value, "base": base, "name": "Nadia", "selector": selector}
    page.evaluate(
        """({ selector, epoch, ...given }) => {
          window.n = (window.n ?? 0) + 1;
          const seen = epoch || heard.findLast(({ t }) => t == "cb:frame").epoch;
          panel.postMessage({ t: "cb:act", d: { id: "a" + n, node: ids[selector] ?? 0, epoch: seen, ...given } });
        }""",
        {**made, "epoch": epoch},
    )
    until(page, "heard.some(({ t, d }) => t == 'cb:res' && d.id == 'a' + n)")
    return str(page.evaluate("heard.find(({ t, d }) => t == 'cb:res' && d.id == 'a' + n).d.result"))


def test_nothing_leaves_a_page_that_was_not_let_in(page: Page) -> None:
    assert page.evaluate("heard.map(({ t }) => t)") == ["cb:ready"]
    page.evaluate("answering = false")
    start(page, ["view"])
    until(page, "heard.some(({ t }) => t == 'cb:page')")
    page.wait_for_timeout(700)
    assert frames(page) == 0, "nobody has said yes yet"
    tell(page, "cb:shown", {"url": page.url, "shared": True})
    until(page, "heard.some(({ t }) => t == 'cb:frame')")

    # The address changes under it, and the page at once after: not a change of it is told.
    page.evaluate("answering = true")
    page.evaluate(
        """() => {
          heard.length = 0;
          history.pushState(null, "", "/account/1");
          document.querySelector("h1").textContent = "Balance 1,204";
        }"""
    )
    until(page, "heard.some(({ t, url }) => t == 'cb:page' && url.endsWith('/account/1'))")
    page.evaluate("document.querySelector('h1').textContent = 'Balance 1,205'")
    tell(page, "cb:resync")
    page.wait_for_timeout(900)
    assert frames(page) == 0
    # Elsewhere again: told anew, under a number of its own.
    page.evaluate("history.pushState(null, '', '/basket?card=1#x')")
    until(page, "heard.some(({ t, at }) => t == 'cb:frame' && at == '/basket')")
    assert "card" not in page.evaluate("heard.find(({ t, url }) => t == 'cb:page' && url.endsWith('/basket')).url")

    # A moment for the customer, and the end.
    start(page, ["view"], held=True)
    page.evaluate("heard.length = 0; document.querySelector('h1').textContent = 'Held'")
    page.wait_for_timeout(400)
    assert frames(page) == 0
    start(page, ["view"])
    until(page, "heard.some(({ t }) => t == 'cb:frame')")
    page.keyboard.press("Escape")
    until(page, "heard.some(({ t }) => t == 'cb:stop')")
    page.evaluate("heard.length = 0; document.querySelector('h1').textContent = 'Over'")
    page.wait_for_timeout(400)
    assert page.evaluate("heard.length") == 0
    assert page.locator("contact-hub").count() == 0


def test_an_agent_does_what_is_allowed_where_it_is_shared(page: Page) -> None:
    start(page, ["view", "point"])
    until(page, "heard.some(({ t }) => t == 'cb:frame')")
    page.evaluate(IDS)
    assert act(page, "fill", "open", "x") == "denied"
    page.evaluate("heard.length = 0")
    start(page, ALL)
    until(page, "heard.some(({ t }) => t == 'cb:frame')")
    page.evaluate(IDS)
    assert act(page, "fill", "open", "x", epoch=1) == "stale"
    for field in ("mine", "pass", "card", "code", "inner"):
        # Of what is in a private area the agent's side has no number at all.
        assert act(page, "fill", field, "secret") == ("stale" if field == "inner" else "masked"), field
        assert page.evaluate(f"document.getElementById('{field}').value") == ""
    assert act(page, "fill", "gone", "x") == "stale"
    assert act(page, "fill", "fixed", "x") == "denied"
    assert act(page, "fill", "date", "no date") == "invalid"
    assert act(page, "fill", "list", "c", "a") == "invalid"
    for field, value, base, now in (
        *(("open", "Berlin", "", "Berlin"), ("date", "2026-11-23", "", "2026-11-23"), ("list", "Two", "a", "b")),
        *(("open", "Berlin", "", "Berlin"), ("open", "Bern", "Berlin", "Bern")),
    ):
        assert act(page, "fill", field, value, base) == "done"
        assert page.evaluate(f"document.getElementById('{field}').value") == now
    assert act(page, "fill", "tick", "true", "false") == "done"
    assert page.evaluate("document.getElementById('tick').checked")
    # What she has written since he looked is not written over: she says which it is to be.
    page.locator("#open").fill("Basel")
    page.locator("#more").focus()
    for answer, result, now in (("no", "refused", "Basel"), ("use", "done", "Biel")):
        assert act(page, "fill", "open", "Biel", "Bern") == "suggested"
        page.get_by_role("group").get_by_role("button", name=answer).click()
        until(page, f"heard.findLast(({{ t }}) => t == 'cb:res').d.result == '{result}'")
        assert page.evaluate("document.getElementById('open').value") == now
    assert act(page, "fill", "tick", "false", "false") == "stale" and page.locator("#tick").is_checked()
    page.evaluate("document.getElementById('area').value = 'ONE two three'")
    assert act(page, "fill", "area", "one two THREE", "one two three") == "merged"
    assert page.evaluate("document.getElementById('area').value") == "ONE two THREE"

    assert act(page, "click", "more") == "done" and page.evaluate("window.more") == 1
    for selector in ("send", "away"):
        assert act(page, "click", selector) == "asked"
        page.get_by_role("alertdialog").get_by_role("button", name="no").click()
        until(page, "heard.findLast(({ t }) => t == 'cb:res').d.result == 'refused'")
    assert page.evaluate("window.sent") is None
    assert act(page, "click", "send") == "asked"
    page.get_by_role("alertdialog").get_by_role("button", name="press_yes").click()
    until(page, "window.sent == 1")
    for address in ("https://elsewhere.example/", "javascript:alert(1)", "data:text/html,x"):
        assert act(page, "navigate", "", address) == "denied"
    assert act(page, "click", "mine") == "masked"


CARD_FORM = """<form onsubmit="event.preventDefault(); window.went = 1">
<input id="given" autocomplete="shipping given-name" data-cobrowse="allow">
<label>Family name <input id="family" data-cobrowse="allow" onchange="this.form.requestSubmit()"></label>
<input id="town" name="delivery_city" data-cobrowse="allow" value="Rome">
<input id="typing" name="nick" data-cobrowse="allow">
<input id="unshared" autocomplete="given-name"><input id="email" type="password" data-cobrowse="allow">
<div data-private><input id="within" autocomplete="given-name" data-cobrowse="allow"></div>
<input id="unseen" autocomplete="given-name" data-cobrowse="allow" hidden>
<input id="locked" autocomplete="given-name" data-cobrowse="allow" readonly>
<input id="yes" type="checkbox" name="nick" data-cobrowse="allow"></form>"""


def test_the_card_goes_into_empty_fields_that_it_belongs_in_and_that_are_shared(page: Page) -> None:
    page.evaluate("(form) => document.body.insertAdjacentHTML('beforeend', form)", CARD_FORM)
    values = [
        {"value": "Clara", "match": ["given-name", "vorname"]},
        {"value": "Berg", "match": ["family*"]},
        {"value": "Berlin", "match": ["*_city", "*.*.*"]},
        {"value": "Cleo", "match": ["NICK"]},
        {"value": "clara@berg.example", "match": ["email"]},
    ]

    def card(epoch: int | None = None) -> list[list[str]]:
        page.evaluate(
            """([values, epoch]) => {
              window.n = (window.n ?? 0) + 1;
              epoch ??= heard.findLast(({ t }) => t == "cb:frame").epoch;
              panel.postMessage({ t: "cb:card", d: { id: "c" + n, epoch, values, name: "Nadia" } });
            }""",
            [values, epoch],
        )
        until(page, "heard.some(({ t, d }) => t == 'cb:res' && d.id == 'c' + n)")
        told: list[list[str]] = page.evaluate(
            "heard.filter(({ t, d }) => t == 'cb:res' && d.id == 'c' + n).map(({ d }) => [d.field, d.result])"
        )
        return told

    start(page, ["view", "point"])
    until(page, "heard.some(({ t }) => t == 'cb:frame')")
    assert card() == [["", "denied"]]
    page.evaluate("heard.length = 0")
    start(page, ALL)
    until(page, "heard.some(({ t }) => t == 'cb:frame')")
    assert card(1) == [["", "stale"]]
    page.locator("#typing").focus()
    assert card() == [["given", "done"], ["family", "done"], ["town", "kept"], ["typing", "suggested"]]
    now = page.evaluate(
        "Object.fromEntries([...[...document.forms].at(-1)].map((one) => [one.id, one.checked || one.value]))"
    )
    filled = {"given": "Clara", "family": "Berg", "town": "Rome", "yes": "on"}
    assert now == dict.fromkeys(now, "") | filled and not page.locator("#yes").is_checked()
    # What she has by then is hers; the one that she was in she decides.
    page.get_by_role("group").get_by_role("button", name="use").click()
    until(page, "document.getElementById('typing').value == 'Cleo'")
    # What the page would send because of it is hers to send.
    assert page.evaluate("window.went") is None
    page.get_by_role("alertdialog").get_by_role("button", name="press_yes").click()
    until(page, "window.went == 1")
    assert [result for _, result in card()] == ["kept"] * 4
    page.evaluate("[...document.forms].at(-1).remove()")
    assert card() == [["", "none"]]


def test_whatever_binds_the_customer_is_the_customers(page: Page) -> None:
    start(page, ALL)
    until(page, "heard.some(({ t }) => t == 'cb:frame')")
    page.evaluate(IDS)
    box = page.get_by_role("alertdialog")
    # By what they are called in other languages, by a picture's words, and by a label of a button that sends.
    for selector in ("buy", "plain", "icon", "for-send", "quick-send"):
        assert act(page, "click", selector) == "asked", selector
        box.get_by_role("button", name="no").click()
        until(page, "heard.findLast(({ t }) => t == 'cb:res').d.result == 'refused'")
    # What the page sends by itself once something was chosen or pressed is held up.
    for operation, selector, value, base in (("fill", "jump", "Two", "One"), ("click", "bare", "", "")):
        assert act(page, operation, selector, value, base) == "done"
        expect(box).to_contain_text("send")
        box.get_by_role("button", name="no").click()
        expect(box).to_have_count(0)
    assert page.evaluate("[window.bought, window.quick]") == [None, None]
    assert act(page, "click", "bare") == "done"
    box.get_by_role("button", name="press_yes").click()
    until(page, "window.quick == 1")
    # The customer's own press goes at once.
    page.locator("#quick-send").click()
    until(page, "window.quick == 2")


def test_areas_and_lists_of_suggestions(page: Page) -> None:
    start(page, ALL)
    until(page, "heard.some(({ t }) => t == 'cb:frame')")
    page.evaluate(IDS)
    assert act(page, "fill", "own", "secret") == "masked"
    assert act(page, "fill", "notes", "one two\nfour", "one two three") == "done"
    assert page.locator("#notes").inner_text() == "one two\nfour"
    page.evaluate("notes.textContent = 'ONE two three'")
    assert act(page, "fill", "notes", "one two THREE", "one two three") == "merged"
    assert page.locator("#notes").inner_text() == "ONE two THREE"
    page.locator("#notes").focus()
    assert act(page, "fill", "notes", "mine", "ONE two THREE") == "suggested"
    page.get_by_role("button", name="use", exact=True).click()
    expect(page.locator("#notes")).to_have_text("mine")
    # Of the list that comes, the one that was meant.
    assert act(page, "fill", "city", "Bern, Switzerland") == "done"
    until(page, "window.chosen == 'Bern, Switzerland'")
    assert page.locator("#city").input_value() == "Bern, Switzerland"


def test_a_customer_takes_one_thing_back(page: Page) -> None:
    start(page, ALL)
    until(page, "heard.some(({ t }) => t == 'cb:frame')")
    page.evaluate(IDS)
    assert act(page, "fill", "open", "Berlin") == "done"
    names = page.evaluate("document.querySelector('contact-hub').shadowRoot.querySelectorAll('.may').length")
    assert names == len(ALL) - 1
    page.locator("contact-hub .may").nth(ALL.index("type") - 1).click()
    until(page, "heard.some(({ t, capability }) => t == 'cb:revoke' && capability == 'type')")
    # Here it holds at once, whatever the hub still lets through.
    assert act(page, "fill", "open", "Bonn") == "denied"
    assert act(page, "click", "more") == "done"
    expect(page.locator("contact-hub .may")).to_have_count(len(ALL) - 2)
    tell(page, "cb:point", {"x": 5, "y": 5, "name": "Nadia"})
    expect(page.locator("contact-hub .ptr")).to_be_visible()
    page.locator("contact-hub .may").first.click()
    expect(page.locator("contact-hub .ptr")).to_be_hidden()
    tell(page, "cb:point", {"x": 9, "y": 9, "name": "Nadia"})
    assert act(page, "click", "more") == "done"
    expect(page.locator("contact-hub .ptr")).to_be_hidden()
