// A mail's HTML, in a frame that has no origin and runs nothing. Nobody can measure such a frame, so the hub says about
// how high it is, and who reads may make it larger.

import { useEffect, useState } from "preact/hooks";
import { Button } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import type { Mail } from "./types.ts";

const LEAST = 64;
const MOST = 620;

interface Page {
  height: number;
  remote: boolean;
}

const pages = new Map<string, Page>();
/** Mails whose pictures from elsewhere somebody at this desk has asked for. */
const shown = new Set<string>();

/** What the hub says of the page: only its head is asked for. */
async function look(mail: string): Promise<Page> {
  const known = pages.get(mail);
  if (known) return known;
  const answer = await fetch(`/mails/${encodeURIComponent(mail)}/html`, { method: "HEAD", credentials: "same-origin" });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const page = { height: Number(answer.headers.get("X-Mail-Height") ?? 0), remote: answer.headers.get("X-Mail-Remote") === "1" };
  pages.set(mail, page);
  return page;
}

export function Frame({ mail, onFailed }: { mail: Mail; onFailed: () => void }) {
  const [page, setPage] = useState<Page | null>(pages.get(mail.id) ?? null);
  const [images, setImages] = useState(shown.has(mail.id));
  const [large, setLarge] = useState(false);
  useEffect(() => {
    let here = true;
    look(mail.id).then((found) => here && setPage(found), () => here && onFailed());
    return () => {
      here = false;
    };
  }, [mail.id]);
  if (!page) return <div class="mail-frame-wait skeleton" role="status" aria-label={t("common.loading")} />;

  const show = () => {
    shown.add(mail.id);
    setImages(true);
  };
  const height = Math.max(LEAST, large ? page.height * 1.15 : Math.min(MOST, page.height));
  const address = `/mails/${encodeURIComponent(mail.id)}/html${images ? "?images=1" : ""}`;
  return (
    <div class="mail-html">
      {page.remote && !images && (
        <div class="mail-notice">
          <Icon name="image" small />
          <p>{t("mail.images.hidden")}</p>
          <Button small onClick={show}>{t("mail.images.show")}</Button>
        </div>
      )}
      <iframe
        key={address}
        class="mail-frame"
        src={address}
        // No scripts, no origin: links open in tabs of their own, which know nothing of us.
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerpolicy="no-referrer"
        title={t("mail.frame", { subject: mail.subject || t("mail.no_subject") })}
        height={Math.round(height)}
        tabIndex={0}
      />
      {page.height > MOST && (
        <button type="button" class="link mail-more" aria-expanded={large} onClick={() => setLarge(!large)}>
          <Icon name={large ? "up" : "down"} />{t(large ? "mail.frame.smaller" : "mail.frame.larger")}
        </button>
      )}
    </div>
  );
}
