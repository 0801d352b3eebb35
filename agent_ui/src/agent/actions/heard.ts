import { api } from "../../common/api.ts";
import type { Callback } from "../../common/callbacks/data.ts";
import { newId } from "../../common/ids.ts";
import { putCallback } from "../callback/known.ts";

/** Says what answered: by this it is tried again, or not. @throws HubError */
export async function heard(callback: Callback, result: "machine" | "wrong_number"): Promise<void> {
  putCallback(await api<Callback>("POST", `callbacks/${encodeURIComponent(callback.id)}/heard`, { result, client_id: newId() }));
}
