"""hub.toml: read once, validated to typed values. A mistake names its path and what was expected there.

Every setting stands here once: its type, its default and what it means. `hub/config_text.py` makes the hub.toml of
`contacthub init` and docs/reference/configuration.md from these structs.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Meta, Struct, field

from hub.config_base import BY_REFERENCE, Count, Port, Seconds, Secret, Section, meta
from hub.config_callbacks import Callbacks, check_callbacks
from hub.config_cobrowse import Cobrowse, check_cobrowse
from hub.config_email import Email, check_email
from hub.config_voice import Voice, check_voice
from hub.errors import ConfigError
from hub.toml_values import as_written, value_at


class Server(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the hub listens and what it is called from outside."""

    host: Annotated[
        str, meta("Address to listen on; 0.0.0.0 for all.", "an address such as 127.0.0.1", min_length=1)
    ] = "127.0.0.1"
    port: Annotated[Port, meta("Port to listen on; 0 takes a free one.")] = 8000
    public_url: Annotated[
        str,
        meta(
            "What browsers call it, such as https://hub.example.org; empty: as the request's Host says.",
            "a web address such as https://hub.example.org",
            pattern=r"^(https?://[^/]+)?$",
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...], meta("Addresses or networks of reverse proxies whose X-Forwarded-* headers are believed.")
    ] = ()
    data_dir: Annotated[
        str, meta("Folder of the database, the files and the secret key.", "the path of a folder", min_length=1)
    ] = "data"


class StoreSection(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The database: SQLite in one file, or PostgreSQL."""

    url: Annotated[
        str,
        meta(
            "sqlite:///path or postgresql://user@host/name; empty: hub.db in data_dir.",
            "sqlite:///path or postgresql://user@host/name",
            pattern=r"^($|sqlite:///|postgresql://)",
        ),
    ] = ""
    password: Annotated[Secret | None, meta("The database's password, by reference.")] = None


class BusSection(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How several nodes of one hub hear each other; a hub of one process needs none. docs/howto/two-nodes.md."""

    url: Annotated[
        str,
        meta(
            "redis://host:6379/0, or rediss:// with TLS; empty: this process is alone.",
            "redis://host:6379/0",
            pattern=r"^($|rediss?://)",
        ),
    ] = ""
    password: Annotated[Secret | None, meta("Redis's password, by reference.")] = None
    name: Annotated[
        str,
        meta(
            "What this hub's keys and channel in Redis begin with; hubs that share a Redis need different ones.",
            "a name of letters, digits, - and _",
            pattern=r"^[A-Za-z0-9_-]{1,40}$",
        ),
    ] = "contacthub"


class Security(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sessions, keys and limits."""

    secret_key: Annotated[
        Secret | None, meta("Signs visitors' tokens, by reference; none: made once and kept in data_dir/secret.key.")
    ] = None
    session_idle_s: Annotated[Seconds, meta("A session that is not used for this long ends.")] = 8 * 3600
    session_absolute_s: Annotated[Seconds, meta("A session ends after this long in any case.")] = 24 * 3600
    session_rotate_s: Annotated[Seconds, meta("How often a session's cookie gets a new secret.")] = 2 * 3600
    shortest_password: Annotated[Count, meta("How many characters a password needs at least.")] = 8
    requests_per_minute: Annotated[Count, meta("HTTP requests that one user or address may make in a minute.")] = 1200
    metrics_from: Annotated[tuple[str, ...], meta("Addresses that may read /metrics without signing in.")] = (
        "127.0.0.1",
        "::1",
    )


class Chat(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The chat channel."""

    messages_per_minute: Annotated[Count, meta("Messages that one visitor may send in a minute.")] = 100
    starts_per_hour: Annotated[Count, meta("Conversations that may begin from one address in an hour.")] = 60
    waiting_gone_s: Annotated[
        Seconds, meta("A waiting visitor whose page is closed for this long has left the queue.")
    ] = 600


class Routing(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Agents' presence."""

    presence_lease_s: Annotated[Seconds, meta("A window that is silent for this long counts as closed.")] = 30
    grace_s: Annotated[
        Seconds, meta("How long the chats of an agent who lost his connection wait for him before they queue again.")
    ] = 60


class WebhooksSection(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Webhooks to other systems."""

    allow_private: Annotated[bool, meta("Whether webhooks may go to private and loopback addresses.")] = False


class FilesSection(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Uploaded files."""

    dir: Annotated[str, meta("Folder of the files; empty: files in data_dir.")] = ""
    max_bytes: Annotated[Count, meta("The largest file that anybody may upload; sites may ask for less.")] = 50_000_000


class RecordingsSection(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Recordings of calls; which calls are recorded, and for how long they are kept, is said by each queue."""

    dir: Annotated[str, meta("Folder of the recordings; empty: recordings in data_dir.")] = ""
    key: Annotated[
        Secret | None,
        meta("Encrypts new recordings, by reference: 32 bytes in hex or base64; none: they are stored as they are."),
    ] = None
    former_keys: Annotated[
        tuple[Secret, ...],
        meta("Keys that older recordings were encrypted with, by reference.", "a list of references"),
    ] = ()
    min_free_bytes: Annotated[
        int,
        meta("No recording begins when less than this is free on the disk.", "a whole number of bytes", ge=0),
    ] = 500_000_000


class Logging(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The hub's own log."""

    level: Annotated[Literal["debug", "info", "warning", "error"], meta("The least level that is written.")] = "info"
    format: Annotated[
        Literal["console", "json"], meta("`console` for people, `json` for machines: one object a line.")
    ] = "console"


class Demo(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The demo; never switch it on in a hub that others can reach."""

    enabled: Annotated[bool, meta("Serves the demo shop at /demo/ and fills the store with demo data.")] = False
    sip_port: Annotated[Port, meta("Where telephones of this machine may call the demo.")] = 5060
    smtp_port: Annotated[Port, meta("Where mail servers and programs of this machine may give the demo mail.")] = 2525

    @property
    def phone_port(self) -> int:
        """Where the demo's own calls go: a telephone of this machine, if one listens there. 0 without telephones."""
        return self.sip_port + 2 if 0 < self.sip_port <= 65_533 else 0


class Config(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole of hub.toml."""

    server: Server = field(default_factory=Server)
    store: StoreSection = field(default_factory=StoreSection)
    bus: BusSection = field(default_factory=BusSection)
    security: Security = field(default_factory=Security)
    chat: Chat = field(default_factory=Chat)
    routing: Routing = field(default_factory=Routing)
    webhooks: WebhooksSection = field(default_factory=WebhooksSection)
    files: FilesSection = field(default_factory=FilesSection)
    recordings: RecordingsSection = field(default_factory=RecordingsSection)
    voice: Voice = field(default_factory=Voice)
    email: Email = field(default_factory=Email)
    callbacks: Callbacks = field(default_factory=Callbacks)
    cobrowse: Cobrowse = field(default_factory=Cobrowse)
    logging: Logging = field(default_factory=Logging)
    demo: Demo = field(default_factory=Demo)

    @property
    def shortest_password(self) -> int:
        """The demo's passwords are shorter than anybody's should be."""
        return 4 if self.demo.enabled else self.security.shortest_password

    @property
    def data_dir(self) -> Path:
        return Path(self.server.data_dir)

    @property
    def files_dir(self) -> Path:
        return Path(self.files.dir) if self.files.dir else self.data_dir / "files"

    @property
    def recordings_dir(self) -> Path:
        return Path(self.recordings.dir) if self.recordings.dir else self.data_dir / "recordings"

    def recording_keys(self) -> tuple[bytes | None, tuple[bytes, ...]]:
        """The key of new recordings, and the former ones. Raises ConfigError when one is missing or is no key."""
        former = [_key(s, f"recordings.former_keys[{n}]") for n, s in enumerate(self.recordings.former_keys)]
        present = self.recordings.key
        return (None if present is None else _key(present, "recordings.key")), tuple(former)

    @property
    def store_url(self) -> str:
        """The database with its password, if one is set."""
        url = self.store.url or f"sqlite:///{self.data_dir / 'hub.db'}"
        return _with_password(url, self.store.password, "store.password")

    @property
    def bus_url(self) -> str:
        """Redis with its password, if one is set; empty for none."""
        return _with_password(self.bus.url, self.bus.password, "bus.password")

    def secret_key(self) -> bytes:
        """The configured key, or the one in data_dir, which is made at the first start (mode 0600)."""
        if self.security.secret_key is not None:
            return self.security.secret_key.read("security.secret_key").encode()
        path = self.data_dir / "secret.key"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes().strip()
        with os.fdopen(descriptor, "wb") as file:
            file.write(token_hex(32).encode())
        return path.read_bytes().strip()


def _key(secret: Secret, path: str) -> bytes:
    text = secret.read(path)
    for decode in (bytes.fromhex, b64decode):
        with suppress(ValueError):
            if len(key := decode(text)) == 32:
                return key
    raise ConfigError(f"{path}: expected 32 bytes, as 64 hex digits or in base64 (`openssl rand -hex 32` makes them)")


def _with_password(url: str, secret: Secret | None, path: str) -> str:
    if secret is None:
        return url
    scheme, _, rest = url.partition("://")
    user, _, host = rest.rpartition("@")
    return f"{scheme}://{user}:{quote(secret.read(path), safe='')}@{host}"


def load(path: Path | None) -> Config:
    """The configuration in the file (None: all defaults). Relative folders are taken from the file's own folder.

    Raises ConfigError with the path of the first mistake.
    """
    if path is None:
        return Config()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    return _resolve(parse(data), path.resolve().parent)


def parse(data: dict[str, Any]) -> Config:
    """Raises ConfigError with the path of the first mistake."""
    try:
        config = msgspec.convert(data, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(str(error), data)) from None
    _check(config)
    return config


def _check(config: Config) -> None:
    """What the types cannot say."""
    for path, entries in (
        ("server.trusted_proxies", config.server.trusted_proxies),
        ("security.metrics_from", config.security.metrics_from),
    ):
        for index, entry in enumerate(entries):
            try:
                if path == "server.trusted_proxies":
                    ipaddress.ip_network(entry, strict=False)
                else:
                    ipaddress.ip_address(entry)
            except ValueError:
                kind = "an address such as 10.0.0.1"
                if path == "server.trusted_proxies":
                    kind += " or a network such as 10.0.0.0/8"
                raise ConfigError(f'{path}[{index}]: expected {kind}, got "{entry}"') from None
    for path, secret in (
        ("store.password", config.store.password),
        ("bus.password", config.bus.password),
        ("security.secret_key", config.security.secret_key),
        ("recordings.key", config.recordings.key),
        ("voice.turn_secret", config.voice.turn_secret),
        *((f"recordings.former_keys[{n}]", key) for n, key in enumerate(config.recordings.former_keys)),
    ):
        if secret is not None and (secret.env is None) == (secret.file is None):
            raise ConfigError(f"{path}: expected {BY_REFERENCE}")
    if config.store.password is not None and not config.store.url.startswith("postgresql://"):
        raise ConfigError("store.password: expected a store.url of PostgreSQL with it; SQLite has no passwords")
    if config.bus.url and not config.store.url.startswith("postgresql://"):
        raise ConfigError("bus.url: expected a store.url of PostgreSQL with it; nodes cannot share a file of SQLite")
    if config.bus.password is not None and not config.bus.url:
        raise ConfigError("bus.password: expected a bus.url with it")
    check_voice(config.voice)
    check_email(config.email)
    check_callbacks(config.callbacks)
    check_cobrowse(config.cobrowse, config.server.public_url)


def _resolve(config: Config, folder: Path) -> Config:
    def absolute(text: str) -> str:
        return str(folder / text) if text else ""

    def secret(reference: Secret | None) -> Secret | None:
        return replace(reference, file=absolute(reference.file)) if reference and reference.file else reference

    replace = msgspec.structs.replace
    url = config.store.url
    if url.startswith(_SQLITE):
        url = _SQLITE + absolute(url.removeprefix(_SQLITE))
    return replace(
        config,
        server=replace(config.server, data_dir=absolute(config.server.data_dir)),
        store=replace(config.store, url=url, password=secret(config.store.password)),
        bus=replace(config.bus, password=secret(config.bus.password)),
        security=replace(config.security, secret_key=secret(config.security.secret_key)),
        voice=replace(
            config.voice,
            turn_secret=secret(config.voice.turn_secret),
            **{
                name: absolute(getattr(config.voice, name))
                for name in ("tls_certificate", "tls_key", "secrets", "prompts")
            },
        ),
        email=replace(
            config.email,
            **{
                name: absolute(getattr(config.email, name))
                for name in ("tls_certificate", "tls_key", "secrets", "authorities")
            },
        ),
        files=replace(config.files, dir=absolute(config.files.dir)),
        recordings=replace(
            config.recordings,
            dir=absolute(config.recordings.dir),
            key=secret(config.recordings.key),
            former_keys=tuple(key for former in config.recordings.former_keys if (key := secret(former))),
        ),
    )


_SQLITE = "sqlite:///"
_KINDS = {
    "int": "a whole number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list in [brackets]",
    "object": "a [section]",
}


def explain(sentence: str, data: dict[str, Any]) -> str:
    """msgspec's sentence as ours: `server.port: expected a port number, got "imap"`."""
    what, _, where = sentence.partition(" - at `$")
    path = where.rstrip("`").lstrip(".")
    annotation = _annotation(path)
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", what)
    if unknown:
        return _no_such_setting(path, unknown[1], annotation)
    value = value_at(data, path)
    # What stands where a secret belongs may be one.
    shown = "" if value is UNSET or _struct(annotation) is Secret else f", got {as_written(value)}"
    return f"{path}: expected {expected(annotation, what)}{shown}"


def _no_such_setting(path: str, name: str, annotation: Any) -> str:
    fields = list(_struct(annotation).__struct_fields__)
    close = difflib.get_close_matches(name, fields, 1)
    elsewhere = [
        f"{section}.{name}"
        for section, annotation in hints(Config).items()
        if name in _struct(annotation).__struct_fields__
    ]
    if close:
        hint = f"did you mean {close[0]}?"
    elif elsewhere:
        hint = f"did you mean {' or '.join(elsewhere)}?"
    else:
        hint = f"known are {', '.join(fields)}"
    return f"{path}.{name}".lstrip(".") + f": there is no such setting; {hint}"


def _annotation(path: str) -> Any:
    """The annotated type of a setting, or of an entry of one that is a list."""
    annotation: Any = Config
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        annotation = get_args(_bare(annotation))[0] if index else hints(_struct(annotation))[name]
    return annotation


def hints(struct: type[Struct]) -> dict[str, Any]:
    """The annotated types of a section's settings."""
    return get_type_hints(struct, include_extras=True)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _struct(annotation: Any) -> type[Struct]:
    """The struct that an annotation names; the empty `Section` when it names none."""
    bare = _bare(annotation)
    for part in (bare, *get_args(bare)):
        if isinstance(part, type) and issubclass(part, Struct):
            return part
    return Section


def expected(annotation: Any, what: str = "") -> str:
    """What a setting takes, in words; `what` is msgspec's sentence, for a type that has none of ours."""
    for said in reversed(getattr(annotation, "__metadata__", ())):
        if isinstance(said, Meta) and said.extra and "expected" in said.extra:
            return str(said.extra["expected"])
    bare = _bare(annotation)
    if get_origin(bare) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(bare))
    if _struct(bare) is Secret:
        return BY_REFERENCE
    kind = re.match(r"Expected `(\w+)", what)
    if kind and kind[1] in _KINDS:
        return _KINDS[kind[1]]
    return what.removeprefix("Expected ")
