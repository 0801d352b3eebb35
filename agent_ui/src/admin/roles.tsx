// Which role may do what, as the hub checks it. Roles are fixed; the table is for looking things up.
import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "../common/api.ts";
import { has, t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { ListSkeleton, LoadFailed } from "./list.tsx";
import { SectionChoice } from "./nav.tsx";

/** From least to most, as people think of them. */
const ORDER = ["agent", "supervisor", "administrator"];

export function RolesPage() {
  const [rights, setRights] = useState<Record<string, string[]> | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = async () => {
    try {
      setRights((await api<{ items: Record<string, string[]> }>("GET", "roles")).items);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  useEffect(() => void load(), []);
  const roles = Object.entries(rights ?? {})
    .map(([id, permissions]) => ({ id, permissions }))
    .sort((one, other) => ORDER.indexOf(one.id) - ORDER.indexOf(other.id));
  const all = [...new Set(roles.flatMap((role) => role.permissions))];
  const areas = [...new Set(all.map((permission) => permission.split(".")[0]!))];
  return (
    <>
      <header class="sheet-head">
        <SectionChoice />
        <h1 tabIndex={-1}>{t("admin.roles.title")}</h1>
      </header>
      <div class="sheet-body">
        <p class="lead">{t("admin.roles.lead")}</p>
        {rights === null && (error ? <LoadFailed error={error} again={load} /> : <ListSkeleton />)}
        {rights && (
          <div class="table-box">
            <table class="table matrix" aria-label={t("admin.roles.title")}>
              <thead>
                <tr>
                  <th scope="col">{t("admin.roles.right")}</th>
                  {roles.map((role) => <th key={role.id} scope="col" class="c">{t(`common.role.${role.id}`)}</th>)}
                </tr>
              </thead>
              <tbody>
                {areas.map((area) => (
                  <Fragment key={area}>
                    <tr class="area"><th colSpan={roles.length + 1} scope="colgroup">{has(`admin.area.${area}`) ? t(`admin.area.${area}`) : area}</th></tr>
                    {all.filter((permission) => permission.startsWith(`${area}.`)).map((permission) => (
                      <tr key={permission}>
                        <th scope="row">
                          {has(`admin.right.${permission}`) ? t(`admin.right.${permission}`) : permission}
                          <code class="extra">{permission}</code>
                        </th>
                        {roles.map((role) => (
                          <td key={role.id} class="c">
                            {role.permissions.includes(permission)
                              ? <Icon name="check" label={t("admin.value.yes")} />
                              : <span class="no"><span class="vh">{t("admin.value.no")}</span></span>}
                          </td>
                        ))}
                      </tr>
                    ))}
                  </Fragment>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </>
  );
}
