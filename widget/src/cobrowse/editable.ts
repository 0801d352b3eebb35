// Editable areas as plain text, the same on the customer's page and in its mirror, and text put into one.

const BLOCK = /^(?:address|article|blockquote|dd|div|dl|dt|figure|h[1-6]|hr|li|ol|p|pre|section|table|tr|ul)$/;

export function plainText(root: Node): string {
  let text = "";
  const walk = (node: Node): void => {
    if (node.nodeType == 3) text += (node as Text).data.replace(/[\t\r\n ]+/g, " ");
    if (node.nodeType != 1 && node != root) return;
    const name = (node as Element).localName;
    if (name == "br") return void (text += "\n");
    const block = node != root && BLOCK.test(name);
    if (block && text && !text.endsWith("\n")) text += "\n";
    node.childNodes.forEach(walk);
    if (block && node.nextSibling && !text.endsWith("\n")) text += "\n";
  };
  walk(root);
  return text.replace(/\u00a0/g, " ").replace(/ *\n */g, "\n").trim();
}

/** As an editor hears it from a keyboard; false when it does not want it. */
export function putText(area: HTMLElement, text: string): boolean {
  const said = { inputType: "insertReplacementText", data: text, bubbles: true, composed: true };
  const range = document.createRange();
  range.selectNodeContents(area);
  // An editor of its own model takes it from here, and says so.
  if (!area.dispatchEvent(new InputEvent("beforeinput", { ...said, cancelable: true }))) return plainText(area) == text.trim();
  range.deleteContents();
  const lines = text.split("\n");
  area.append(...lines.flatMap((line, n) => (n ? [document.createElement("br"), line] : [line])));
  area.dispatchEvent(new InputEvent("input", said));
  area.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}
