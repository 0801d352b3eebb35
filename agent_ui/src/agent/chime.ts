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

function unlock(): void {
  context ??= new AudioContext();
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

const RING_EVERY_MS = 2_400;
let ringing: ReturnType<typeof setInterval> | undefined;

/** Rings for an offer until stopRinging(). */
export function startRinging(): void {
  if (!soundOn.value || ringing !== undefined) return;
  ring();
  ringing = setInterval(ring, RING_EVERY_MS);
}

export function stopRinging(): void {
  clearInterval(ringing);
  ringing = undefined;
}

/** A short sound for a line of a customer that is not in sight. */
export function blip(): void {
  if (soundOn.value) tone(587.3, 0, 0.22, 0.28);
}

/** Plays the ring once, for trying the volume. */
export function sample(): void {
  unlock();
  ring();
}
