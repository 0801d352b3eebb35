import { Component } from "preact";
import { rate, saveCopy, skipRating } from "./actions.ts";
import { ByMail } from "./by-mail.tsx";
import { t } from "../i18n.ts";
import { pending } from "../outbox.ts";
import { isCall, type Talk } from "../state.ts";
import { Icon } from "../views/icons.tsx";
import { Top } from "../views/parts.tsx";

/** Asked once after a chat; it can be skipped without a second question. */
export class Rating extends Component<{ talk: Talk }, { score?: number; comment?: string }> {
  override render({ talk }: { talk: Talk }, { score = 0, comment = "" }) {
    const { contact } = talk;
    const sending = pending(contact.id).some(({ event }) => event == "chat:rate");
    const joined = talk.messages.find(({ code }) => code == "joined" || code == "call_began")?.at ?? contact.created_at;
    const minutes = contact.ended_at ? Math.round((contact.ended_at - joined) / 60_000) : 0;
    const name = contact.agent?.name;
    return (
      <>
        <Top title={t(isCall(contact) ? "call_ended" : "ended")} line={name ? (minutes ? t("talked", { name, n: minutes }) : t("talked_short", { name })) : ""} />
        <div class="w-body scroll">
          <div>
            <h3 class="h3" id="how">
              {t("how_was_it")}
            </h3>
            <p class="lede">{t("one_tap")}</p>
          </div>
          <div class="faces" role="radiogroup" aria-labelledby="how">
            {[1, 2, 3, 4, 5].map((one) => (
              <label class={score == one ? "on" : ""}>
                <input class="sr" type="radio" name="score" checked={score == one} onChange={() => this.setState({ score: one })} />
                <Icon name={`face${one}`} size={36} />
                {t("score", {}, one)}
                <span class="sr"> {one}</span>
              </label>
            ))}
          </div>
          <div class="f">
            <label for="comment">{t("anything_else")}</label>
            <textarea
              class="in"
              id="comment"
              rows={3}
              maxLength={2000}
              placeholder={t("only_if")}
              value={comment}
              onInput={(event) => this.setState({ comment: event.currentTarget.value })}
            />
          </div>
          <button class="btn plain" onClick={() => saveCopy(contact.id)}>
            <Icon name="save" size={20} />
            {t("save_copy")}
          </button>
          <ByMail talk={talk} />
        </div>
        <footer class="w-foot">
          <div class="row">
            <button class="btn quiet" onClick={() => skipRating(contact.id)}>
              {t("skip")}
            </button>
            <button class="btn" aria-disabled={!score || sending} onClick={() => score && !sending && rate(contact.id, score, comment.trim())}>
              {t("send_rating")}
            </button>
          </div>
        </footer>
      </>
    );
  }
}
