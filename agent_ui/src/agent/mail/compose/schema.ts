// What a mail of ours can hold: paragraphs, lists, quotations, links, pictures of our own. Whatever is pasted is read into
// this, so nothing else can leave.

import { type DOMOutputSpec, DOMParser, DOMSerializer, type Mark, type Node, Schema } from "prosemirror-model";

const LINK = /^(?:https?:\/\/|mailto:|tel:)/i;

export const schema = new Schema({
  nodes: {
    doc: { content: "block+" },
    paragraph: { content: "inline*", group: "block", parseDOM: [{ tag: "p" }, { tag: "div" }], toDOM: (): DOMOutputSpec => ["p", 0] },
    blockquote: { content: "block+", group: "block", defining: true, parseDOM: [{ tag: "blockquote" }], toDOM: (): DOMOutputSpec => ["blockquote", 0] },
    bullet_list: { content: "list_item+", group: "block", parseDOM: [{ tag: "ul" }], toDOM: (): DOMOutputSpec => ["ul", 0] },
    ordered_list: { content: "list_item+", group: "block", parseDOM: [{ tag: "ol" }], toDOM: (): DOMOutputSpec => ["ol", 0] },
    list_item: { content: "paragraph block*", defining: true, parseDOM: [{ tag: "li" }], toDOM: (): DOMOutputSpec => ["li", 0] },
    image: {
      inline: true,
      group: "inline",
      draggable: true,
      attrs: { file: {}, alt: { default: "" } },
      // Pictures of other people's pages are left where they are.
      parseDOM: [{
        tag: "img[src^='/files/']",
        getAttrs: (element) => ({ file: decodeURIComponent((element.getAttribute("src") ?? "").slice(7)), alt: element.getAttribute("alt") ?? "" }),
      }],
      toDOM: (node: Node): DOMOutputSpec => ["img", { src: `/files/${encodeURIComponent(String(node.attrs["file"]))}`, alt: String(node.attrs["alt"]) }],
    },
    hard_break: { inline: true, group: "inline", selectable: false, parseDOM: [{ tag: "br" }], toDOM: (): DOMOutputSpec => ["br"] },
    text: { group: "inline" },
  },
  marks: {
    link: {
      attrs: { href: {} },
      inclusive: false,
      parseDOM: [{
        tag: "a[href]",
        getAttrs: (element) => {
          const href = element.getAttribute("href") ?? "";
          return LINK.test(href) ? { href } : false;
        },
      }],
      toDOM: (mark: Mark): DOMOutputSpec => ["a", { href: String(mark.attrs["href"]), rel: "noopener noreferrer" }, 0],
    },
    strong: { parseDOM: [{ tag: "strong" }, { tag: "b" }, { style: "font-weight", getAttrs: (value) => /^(bold(er)?|[6-9]\d{2})$/.test(value) && null }], toDOM: (): DOMOutputSpec => ["strong", 0] },
    em: { parseDOM: [{ tag: "em" }, { tag: "i" }, { style: "font-style=italic" }], toDOM: (): DOMOutputSpec => ["em", 0] },
    underline: { parseDOM: [{ tag: "u" }, { style: "text-decoration=underline" }], toDOM: (): DOMOutputSpec => ["u", 0] },
    strike: { parseDOM: [{ tag: "s" }, { tag: "del" }, { tag: "strike" }], toDOM: (): DOMOutputSpec => ["s", 0] },
  },
});

/** An address that may stand in a link, or null. */
export function linkTo(text: string): string | null {
  const given = text.trim();
  if (LINK.test(given)) return given;
  if (/^[^\s@/]+@[^\s@/]+\.[^\s@/]+$/.test(given)) return `mailto:${given}`;
  return /^[^\s/]+\.[^\s]{2,}/.test(given) ? `https://${given}` : null;
}

/** Read in a document of its own, where nothing loads. */
export function fromHtml(html: string): Node {
  const parsed = new window.DOMParser().parseFromString(`<body>${html}</body>`, "text/html");
  return DOMParser.fromSchema(schema).parse(parsed.body);
}

export function toHtml(doc: Node): string {
  const inert = document.implementation.createHTMLDocument("");
  const place = inert.createElement("div");
  place.append(DOMSerializer.fromSchema(schema).serializeFragment(doc.content, { document: inert }));
  for (const paragraph of place.querySelectorAll("p")) if (!paragraph.hasChildNodes()) paragraph.append(inert.createElement("br"));
  return place.innerHTML;
}

