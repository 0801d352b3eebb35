import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "../icons.tsx";

/** An empty place, which says why it is empty and, where there is one, what to do. */
export function Empty({ icon, title, children }: { icon?: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      {icon && <Icon name={icon} />}
      <b>{title}</b>
      {children}
    </div>
  );
}
