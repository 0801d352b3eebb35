// What is too large for the socket goes by REST: an event may have 64 KB there, a body megabytes.

const LARGEST_EVENT = 60_000;

export function tooLarge(payload: object): boolean {
  const json = JSON.stringify(payload);
  // A sign has four bytes at the most, so that most mails need no counting.
  return json.length > LARGEST_EVENT || (json.length * 4 > LARGEST_EVENT && new TextEncoder().encode(json).length > LARGEST_EVENT);
}
