// What binds the customer: sends a form, pays, orders, deletes, or leaves the site. No agent's press does any of it without
// the customer's own "yes"; and what a page does of its own accord once something was filled in is held up as well.

/** In the languages of the shops that we know; what is missing here is still caught where it sends a form. */
const PAYS =
  /\b(?:pay|buy|order|purchase|checkout|check out|confirm|submit|send|delete|remove|donate|book|subscribe|unsubscribe|sign|transfer|accept|agree|cancel|bid|apply|withdraw|place)\b|(?:^|[^\p{L}])(?:kauf|bezahl|zahl|bestell|absend|senden|lösch|kündig|buch|bestätig|überweis|spend|payer|achet|command|valider|envoy|supprim|réserv|confirm|pagar|compr|pedir|enviar|eliminar|borrar|reserv|paga|acquist|ordina|invia|elimina|prenot)|付款|支付|付费|购买|買|下单|订单|提交|发送|删除|确认|预订|转账|退订|ادفع|دفع|شراء|اشتر|اطلب|طلب|تأكيد|إرسال|أرسل|حذف|احجز|تحويل/iu;

const CONTROLS = `a[href], button, summary, input, ${["button", "link", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "checkbox", "radio", "switch", "treeitem"].map((role) => `[role=${role}]`)}`;

export const parentOf = (element: Element): Element | null => element.parentElement ?? ((element.getRootNode() as ShadowRoot).host || null);

/** What a press means: the control around the words in it, or the one that a label is for. */
export function pressed(element: HTMLElement): HTMLElement {
  const found = element.closest<HTMLElement>(`${CONTROLS}, label, select, textarea, option, [onclick]`) ?? element;
  const control = found instanceof HTMLLabelElement ? found.control : null;
  return control instanceof HTMLElement ? control : found;
}

/** What it is called: its words, or what stands for them. */
export function wordsOf(target: HTMLElement): string {
  const pictures = [...target.querySelectorAll("[alt], [aria-label], [title]")].map((one) => one.getAttribute("alt") || one.getAttribute("aria-label") || one.getAttribute("title"));
  const own = target instanceof HTMLInputElement && /^(?:submit|button|reset|image)$/.test(target.type) ? target.value || target.alt : "";
  return [target.innerText, own, target.getAttribute("aria-label"), target.title, ...pictures].filter(Boolean).join(" ").replace(/\s+/g, " ").trim();
}

/** Whether the customer is asked before it is pressed. */
export function binds(target: HTMLElement): boolean {
  const field = target.matches("input, select, option, textarea") && !target.matches("[type=submit], [type=button], [type=reset], [type=image]");
  if (field) return false; // what it makes the page do is held up
  if ((target instanceof HTMLButtonElement || target instanceof HTMLInputElement) && target.form && /^(?:submit|image)$/.test(target.type)) return true;
  for (let at: Element | null = target; at; at = parentOf(at)) {
    if (at instanceof HTMLAnchorElement && at.href && !at.getAttribute("href")!.startsWith("#")) {
      const { origin, protocol } = new URL(at.href, location.href);
      if (origin != location.origin || !/^https?:$/.test(protocol)) return true;
    }
  }
  // Any element can have a listener. Of a whole section nothing is known by its words.
  const words = wordsOf(target);
  return PAYS.test(target.matches(CONTROLS) ? words.slice(0, 400) : words.length <= 120 ? words : "");
}

/**
 * Does `work` and holds up what it makes the page send: answers the forms, which have not gone. Only what is sent in that
 * very moment can be told from what the customer sends.
 */
export function withoutSending(element: Element, work: () => void): (() => void)[] {
  const held: (() => void)[] = [];
  const hold = (event: Event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event as SubmitEvent;
    held.push(() => form.requestSubmit(submitter));
  };
  const { submit } = HTMLFormElement.prototype;
  // What happens in a shadow tree is not heard outside.
  const roots: EventTarget[] = [window];
  for (let root = element.getRootNode(); root instanceof ShadowRoot; root = root.host.getRootNode()) roots.push(root);
  roots.forEach((root) => root.addEventListener("submit", hold, true));
  HTMLFormElement.prototype.submit = function (this: HTMLFormElement) {
    held.push(() => submit.call(this));
  };
  try {
    work();
  } finally {
    roots.forEach((root) => root.removeEventListener("submit", hold, true));
    HTMLFormElement.prototype.submit = submit;
  }
  return held;
}
