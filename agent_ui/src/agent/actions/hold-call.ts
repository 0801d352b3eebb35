import { request } from "../../common/socket.ts";

/** Gives the customer music, or takes up the call again. */
export async function holdCall(contact: string, on: boolean): Promise<void> {
  await request(on ? "phone_hold" : "phone_resume", { contact });
}
