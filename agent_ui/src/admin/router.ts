// Where one is: "#/queues/support" is the editor of a queue. A page with unsaved changes holds who wants to leave.
import { signal } from "@preact/signals";
import { confirm } from "../common/components/index.ts";
import { t } from "../common/i18n.ts";

export interface Route {
  page: string;
  /** An id, "new", or null for the list. */
  id: string | null;
}

function parse(hash: string): Route {
  const [page = "", id = ""] = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { page, id: id || null };
}

export const route = signal<Route>(parse(location.hash));

/** Set by an editor while it holds changes that are not saved. */
export const unsaved = signal(false);

export function href(page: string, id?: string): string {
  return `#/${encodeURIComponent(page)}${id ? `/${encodeURIComponent(id)}` : ""}`;
}

/** Goes somewhere without a question; for after saving and deleting. */
export function go(page: string, id?: string): void {
  unsaved.value = false;
  location.hash = href(page, id);
}

let shown = location.hash;

async function onHashChange(): Promise<void> {
  const wanted = location.hash;
  if (wanted === shown) return;
  if (unsaved.value) {
    history.replaceState(null, "", shown || "#/"); // stay until the answer is there
    const leave = await confirm({
      title: t("admin.unsaved.title"),
      text: t("admin.unsaved.text"),
      action: t("admin.unsaved.leave"),
      danger: true,
    });
    if (!leave) return;
    unsaved.value = false;
    location.hash = wanted;
    return;
  }
  shown = wanted;
  route.value = parse(wanted);
}

export function startRouter(): void {
  window.addEventListener("hashchange", () => void onHashChange());
  window.addEventListener("beforeunload", (event) => {
    if (unsaved.value) event.preventDefault();
  });
}
