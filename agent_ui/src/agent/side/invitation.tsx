import { Button } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { channelIcon, Icon } from "../../common/icons.tsx";
import { join } from "../actions/join.ts";
import { leave } from "../actions/leave.ts";
import { customerName } from "../mine.ts";
import { currentOffer, invitations } from "../offers.ts";

/** A colleague asks me into a conversation; an offer goes before it. */
export function InvitationCard() {
  const [invitation] = invitations.value;
  if (!invitation || currentOffer.value) return null;
  const { contact, by } = invitation;
  const title = t("agent.invite.title", { name: by.name });
  return (
    <section class={`offer ${contact.channel}`} role="alertdialog" aria-label={title} aria-describedby="invite-what">
      <div class="vh" role="alert">{title}</div>
      <p class="kind"><Icon name={channelIcon[contact.channel]} />{title}</p>
      <h2><span class="cut">{customerName(contact, t("agent.unnamed"))}</span></h2>
      <p id="invite-what" class="quiet-text">{contact.subject || contact.queue?.name || t(`common.channel.${contact.channel}`)}</p>
      <div class="acts">
        <Button onClick={() => leave(contact.id)}>{t("agent.invite.later")}</Button>
        <Button kind="primary" icon="join" onClick={() => join(contact.id)}>{t("agent.invite.join")}</Button>
      </div>
    </section>
  );
}
