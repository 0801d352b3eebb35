// What the server wrote into the page: who is signed in, in which language, and where the built files are.

export interface Me {
  id: string;
  name: string;
  username: string;
  role: string;
  permissions: string[];
  locale: string;
  theme: Theme;
}

export type Theme = "auto" | "light" | "dark";

export interface Boot {
  csrf: string;
  /** null on the sign-in page. */
  me: Me | null;
  locale: string;
  /** Logical name of a built file to its address, such as "heartbeat.worker" to "/static/heartbeat.worker-AB12.js". */
  assets: Record<string, string>;
  version: string;
  /** Whether this hub makes callbacks. */
  callbacks: boolean;
  /** What only one page needs, such as the company's name on the sign-in page. */
  [key: string]: unknown;
}

function read(): Boot {
  const element = document.getElementById("boot");
  const given = (element?.textContent ? JSON.parse(element.textContent) : {}) as Partial<Boot>;
  const meta = document.querySelector<HTMLMetaElement>("meta[name=csrf]")?.content;
  return {
    ...given,
    csrf: given.csrf ?? meta ?? "",
    me: given.me ?? null,
    locale: given.locale ?? (document.documentElement.lang || "en"),
    assets: given.assets ?? {},
    version: given.version ?? "",
    callbacks: given.callbacks ?? false,
  };
}

export const boot: Boot = read();

/** Whether the signed-in user may do what `permission` names; the server checks again. */
export function may(permission: string): boolean {
  return boot.me?.permissions.includes(permission) ?? false;
}
