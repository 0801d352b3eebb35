// The account of somebody's own telephone: made, given a new password, taken away; the password is shown once.
import { useEffect, useState } from "preact/hooks";
import { api } from "../api.ts";
import { attempt, Button, confirm } from "../components/index.ts";
import { copy } from "../clipboard.ts";
import { t } from "../i18n.ts";
import { Icon } from "../icons.tsx";

interface Account {
  username: string | null;
  realm: string;
  made_at: number | null;
  /** Whether phones may register at all. */
  allowed: boolean;
  /** `transport:host:port`. */
  servers: string[];
  registered: { address: string; transport: string; since: number }[];
  /** Only in the answer that made it. */
  password: string | null;
}

function Value({ label, value }: { label: string; value: string }) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  const onCopy = async () => {
    setState((await copy(value)) ? "done" : "failed");
    setTimeout(() => setState("idle"), 2500);
  };
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <code tabIndex={0}>{value}</code>
        <button type="button" class="btn small" aria-label={`${t("telephone.copy")}: ${label}`} onClick={() => void onCopy()}>
          <Icon name={state === "done" ? "check" : "copy"} small />
          <span role="status">{t(state === "idle" ? "telephone.copy" : state === "done" ? "telephone.copied" : "telephone.copy_failed")}</span>
        </button>
      </dd>
    </div>
  );
}

/** `tls:hub.example.org:5061` as a phone wants it. */
function place(server: string): string {
  const [transport = "", ...rest] = server.split(":");
  return `${rest.join(":")} (${transport.toUpperCase()})`;
}

/** `path` is `me/phone`, or that of a user; `stands` is what is known of it live, if it is. */
export function TelephoneAccount({ path, stands, onChange }: { path: string; stands?: boolean | undefined; onChange?: (() => void) | undefined }) {
  const [account, setAccount] = useState<Account | null>(null);
  const read = async () => setAccount(await api<Account>("GET", path));
  useEffect(() => void attempt(read), [path]);
  useEffect(() => {
    if (stands !== undefined && account && !account.password) void attempt(read);
  }, [stands]);
  if (!account) return null;

  const make = async () => {
    const sure = !account.username || (await confirm({ title: t("telephone.renew.title"), text: t("telephone.renew.text"), action: t("telephone.renew") }));
    if (!sure) return;
    setAccount(await api<Account>("POST", path));
    onChange?.();
  };
  const remove = async () => {
    if (!(await confirm({ title: t("telephone.remove.title"), text: t("telephone.remove.text"), action: t("telephone.remove"), danger: true }))) return;
    await api("DELETE", path);
    await read();
    onChange?.();
  };
  const standing = stands ?? account.registered.length > 0;
  const first = account.registered[0];
  return (
    <div class="telephone">
      {account.username === null
        ? <p>{t(account.allowed ? "telephone.none" : "telephone.not_allowed")}</p>
        : (
          <p class={`telephone-state${standing ? " on" : ""}`} role="status">
            <i aria-hidden="true" />
            {standing
              ? first ? t("telephone.registered_from", { address: first.address, transport: first.transport.toUpperCase() }) : t("telephone.registered")
              : t("telephone.unregistered")}
          </p>
        )}
      {account.username !== null && (
        <dl class="telephone-values">
          <Value label={t("telephone.username")} value={account.username} />
          {account.password !== null && <Value label={t("telephone.password")} value={account.password} />}
          {account.servers.map((server) => (
            <div key={server}>
              <dt>{t("telephone.server")}</dt>
              <dd><code>{place(server)}</code></dd>
            </div>
          ))}
          <div>
            <dt>{t("telephone.realm")}</dt>
            <dd><code>{account.realm}</code></dd>
          </div>
        </dl>
      )}
      {account.password !== null && <p class="telephone-once" role="alert"><Icon name="key" small />{t("telephone.once")}</p>}
      <p class="telephone-acts">
        {account.allowed && <Button small icon="key" onClick={make}>{t(account.username === null ? "telephone.make" : "telephone.renew")}</Button>}
        {account.username !== null && <Button small icon="trash" onClick={remove}>{t("telephone.remove")}</Button>}
      </p>
    </div>
  );
}
