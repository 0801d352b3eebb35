// Microphones and loudspeakers: which there are, getting one, and what is wrong when that fails.

/** Why there is no sound, as a code for the page's words. "blocked": the browser waits for a press before it plays. */
export type TroubleCode = "denied" | "denied_system" | "none" | "busy" | "insecure" | "lost" | "blocked" | "network";

export class Trouble extends Error {
  readonly code: TroubleCode;

  constructor(code: TroubleCode) {
    super(code);
    this.code = code;
  }
}

export interface Device {
  id: string;
  /** Empty until the browser was allowed to use a microphone. */
  label: string;
}

export interface Devices {
  microphones: Device[];
  speakers: Device[];
}

/** Whether a loudspeaker can be chosen: Safari and phones know only their own way. */
export const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

export async function listDevices(): Promise<Devices> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  // "communications" is Windows' second name of a device that is in the list already.
  const of = (kind: MediaDeviceKind) =>
    all.filter((device) => device.kind === kind && device.deviceId !== "communications").map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { microphones: of("audioinput"), speakers: of("audiooutput") };
}

/** Calls back when something is plugged in or out; returns what stops it. */
export function onDevicesChanged(listener: () => void): () => void {
  navigator.mediaDevices?.addEventListener("devicechange", listener);
  return () => navigator.mediaDevices?.removeEventListener("devicechange", listener);
}

/** Whether the browser would ask before it gives a microphone. */
export async function willAsk(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "microphone" as PermissionName })).state === "prompt";
  } catch {
    return true; // a browser that does not tell
  }
}

function trouble(error: unknown): Trouble {
  const { name = "", message = "" } = error instanceof DOMException ? error : {};
  if (name === "NotAllowedError" || name === "SecurityError") return new Trouble(/system/i.test(message) ? "denied_system" : "denied");
  if (name === "NotReadableError" || name === "AbortError") return new Trouble("busy");
  return new Trouble("none");
}

/** Opens the chosen microphone, or another when that is not there. @throws Trouble */
export async function openMicrophone(id: string): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) throw new Trouble("insecure");
  const cleaned = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: id ? { ...cleaned, deviceId: { exact: id } } : cleaned });
  } catch (error) {
    const absent = error instanceof DOMException && ["OverconstrainedError", "NotFoundError"].includes(error.name);
    if (!id || !absent) throw trouble(error);
    return openMicrophone("");
  }
}
