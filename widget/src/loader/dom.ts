/** Runs `work` so that no mistake of ours ever reaches the host page. */
export function guard<A extends unknown[]>(work: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      work(...args);
    } catch {
      // the host page has no use for our errors
    }
  };
}

export function on(target: EventTarget, type: string, work: (event: any) => void): void {
  target.addEventListener(type, guard(work));
}

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const key in attributes) made.setAttribute(key, attributes[key]!);
  made.append(...children);
  return made;
}

/** A line drawing on a 24 px grid; built node by node, since a host may forbid markup from strings. */
export function icon(paths: string[]): Element {
  const make = (name: string, attributes: Record<string, string>, ...children: Node[]) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]!);
    made.append(...children);
    return made;
  };
  return make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, ...paths.map((d) => make("path", { d })));
}
