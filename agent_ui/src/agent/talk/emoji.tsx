import { useRef, useState } from "preact/hooks";
import { Pop } from "../../common/components/index.ts";
import { t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";

const COLUMNS = 8;
const EMOJI = [
  ..."😀😃😄😊🙂😉😍🤩🤗🤔😅😂🙃😌😔😕😟😢😭😮😳😴🤒🥳",
  ..."👍👎👌🙏👏🙌💪👋🤝✌👉👀",
  "❤️", ..."💙💚💛💯✨⭐🎉🎁🔥⚡💡",
  "✅", "❌", "⚠️", "ℹ️", "❓", "❗", ..."📦🚚📄📎📅⏰📞📧🔒🔑🔧🛒",
];

/** A small set of emoji; arrow keys walk the grid. */
export function EmojiPicker({ onPick }: { onPick: (emoji: string) => void }) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const all = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (step !== undefined) all[Math.max(0, Math.min(all.length - 1, at + step))]?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") return setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="btn quiet icon"
        aria-label={t("agent.composer.emoji")}
        title={t("agent.composer.emoji")}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="smile" />
      </button>
      {open && (
        <Pop anchor={button} onClose={() => setOpen(false)} class="emoji">
          <div class="emoji-grid" role="group" aria-label={t("agent.composer.emoji")} onKeyDown={onKeyDown}>
            {EMOJI.map((emoji, index) => (
              <button
                key={emoji}
                type="button"
                ref={index === 0 ? (element) => { element?.focus(); } : undefined}
                tabIndex={index === 0 ? 0 : -1}
                onClick={() => {
                  setOpen(false);
                  onPick(emoji);
                }}
              >
                {emoji}
              </button>
            ))}
          </div>
        </Pop>
      )}
    </>
  );
}
