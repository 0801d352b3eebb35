import { command } from "../../common/socket.ts";

/** One more minute; the server says how often. */
export async function extendWrapUp(contact: string): Promise<void> {
  await command("wrapup:extend", { contact });
}
