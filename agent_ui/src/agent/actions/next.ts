import { mine } from "../mine.ts";
import { selectedId, showContact, showList } from "../route.ts";

/** Brings the next of my contacts to the front, if the one that is done with is still there. */
export function leaveFor(done: string): void {
  if (selectedId.value !== done) return;
  const next = mine.value.find(({ id }) => id !== done);
  if (next) showContact(next.id, { replace: true });
  else showList();
}
