import { useEffect, useState } from "preact/hooks";
import type { Contact } from "../../common/types.ts";
import { viewer } from "../cobrowse/sharing.ts";
import { hasCalls, type Recording, recordingsOf } from "./data.ts";
import { RecordingCard } from "./player.tsx";
import { Replay } from "./replay.tsx";
import "./words.ts";

/** A recording is complete a moment after its end. */
const SETTLE_MS = 1500;

/** The recordings of the contact's calls and shared pages, once they are over. */
export function Recordings({ contact }: { contact: Contact }) {
  const [found, setFound] = useState<Recording[]>([]);
  const [asked, setAsked] = useState(0);
  const [watching, setWatching] = useState(false);
  const recorded = hasCalls(contact) || viewer !== null;
  const over = contact.phase === "wrapping" || contact.phase === "closed";
  useEffect(() => {
    if (!recorded || !over) return;
    const gone = new AbortController();
    const look = () => recordingsOf(contact.id, gone.signal).then(setFound, () => undefined);
    void look().then(() => {
      const again = setTimeout(look, SETTLE_MS);
      gone.signal.addEventListener("abort", () => clearTimeout(again));
    });
    return () => gone.abort();
  }, [contact.id, recorded, over, asked]);

  if (!recorded || !over || found.length === 0) return null;
  const playable = found.filter(({ may }) => may.includes("listen"));
  const pages = playable.filter(({ kind }) => kind === "page");
  // A page that came out of the call, or of another call of this contact: all of them on one line.
  const sounds = playable.filter(({ kind }) => kind === "sound");
  return (
    <div class="recordings">
      {found.map((recording) => (
        <RecordingCard
          key={recording.id}
          recording={recording}
          several={found.length > 1}
          onChange={() => setAsked(asked + 1)}
          {...(viewer === null ? {} : { onWatch: () => setWatching(true) })}
        />
      ))}
      {watching && pages.length > 0 && <Replay pages={pages} sounds={sounds} onClose={() => setWatching(false)} />}
    </div>
  );
}
