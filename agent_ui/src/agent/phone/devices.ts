// The microphone and loudspeaker that were chosen at this computer, and which there are.

import { signal } from "@preact/signals";
import { type Devices, listDevices, onDevicesChanged, openMicrophone } from "../../common/voice/devices.ts";

const MICROPHONE = "hub.microphone";
const SPEAKER = "hub.speaker";

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function store(key: string, id: string): void {
  try {
    localStorage.setItem(key, id);
  } catch {
    // lives as long as the page
  }
}

/** Ids of devices; "" is the browser's usual one. */
export const microphone = signal(stored(MICROPHONE));
export const speaker = signal(stored(SPEAKER));

export const devices = signal<Devices>({ microphones: [], speakers: [] });

export async function refreshDevices(): Promise<void> {
  devices.value = await listDevices();
}

export function chooseMicrophone(id: string): void {
  microphone.value = id;
  store(MICROPHONE, id);
}

export function chooseSpeaker(id: string): void {
  speaker.value = id;
  store(SPEAKER, id);
}

/** The chosen microphone. @throws Trouble */
export function openChosen(): Promise<MediaStream> {
  return openMicrophone(microphone.value);
}

export function startDevices(): void {
  onDevicesChanged(() => void refreshDevices());
}
