// Pages of a PDF as pictures that the hub has drawn: nobody has to open a stranger's PDF to see what it is.

import { useEffect, useState } from "preact/hooks";
import { Dialog, IconButton } from "../../common/components/index.ts";
import { fileSize, t } from "../../common/i18n.ts";
import { Icon } from "../../common/icons.tsx";
import type { FileInfo } from "../../common/types.ts";

interface Shown {
  url: string;
  pages: number;
}

function usePage(file: string, page: number): { shown: Shown | null; failed: boolean } {
  const [state, setState] = useState<{ shown: Shown | null; failed: boolean }>({ shown: null, failed: false });
  useEffect(() => {
    const stop = new AbortController();
    let url = "";
    setState(({ shown }) => ({ shown, failed: false }));
    fetch(`/files/${encodeURIComponent(file)}/page/${page}`, { credentials: "same-origin", signal: stop.signal })
      .then(async (answer) => {
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        url = URL.createObjectURL(await answer.blob());
        setState({ shown: { url, pages: Number(answer.headers.get("X-Pages") ?? 1) }, failed: false });
      })
      .catch(() => {
        if (!stop.signal.aborted) setState({ shown: null, failed: true });
      });
    return () => {
      stop.abort();
      if (url) URL.revokeObjectURL(url);
    };
  }, [file, page]);
  return state;
}

export function PdfDialog({ file, onClose }: { file: FileInfo; onClose: () => void }) {
  const [page, setPage] = useState(1);
  const { shown, failed } = usePage(file.id, page);
  const pages = shown?.pages ?? 1;
  return (
    <Dialog
      title={file.name}
      subtitle={`PDF, ${fileSize(file.size)}`}
      wide
      onClose={onClose}
      footer={
        <>
          {pages > 1 && (
            <span class="start pdf-pages">
              <IconButton icon="left" small label={t("mail.pdf.previous")} disabled={page <= 1} onClick={() => setPage(page - 1)} />
              <span class="num" role="status">{t("mail.pdf.page", { page, pages })}</span>
              <IconButton icon="right" small label={t("mail.pdf.next")} disabled={page >= pages} onClick={() => setPage(page + 1)} />
            </span>
          )}
          <a class="btn primary" href={`/files/${encodeURIComponent(file.id)}`} download={file.name}><Icon name="save" small />{t("agent.file.save_short")}</a>
        </>
      }
    >
      {failed
        ? <p class="pdf-failed"><Icon name="failed" small />{t("mail.pdf.failed")}</p>
        : shown
          ? <div class="pdf-page" tabIndex={0}><img class="large pdf" src={shown.url} alt={t("mail.pdf.page", { page, pages })} /></div>
          : <div class="skeleton pdf-wait" role="status" aria-label={t("common.loading")} />}
    </Dialog>
  );
}
