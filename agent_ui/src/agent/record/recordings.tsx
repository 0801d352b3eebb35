import { useEffect, useState } from "preact/hooks";
import type { Contact } from "../../common/types.ts";
import { hasCalls, type Recording, recordingsOf } from "./data.ts";
import { RecordingCard } from "./player.tsx";
import "./words.ts";

/** A call's recording is complete a moment after its end. */
const SETTLE_MS = 1500;

/** The recordings of the contact's calls, once they are over. */
export function Recordings({ contact }: { contact: Contact }) {
  const [found, setFound] = useState<Recording[]>([]);
  const [asked, setAsked] = useState(0);
  const calls = hasCalls(contact);
  const over = contact.phase === "wrapping" || contact.phase === "closed";
  useEffect(() => {
    if (!calls || !over) return;
    const gone = new AbortController();
    const look = () => recordingsOf(contact.id, gone.signal).then(setFound, () => undefined);
    void look().then(() => {
      const again = setTimeout(look, SETTLE_MS);
      gone.signal.addEventListener("abort", () => clearTimeout(again));
    });
    return () => gone.abort();
  }, [contact.id, calls, over, asked]);

  if (!calls || !over || found.length === 0) return null;
  return (
    <div class="recordings">
      {found.map((recording) => <RecordingCard key={recording.id} recording={recording} several={found.length > 1} onChange={() => setAsked(asked + 1)} />)}
    </div>
  );
}
