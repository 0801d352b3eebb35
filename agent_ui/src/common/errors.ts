import { has, t } from "./i18n.ts";

/** What went wrong, as the hub says it; codes "net.*" are made here. */
export class HubError extends Error {
  readonly code: string;
  readonly status: number;
  readonly details: Record<string, unknown>;

  constructor(code: string, message = code, details: Record<string, unknown> = {}, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }

  /** Whether the same request may succeed later without anyone changing it. */
  get retryable(): boolean {
    return ["net.offline", "net.timeout", "store.busy", "server.stopping", "rate.limited"].includes(this.code);
  }
}

/** An error for people: our words for its code, or the server's sentence, which is written to be shown. */
export function errorText(error: unknown): string {
  if (!(error instanceof HubError)) return t("common.error.unknown");
  const key = `common.error.${error.code}`;
  if (has(key)) return t(key, { seconds: Math.ceil(Number(error.details["retry_after_ms"] ?? 1000) / 1000) });
  return error.message || t("common.error.unknown");
}
