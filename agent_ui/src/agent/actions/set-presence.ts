import { request } from "../../common/socket.ts";
import { presence } from "../../common/store.ts";
import type { Presence, PresenceState } from "../../common/types.ts";

/** Says whether I take contacts. The answer is the server's: the push that follows shows it in every window. */
export async function setPresence(state: PresenceState, reason: string | null): Promise<void> {
  const answer = await request<{ presence?: Presence }>("presence:set", { state, reason });
  if (answer.presence && answer.presence.epoch >= (presence.value?.epoch ?? 0)) presence.value = answer.presence;
}
