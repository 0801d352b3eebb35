// The editor of one row: load, change, save at the version that was loaded, delete; nothing is lost by accident.
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button, confirm, toast } from "../common/components/index.ts";
import { errorText, HubError } from "../common/errors.ts";
import type { Errors } from "../common/form/fields.ts";
import { focusFirstError, Form } from "../common/form/form.tsx";
import { normalise, same, type Row } from "../common/form/paths.ts";
import { validate } from "../common/form/validate.ts";
import { t } from "../common/i18n.ts";
import { Icon } from "../common/icons.tsx";
import { clock, dateTime, sameDay, serverNow } from "../common/time.ts";
import { askCheck, useCheck, Warnings } from "./check.tsx";
import { ConflictDialog } from "./conflict.tsx";
import { fetchRow, reload, removeRow, rowText, saveRow } from "./data.ts";
import { ListSkeleton, LoadFailed } from "./list.tsx";
import { merge } from "./merge.ts";
import { SectionChoice } from "./nav.tsx";
import { RefusedDialog } from "./refused.tsx";
import { slug, type Resource } from "./resource.tsx";
import { SecretDialog, type Secret } from "./secret.tsx";
import { go, href, unsaved } from "./router.ts";

/** A secret that was just made; it outlives the editor of the new row, which gives way to the saved one's. */
export const revealed = signal<Secret | null>(null);

function savedText(row: Row): string | null {
  const at = typeof row["updated_at"] === "number" ? row["updated_at"] : Date.parse(rowText(row, "updated_at"));
  if (Number.isNaN(at)) return null;
  return t("admin.saved_at", { time: sameDay(at, serverNow()) ? clock(at) : dateTime(at) });
}

export function ResourceEditor({ resource, id }: { resource: Resource; id: string }) {
  const { path } = resource;
  const isNew = id === "new";
  // A row that was stored before a field existed gets the field's usual value.
  const incoming = (row: Row) => {
    const { id: _id, password: _password, ...usual } = resource.fresh();
    const whole = { ...usual, ...row };
    return resource.incoming?.(whole) ?? whole;
  };
  const [saved, setSaved] = useState<Row | null>(isNew ? resource.fresh() : null);
  const [row, setRow] = useState<Row | null>(saved);
  const [errors, setErrors] = useState<Errors>({});
  const [problem, setProblem] = useState<string | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [theirs, setTheirs] = useState<Row | null>(null);
  const [refused, setRefused] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const idTyped = useRef(false);

  const load = async () => {
    setFailed(null);
    try {
      const loaded = incoming(await fetchRow(path, id));
      setSaved(loaded);
      setRow(loaded);
      setErrors({});
    } catch (error) {
      setFailed(error);
    }
  };
  useEffect(() => {
    for (const name of resource.needs) void reload(name);
    if (!isNew) void load();
  }, []);

  const dirty = row !== null && saved !== null && !same(row, saved);
  useEffect(() => {
    unsaved.value = dirty;
  }, [dirty]);
  useEffect(() => () => void (unsaved.value = false), []);

  const send = (wanted: Row) => resource.outgoing?.(wanted, isNew) ?? wanted;
  const [found, setFound] = useCheck(resource.check, isNew ? null : id, dirty && row ? send(row) : null);

  const sections = row ? resource.sections(row, isNew) : [];

  const change = (next: Row) => {
    if (resource.idFromName && isNew) {
      if (next["id"] !== row?.["id"]) idTyped.current = next["id"] !== undefined && next["id"] !== "";
      else if (!idTyped.current) next = { ...next, id: slug(rowText(next, "name")) };
    }
    setRow(next);
    // A problem goes when its field is touched; the rest stays until the next attempt.
    if (Object.keys(errors).length) {
      const left = validate(resource.sections(next, isNew), next);
      setErrors(Object.fromEntries(Object.entries(errors).filter(([key]) => key in left)));
    }
  };

  // The focus goes to the first problem in the same breath as its words appear, before anyone can type elsewhere.
  const pending = useRef<string | null>(null);
  const refuse = (found: Errors, otherwise: string | null = null) => {
    pending.current = otherwise ?? "";
    setErrors({ ...found });
  };
  useLayoutEffect(() => {
    if (pending.current === null || busy) return; // fields take no focus while they are being sent
    const otherwise = pending.current;
    pending.current = null;
    if (!focusFirstError(form.current) && otherwise) setProblem(otherwise);
  }, [errors, busy]);

  const save = async (wanted: Row | null = row) => {
    if (!wanted || busy) return;
    const wrong = validate(resource.sections(wanted, isNew), wanted);
    if (Object.keys(wrong).length) return refuse(wrong);
    setBusy(true);
    setProblem(null);
    try {
      const body = send(wanted);
      if (resource.check) {
        const asked = await askCheck(resource.check, isNew ? null : id, body);
        setFound(asked);
        if (Object.keys(asked.errors).length) return refuse(asked.errors, Object.values(asked.errors)[0]);
      }
      const answer = await saveRow(path, isNew ? null : id, body);
      const secret = resource.reveal?.(answer);
      if (secret) revealed.value = secret;
      toast(t("admin.saved"), "ok");
      if (isNew) return go(path, resource.removal === "none" ? undefined : rowText(answer, "id"));
      const next = incoming(answer);
      setSaved(next);
      setRow(next);
      setErrors({});
    } catch (error) {
      await explain(error);
    } finally {
      setBusy(false);
    }
  };

  const explain = async (error: unknown) => {
    if (error instanceof HubError && error.status === 409 && error.code.endsWith("conflict")) {
      setTheirs(incoming(await fetchRow(path, id)));
      return;
    }
    if (error instanceof HubError && error.code.endsWith(".exists")) {
      return refuse(path === "users" ? { username: t("admin.exists.username") } : { id: t("admin.exists.id") });
    }
    const at = error instanceof HubError ? error.details["path"] : undefined;
    if (error instanceof HubError && error.code === "input.invalid" && typeof at === "string" && at) {
      const expected = String(error.details["expected"] ?? error.message).replace(/\.$/, "");
      const key = normalise(at);
      return refuse({ [key]: t("form.expected", { expected }) }, `${key}: ${expected}`);
    }
    setProblem(errorText(error));
  };

  const remove = async () => {
    if (!saved) return;
    const kind = resource.removal === "disable" ? "disable" : "delete";
    const name = resource.nameOf(saved);
    const sure = await confirm({
      title: t(`admin.${kind}.title`, { name }),
      text: t(`admin.${path}.${kind}`),
      action: t(`admin.${kind}`),
      danger: true,
    });
    if (!sure) return;
    try {
      await removeRow(path, id, resource.removal === "disable" ? null : Number(saved["version"]));
      toast(t(`admin.${kind}d`, { name }), "ok");
      go(path);
    } catch (error) {
      setRefused(error);
    }
  };

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      form.current?.requestSubmit();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);

  const title = isNew ? t(`admin.${path}.new`) : saved ? resource.nameOf(saved) : "";
  const when = saved && !isNew ? savedText(saved) : null;
  const switchedOff = resource.removal === "disable" && Boolean(saved && resource.dim?.(saved));
  const canRemove = !isNew && saved && resource.removal !== "none" && !switchedOff;
  const aside = row && resource.aside?.(row, isNew);
  return (
    <form
      ref={form}
      class={`editor${aside ? " with-aside" : ""}`}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (dirty || isNew) void save();
      }}
    >
      <header class="sheet-head">
        <SectionChoice />
        <nav class="crumbs" aria-label={t("admin.breadcrumb")}>
          <a href={href(path)}>{t(`admin.${path}.title`)}</a>
          <Icon name="right" small />
        </nav>
        <h1 class="cut" tabIndex={-1}>{title}</h1>
        <div class="right">
          {when && !dirty && <span class="saved num">{when}</span>}
          {dirty && <span class="saved unsaved">{t("admin.unsaved")}</span>}
          {saved && !isNew && resource.actions?.(saved, () => void load())}
          {canRemove && (
            <Button kind="quiet" class="del" icon={resource.removal === "disable" ? "lock" : "trash"} onClick={remove}>
              {t(resource.removal === "disable" ? "admin.disable" : "admin.delete")}
            </Button>
          )}
          <Button type="submit" kind="primary" busy={busy} disabled={!row || (!dirty && !isNew)} title={!dirty && !isNew ? t("admin.nothing_changed") : undefined}>
            {t(isNew ? "admin.create" : "common.save")}
          </Button>
        </div>
      </header>
      <div class="sheet-body">
        {problem && (
          <p class="form-problem" role="alert">
            <Icon name="warn" small />
            {problem}
          </p>
        )}
        {row && <Warnings found={found} row={row} />}
        {failed !== null && (failed instanceof HubError && failed.status === 404 ? <Gone path={path} /> : <LoadFailed error={failed} again={load} />)}
        {!row && failed === null && <ListSkeleton />}
        {row && <Form sections={sections} row={row} errors={{ ...found.errors, ...errors }} disabled={busy} onChange={change} />}
        {saved && !isNew && resource.below?.(saved)}
      </div>
      {aside && <aside class="sheet-aside" aria-label={t(resource.asideLabel ?? "admin.aside")}>{aside}</aside>}
      {theirs && row && saved && (
        <ConflictDialog
          sections={sections}
          base={saved}
          mine={row}
          theirs={theirs}
          onClose={() => setTheirs(null)}
          onTheirs={() => {
            setSaved(theirs);
            setRow(theirs);
            setErrors({});
            setTheirs(null);
          }}
          onMine={async () => {
            const merged = merge(saved, row, theirs);
            setSaved(theirs);
            setRow(merged);
            setTheirs(null);
            await save(merged);
          }}
        />
      )}
      {refused !== null && <RefusedDialog error={refused} onClose={() => setRefused(null)} />}
    </form>
  );
}

function Gone({ path }: { path: string }) {
  return (
    <div class="empty" role="alert">
      <Icon name="info" />
      <b>{t("admin.gone.title")}</b>
      <p>{t("admin.gone.text")}</p>
      <a class="btn" href={href(path)}>{t("admin.gone.back")}</a>
    </div>
  );
}

/** Shows a secret that was just made, above whatever page follows. */
export function Revealed() {
  const secret = revealed.value;
  return secret && <SecretDialog secret={secret} onClose={() => (revealed.value = null)} />;
}
