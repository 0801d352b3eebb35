"""The rows that administrators edit, by kind, and how a row is read from hostile JSON.

Every kind is a frozen struct; `read` names the path of a mistake and what was expected. Times in seconds here, as
people write them; the hub multiplies.
"""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_network
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct, field

from hub.config_mail import AnswerTimes as AnswerTimes
from hub.config_mail import Mailbox as Mailbox
from hub.config_mail import MailRule as MailRule
from hub.config_mail import MailTemplate as MailTemplate
from hub.config_row import Id as Id
from hub.config_row import Level as Level
from hub.config_row import LongText as LongText
from hub.config_row import Name as Name
from hub.config_row import RecordingPolicy as RecordingPolicy
from hub.config_row import Row as Row
from hub.config_row import ShortText as ShortText
from hub.config_row import Skills as Skills
from hub.config_row import Texts as Texts
from hub.config_row import invalid as invalid
from hub.config_sharing import Cobrowse
from hub.errors import InvalidInput
from hub.flows.flow import Flow as Flow

Username = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
Seconds = Annotated[int, Meta(ge=0, le=7 * 24 * 3600)]
ChannelName = Literal["voice", "chat", "email", "callback"]
Strategy = Literal[
    "longest_idle",
    "least_loaded",
    "round_robin",
    "most_skilled",
    "least_skilled",
    "fixed_order",
    "fewest_today",
    "random",
]


class Skill(Row, frozen=True, forbid_unknown_fields=True):
    pass


class RelaxStep(Struct, frozen=True, forbid_unknown_fields=True):
    after_s: Annotated[int, Meta(ge=1, le=24 * 3600)]
    skills: Skills


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """The service level: `percent` of contacts answered within `seconds`."""

    percent: Annotated[int, Meta(ge=1, le=100)] = 80
    seconds: Annotated[int, Meta(ge=1, le=24 * 3600)] = 20


class Overflow(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a contact goes that has waited `after_s` in this queue, that nobody available can serve for that long, that
    finds the queue full, or that still waits when it closes. `text` is what a customer is told who is sent away."""

    when: Literal["wait", "unstaffed", "full", "closed"]
    to: Literal["queue", "callback", "voicemail", "message"]
    after_s: Annotated[int, Meta(ge=0, le=24 * 3600)] = 0
    queue: Id | None = None
    text: Texts = field(default_factory=dict)


class Queue(Row, frozen=True, forbid_unknown_fields=True):
    """`groups` limits who serves it; `costs` are the capacity units that a contact takes here, by channel; `sticky_s`
    is how long a customer waits for the agent who knows him before the others are asked. `caller_id` is the number that
    the queue's outbound calls show, in the place of the trunk's. `answer` is what is promised to who writes a mail. Who
    accepts a callback may read for `preview_s` before it is dialled; with `dial` "customer_first" its customer is
    called when an agent is about to be free, and waits `answered_wait_s` for him. Once `abandoned_percent` of those who
    answered within a day found none, agents come first until it is less."""

    skills: Skills = field(default_factory=dict)
    relax: list[RelaxStep] = field(default_factory=list)
    strategy: Strategy = "longest_idle"
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0
    offer_s: dict[ChannelName, Annotated[int, Meta(ge=5, le=3600)]] = field(default_factory=dict)
    wrap_up_s: Annotated[int, Meta(ge=0, le=3600)] = 60
    retry_s: Annotated[int, Meta(ge=0, le=3600)] = 60
    max_length: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    overflow: list[Overflow] = field(default_factory=list)
    groups: list[Id] = field(default_factory=list)
    costs: dict[ChannelName, Annotated[int, Meta(ge=1, le=10_000)]] = field(default_factory=dict)
    sticky_s: Annotated[int, Meta(ge=0, le=3600)] = 20
    hours: Id | None = None
    target: Target = Target()
    closed_message: Texts = field(default_factory=dict)
    recording: RecordingPolicy = RecordingPolicy()
    caller_id: Annotated[str, Meta(pattern=r"^(\+?[0-9]{2,20}|anonymous)?$")] = ""
    answer: AnswerTimes = AnswerTimes()
    preview_s: Annotated[int, Meta(ge=0, le=600)] = 10
    dial: Literal["agent_first", "customer_first"] = "agent_first"
    answered_wait_s: Annotated[int, Meta(ge=2, le=60)] = 15
    abandoned_percent: Annotated[int, Meta(ge=1, le=20)] = 3

    def check(self) -> None:
        age = 0
        for i, step in enumerate(self.relax):
            if step.after_s <= age:
                raise InvalidInput(f"relax[{i}].after_s", "expected a later time than the step before")
            age = step.after_s
        _check_overflow(self)


def _check_overflow(queue: Queue) -> None:
    for i, rule in enumerate(queue.overflow):
        path = f"overflow[{i}]"
        if rule.when in {other.when for other in queue.overflow[:i]}:
            raise InvalidInput(f"{path}.when", f'expected one rule for "{rule.when}", not two')
        if (rule.to == "queue") != (rule.queue is not None):
            raise InvalidInput(f"{path}.queue", "expected a queue exactly when the contact goes to one")
        if rule.when == "wait" and rule.after_s == 0:
            raise InvalidInput(f"{path}.after_s", "expected at least 1 second of waiting")
        if rule.when == "full" and queue.max_length is None:
            raise InvalidInput("max_length", "expected the length at which the queue is full, as a rule goes by it")
        if rule.when == "closed" and queue.hours is None:
            raise InvalidInput("hours", "expected opening hours, as a rule goes by them")


FACTS = (
    "channel", "queue", "site", "topic", "language", "page", "called", "caller", "email", "name", "verified", "hours"
)  # fmt: skip


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """`fact` is one of FACTS, customer.FIELD or field.FIELD (of the form). Compared without regard to case; `matches`
    takes * for any text. Of `hours` the value is a calendar, and it `is` while that is open."""

    fact: Annotated[str, Meta(pattern=rf"^({'|'.join(FACTS)}|(customer|field)\.[A-Za-z0-9_]{{1,40}})$")]
    value: Annotated[str, Meta(min_length=1, max_length=300)]
    op: Literal["is", "is_not", "starts", "contains", "matches"] = "is"


class Rule(Row, frozen=True, forbid_unknown_fields=True):
    """What becomes of a new contact to which all of `when` applies. Rules are asked by `order`; priorities add up, a
    later queue replaces an earlier one, and after one with `stop` no more are asked."""

    when: Annotated[list[Condition], Meta(min_length=1, max_length=20)]
    order: Annotated[int, Meta(ge=0, le=100_000)] = 100
    enabled: bool = True
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0
    queue: Id | None = None
    skills: Skills = field(default_factory=dict)
    stop: bool = False

    def check(self) -> None:
        if not (self.priority or self.queue or self.skills or self.stop):
            raise InvalidInput("priority", "expected the rule to do something: a priority, a queue or skills")
        for i, condition in enumerate(self.when):
            if condition.fact == "hours" and condition.op not in ("is", "is_not"):
                raise InvalidInput(f"when[{i}].op", "expected is or is_not: hours are open or they are not")


class Group(Row, frozen=True, forbid_unknown_fields=True):
    """Agents by user id; queues may be limited to groups."""

    agents: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=10_000)] = field(default_factory=list)


class Block(Row, frozen=True, forbid_unknown_fields=True):
    """Somebody who is not served, until the end of `until` (UTC; for ever without it). `name` says why.

    `value` is an e-mail address, a mail domain, a phone number or its beginning followed by *, a visitor's id, or a
    network address or range (203.0.113.0/24).
    """

    what: Literal["email", "domain", "phone", "visitor", "address"]
    value: Annotated[str, Meta(min_length=2, max_length=254)]
    until: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None

    def check(self) -> None:
        if self.what == "address":
            try:
                ip_network(self.value, strict=False)
            except ValueError:
                raise InvalidInput("value", "expected a network address or range such as 203.0.113.0/24") from None
        if self.what == "phone" and not re.fullmatch(r"\+\d{2,15}\*?", self.value):
            raise InvalidInput("value", "expected a number such as +4930123456, or its beginning and a *")
        if self.what == "email" and "@" not in self.value:
            raise InvalidInput("value", "expected an e-mail address")


class Holiday(Struct, frozen=True, forbid_unknown_fields=True):
    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    name: Annotated[str, Meta(max_length=120)] = ""


Span = tuple[
    Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")],
    Annotated[str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")],
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class OpenDay(Struct, frozen=True, forbid_unknown_fields=True):
    """A date with hours of its own."""

    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    open: list[Span]


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone; reads its file the first time. Raises ZoneInfoNotFoundError, ValueError or OSError for none."""
    return ZoneInfo(name)


class Calendar(Row, frozen=True, forbid_unknown_fields=True):
    timezone: str = "UTC"
    week: dict[Day, list[Span]] = field(default_factory=dict)
    holidays: list[Holiday] = field(default_factory=list)
    exceptions: list[OpenDay] = field(default_factory=list)

    def check(self) -> None:
        # Looked up rather than sought in the list of all, which takes reading a folder of six hundred files.
        try:
            zone(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidInput(
                "timezone", f'expected a time zone such as Europe/Berlin, got "{self.timezone}"'
            ) from None
        for day, spans in self.week.items():
            _check_spans(f"week.{day}", spans)
        for i, exception in enumerate(self.exceptions):
            _check_spans(f"exceptions[{i}].open", exception.open)


def _check_spans(path: str, spans: list[Span]) -> None:
    end = ""
    for i, (start, stop) in enumerate(spans):
        if start >= stop:
            raise InvalidInput(f"{path}[{i}]", "expected an end after the start")
        if start < end:
            raise InvalidInput(f"{path}[{i}]", "expected hours that do not overlap, in order")
        end = stop


class Theme(Struct, frozen=True, forbid_unknown_fields=True):
    accent: Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")] = "#0b6e63"
    scheme: Literal["auto", "light", "dark"] = "auto"
    position: Literal["end", "start"] = "end"
    logo: Annotated[str, Meta(max_length=500)] | None = None
    greeting: Texts = field(default_factory=dict)
    launcher: Texts = field(default_factory=dict)


class Topic(Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    label: Texts
    queue: Id
    skills: Skills = field(default_factory=dict)


class PrechatField(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    type: Literal["text", "email", "tel", "select", "textarea", "checkbox"] = "text"
    label: Texts = field(default_factory=dict)
    required: bool = False
    options: list[ShortText] = field(default_factory=list)


class Invitation(Struct, frozen=True, forbid_unknown_fields=True):
    """A proactive line beside the launcher, after `after_s` on a page that matches `url_pattern` (`*` is any text)."""

    id: Id
    after_s: Annotated[int, Meta(ge=1, le=3600)]
    url_pattern: Annotated[str, Meta(max_length=300)] = "*"
    text: Texts = field(default_factory=dict)


class FileRules(Struct, frozen=True, forbid_unknown_fields=True):
    max_bytes: Annotated[int, Meta(ge=1024, le=200_000_000)] = 20_000_000
    types: list[Annotated[str, Meta(max_length=100)]] = field(
        default_factory=lambda: ["image/*", "application/pdf", "text/plain", "text/csv", "application/zip"]
    )


class Site(Row, frozen=True, forbid_unknown_fields=True):
    allowed_origins: list[Annotated[str, Meta(max_length=300)]] = field(default_factory=list)
    locale: str = "en"
    locales: list[str] = field(default_factory=lambda: ["en", "zh-CN"])
    theme: Theme = Theme()
    topics: list[Topic] = field(default_factory=list)
    default_queue: Id | None = None
    prechat: list[PrechatField] = field(
        default_factory=lambda: [
            PrechatField("name", "text", required=True),
            PrechatField("email", "email"),
            PrechatField("topic", "select", required=True),
            PrechatField("question", "textarea", required=True),
        ]
    )
    invitations: list[Invitation] = field(default_factory=list)
    page_info: bool = True
    email: bool = True
    """Whether "E-mail us" is offered: for topics whose queue a mailbox that sends serves."""
    files: FileRules = FileRules()
    cobrowse: Cobrowse = Cobrowse()
    identity_secret: str = ""
    privacy_url: Annotated[str, Meta(max_length=500)] | None = None
    idle_reminder_s: Annotated[int, Meta(ge=10, le=24 * 3600)] = 300
    idle_close_s: Annotated[int, Meta(ge=20, le=48 * 3600)] = 900

    def check(self) -> None:
        for i, origin in enumerate(self.allowed_origins):
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
                raise InvalidInput(
                    f"allowed_origins[{i}]", f'expected an origin such as https://shop.example, got "{origin}"'
                )
        for path, url in (("privacy_url", self.privacy_url), ("theme.logo", self.theme.logo)):
            if url and urlsplit(url).scheme not in ("http", "https") and not re.match(r"^/[^/\\]", url):
                raise InvalidInput(path, "expected a web address that starts with https://")
        if self.idle_close_s <= self.idle_reminder_s:
            raise InvalidInput("idle_close_s", "expected more than idle_reminder_s")


class Canned(Row, frozen=True, forbid_unknown_fields=True):
    """`name` is the title; placeholders such as {customer.name} are filled in by the desktop."""

    shortcut: Annotated[str, Meta(pattern=r"^\S{1,40}$")]
    text: Annotated[str, Meta(min_length=1, max_length=8000)]
    language: str = "en"
    queues: list[Id] | None = None


class Outcome(Row, frozen=True, forbid_unknown_fields=True):
    """A disposition code; `queues` None means all."""

    queues: list[Id] | None = None


class Reason(Row, frozen=True, forbid_unknown_fields=True):
    """Why an agent is away."""


class Webhook(Row, frozen=True, forbid_unknown_fields=True):
    url: Annotated[str, Meta(max_length=2000)]
    types: list[Annotated[str, Meta(max_length=60)]] = field(default_factory=lambda: ["*"])
    secret: str = ""
    enabled: bool = True

    def check(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput("url", "expected a web address that starts with https://")


Network = Annotated[str, Meta(min_length=2, max_length=80)]
Host = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{0,253}$")]
Caller = Annotated[str, Meta(pattern=r"^(\+?[0-9]{2,20}|anonymous)?$")]
RedirectTarget = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,253}(/[0-9]{1,3})?$")]
SecretFile = Annotated[str, Meta(pattern=r"^(file:[A-Za-z0-9._-]{1,100})?$")]


class Trunk(Row, frozen=True, forbid_unknown_fields=True):
    """A SIP connection to a phone network.

    Its calls come from `networks`, where no password is asked for. Calls go out to `host`, then to `backups`; without
    a host it only receives. Without `port` their SRV records say where, with the transport "auto" their NAPTR records
    whether by UDP or TCP. `redirects`: hosts and networks beside its own to which it may send our calls on (3xx).

    By TLS its certificate has to be for `host` and signed by whom the machine trusts, or `ca`, unless `verify` is off;
    `certificate` with `key` is shown to it instead of the hub's own. `password` is by reference: env:NAME or file:NAME
    (see voice.secrets in hub.toml), as are the files. `region` is the country by which national numbers are read.
    `follow`: send to where its messages come from (NAT). `announce`: callers who are not let in hear why in an answered
    call, or before an answer (early media), which not every network lets them hear.
    """

    enabled: bool = True
    networks: Annotated[list[Network], Meta(max_length=200)] = field(default_factory=list)
    host: Host = ""
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    transport: Literal["udp", "tcp", "tls", "auto"] = "udp"
    backups: Annotated[list[Host], Meta(max_length=10)] = field(default_factory=list)
    redirects: Annotated[list[RedirectTarget], Meta(max_length=20)] = field(default_factory=list)
    verify: bool = True
    ca: SecretFile = ""
    certificate: SecretFile = ""
    key: SecretFile = ""
    username: Annotated[str, Meta(max_length=120)] = ""
    password: Annotated[str, Meta(pattern=r"^((env|file):[A-Za-z0-9._-]{1,100})?$")] = ""
    realm: Annotated[str, Meta(max_length=120)] = ""
    register: bool = False
    codecs: Annotated[list[Literal["PCMU", "PCMA", "G722"]], Meta(min_length=1, max_length=3)] = field(
        default_factory=lambda: ["PCMU", "PCMA"]
    )
    dtmf: Literal["rfc4733", "inband", "info"] = "rfc4733"
    region: Annotated[str, Meta(pattern=r"^([A-Z]{2})?$")] = ""
    calls: Annotated[int, Meta(ge=1, le=10_000)] = 100
    calls_per_s: Annotated[int, Meta(ge=1, le=1_000)] = 20
    caller_id: Caller = ""
    follow: bool = False
    announce: Literal["answer", "early"] = "answer"

    def check(self) -> None:
        for i, network in enumerate(self.networks):
            try:
                ip_network(network, strict=False)
            except ValueError:
                raise InvalidInput(
                    f"networks[{i}]", "expected an address or a network such as 203.0.113.0/24"
                ) from None
        if not self.networks and not self.host:
            raise InvalidInput("networks", "expected where its calls come from, or a host that calls go to")
        if self.register and not (self.host and self.username and self.password):
            raise InvalidInput("register", "expected a host, a user name and a password with it")
        if bool(self.username) != bool(self.password):
            raise InvalidInput("password", "expected a user name and a password, or neither")
        for i, target in enumerate(self.redirects):
            if "/" in target:
                try:
                    ip_network(target, strict=False)
                except ValueError:
                    raise InvalidInput(f"redirects[{i}]", "expected a host, an address or a network") from None
        if bool(self.certificate) != bool(self.key):
            raise InvalidInput("key", "expected a certificate and its key, or neither")
        if self.transport != "tls":
            for name in ("ca", "certificate"):
                if getattr(self, name):
                    raise InvalidInput(name, "expected the transport tls with it")


class Number(Row, frozen=True, forbid_unknown_fields=True):
    """Calls to `pattern` (a number with its country code or a SIP name; * is any text) go to `queue`, as customers of
    `site`, in `language`. The first that fits counts, by `order`. With a `flow` they go through it first; the queue is
    where they come when it fails, or is still a draft."""

    pattern: Annotated[str, Meta(min_length=1, max_length=120)]
    queue: Id
    site: Id
    language: Annotated[str, Meta(min_length=2, max_length=35)] = "en"
    flow: Id | None = None
    order: Annotated[int, Meta(ge=0, le=100_000)] = 100


KINDS: dict[str, type[Row]] = {
    "queue": Queue,
    "skill": Skill,
    "calendar": Calendar,
    "site": Site,
    "canned": Canned,
    "outcome": Outcome,
    "reason": Reason,
    "webhook": Webhook,
    "rule": Rule,
    "group": Group,
    "block": Block,
    "trunk": Trunk,
    "number": Number,
    "flow": Flow,
    "mailbox": Mailbox,
    "mail_rule": MailRule,
    "mail_template": MailTemplate,
}
# Fields that are written but never shown again.
SECRETS = {"site": ("identity_secret",), "webhook": ("secret",)}

R = TypeVar("R", bound=Row)


def read(kind: type[R], data: dict[str, Any]) -> R:
    """The row that `data` describes. Raises InvalidInput with the path of the first mistake."""
    try:
        row = msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    row.check()
    return row
