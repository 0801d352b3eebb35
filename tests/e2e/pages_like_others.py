"""Pages as others build them, small enough to be read: each with a shared field, and what happens on it."""

from __future__ import annotations

import base64
import json
from typing import NamedTuple

from tests.peers import CHECKOUT

ALLOW = 'data-cobrowse="allow"'
HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>'


class Fixture(NamedTuple):
    """`field` is the shared one's id; `steps` are scripts; after each the mirror has to equal the page."""

    html: str
    field: str
    steps: tuple[str, ...]


def article() -> Fixture:
    words = "The leaves are picked by hand, withered overnight, and rolled before the sun is up. " * 4
    sections = "".join(
        f'<section id="s{n}"><h2>Part {n}</h2><p>{words}</p><figure><table><tr><td>{n}<td>{n * n}</table>'
        f"<figcaption>Figure {n}</figcaption></figure><blockquote>{words}</blockquote>"
        f"<p>{words}<sup>{n}</sup></p></section>"
        for n in range(80)
    )
    html = f"""{HEAD}<style>nav {{ position: sticky; top: 0 }} p:first-of-type::first-letter {{ font-size: 3em }}
      .now {{ color: teal }}</style><h1>On tea</h1>
      <nav>{"".join(f'<a href="#s{n}">{n}</a> ' for n in range(80))}</nav><main>{sections}</main>
      <details id="notes"><summary>Notes</summary><p>Hidden at first</p></details>
      <form><label for="comment">Comment</label><textarea id="comment" {ALLOW}></textarea></form>"""
    return Fixture(
        html,
        "comment",
        (
            "document.querySelector('#s70').scrollIntoView()",
            "document.querySelector('nav a:nth-child(71)').className = 'now'",
            "document.querySelector('#notes').open = true",
            "document.querySelectorAll('sup').forEach((one) => one.replaceWith(...one.childNodes))",
        ),
    )


def shop() -> Fixture:
    goods = "".join(
        f'<li class="card" data-n="{n}"><h2>Teapot {n}</h2><p class="price">€ {20 + n}.00</p><button>Add</button></li>'
        for n in range(60)
    )
    html = f"""{HEAD}<style>.card {{ border: 1px solid }} [hidden] {{ display: none }} .sold {{ opacity: .5 }}</style>
      <h1>Teapots</h1><label for="find">Find</label><input id="find" type="search" {ALLOW}>
      <label for="sort">Sort</label><select id="sort" {ALLOW}><option>Name<option>Price</select>
      <ul id="goods">{goods}</ul><dialog id="basket"><h2>Basket</h2><ol></ol></dialog>
      <p data-private>Your credit: € 12.00</p>
      <script>
        const cards = [...document.querySelectorAll(".card")];
        find.oninput = () => cards.forEach((card) => (card.hidden = !card.textContent.includes(find.value)));
        goods.onclick = ({{ target }}) => {{
          if (target.localName != "button") return;
          const line = document.createElement("li");
          line.textContent = target.closest("li").querySelector("h2").textContent;
          basket.querySelector("ol").append(line);
          if (!basket.open) basket.showModal();
        }};
        window.sorted = () => goods.append(...cards.reverse());
      </script>"""
    return Fixture(
        html,
        "find",
        (
            "document.querySelector('.card button').click()",
            "basket.close(); sorted()",
            "document.querySelectorAll('.card').forEach((card, n) => card.classList.toggle('sold', n % 3 == 0))",
        ),
    )


def single_page() -> Fixture:
    """With a framework that sets fields itself and reuses elements; its pages are addresses that are not loaded."""
    files = {"preact": "preact/dist/preact.mjs", "preact/hooks": "preact/hooks/dist/hooks.mjs"}
    addresses = {
        name: "data:text/javascript;base64,"
        + base64.b64encode((CHECKOUT / "node_modules" / file).read_bytes()).decode()
        for name, file in files.items()
    }
    html = f"""{HEAD}<script type="importmap">{json.dumps({"imports": addresses})}</script><div id="app"></div>
      <script type="module">
      import {{ h, render, Fragment }} from "preact";
      import {{ useState, useEffect }} from "preact/hooks";
      function List({{ go }}) {{
        const [rows, setRows] = useState([...Array(30).keys()]);
        const [filter, setFilter] = useState("");
        window.shuffle = () => setRows((rows) => [...rows.filter((n) => n % 2), ...rows.filter((n) => n % 2 == 0)]);
        window.drop = () => setRows((rows) => rows.slice(5));
        return h(Fragment, null, h("h1", null, "Orders"),
          h("label", {{ htmlFor: "filter" }}, "Filter"),
          h("input", {{ id: "filter", "data-cobrowse": "allow", value: filter,
            onInput: ({{ target }}) => setFilter(target.value) }}),
          h("p", {{ id: "echo" }}, "Looking for " + filter),
          h("ul", null, rows.map((n) =>
            h("li", {{ key: n, class: n % 2 ? "odd" : "even" }}, "Order " + n, h("b", null, n * 3)))));
      }}
      function Order() {{
        const [step, setStep] = useState(0);
        useEffect(() => {{ window.next = () => setStep((n) => n + 1); }}, []);
        return h("article", {{ class: "s" + step }}, h("h1", null, "Order"), step > 0 && h("p", null, "Step " + step),
          step % 2 ? h("section", null, h("i", null, "odd")) : h("aside", null, "even"));
      }}
      function App() {{
        const [path, setPath] = useState(location.pathname);
        window.go = (to) => {{ history.pushState(null, "", to); setPath(to); }};
        return h("main", null, path.startsWith("/order") ? h(Order) : h(List));
      }}
      render(h(App), document.querySelector("#app"));
    </script>"""
    return Fixture(html, "filter", ("shuffle()", "drop()", "go('/order/7')", "next()", "next()", "go('/')"))


def table() -> Fixture:
    rows = "".join(
        f'<tr id="r{n}"><td>{n}<td>Teapot {n % 17}<td class="sum">{n * 7 % 1000}.00<td>Berlin</tr>' for n in range(5000)
    )
    html = f"""{HEAD}<style>tr:nth-child(odd) {{ background: #eee }} .on {{ font-weight: bold }}</style><h1>Stock</h1>
      <label for="filter">Filter</label><input id="filter" {ALLOW}>
      <table><thead><tr><th>No.<th>What<th>Price<th>Where</thead><tbody id="rows">{rows}</tbody></table>"""
    return Fixture(
        html,
        "filter",
        (
            "rows.append(...[...rows.children].slice(0, 300).reverse())",
            "document.querySelectorAll('.sum').forEach((cell, n) => n % 9 || cell.classList.add('on'))",
            "[...rows.children].slice(1000, 4000).forEach((row) => row.remove())",
            "document.querySelector('#r4900').scrollIntoView()",
        ),
    )


def checkout() -> Fixture:
    shared = "".join(f'<p><label for="f{n}">Field {n}</label><input id="f{n}" {ALLOW}></p>' for n in range(10))
    secret = "".join(f'<p><label for="m{n}">Own {n}</label><input id="m{n}"></p>' for n in range(4))
    html = f"""{HEAD}<style>:invalid {{ color: red }}</style><h1>Checkout</h1>
      <form onsubmit="return false">{shared}{secret}
      <label for="country">Country</label><select id="country" {ALLOW}><option>Germany<option>China</select>
      <label for="date">Date</label><input id="date" type="date" {ALLOW}>
      <label for="gift">Gift</label><input id="gift" type="checkbox" {ALLOW}>
      <label for="card">Card number</label><input id="card" autocomplete="cc-number">
      <label for="words">Words</label><textarea id="words" {ALLOW}></textarea>
      <label for="pass">Password</label><input id="pass" type="password">
      <div id="more"></div><p id="error" role="alert" hidden>Something is missing.</p><button>Order</button></form>
      <script>
        const province = '<label for="prov">Province</label><input id="prov" {ALLOW}>';
        country.onchange = () => (more.innerHTML = country.value == "China" ? province : "");
        window.put = (id, value) => {{
          const field = document.getElementById(id);
          field.value = value;
          for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, {{ bubbles: true }}));
        }};
      </script>"""
    return Fixture(
        html,
        "f3",
        (
            "for (let n = 0; n < 10; n++) put('f' + n, 'Value ' + n)",
            "put('m1', 'wombat'); put('words', 'Ring twice'); put('pass', 'wombat')",
            "put('country', 'China'); put('date', '2026-11-23'); put('card', '4242424242424242')",
            "document.querySelector('#error').hidden = false; document.querySelector('#gift').click()",
        ),
    )


FIXTURES = {"article": article, "shop": shop, "single page": single_page, "table": table, "checkout": checkout}
