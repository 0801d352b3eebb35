// What is written, as plain text: for readers without HTML, and for the conversation.

/** The text of our own HTML (the editor's, a signature's): paragraphs, lists, quotations. */
export function plainText(html: string): string {
  const body = new DOMParser().parseFromString(html, "text/html").body;
  return blocks(body).join("\n\n").replace(/[ \t]+\n/g, "\n").trim();
}

function inline(node: Node): string {
  let text = "";
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) text += (child.textContent ?? "").replace(/\s+/g, " ");
    else if (child instanceof HTMLElement) {
      if (child.tagName === "BR") text += "\n";
      else if (child.tagName === "IMG") text += child.getAttribute("alt") ? `[${child.getAttribute("alt") ?? ""}]` : "";
      else if (child.tagName === "A") text += link(child);
      else text += inline(child);
    }
  }
  return text;
}

function link(element: HTMLElement): string {
  const words = inline(element);
  const to = (element.getAttribute("href") ?? "").replace(/^(mailto|tel):/, "");
  return !to || words.includes(to) || to.replace(/^https?:\/\//, "") === words ? words : `${words} <${to}>`;
}

function prefixed(lines: string[], first: string, rest: string): string {
  return lines.join("\n").split("\n").map((line, index) => (index === 0 ? first : rest) + line).join("\n");
}

function blocks(node: Node): string[] {
  const found: string[] = [];
  for (const child of node.childNodes) {
    if (!(child instanceof HTMLElement)) {
      if (child.textContent?.trim()) found.push(inline({ childNodes: [child] } as unknown as Node));
      continue;
    }
    const name = child.tagName;
    if (name === "UL" || name === "OL") {
      const items = [...child.children].map((item, index) => {
        const sign = name === "UL" ? "- " : `${index + 1}. `;
        return prefixed(blocks(item), sign, " ".repeat(sign.length));
      });
      found.push(items.join("\n"));
    } else if (name === "BLOCKQUOTE") found.push(prefixed([blocks(child).join("\n\n")], "> ", "> "));
    else if (child.querySelector("p,div,ul,ol,blockquote")) found.push(...blocks(child));
    else found.push(inline(child));
  }
  return found;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign] ?? sign);
}

/** Plain text as paragraphs. */
export function textAsHtml(text: string): string {
  return text.split(/\n{2,}/).filter((part) => part.trim()).map((part) => `<p>${escapeHtml(part.trim()).replace(/\n/g, "<br>")}</p>`).join("");
}
