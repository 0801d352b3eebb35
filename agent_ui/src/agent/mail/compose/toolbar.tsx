// Bold, lists, links: the tools of the editor, as a toolbar that arrow keys walk through.

import { useRef, useState } from "preact/hooks";
import { t } from "../../../common/i18n.ts";
import { Icon, type IconName } from "../../../common/icons.tsx";
import { Pop } from "../../../common/components/pop.tsx";
import type { Active, Editor, Tool } from "./editor.ts";

const TOOLS: { tool: Tool; icon: IconName; keys: string }[] = [
  { tool: "strong", icon: "bold", keys: "Ctrl B" },
  { tool: "em", icon: "italic", keys: "Ctrl I" },
  { tool: "underline", icon: "underline", keys: "Ctrl U" },
  { tool: "strike", icon: "strike", keys: "Ctrl ⇧ X" },
  { tool: "bullet_list", icon: "bullets", keys: "Ctrl ⇧ 8" },
  { tool: "ordered_list", icon: "numbers", keys: "Ctrl ⇧ 7" },
  { tool: "blockquote", icon: "quote", keys: "Ctrl ⇧ 9" },
];

function LinkTool({ editor, href }: { editor: Editor; href: string | null }) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const [address, setAddress] = useState("");
  const [wrong, setWrong] = useState(false);
  const show = () => {
    setAddress(href ?? "");
    setWrong(false);
    setOpen(true);
  };
  const take = () => (editor.setLink(address) ? setOpen(false) : setWrong(true));
  return (
    <>
      <button ref={button} type="button" class="btn quiet icon small" tabIndex={-1} aria-label={t("mail.tool.link")} title={t("mail.tool.link")} aria-pressed={href !== null} aria-haspopup="dialog" aria-expanded={open} onClick={show}>
        <Icon name="link" small />
      </button>
      {open && (
        <Pop anchor={button} onClose={() => setOpen(false)}>
          <div
            class="link-pop"
            role="dialog"
            aria-label={t("mail.tool.link")}
            onKeyDown={(event) => {
              if (event.key === "Enter") take();
              else if (event.key === "Escape") {
                setOpen(false);
                editor.focus();
              } else return event.stopPropagation();
              event.preventDefault();
              event.stopPropagation();
            }}
          >
            <input
              class="field"
              ref={(element) => element?.focus()}
              aria-label={t("mail.link.address")}
              aria-invalid={wrong || undefined}
              placeholder="https://"
              value={address}
              onInput={(event) => setAddress(event.currentTarget.value)}
            />
            <button type="button" class="btn small primary" onClick={take}>{t("mail.link.set")}</button>
            {href !== null && <button type="button" class="btn small" onClick={() => { editor.clearLink(); setOpen(false); }}>{t("mail.link.remove")}</button>}
          </div>
        </Pop>
      )}
    </>
  );
}

/** Arrow keys go from tool to tool; Tab goes past all of them. */
function onKeyDown(event: KeyboardEvent): void {
  if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("button")];
  const at = all.indexOf(document.activeElement as HTMLElement);
  all[(at + (event.key === "ArrowRight" ? 1 : -1) + all.length) % all.length]?.focus();
  event.preventDefault();
}

export function Toolbar({ editor, active }: { editor: Editor; active: Active }) {
  return (
    <div class="mail-tools-bar" role="toolbar" aria-label={t("mail.tools")} onKeyDown={onKeyDown}>
      {TOOLS.map(({ tool, icon, keys }, index) => {
        const on = tool !== "undo" && tool !== "redo" && active[tool];
        const label = t(`mail.tool.${tool}`);
        return (
          <button
            key={tool}
            type="button"
            class="btn quiet icon small"
            tabIndex={index === 0 ? 0 : -1}
            aria-label={label}
            title={`${label} (${keys})`}
            aria-pressed={on}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => editor.run(tool)}
          >
            <Icon name={icon} small />
          </button>
        );
      })}
      <LinkTool editor={editor} href={active.link} />
    </div>
  );
}
