import { useState } from "preact/hooks";
import { Dialog } from "../../common/components/index.ts";
import { fileSize, t } from "../../common/i18n.ts";
import { Icon, type IconName } from "../../common/icons.tsx";
import type { FileInfo } from "../../common/types.ts";

const THUMB = 260;

interface Kind {
  icon: IconName;
  tone: string;
  words: string;
}

/** What a file is, for people: "PDF", "Image", or its ending in capitals. */
export function kindOf(name: string, type: string): Kind {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1]?.toUpperCase() ?? "";
  if (type === "application/pdf") return { icon: "file", tone: "pdf", words: "PDF" };
  if (type.startsWith("image/")) return { icon: "image", tone: "picture", words: t("agent.file.image") };
  return { icon: "file", tone: "plain", words: ending || t("agent.file.file") };
}

/** A card: kind, name, size and a button that saves it. */
export function FileCard({ file }: { file: FileInfo }) {
  const { icon, tone, words } = kindOf(file.name, file.type);
  return (
    <div class="file">
      <span class={`doc ${tone}`}><Icon name={icon} /></span>
      <span class="what">
        <b class="cut" title={file.name}>{file.name}</b>
        <span>{words}, {fileSize(file.size)}</span>
      </span>
      <a
        class="btn quiet small icon"
        href={`/files/${encodeURIComponent(file.id)}`}
        download={file.name}
        aria-label={t("agent.file.save", { name: file.name })}
        title={t("agent.file.save", { name: file.name })}
      >
        <Icon name="save" small />
      </a>
    </div>
  );
}

/** A small picture of its final size, so that nothing jumps when it comes; a press shows it large. */
export function Picture({ file }: { file: FileInfo }) {
  const [open, setOpen] = useState(false);
  const [broken, setBroken] = useState(false);
  if (broken) return <FileCard file={file} />;
  const [width, height] = [file.width ?? THUMB, file.height ?? THUMB];
  const scale = Math.min(1, THUMB / width, THUMB / height);
  const address = `/files/${encodeURIComponent(file.id)}`;
  return (
    <>
      <button type="button" class="picture" title={t("agent.file.open", { name: file.name })} onClick={() => setOpen(true)}>
        <img
          src={`${address}/thumb`}
          alt={file.name}
          width={Math.max(48, Math.round(width * scale))}
          height={Math.max(48, Math.round(height * scale))}
          loading="lazy"
          onError={() => setBroken(true)}
        />
      </button>
      {open && (
        <Dialog
          title={file.name}
          subtitle={fileSize(file.size)}
          wide
          onClose={() => setOpen(false)}
          footer={<a class="btn primary" href={address} download={file.name}><Icon name="save" small />{t("agent.file.save_short")}</a>}
        >
          <img class="large" src={address} alt={file.name} />
        </Dialog>
      )}
    </>
  );
}
