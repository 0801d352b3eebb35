// What leaves a customer's browser, run by node as it stands: vectors of secrets, and events as rrweb makes them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { dataPicture, holdsCard, hush, hushTyped, luhn, MASK, scrubCss, scrubUrl } from "../../widget/src/cobrowse/secrets.ts";
import { makeScrubber } from "../../widget/src/cobrowse/scrub.ts";

const SECRETS = [
  ["Card 4111 1111 1111 1111 on file", "4111 1111 1111 1111"],
  ["5555-5555-5555-4444", "5555-5555-5555-4444"],
  ["Amex 378282246310005.", "378282246310005"],
  ["٤١١١١١١١١١١١١١١١", "٤١١١١١١١١١١١١١١١"],
  ["４１１１１１１１１１１１１１１１", "４１１１１１１１１１１１１１１１"],
  ["4111\u00a01111\u20091111\u200b1111", "1111\u20091111"],
  ["to DE89 3704 0044 0532 0130 00 please", "3704 0044 0532"],
  ["jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJzdWIiOiIxIn0"],
  ["key sk_live_abcdefgh12345678", "abcdefgh12345678"],
  ["AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"],
  ["ghp_abcdefghijklmnop0123", "abcdefghijklmnop"],
  ["-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----", "MIIEvQ"],
  ["your code is 482913", "482913"],
  ["482 913 is your login code", "482 913"],
  ["验证码：739201", "739201"],
  ["رمز التحقق ٤٨٢٩١٣", "٤٨٢٩١٣"],
  ["TAN 338 221", "338 221"],
  ["CVC 737", "737"],
  ["Password: hunter2", "hunter2"],
  ["Your password is correct-horse", "correct-horse"],
  ["密码：opensesame", "opensesame"],
  ["Bearer abcd1234efgh", "abcd1234efgh"],
  ["SSN 078-05-1120", "078-05-1120"],
  ["recovery AB12-CD34-EF56", "AB12-CD34"],
  ["session 9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d65"],
  ["id 123e4567-e89b-12d3-a456-426614174000", "e89b-12d3"],
  ["see https://u:pw@shop.example/reset?token=letmein#frag", "letmein"],
  ["otpauth://totp/Shop:clara?secret=JBSWY3DP", "JBSWY3DP"],
];

test("secrets in words are hidden", () => {
  for (const [text, secret] of SECRETS) assert.ok(!hush(text).includes(secret), `${text} -> ${hush(text)}`);
});

test("ordinary words stay as they are", () => {
  for (const text of [
    "Kyusu teapot, Tenmoku glaze, € 84.00",
    "Order 2026-11-22 arrives between 9:00 and 12:30",
    "Postal code 10435 Berlin",
    "Call us: +49 30 5550 4821",
    "1137 x 972 pixels, 12,140 nodes",
    "Donaudampfschifffahrtsgesellschaftskapitän",
    "The error code 404 means that nothing is there",
    "请在 2026 年 11 月 30 日之前付款",
    "clara@berg.example",
    "Item code 55021",
  ])
    assert.equal(hush(text), text);
});

test("Luhn's check digit", () => {
  for (const good of ["4111111111111111", "378282246310005", "6011000990139424", "30569309025904"]) assert.ok(luhn(good) && holdsCard(good));
  assert.ok(!luhn("4111111111111112"));
  assert.ok(holdsCard("004111111111111111"), "among other digits");
});

test("a card's number is hidden while it is typed", () => {
  const typed = "4111 1111 1111 1111";
  for (let length = 8; length <= typed.length; length++) assert.ok(!hushTyped(typed.slice(0, length), false).includes("4111 111"));
  assert.equal(hushTyped("+49 30 5550 4821", true), "+49 30 5550 4821");
  assert.equal(hushTyped("10435", false), "10435");
});

test("addresses keep scheme, host and path", () => {
  const cases = {
    "https://shop.example/checkout?session=abc#top": "https://shop.example/checkout",
    "https://clara:pw@shop.example/a;jsessionid=77": "https://shop.example/a",
    "/reset/3f9a8b7c6d5e4f3a2b1c": "/reset/...",
    "/u/clara%40berg.example/orders": "/u/.../orders",
    "https://shop.example/t/eyJhbGciOi.J9": "https://shop.example/t/...",
    "javascript:alert(1)": "",
    "mailto:clara@berg.example": "",
    "tel:+49305550": "",
    "?token=x": "",
    "/tea/kyusu-teapot": "/tea/kyusu-teapot",
  };
  for (const [url, kept] of Object.entries(cases)) assert.equal(scrubUrl(url), kept);
});

test("style sheets fetch nothing", () => {
  const css = scrubCss(
    `@import url(https://x.example/a.css?k=1);a{background:url( "https://x.example/p.png?t=1" )}b{fill:url(#g1)}c{background:URL(//x.example/q)}d{background:image-set("https://x.example/s" 1x)}e::after{content:"code 482913"}/* token: abc */`,
  );
  assert.doesNotMatch(css, /x\.example|482913|abc/);
  assert.match(css, /url\(#g1\)/);
  for (const sly of ["a{b:u\\72l(//x.example)}", "a{b:\\55 \\000052l(//x.example)}", "@\\69mport '//x.example';", "a{b:ur\\l('//x.example')}", "a{b:url(//x.example", "/*"])
    assert.doesNotMatch(scrubCss(sly), /x\.example/, sly);
  assert.equal(scrubCss(".md\\:flex, .\\31 0{color:red}"), ".md\\:flex, .\\31 0{color:red}");
  assert.ok(dataPicture("data:image/png;base64,iVBORw0KGgo="));
  assert.equal(dataPicture("data:text/html,<b>"), "");
  assert.equal(dataPicture("data:image/svg+xml,<svg><text>secret</text></svg>"), "");
  assert.equal(dataPicture("data:image/svg+xml,%3Csvg%3E%3Cimage href='https://x'/%3E%3C/svg%3E"), "");
});

let next = 0;
const el = (tagName, attributes = {}, ...childNodes) => ({ type: 2, id: ++next, tagName, attributes, childNodes });
const txt = (textContent) => ({ type: 3, id: ++next, textContent });

function shown(...nodes) {
  const scrub = makeScrubber();
  const body = el("body", {}, ...nodes);
  const page = { type: 0, id: ++next, childNodes: [body] };
  const event = scrub({ type: 2, data: { node: page, initialOffset: { left: 0, top: 0 } }, timestamp: 1 });
  return { scrub, body: event.data.node.childNodes[0], all: JSON.stringify(event) };
}
const change = (scrub, data) => scrub({ type: 3, data, timestamp: 2 });
const mutate = (scrub, data) => change(scrub, { source: 0, texts: [], attributes: [], removes: [], adds: [], ...data });

test("fields are masked unless their site shares them, and some are never shared", () => {
  const open = { "data-cobrowse": "allow" };
  const fields = {
    plain: el("input", { type: "text", value: "zebra" }),
    open: el("input", { ...open, type: "text", value: "giraffe" }),
    password: el("input", { ...open, type: "password", value: "zebra" }),
    hidden: el("input", { ...open, type: "hidden", value: "zebra" }),
    card: el("input", { ...open, autocomplete: "billing cc-number", value: "zebra" }),
    code: el("input", { ...open, autocomplete: "one-time-code", value: "zebra" }),
    named: el("input", { ...open, name: "cardNumber", value: "zebra" }),
    cvc: el("input", { ...open, id: "checkout_cvc", value: "zebra" }),
    shown: el("input", { ...open, type: "text", "data-rr-is-password": "true", value: "zebra" }),
  };
  const { scrub, body, all } = shown(...Object.values(fields));
  assert.ok(!all.includes("zebra"));
  Object.keys(fields).forEach((name, n) => {
    assert.equal(body.childNodes[n].attributes.value, name == "open" ? "giraffe" : MASK, name);
    const input = change(scrub, { source: 5, id: fields[name].id, text: "lion", isChecked: true });
    assert.deepEqual(input.data, { source: 5, id: fields[name].id, text: name == "open" ? "lion" : MASK, isChecked: name == "open" }, name);
    const attribute = mutate(scrub, { attributes: [{ id: fields[name].id, attributes: { value: "lion", placeholder: "puma", title: "puma" } }] });
    assert.equal(attribute.data.attributes[0].attributes.value, name == "open" ? "lion" : MASK);
    assert.equal(JSON.stringify(attribute).includes("puma"), name == "open");
  });
  assert.equal(scrub.hidden, 8);
});

test("a password stays hidden after it has been shown", () => {
  const field = el("input", { "data-cobrowse": "allow", type: "password", value: "zebra" });
  const { scrub } = shown(field);
  const made = mutate(scrub, { attributes: [{ id: field.id, attributes: { type: "text", value: "zebra" } }] });
  assert.ok(!JSON.stringify(made).includes("zebra"));
  assert.equal(change(scrub, { source: 5, id: field.id, text: "zebra", isChecked: false }).data.text, MASK);
});

test("what a masked list or text area holds is masked in its nodes too", () => {
  const { all } = shown(
    el("select", {}, el("option", { value: "zebra", selected: true, label: "zebra" }, txt("zebra"))),
    el("textarea", {}, txt("zebra")),
    el("div", { contenteditable: "" }, el("b", {}, txt("zebra"))),
    el("div", { role: "textbox" }, txt("zebra")),
    el("input", { list: "l", value: "zebra" }),
    el("datalist", {}, el("option", { value: "zebra" })),
  );
  assert.ok(!all.includes("zebra"), all);
  assert.ok(!all.includes('"selected"'));
  assert.ok(shown(el("select", { "data-cobrowse": "allow" }, el("option", { value: "a", selected: true }, txt("lion")))).all.includes("lion"));
});

test("private areas are boxes, also for what changes in them", () => {
  const inner = txt("zebra");
  const deep = el("p", { title: "zebra" }, inner);
  const area = el("div", { "data-private": "", class: "zebra", rr_width: "10px" }, deep, el("img", { alt: "zebra", src: "data:image/png;base64,zebra" }));
  const { scrub, body, all } = shown(area);
  assert.ok(!all.includes("zebra"));
  assert.deepEqual(body.childNodes[0].attributes, { rr_width: "10px", "data-cb": "private" });
  assert.equal(mutate(scrub, { texts: [{ id: inner.id, value: "zebra" }] }), null);
  assert.equal(mutate(scrub, { attributes: [{ id: deep.id, attributes: { class: "zebra" } }] }), null);
  assert.equal(mutate(scrub, { adds: [{ parentId: deep.id, nextId: null, node: txt("zebra") }] }), null);
  assert.equal(mutate(scrub, { removes: [{ parentId: area.id, id: deep.id }] }), null);
  assert.equal(change(scrub, { source: 5, id: deep.id, text: "zebra" }), null);
  assert.equal(change(scrub, { source: 14, ranges: [{ start: inner.id, startOffset: 0, end: inner.id, endOffset: 3 }] }).data.ranges.length, 0);
});

test("what becomes private asks for a snapshot and says nothing more until then", () => {
  const words = txt("giraffe");
  const area = el("div", {}, words);
  const { scrub } = shown(area);
  assert.ok(!scrub.stale);
  const made = mutate(scrub, { attributes: [{ id: area.id, attributes: { "data-private": "" } }], texts: [] });
  assert.ok(scrub.stale);
  assert.deepEqual(made.data.attributes, [{ id: area.id, attributes: { "data-cb": "private" } }]);
  assert.equal(mutate(scrub, { texts: [{ id: words.id, value: "zebra" }] }), null);
});

test("strangers, and what is put into them, are not sent", () => {
  const { scrub } = shown();
  assert.equal(mutate(scrub, { texts: [{ id: 9e6, value: "zebra" }] }), null);
  assert.equal(mutate(scrub, { attributes: [{ id: 9e6, attributes: { value: "zebra" } }] }), null);
  assert.equal(mutate(scrub, { adds: [{ parentId: 9e6, nextId: null, node: txt("zebra") }] }), null);
  assert.equal(change(scrub, { source: 5, id: 9e6, text: "zebra" }), null);
  for (const source of [9, 10, 11, 16, 99]) assert.equal(change(scrub, { source, id: 1, data: "zebra", payload: "zebra", fontSource: "zebra" }), null);
  for (const type of [5, 6, 7, 42]) assert.equal(scrub({ type, data: { payload: "zebra", plugin: "zebra" }, timestamp: 3 }), null);
});

test("children are judged by their parents in whatever order they are named", () => {
  const { scrub, body } = shown();
  const child = txt("zebra");
  const parent = el("div", { "data-private": "" });
  const made = mutate(scrub, { adds: [{ parentId: parent.id, nextId: null, node: child }, { parentId: body.id, nextId: null, node: parent }] });
  assert.ok(!JSON.stringify(made).includes("zebra"));
  assert.equal(made.data.adds.length, 1);
});

test("attributes that are not known stay, looks are kept", () => {
  const all = ["alt", "title", "aria-label", "aria-description", "data-token", "data-user", "onclick", "srcset", "action", "formaction", "ping", "cite", "poster", "srcdoc", "nonce", "integrity", "content", "name", "datetime", "summary", "download", "x-secret"];
  const made = shown(el("div", { ...Object.fromEntries(all.map((name) => [name, "zebra"])), class: "card wide", style: "color: red", "aria-expanded": "true", "data-open": "" }));
  assert.ok(!made.all.includes("zebra"));
  assert.deepEqual(made.body.childNodes[0].attributes, { class: "card wide", style: "color: red", "aria-expanded": "true", "data-open": "" });
  const themed = shown(el("style", { _cssText: "[data-theme=dark] a { color: red }" }), el("div", { "data-theme": "dark", "data-user": "zebra" }));
  assert.deepEqual(themed.body.childNodes[1].attributes, { "data-theme": "dark" });
});

test("a card's number in pieces", () => {
  const groups = ["4111", "1111", "1111", "1111"];
  const { all } = shown(el("p", {}, ...groups.map((group) => el("span", {}, txt(group)))));
  assert.ok(!all.includes("1111"));
  assert.ok(shown(el("p", {}, el("span", {}, txt("4111")), el("span", {}, txt("1112")))).all.includes("4111"));
});

test("scripts keep their place only, comments and documents say nothing", () => {
  const { all, body } = shown(
    el("script", { src: "https://x/zebra", nonce: "zebra" }, txt("zebra")),
    el("meta", { name: "csrf-token", content: "zebra" }),
    el("noscript", {}, el("img", { src: "zebra" })),
    el("iframe", { src: "https://x/zebra", srcdoc: "zebra" }),
    el("object", { data: "zebra" }),
    { type: 5, id: ++next, textContent: "zebra" },
    { type: 4, id: ++next, textContent: "zebra" },
    { type: 1, id: ++next, name: "html", publicId: "zebra", systemId: "zebra" },
    el("zebra!", {}),
  );
  assert.ok(!all.includes("zebra"), all);
  assert.deepEqual(body.childNodes.map(({ tagName }) => tagName).slice(0, 3), ["cb-gone", "cb-gone", "cb-gone"]);
});

test("events that make no sense are left out and harm nobody", () => {
  const { scrub } = shown();
  for (const data of [null, 7, "x", [], {}, { source: 0 }, { source: 0, adds: [null, {}, { node: null }], texts: 7, attributes: [{}] }, { node: 7 }])
    for (const type of [2, 3, 4]) assert.doesNotThrow(() => scrub({ type, data, timestamp: NaN }));
});

test("pictures of style sheets become variables by number, without their addresses", () => {
  const addresses = [];
  const refer = (url) => addresses.push(url);
  const css = `.a{background:#eee url("/a.png?t=1") no-repeat} .b{mask:url(b.svg)} .c{fill:url(#d)} @font-face{font-family:x;src:url(x.woff2)} .e{background:url(data:image/png;base64,AAAA)}`;
  const made = scrubCss(css, refer);
  assert.deepEqual(addresses, ["/a.png?t=1", "b.svg"]);
  assert.ok(made.includes('background:#eee var(--cb-1,url("data:,")) no-repeat'), made);
  assert.ok(made.includes('mask:var(--cb-2,url("data:,"))') && made.includes("fill:url(#d)") && made.includes('src:url("data:,")'), made);
  assert.ok(made.includes("base64,AAAA") && !/a\.png|b\.svg|x\.woff/.test(made), made);
  // Once more at the viewer nothing of it changes, and no address of the page's own comes in.
  assert.equal(scrubCss(made), made);
  assert.equal(scrubCss(css, () => 0), scrubCss(css));
});

test("a node is shown to agents unless it, or what it stands in, is private or masked", () => {
  const scrub = makeScrubber();
  const image = (id) => ({ type: 2, tagName: "img", attributes: { src: "/x.png" }, childNodes: [], id });
  const box = (id, attributes, child) => ({ type: 2, tagName: "div", attributes, childNodes: [child], id });
  const body = { type: 2, tagName: "body", attributes: {}, id: 2, childNodes: [image(3), box(4, { "data-private": "" }, image(5)), box(6, { contenteditable: "" }, image(7))] };
  scrub({ type: 2, timestamp: 0, data: { node: { type: 0, id: 1, childNodes: [body] }, initialOffset: { left: 0, top: 0 } } });
  assert.deepEqual([3, 5, 7, 99].map((id) => scrub.shows(id)), [true, false, false, false]);
});

test("areas that the site shares are marked for the viewer, and no others", () => {
  const scrub = makeScrubber();
  const area = (id, attributes) => ({ type: 2, tagName: "div", attributes: { contenteditable: "true", ...attributes }, childNodes: [{ type: 3, id: id + 10, textContent: "Words" }], id });
  const body = { type: 2, tagName: "body", attributes: {}, id: 2, childNodes: [area(3, { "data-cobrowse": "allow" }), area(4, {}), area(5, { "data-cobrowse": "allow", "aria-label": "PIN" })] };
  const { data } = scrub({ type: 2, timestamp: 0, data: { node: { type: 0, id: 1, childNodes: [body] }, initialOffset: { left: 0, top: 0 } } });
  const shown = data.node.childNodes[0].childNodes;
  assert.deepEqual(shown.map(({ attributes }) => attributes["data-cb"]), ["editable", "masked", "masked"]);
  assert.deepEqual(shown.map(({ childNodes }) => childNodes[0].textContent), ["Words", MASK, MASK]);
});
