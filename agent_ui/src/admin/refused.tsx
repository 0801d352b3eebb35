// Why something cannot be deleted or switched off, with the ways to what stands against it.
import { Dialog } from "../common/components/index.ts";
import { errorText, HubError } from "../common/errors.ts";
import { t } from "../common/i18n.ts";
import { PAGES } from "./kinds.ts";
import { href } from "./router.ts";

interface Use {
  kind: string;
  id: string;
  name: string;
}

/** Who names the row, each once. */
function usesOf(error: unknown): Use[] {
  const found = error instanceof HubError ? error.details["used_by"] : undefined;
  if (!Array.isArray(found)) return [];
  return [...new Map((found as Use[]).map((use) => [`${use.kind}/${use.id}`, use])).values()];
}

export function RefusedDialog({ error, onClose }: { error: unknown; onClose: () => void }) {
  const uses = usesOf(error);
  const open = error instanceof HubError && error.code === "config.in_use" && uses.length === 0;
  return (
    <Dialog
      title={t("admin.refused.title")}
      onClose={onClose}
      footer={<button type="button" class="btn primary" onClick={onClose}>{t("admin.understood")}</button>}
    >
      <p>{uses.length > 0 ? t("admin.refused.uses") : open ? t("admin.refused.contacts") : errorText(error)}</p>
      {uses.length > 0 && (
        <ul class="uses">
          {uses.map((use) => {
            const page = PAGES[use.kind] ?? use.kind;
            return (
              <li key={`${use.kind}/${use.id}`}>
                {t(`admin.audit.kind.${page}`)} <a class="link" href={href(page, use.id)} onClick={onClose}>{use.name || use.id}</a>
              </li>
            );
          })}
        </ul>
      )}
    </Dialog>
  );
}
