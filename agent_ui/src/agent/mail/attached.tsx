// The files of a mail: pictures small, PDFs to look into, all to be saved.

import { useState } from "preact/hooks";
import { fileSize, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import type { FileInfo } from "../../common/types.ts";
import { FileCard, kindOf, Picture } from "../talk/file.tsx";
import { PdfDialog } from "./pdf.tsx";
import type { Mail } from "./types.ts";

function PdfCard({ file }: { file: FileInfo }) {
  const [open, setOpen] = useState(false);
  const { icon, tone, words } = kindOf(file.name, file.type);
  return (
    <div class="file">
      <span class={`doc ${tone}`}><Icon name={icon} /></span>
      <button type="button" class="what look" title={t("agent.file.open", { name: file.name })} onClick={() => setOpen(true)}>
        <b class="cut">{file.name}</b>
        <span>{words}, {fileSize(file.size)}</span>
      </button>
      <a
        class="btn quiet small icon"
        href={`/files/${encodeURIComponent(file.id)}`}
        download={file.name}
        aria-label={t("agent.file.save", { name: file.name })}
        title={t("agent.file.save", { name: file.name })}
      >
        <Icon name="save" small />
      </a>
      {open && <PdfDialog file={file} onClose={() => setOpen(false)} />}
    </div>
  );
}

/** A file in which malware was found: it is here, and nobody gets it. */
function Locked({ file, threat }: { file: FileInfo; threat: string }) {
  return (
    <div class="file">
      <span class="doc plain"><Icon name="warn" /></span>
      <span class="what">
        <b class="cut" title={file.name}>{file.name}</b>
        <span>{t("mail.file.infected", { threat })}</span>
      </span>
    </div>
  );
}

function Attachment({ file }: { file: FileInfo }) {
  if (file.thumb) return <Picture file={file} />;
  return file.type === "application/pdf" ? <PdfCard file={file} /> : <FileCard file={file} />;
}

export function Attachments({ files, scans }: { files: readonly FileInfo[]; scans: Mail["scans"] }) {
  if (files.length === 0) return null;
  return (
    <ul class="mail-files" aria-label={t("mail.attachments", { count: files.length })}>
      {files.map((file) => {
        const found = scans[file.id];
        return (
          <li key={file.id}>
            {found?.scan === "infected" ? <Locked file={file} threat={found.threat} /> : <Attachment file={file} />}
            {found?.scan === "unscanned" && <p class="help">{t("mail.file.unscanned")}</p>}
          </li>
        );
      })}
    </ul>
  );
}
