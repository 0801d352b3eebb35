"""The rows about e-mail: mailboxes, rules that triage what comes, and templates of answers."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field

from hub.config_row import Id, LongText, Row, ShortText, Skills
from hub.errors import InvalidInput
from hub.mail_template import check_template
from hub.patterns import check_pattern

Host = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{0,253}$")]
Port = Annotated[int, Meta(ge=1, le=65535)]
Security = Literal["tls", "starttls", "none"]
MailAddress = Annotated[str, Meta(pattern=r"^[^\s<>\"(),:;@\[\\\]]{1,64}@[A-Za-z0-9.-]{1,190}$", max_length=254)]
Reference = Annotated[str, Meta(pattern=r"^((env|file):[A-Za-z0-9._-]{1,100})?$")]
"""A secret by reference: env:CONTACTHUB_NAME, or file:NAME in the folder email.secrets of hub.toml."""
Language = Annotated[str, Meta(min_length=2, max_length=35)]
LongTexts = dict[Language, LongText]
Folder = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]

TOKEN_URLS = {
    "microsoft": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
    "google": "https://oauth2.googleapis.com/token",
    "custom": "",
}


class OAuth(Struct, frozen=True, forbid_unknown_fields=True):
    """OAuth 2 in the place of a password. `token_url` replaces the provider's (Microsoft's with one's own tenant).
    Without a refresh token the client's own credentials are used (Microsoft's application permissions)."""

    provider: Literal["microsoft", "google", "custom"] = "custom"
    token_url: Annotated[str, Meta(max_length=500)] = ""
    client_id: Annotated[str, Meta(min_length=1, max_length=300)] = "contacthub"
    secret: Reference = ""
    refresh_token: Reference = ""
    scope: ShortText = ""

    @property
    def url(self) -> str:
        return self.token_url or TOKEN_URLS[self.provider]

    def check(self, path: str) -> None:
        parts = urlsplit(self.url)
        near = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and near)):
            raise InvalidInput(f"{path}.token_url", "expected a web address that starts with https://")
        if not self.secret and not self.refresh_token:
            raise InvalidInput(f"{path}.refresh_token", "expected a refresh token, or the client's secret")


class Inbound(Struct, frozen=True, forbid_unknown_fields=True):
    """Where mail comes from: `imap` fetches it, `direct` is given it by SMTP or LMTP (see [email] in hub.toml).

    What was stored is marked as read (`flag`), or moved to `move_to`. `poll_s`: how often is asked, beside IDLE.
    `backlog_days`: how old mail may be that lies there at first (null: of any age).
    """

    kind: Literal["imap", "direct", "none"] = "none"
    host: Host = ""
    port: Port = 993
    security: Security = "tls"
    username: Annotated[str, Meta(max_length=254)] = ""
    secret: Reference = ""
    oauth: OAuth | None = None
    folders: Annotated[list[Folder], Meta(min_length=1, max_length=20)] = field(default_factory=lambda: ["INBOX"])
    after: Literal["flag", "move"] = "flag"
    move_to: Annotated[str, Meta(max_length=200)] = ""
    poll_s: Annotated[int, Meta(ge=5, le=3600)] = 60
    backlog_days: Annotated[int, Meta(ge=0, le=36_500)] | None = None


class Dkim(Struct, frozen=True, forbid_unknown_fields=True):
    """`key` is the private key in PEM, by reference."""

    domain: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]{1,190}$")]
    selector: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,63}$")]
    key: Reference


class Outbound(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom mail is given to. `demo`: it is kept and shown, and goes nowhere."""

    kind: Literal["smtp", "none", "demo"] = "none"
    host: Host = ""
    port: Port = 587
    security: Security = "starttls"
    username: Annotated[str, Meta(max_length=254)] = ""
    secret: Reference = ""
    oauth: OAuth | None = None
    per_minute: Annotated[int, Meta(ge=1, le=100_000)] = 60
    dkim: Dkim | None = None


class Mailbox(Row, frozen=True, forbid_unknown_fields=True):
    """An address of ours. Mail to it or its `aliases` comes to `queue`; answers bear `display_name` and `address`.

    `acknowledge`: who writes is told that his mail is here, in his language. A reply opens its contact again for
    `reopen_days`; without a token or known Message-ID, one of the same subject within `thread_days` counts as a reply.
    """

    address: MailAddress
    queue: Id
    aliases: Annotated[list[MailAddress], Meta(max_length=100)] = field(default_factory=list)
    display_name: Annotated[str, Meta(max_length=120)] = ""
    language: Language = "en"
    inbound: Inbound = field(default_factory=Inbound)
    outbound: Outbound = field(default_factory=Outbound)
    acknowledge: bool = False
    acknowledgement: LongTexts = field(default_factory=dict)
    signature: LongText = ""
    reopen_days: Annotated[int, Meta(ge=0, le=3650)] = 14
    thread_days: Annotated[int, Meta(ge=0, le=365)] = 7
    enabled: bool = True

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, in lower case."""
        return tuple(address.lower() for address in (self.address, *self.aliases))

    def check(self) -> None:
        given, sent = self.inbound, self.outbound
        if given.kind == "imap":
            _check_server("inbound", given.host, given.username, given.secret, given.oauth)
            if not given.username:
                raise InvalidInput("inbound.username", "expected the account's user name")
            if given.after == "move" and not given.move_to:
                raise InvalidInput("inbound.move_to", "expected the folder that mails are moved to")
            if given.after == "move" and given.move_to in given.folders:
                raise InvalidInput("inbound.move_to", "expected a folder that is not read itself")
        if sent.kind == "smtp":
            _check_server("outbound", sent.host, sent.username, sent.secret, sent.oauth)
        if sent.dkim is not None and not sent.dkim.key:
            raise InvalidInput("outbound.dkim.key", "expected the private key, by reference")


def _check_server(path: str, host: str, username: str, secret: str, oauth: OAuth | None) -> None:
    if not host:
        raise InvalidInput(f"{path}.host", "expected the server's name")
    if bool(username) != bool(secret or oauth):
        raise InvalidInput(f"{path}.secret", "expected a user name and a password or OAuth, or neither")
    if secret and oauth:
        raise InvalidInput(f"{path}.oauth", "expected either a password or OAuth")
    if oauth is not None:
        oauth.check(f"{path}.oauth")


MAIL_FACTS = (
    "mailbox", "to", "plus", "from", "domain", "subject", "text", "language", "attachment", "kind", "vip"
)  # fmt: skip


class MailCondition(Struct, frozen=True, forbid_unknown_fields=True):
    """`fact` is one of MAIL_FACTS or header.NAME. Compared without regard to case; `matches` takes * for any text,
    `regex` is a regular expression in RE2's syntax, looked for anywhere. `to` is each recipient, with what stands
    behind a + in it and without, `plus` that part alone. `vip` is "yes" or "no", by the customer's field of that name;
    `attachment` a file's name or type, `kind` what the mail is (normal, auto_reply, bounce, feedback or list)."""

    fact: Annotated[str, Meta(pattern=rf"^({'|'.join(MAIL_FACTS)}|header\.[A-Za-z0-9-]{{1,60}})$")]
    value: Annotated[str, Meta(min_length=1, max_length=500)]
    op: Literal["is", "is_not", "starts", "contains", "matches", "regex"] = "is"


class MailRule(Row, frozen=True, forbid_unknown_fields=True):
    """What becomes of a new mail to which all of `when` applies. Rules are asked by `order`; priorities and tags add
    up, a later queue, owner or language replaces an earlier one, and after one with `stop` no more are asked."""

    when: Annotated[list[MailCondition], Meta(min_length=1, max_length=20)]
    order: Annotated[int, Meta(ge=0, le=100_000)] = 100
    enabled: bool = True
    queue: Id | None = None
    skills: Skills = field(default_factory=dict)
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0
    tags: Annotated[list[Annotated[str, Meta(min_length=1, max_length=40)]], Meta(max_length=20)] = field(
        default_factory=list
    )
    owner: Annotated[str, Meta(max_length=64)] | None = None
    language: Language | None = None
    stop: bool = False

    def check(self) -> None:
        if not (self.queue or self.skills or self.priority or self.tags or self.owner or self.language or self.stop):
            raise InvalidInput("queue", "expected the rule to do something: a queue, skills, a priority or tags")
        for i, condition in enumerate(self.when):
            if condition.op == "regex":
                check_pattern(condition.value, f"when[{i}].value")


class AnswerTimes(Struct, frozen=True, forbid_unknown_fields=True):
    """Within how many minutes of the queue's opening hours a mail is answered: the `first` one, and each `next` that
    the customer writes (null: not promised). When `warn_percent` of it has passed, and again when all of it has, the
    contact is escalated: its priority is raised by `raise_by`, and supervisors see it."""

    first: Annotated[int, Meta(ge=1, le=60_000)] | None = None
    next: Annotated[int, Meta(ge=1, le=60_000)] | None = None
    warn_percent: Annotated[int, Meta(ge=1, le=99)] = 75
    raise_by: Annotated[int, Meta(ge=0, le=500)] = 30


class MailTemplate(Row, frozen=True, forbid_unknown_fields=True):
    """An answer to begin with. Variables stand as {{ customer.name }}; `queues` None means all."""

    subject: ShortText = ""
    text: Annotated[str, Meta(max_length=100_000)] = ""
    html: Annotated[str, Meta(max_length=200_000)] = ""
    languages: Annotated[list[Language], Meta(max_length=50)] = field(default_factory=list)
    queues: list[Id] | None = None

    def check(self) -> None:
        if not self.text and not self.html:
            raise InvalidInput("text", "expected something to say")
        for name in ("subject", "text", "html"):
            check_template(getattr(self, name), name)
