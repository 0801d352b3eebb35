import { api } from "../../common/api.ts";
import type { Callback } from "../../common/callbacks/data.ts";
import { newId } from "../../common/ids.ts";
import { putCallback } from "../callback/known.ts";

/** Calls later (in so many minutes), or (null) leaves it to somebody else. @throws HubError */
export async function notNow(callback: Callback, minutes: number | null, reason: string): Promise<void> {
  putCallback(await api<Callback>("POST", `callbacks/${encodeURIComponent(callback.id)}/not-now`, { minutes, reason, client_id: newId() }));
}
