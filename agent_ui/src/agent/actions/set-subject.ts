import { command } from "../../common/socket.ts";

export async function setSubject(contact: string, subject: string): Promise<void> {
  await command("contact:edit", { contact, subject });
}
