// Line drawings on a 24 px grid, as path data. Those that only a conversation needs are in talk/icons.ts.

export const drawings: Record<string, string> = {
  chat: "M4.5 6.5a3 3 0 0 1 3-3h9a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3H11l-4.2 3.6c-.5.4-1.3.1-1.3-.6v-3.3a3 3 0 0 1-1-2.700zM8.500 8.200h7M8.500 11.200h4.400",
  email: "M6 5.500h12A2.500 2.500 0 0 1 20.500 8v8a2.500 2.500 0 0 1-2.500 2.500H6A2.500 2.500 0 0 1 3.500 16V8A2.500 2.500 0 0 1 6 5.500zM4.500 7.500l6.300 4.900c.7.5 1.700.5 2.400 0l6.300-4.900",
  call: "M6.200 4h2.600l1.600 4-2 1.500a10.500 10.500 0 0 0 6.100 6.100l1.500-2 4 1.600v2.600a2 2 0 0 1-2.200 2A16 16 0 0 1 4.200 6.200a2 2 0 0 1 2-2.200z",
  mic: "M9 6a3 3 0 0 1 6 0v5.500a3 3 0 0 1-6 0zM5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v2.500",
  down: "m6 9.500 6 6 6-6",
  back: "m14.500 5.500-6.500 6.500 6.500 6.500",
  forward: "m9.500 5.500 6.500 6.500-6.500 6.500",
  close: "m6.500 6.500 11 11M17.500 6.500l-11 11",
  alert: "M20.200 12a8.200 8.200 0 1 1-16.400 0 8.200 8.200 0 0 1 16.400 0zM12 8v4.700M12 15.800v.1",
  globe: "M20.200 12a8.200 8.200 0 1 1-16.400 0 8.200 8.200 0 0 1 16.400 0zM4 12h16M12 3.800c2.700 2.600 3.700 5.300 3.700 8.200s-1 5.600-3.700 8.200c-2.700-2.600-3.700-5.300-3.700-8.200s1-5.600 3.700-8.200z",
  moon: "M19 14.500A7.500 7.500 0 0 1 9.500 5a7.500 7.500 0 1 0 9.500 9.500z",
  clock: "M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0zM12 7.500V12l3 2",
  person: "M15.500 8.500a3.500 3.500 0 1 1-7 0 3.500 3.500 0 0 1 7 0zM5 19.500c.8-3.500 3.600-5.500 7-5.500s6.200 2 7 5.500",
};

/** Arrows that mean a direction are mirrored from right to left; nothing else is. */
const directed = ["back", "forward"];

export function Icon({ name, size = 22, bold }: { name: string; size?: number; bold?: boolean }) {
  return (
    <svg class={directed.includes(name) ? "ic flip" : "ic"} width={size} height={size} viewBox="0 0 24 24" stroke-width={bold ? 3 : 1.7} aria-hidden="true">
      <path d={drawings[name]} />
    </svg>
  );
}
