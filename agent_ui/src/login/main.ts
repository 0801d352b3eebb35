// The sign-in page's script. The page signs in without it; with it, an error appears in place, the password can be
// shown, Caps Lock is pointed out, and a rate limit counts down.
import "./login.css";
import en from "../../locales/login.en.json";
import zh from "../../locales/login.zh-CN.json";

type Key = keyof typeof en;
interface Failure {
  code: string;
  retry_after_ms: number;
}

const texts: Record<string, string> = document.documentElement.lang.startsWith("zh") ? zh : en;

function t(key: Key, values: Record<string, string | number> = {}): string {
  return (texts[key] ?? en[key]).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const form = element<HTMLFormElement>("login");
const username = element<HTMLInputElement>("username");
const password = element<HTMLInputElement>("password");
const button = element<HTMLButtonElement>("sign-in");
const alertBox = element("login-error");
const alertText = element("login-error-text");

let countdown = 0;

/** Says what went wrong, in the alert above the fields; a rate limit counts its seconds down and holds the button. */
function fail({ code, retry_after_ms }: Failure): void {
  const key = `login.error.${code}`;
  window.clearInterval(countdown);
  button.disabled = false;
  alertBox.hidden = false;
  alertBox.classList.remove("calm");
  if (code !== "rate.limited" || retry_after_ms <= 0) {
    alertText.textContent = key in texts ? t(key as Key) : t("login.error.other");
    return;
  }
  const until = Date.now() + retry_after_ms;
  const tick = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    if (seconds > 0) {
      alertText.textContent = t("login.error.rate.limited", { seconds });
      return;
    }
    window.clearInterval(countdown);
    button.disabled = false;
    alertBox.classList.add("calm");
    alertText.textContent = t("login.rate_over");
  };
  button.disabled = true;
  // A reader of the screen hears the sentence once, not every second.
  alertBox.setAttribute("role", "alert");
  tick();
  alertBox.setAttribute("role", "group");
  countdown = window.setInterval(tick, 500);
}

/** Marks an empty field with words under it; true when the field is filled. */
function filled(input: HTMLInputElement, missing: Key): boolean {
  const note = element(`${input.id}-error`);
  const empty = input.value.trim() === "";
  note.hidden = !empty;
  note.textContent = empty ? t(missing) : "";
  if (empty) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", note.id);
  } else {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  return !empty;
}

async function signIn(): Promise<Failure | null> {
  const data = new FormData(form);
  const response = await fetch(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": String(data.get("csrf") ?? "") },
    body: JSON.stringify({ username: username.value.trim(), password: password.value, next: data.get("next") || null }),
    credentials: "same-origin",
  });
  const body = (await response.json().catch(() => null)) as {
    next?: string;
    error?: { code: string; details?: { retry_after_ms?: number } };
  } | null;
  if (response.ok) {
    // The server never sees what stands behind #; the browser kept it over the way to this page.
    const next = body?.next ?? "/agent";
    window.location.assign(data.get("next") && !next.includes("#") ? next + window.location.hash : next);
    return null;
  }
  const retry = body?.error?.details?.retry_after_ms ?? Number(response.headers.get("Retry-After") ?? 0) * 1000;
  return { code: body?.error?.code ?? "other", retry_after_ms: retry };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (button.getAttribute("aria-busy") === "true") return;
  const complete = [filled(username, "login.username_missing"), filled(password, "login.password_missing")];
  if (complete.includes(false)) {
    (complete[0] ? password : username).focus();
    return;
  }
  button.setAttribute("aria-busy", "true");
  alertBox.hidden = true;
  signIn()
    .catch((): Failure => ({ code: "offline", retry_after_ms: 0 }))
    .then((failure) => {
      if (!failure) return; // the next page is on its way; the button stays busy
      button.removeAttribute("aria-busy");
      if (failure.code === "auth.csrf") {
        // The token is older than the server's secret or session; a fresh page brings a fresh one.
        window.location.reload();
        return;
      }
      fail(failure);
      if (failure.code === "auth.failed") {
        password.select();
        password.focus();
      }
    });
});

for (const input of [username, password]) {
  input.addEventListener("input", () => {
    if (input.getAttribute("aria-invalid")) filled(input, `login.${input.id}_missing` as Key);
  });
}

const show = element<HTMLButtonElement>("show-password");
show.hidden = false;
show.addEventListener("click", () => {
  const shown = password.type === "text";
  password.type = shown ? "password" : "text";
  show.setAttribute("aria-pressed", String(!shown));
  password.focus();
});

const caps = element("caps-lock");
for (const kind of ["keydown", "keyup", "mousedown"] as const) {
  password.addEventListener(kind, (event) => {
    caps.textContent = event.getModifierState("CapsLock") ? t("login.caps_lock") : "";
  });
}
password.addEventListener("blur", () => (caps.textContent = ""));

if (!alertBox.hidden) {
  const seconds = Number(alertBox.dataset["retry"] ?? 0);
  if (seconds > 0) fail({ code: "rate.limited", retry_after_ms: seconds * 1000 });
}

const health = element("health");
fetch("/readyz")
  .then((response) => response.ok)
  .catch(() => false)
  .then((ok) => {
    health.textContent = t(ok ? "login.health_ok" : "login.health_bad");
    health.classList.toggle("bad", !ok);
  });
