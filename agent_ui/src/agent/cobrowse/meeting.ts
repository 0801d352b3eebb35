// How a page meets the viewer in its frame: only the viewer, from its own origin, gets the port.

import { READY, type FromViewer, type ToViewer } from "../../common/cobrowse.ts";

type Words = Extract<ToViewer, { t: "words" }>;

export class Meeting {
  private port: MessagePort | null = null;

  /** `words` go out before anything else; `there` is called whenever the viewer says that it is there, once it can be told something. */
  constructor(
    private readonly frame: HTMLIFrameElement,
    private readonly viewer: string,
    private readonly words: Words,
    private readonly heard: (data: FromViewer) => void,
    private readonly there: () => void,
  ) {
    addEventListener("message", this.meet);
  }

  get met(): boolean {
    return this.port !== null;
  }

  tell(data: ToViewer): void {
    this.port?.postMessage(data);
  }

  end(): void {
    removeEventListener("message", this.meet);
    this.port?.close();
  }

  private readonly meet = (event: MessageEvent): void => {
    if (event.source !== this.frame.contentWindow || event.origin !== this.viewer || event.data !== READY) return;
    const { port1, port2 } = new MessageChannel();
    this.port?.close();
    this.port = port1;
    port1.onmessage = ({ data }: MessageEvent<FromViewer>) => this.heard(data);
    this.frame.contentWindow!.postMessage(READY, this.viewer, [port2]);
    this.tell(this.words);
    this.there();
  };
}
