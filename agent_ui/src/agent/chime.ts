// The sounds, made of a few sine tones: no files, and the volume is ours.

import { signal } from "@preact/signals";

const SOUND = "hub.sound";
const VOLUME = "hub.volume";

function stored(key: string, otherwise: number): number {
  try {
    const value = localStorage.getItem(key);
    return value === null ? otherwise : Number(value);
  } catch {
    return otherwise; // storage refused: the setting lives as long as the page
  }
}

export const soundOn = signal(stored(SOUND, 1) === 1);
/** 0 to 1. */
export const volume = signal(stored(VOLUME, 0.6));

const DEVICE = "hub.ring-device";

/** Where it rings: a device's id, "" for the usual one. A ring from the loudspeaker reaches who has put the headset down. */
export const ringDevice = signal(storedText(DEVICE));

function storedText(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

export function setRingDevice(id: string): void {
  ringDevice.value = id;
  try {
    localStorage.setItem(DEVICE, id);
  } catch {
    // see stored()
  }
  route();
}

/** Whether the ring can have a device of its own. */
export const canChooseRing = "setSinkId" in AudioContext.prototype;

export function setSound(on: boolean, loudness: number): void {
  soundOn.value = on;
  volume.value = loudness;
  try {
    localStorage.setItem(SOUND, on ? "1" : "0");
    localStorage.setItem(VOLUME, String(loudness));
  } catch {
    // see stored()
  }
}

let context: AudioContext | undefined;

type WithSink = AudioContext & { setSinkId?: (id: string) => Promise<void> };

function route(): void {
  void (context as WithSink | undefined)?.setSinkId?.(ringDevice.value).catch(() => undefined); // gone: the usual one
}

function unlock(): void {
  if (!context) {
    context = new AudioContext();
    route();
  }
  if (context.state === "suspended") void context.resume().catch(() => undefined);
}

// Browsers let a page sound only after the user did something in it.
for (const event of ["pointerdown", "keydown"]) addEventListener(event, unlock, { capture: true, passive: true });

function tone(frequency: number, startS: number, lengthS: number, loudness: number): void {
  if (!context) return;
  const start = context.currentTime + startS;
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(loudness * volume.value, start + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.0001, start + lengthS);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + lengthS);
}

function ring(): void {
  tone(659.3, 0, 0.5, 0.5);
  tone(880, 0.16, 0.7, 0.5);
}

/** A telephone's bell: two tones in quick turns, twice, so that a call is told from all else with the eyes elsewhere. */
function bell(): void {
  for (const burst of [0, 0.6]) {
    for (let turn = 0; turn < 8; turn++) tone(turn % 2 ? 1046.5 : 830.6, burst + turn * 0.05, 0.07, 0.45);
  }
}

const RING_EVERY_MS = 2_400;
const BELL_EVERY_MS = 3_000;
let ringing: ReturnType<typeof setInterval> | undefined;

/** Rings for an offer, or for a call that waits for its answer, until stopRinging(). */
export function startRinging(call: boolean): void {
  if (!soundOn.value || ringing !== undefined) return;
  const sound = call ? bell : ring;
  sound();
  ringing = setInterval(sound, call ? BELL_EVERY_MS : RING_EVERY_MS);
}

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
const KEYS = ["123A", "456B", "789C", "*0#D"];

/** The sound of a telephone's key, so that one hears that it was pressed. */
export function keyTone(key: string): void {
  const row = KEYS.findIndex((keys) => keys.includes(key));
  if (row < 0) return;
  tone(ROWS[row] ?? 0, 0, 0.12, 0.12);
  tone(COLUMNS[KEYS[row]?.indexOf(key) ?? 0] ?? 0, 0, 0.12, 0.12);
}

export function stopRinging(): void {
  clearInterval(ringing);
  ringing = undefined;
}

/** A short sound for a line of a customer that is not in sight. */
export function blip(): void {
  if (soundOn.value) tone(587.3, 0, 0.22, 0.28);
}

/** Plays a ring once, for trying the volume and the device. */
export function sample(call = false): void {
  unlock();
  if (call) bell();
  else ring();
}
