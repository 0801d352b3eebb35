import { attempt } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { TelephoneAccount } from "../../common/telephone/account.tsx";
import { chooseLine, ownLine } from "./own.ts";

function Choice({ line, disabled }: { line: "browser" | "phone"; disabled?: boolean }) {
  const chosen = ownLine.value.line === line;
  return (
    <label class={`where${chosen ? " on" : ""}${disabled ? " off" : ""}`}>
      <input type="radio" name="phone-line" checked={chosen} disabled={disabled} onChange={() => void attempt(() => chooseLine(line))} />
      <Icon name={line === "browser" ? "ear" : "phone"} />
      <span>
        <b>{t(`phone.where.${line}`)}</b>
        <small>{t(`phone.where.${line}_help`)}</small>
      </span>
    </label>
  );
}

/** Where the agent talks: in this browser, or on a telephone of their own, with its account. */
export function WhereToTalk() {
  const { allowed, account, line, registered } = ownLine.value;
  if (!allowed && account === null) return null;
  return (
    <>
      <fieldset class="where-choice">
        <legend>{t("phone.where")}</legend>
        <Choice line="browser" />
        <Choice line="phone" disabled={account === null} />
        {line === "phone" && !registered && (
          <p class="error-text" role="alert"><Icon name="warn" small />{t("phone.where.unregistered")}</p>
        )}
      </fieldset>
      <div class="setting own-phone">
        <div><b>{t("telephone.title")}</b><p>{t("telephone.help")}</p></div>
        <TelephoneAccount path="me/phone" stands={registered} />
      </div>
    </>
  );
}
