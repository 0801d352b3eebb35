// Files that the hub makes, saved on this computer.

import { HubError } from "./errors.ts";

/** Fetched first, so that a refusal is told here and is no page of its own. */
export async function saveFile(url: string, fallback: string): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch(url, { credentials: "same-origin" });
  } catch {
    throw new HubError("net.offline");
  }
  if (!answer.ok) {
    const { error } = (await answer.json()) as { error: { code: string; message: string; details: Record<string, unknown> } };
    throw new HubError(error.code, error.message, error.details, answer.status);
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? fallback;
  link.click();
  URL.revokeObjectURL(link.href);
}
