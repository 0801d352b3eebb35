// Files in a conversation: which may go out, how they are shown, how they are saved.

import type { HubFile } from "../../wire.ts";
import { changed, state } from "../state.ts";
import { bearer } from "../upload.ts";

async function fetched(path: string): Promise<Blob> {
  const response = await fetch(path, { headers: { Authorization: bearer() } });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.blob();
}

const pictures = new Map<string, string | null>();

/** The address of a picture in this page; null while it is on its way, "" when it cannot be had. */
export function picture({ id }: HubFile, size: "/thumb" | ""): string | null {
  const path = `/files/${id}${size}`;
  const known = pictures.get(path);
  if (known !== undefined) return known;
  pictures.set(path, null);
  fetched(path)
    .then((blob) => URL.createObjectURL(blob), () => "")
    .then((url) => {
      pictures.set(path, url);
      changed();
    });
  return null;
}

/** Saves, never shows: a file that could run a script must not do so in the hub's origin. */
export async function download({ id, name }: HubFile): Promise<void> {
  save(await fetched(`/files/${id}`), name);
}

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Whether the site takes this file: null, or the key of the sentence that says why not. */
export function refusal(file: File): "file_too_large" | "file_type" | null {
  const limits = state.site.files;
  if (!limits) return null;
  if (file.size > limits.max_bytes) return "file_too_large";
  const fits = (type: string) =>
    type == file.type || (type.endsWith("/*") && file.type.startsWith(type.slice(0, -1))) || (type[0] == "." && file.name.toLowerCase().endsWith(type));
  return !limits.types.length || !file.type || limits.types.some(fits) ? null : "file_type";
}
