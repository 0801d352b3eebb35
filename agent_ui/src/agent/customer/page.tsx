import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { safeUrl } from "../../common/text.tsx";
import { clock, duration, now } from "../../common/time.ts";
import type { Contact } from "../../common/types.ts";

function path(address: string): string {
  const url = safeUrl(address);
  if (!url) return address;
  const { pathname, search } = new URL(url);
  return decodeURI(pathname) + search;
}

/** The page that the customer has open, or had last. */
export function PageNow({ contact }: { contact: Contact }) {
  const { page, customer } = contact;
  if (!page) return null;
  const here = customer.online && contact.phase !== "closed";
  const address = safeUrl(page.url);
  return (
    <section>
      <h2>
        {t(here ? "agent.page.now" : "agent.page.last")}
        {page.at && <span class="aside num">{here ? t("agent.page.for", { time: duration(now.value - page.at) }) : clock(page.at)}</span>}
      </h2>
      <div class="page-now">
        <span class="tile"><Icon name="globe" small /></span>
        <span class="what">
          <b class="cut">{page.title || path(page.url)}</b>
          <span class="cut" title={page.url}>{path(page.url)}</span>
        </span>
        {address && (
          <a class="btn quiet small icon" href={address} target="_blank" rel="noopener noreferrer" aria-label={t("agent.page.open")} title={t("agent.page.open")}>
            <Icon name="external" small />
          </a>
        )}
      </div>
    </section>
  );
}
