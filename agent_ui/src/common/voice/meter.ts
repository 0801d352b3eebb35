// How loud a stream is, for meters: 0 to 1, on a scale as ears have it.

const QUIET_DB = -60;

export class Meter {
  readonly #context = new AudioContext();
  readonly #analyser = this.#context.createAnalyser();
  readonly #samples: Float32Array<ArrayBuffer>;
  #source: MediaStreamAudioSourceNode | null = null;

  constructor() {
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
  }

  /** Listens to `stream` from now on; null: to nothing. */
  follow(stream: MediaStream | null): void {
    this.#source?.disconnect();
    this.#source = stream?.getAudioTracks().length ? this.#context.createMediaStreamSource(stream) : null;
    this.#source?.connect(this.#analyser);
    if (this.#context.state === "suspended") void this.#context.resume().catch(() => undefined);
  }

  level(): number {
    if (!this.#source) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let power = 0;
    for (const sample of this.#samples) power += sample * sample;
    const db = 10 * Math.log10(power / this.#samples.length + 1e-12);
    return Math.max(0, Math.min(1, 1 - db / QUIET_DB));
  }

  close(): void {
    this.#source?.disconnect();
    void this.#context.close();
  }
}
