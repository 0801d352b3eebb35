import { request } from "../../common/socket.ts";

/** Pauses the recording, or goes on with it: what is said meanwhile is silence in it. */
export async function record(contact: string, state: "on" | "paused"): Promise<void> {
  await request("phone_record", { contact, state });
}
