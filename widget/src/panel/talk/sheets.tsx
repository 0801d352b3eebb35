// The sheets that are rarely needed: more, language, a picture in full.

import { chooseLanguage, go, showSheet } from "../actions.ts";
import { picture } from "./files.ts";
import { locale, t } from "../i18n.ts";
import { canShare } from "../sharing.ts";
import { channel, state } from "../state.ts";
import type { HubFile } from "../../wire.ts";
import { saveCopy } from "./actions.ts";
import { Icon } from "../views/icons.tsx";
import { Sheet } from "../views/parts.tsx";

export function MoreSheet({ id }: { id: string }) {
  const home = () => {
    showSheet(null);
    go({ name: "home" });
  };
  const callBack = () => {
    showSheet(null);
    go({ name: "form", channel: "callback", contact: id });
  };
  return (
    <Sheet title={t("more")}>
      <ul class="choices">
        <li>
          <button onClick={home}>
            <Icon name="chat" size={20} />
            <span>{t("all_ways")}</span>
          </button>
        </li>
        {channel("callback") && (
          <li>
            <button onClick={callBack}>
              <Icon name="callback" size={20} />
              <span>{t("callback")}</span>
            </button>
          </li>
        )}
        <li>
          <button onClick={() => saveCopy(id)}>
            <Icon name="save" size={20} />
            <span>{t("save_copy")}</span>
          </button>
        </li>
        {canShare() && state.talks.get(id)?.contact.agent && (
          <li>
            <button onClick={() => showSheet({ name: "share", id, offer: true })}>
              <Icon name="page" size={20} />
              <span>{t("offer_page")}</span>
            </button>
          </li>
        )}
        {state.boot.languages.length > 1 && (
          <li>
            <button onClick={() => showSheet({ name: "language" })}>
              <Icon name="globe" size={20} />
              <span>{t("language")}</span>
            </button>
          </li>
        )}
      </ul>
    </Sheet>
  );
}

export function LanguageSheet() {
  return (
    <Sheet title={t("language")}>
      <ul class="choices">
        {state.boot.languages.map((one) => (
          <li key={one.locale}>
            <button lang={one.locale} aria-current={one.locale == locale} onClick={() => void chooseLanguage(one.locale)}>
              <span>{one.name}</span>
              {one.locale == locale && <Icon name="check" size={20} />}
            </button>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

export function PictureSheet({ file }: { file: HubFile }) {
  const url = picture(file, "");
  return (
    <Sheet title={file.name}>
      {url ? <img class="full" src={url} alt={file.name} /> : <p class="lede">{t(url == "" ? "picture_gone" : "starting")}</p>}
    </Sheet>
  );
}
