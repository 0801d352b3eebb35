import { api } from "../../common/api.ts";
import type { Callback } from "../../common/callbacks/data.ts";
import { putCallback } from "../callback/known.ts";
import { phoneRings } from "../phone/own.ts";
import { join, microphoneOrTrouble } from "../phone/phone.ts";

/** Ends the preview: the customer's phone is called, once our audio (or our own telephone) is there. */
export async function callNow(callback: Callback): Promise<void> {
  const microphone = phoneRings() ? null : await microphoneOrTrouble();
  if (!microphone && !phoneRings()) return;
  const dialled = api<Callback>("POST", `callbacks/${encodeURIComponent(callback.id)}/dial`, {});
  if (microphone) void join(callback.contact, { microphone, accepted: dialled });
  putCallback(await dialled);
}
