import { useState } from "preact/hooks";
import { Combobox } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import { directory } from "../../common/store.ts";
import type { Contact } from "../../common/types.ts";
import { EditCustomerDialog } from "../actions/edit-customer.tsx";
import { customerCard } from "../customers.ts";
import { canWrite, isOwner } from "../mine.ts";
import { chosenOutcome, chooseOutcome } from "../outcome.ts";
import { Timeline } from "../record/timeline.tsx";
import { showContact } from "../route.ts";
import { outcomeOptions } from "../talk/wrapup.tsx";
import { History } from "./history.tsx";
import { Identity } from "./identity.tsx";
import { PageNow } from "./page.tsx";
import { Tags } from "./tags.tsx";

function Rating({ contact }: { contact: Contact }) {
  const { rating } = contact;
  if (!rating) return null;
  return (
    <section>
      <h2>{t("agent.rating")}</h2>
      <p class="rating" role="img" aria-label={t("agent.rating.of", { score: rating.score })}>
        {[1, 2, 3, 4, 5].map((star) => <Icon key={star} name="star" small class={star <= rating.score ? "full" : ""} />)}
      </p>
      {rating.comment && <p class="quiet-text">{rating.comment}</p>}
    </section>
  );
}

/** The outcome, chosen ahead; its button waits for the wrap-up, where both stand under the conversation. */
function OutcomeAhead({ contact }: { contact: Contact }) {
  if (contact.phase === "closed") {
    const outcome = directory.value.outcomes.find(({ id }) => id === contact.outcome);
    return outcome ? <section class="wrap"><h2>{t("agent.outcome")}</h2><p>{outcome.label}</p></section> : null;
  }
  if (!isOwner(contact) || !canWrite(contact)) return null;
  return (
    <section class="wrap">
      <h2>{t("agent.outcome")}</h2>
      <div class="grid">
        <Combobox
          label={t("agent.outcome")}
          value={chosenOutcome(contact)}
          options={outcomeOptions(contact)}
          placeholder={t("agent.outcome.choose")}
          onChange={(value) => chooseOutcome(contact, value)}
        />
        <button type="button" class="btn" disabled title={t("agent.wrapup.after")}>{t("agent.wrapup.finish")}</button>
      </div>
    </section>
  );
}

/** The region "Customer". */
export function CustomerPane({ contact }: { contact: Contact }) {
  const card = customerCard(contact.customer.id).value;
  const [editing, setEditing] = useState(false);
  return (
    <>
      <aside class="cust" role="region" aria-label={t("agent.customer")}>
        <h1 class="vh narrow-title">{t("agent.customer")}</h1>
        <button type="button" class="btn quiet icon only-narrow back" aria-label={t("common.back")} onClick={() => showContact(contact.id)}>
          <Icon name="back" />
        </button>
        <Identity contact={contact} customer={card.customer} onEdit={() => setEditing(true)} />
        <PageNow contact={contact} />
        <Timeline key={contact.id} contact={contact} />
        <History card={card} current={contact} />
        <Tags contact={contact} />
        <Rating contact={contact} />
        <OutcomeAhead contact={contact} />
      </aside>
      {/* Not inside the pane: a window made narrow hides that, and an open dialog that nobody sees would block the page. */}
      {editing && card.customer && <EditCustomerDialog customer={card.customer} onClose={() => setEditing(false)} />}
    </>
  );
}
