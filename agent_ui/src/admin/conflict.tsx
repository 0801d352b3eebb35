// Someone else saved the row while it was being edited: both versions side by side, and the choice.
import { Button, Dialog } from "../common/components/index.ts";
import type { Section } from "../common/form/fields.ts";
import type { Row } from "../common/form/paths.ts";
import { t } from "../common/i18n.ts";
import { clashes } from "./merge.ts";
import { labelOf } from "./resource.tsx";
import { valueText } from "./value.tsx";

interface ConflictProps {
  sections: readonly Section[];
  base: Row;
  mine: Row;
  theirs: Row;
  onMine: () => Promise<void>;
  onTheirs: () => void;
  onClose: () => void;
}

export function ConflictDialog({ sections, base, mine, theirs, onMine, onTheirs, onClose }: ConflictProps) {
  const found = clashes(base, mine, theirs);
  return (
    <Dialog
      wide
      title={t("admin.conflict.title")}
      onClose={onClose}
      footer={
        <>
          <button type="button" class="btn" onClick={onTheirs}>{t("admin.conflict.theirs")}</button>
          <Button kind="primary" onClick={onMine}>{t("admin.conflict.mine")}</Button>
        </>
      }
    >
      <p>{t("admin.conflict.text")}</p>
      <div class="table-box">
        <table class="table conflict" aria-label={t("admin.conflict.title")}>
          <thead>
            <tr>
              <th scope="col">{t("admin.conflict.field")}</th>
              <th scope="col">{t("admin.conflict.yours")}</th>
              <th scope="col">{t("admin.conflict.saved")}</th>
            </tr>
          </thead>
          <tbody>
            {found.map((clash) => (
              <tr key={clash.path}>
                <th scope="row">
                  {labelOf(sections, clash.path)}
                  {clash.both && <span class="chip warn">{t("admin.conflict.both")}</span>}
                </th>
                <td>{valueText(clash.mine)}</td>
                <td>{valueText(clash.theirs)}</td>
              </tr>
            ))}
            {found.length === 0 && <tr><td colSpan={3}>{t("admin.conflict.same")}</td></tr>}
          </tbody>
        </table>
      </div>
    </Dialog>
  );
}
