// "New e-mail": a mail that begins a contact.

import { useEffect, useState } from "preact/hooks";
import { Button, Empty } from "../../common/components/index.ts";
import { newId } from "../../common/ids.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { connection } from "../../common/socket.ts";
import { showContact, showList } from "../route.ts";
import { begin, composeOf, newMails, writing } from "./compose/composing.ts";
import { MailComposer } from "./compose/composer.tsx";

/** The draft that is open in this view; the newest when it is opened. */
function useKey(): [string, (key: string) => void] {
  const [key, setKey] = useState(() => newMails().at(-1)?.id ?? `new-${newId()}`);
  return [key, setKey];
}

export function NewMail() {
  const [key, setKey] = useKey();
  const state = writing.value.get(key);
  const compose = composeOf(key);
  const online = connection.value === "online";
  const others = newMails();
  useEffect(() => {
    if (online && !writing.value.has(key)) void begin(key, { contact: null, how: "new" });
  }, [key, online, state === undefined]);
  return (
    <section class="talk new-mail" aria-label={t("mail.new")}>
      <header class="top">
        <button type="button" class="btn quiet icon only-narrow" aria-label={t("common.back")} onClick={showList}><Icon name="back" /></button>
        <div class="title"><div class="line"><h1>{t("mail.new")}</h1></div><p class="sub cut">{t("mail.new.help")}</p></div>
        <div class="right">
          {others.length > 1 && others.filter((each) => each !== compose).slice(-3).map((each) => (
            <Button key={each.id} small icon="file" onClick={() => setKey(each.id)}>{each.subject || t("mail.no_subject")}</Button>
          ))}
        </div>
      </header>
      {compose
        ? <MailComposer key={key} compose={compose} composeKey={key} fresh onSent={(contact) => showContact(contact.id, { replace: true })} />
        : state?.state === "refused"
          ? <Empty icon="mail" title={state.reason}><Button onClick={showList}>{t("agent.talk.to_list")}</Button></Empty>
          : <div class="composer mail-composer whole wait" aria-busy="true"><div class="editor-wait skeleton" /></div>}
    </section>
  );
}
