// Files that go with a mail: on their way up, there, or refused.

import { type Signal, signal } from "@preact/signals";
import { toast } from "../../../common/components/index.ts";
import { errorText } from "../../../common/errors.ts";
import { newId } from "../../../common/ids.ts";
import { fileSize, t } from "../../../common/i18n.ts";
import { Icon } from "../../../common/icons.tsx";
import type { FileInfo } from "../../../common/types.ts";
import { upload } from "../../upload.ts";
import { kindOf } from "../../talk/file.tsx";
import { largest } from "../people.ts";
import { change, type Compose, composeOf } from "./composing.ts";

interface Rising {
  id: string;
  key: string;
  name: string;
  type: string;
  share: number;
}

export const rising: Signal<readonly Rising[]> = signal([]);

function step(id: string, share: number): void {
  rising.value = rising.value.map((one) => (one.id === id ? { ...one, share } : one));
}

/** Uploads a file; what comes of it, or null when it was refused, which is said. */
async function raise(key: string, compose: Compose, file: File): Promise<FileInfo | null> {
  const most = largest();
  if (file.size === 0 || file.size > most) {
    toast(file.size === 0 ? t("agent.file.empty", { name: file.name }) : t("agent.file.too_large", { name: file.name, size: fileSize(most) }), "warn");
    return null;
  }
  const id = newId();
  rising.value = [...rising.value, { id, key, name: file.name, type: file.type, share: 0 }];
  try {
    return await upload(compose.contact ?? `draft:${compose.id}`, file, (share) => step(id, share));
  } catch (error) {
    toast(`${file.name}: ${errorText(error)}`, "danger");
    return null;
  } finally {
    rising.value = rising.value.filter((one) => one.id !== id);
  }
}

/** Adds files to the mail; pictures to be shown in it go to `inline`, when there is one. */
export async function addFiles(key: string, files: Iterable<File>, inline?: (file: FileInfo) => void): Promise<void> {
  await Promise.all([...files].map(async (file) => {
    const compose = composeOf(key);
    const found = compose && await raise(key, compose, file);
    if (!found) return;
    if (inline && found.thumb) return inline(found);
    const now = composeOf(key);
    if (now) change(key, { attachments: [...now.attachments, found] });
  }));
}

export function ComposeFiles({ compose, composeKey }: { compose: Compose; composeKey: string }) {
  const up = rising.value.filter(({ key }) => key === composeKey);
  if (compose.attachments.length + up.length === 0) return null;
  return (
    <ul class="compose-files" aria-label={t("mail.attachments", { count: compose.attachments.length })}>
      {compose.attachments.map((file) => {
        const { icon, tone } = kindOf(file.name, file.type);
        return (
          <li key={file.id} class="chip attached">
            <span class={`doc ${tone}`}><Icon name={icon} /></span>
            <span class="cut" title={file.name}>{file.name}</span>
            <span class="size">{fileSize(file.size)}</span>
            <button type="button" aria-label={t("mail.remove_file", { name: file.name })} onClick={() => change(composeKey, { attachments: compose.attachments.filter(({ id }) => id !== file.id) })}>
              <Icon name="x" />
            </button>
          </li>
        );
      })}
      {up.map(({ id, name, share }) => (
        <li key={id} class="chip attached">
          <span class="ring-busy" />
          <span class="cut">{name}</span>
          <progress max={1} value={share} aria-label={t("agent.file.uploading", { name })} />
        </li>
      ))}
    </ul>
  );
}
