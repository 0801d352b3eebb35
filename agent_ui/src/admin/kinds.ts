/** The server names kinds in the singular; pages and addresses are in the plural. */
export const PAGES: Record<string, string> = {
  user: "users", queue: "queues", skill: "skills", calendar: "hours", site: "sites", canned: "canned", outcome: "outcomes",
  rule: "rules", group: "groups", block: "blocks", reason: "reasons", mailbox: "mailboxes", mail_rule: "mail-rules", mail_template: "mail-templates",
  trunk: "trunks", number: "numbers", webhook: "webhooks", token: "tokens",
};
