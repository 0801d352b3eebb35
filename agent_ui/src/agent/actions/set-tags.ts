import { command } from "../../common/socket.ts";

export async function setTags(contact: string, tags: string[]): Promise<void> {
  await command("contact:edit", { contact, tags });
}
