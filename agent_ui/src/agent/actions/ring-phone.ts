import { request } from "../../common/socket.ts";

/** The call comes to my telephone, from wherever I have it. @throws HubError */
export async function ringPhone(contact: string): Promise<void> {
  await request("phone_ring", { contact });
}
