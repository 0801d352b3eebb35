// The two lines that a customer's web site takes in.
import { t } from "../common/i18n.ts";
import { CopyButton } from "./secret.tsx";

export function Snippet({ id, locale }: { id: string; locale: string }) {
  const code = `<script>window.contactHub = {site: ${JSON.stringify(id)}, locale: ${JSON.stringify(locale || "en")}};</script>\n<script async src="${location.origin}/widget.js"></script>`;
  return (
    <section class="form-section" aria-labelledby="snippet-title">
      <header>
        <h2 id="snippet-title">{t("admin.sites.snippet")}</h2>
        <p>{t("admin.sites.snippet.text")}</p>
      </header>
      <div class="fields">
        <div class="snippet">
          <pre tabIndex={0}><code>{code}</code></pre>
          <CopyButton text={code} label={t("admin.copy")} />
        </div>
      </div>
    </section>
  );
}
