"""The section [email] of hub.toml: where mail is given to the hub, and how much of a mail is taken. The mailboxes are
edited on the administration's pages."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, NamedTuple

from hub.config_base import Count, Section, meta
from hub.errors import ConfigError

PROTOCOLS = ("smtp", "lmtp")
_CLAMD = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


class Listener(NamedTuple):
    """An address to listen on."""

    protocol: str
    host: str
    port: int


class ClamdAddress(NamedTuple):
    """A Unix socket by its path, or a host and port."""

    path: str = ""
    host: str = ""
    port: int = 0


class Email(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """E-mail: mailboxes that are read, mail that is given to the hub, and mail that it sends. docs/howto/mail.md."""

    enabled: Annotated[bool, meta("Whether the hub takes and sends mail.")] = False
    listen: Annotated[
        tuple[str, ...],
        meta(
            "Where mail servers give us mail: protocol:address:port, such as lmtp:127.0.0.1:2424; none: nowhere.",
            "a list of protocol:address:port, the protocol smtp or lmtp",
        ),
    ] = ()
    networks: Annotated[
        tuple[str, ...],
        meta("Addresses and networks that may give us mail there.", "a list of addresses or networks"),
    ] = ("127.0.0.1", "::1")
    hostname: Annotated[str, meta("What the listener calls itself; empty: the machine's name.")] = ""
    tls_certificate: Annotated[str, meta("PEM file of our certificate with its chain, for STARTTLS there.")] = ""
    tls_key: Annotated[str, meta("PEM file of the certificate's key.")] = ""
    tls_required: Annotated[bool, meta("Whether mail is taken there by TLS only.")] = False
    max_size: Annotated[
        Count, meta("The largest mail, in bytes; a larger one is refused, or only its head is taken.")
    ] = 50_000_000
    connections: Annotated[Count, meta("How many connections there may be at once.")] = 50
    per_minute: Annotated[Count, meta("Mails that one address may give us there in a minute.")] = 600
    domain: Annotated[str, meta("What stands behind the @ of our Message-IDs; empty: the mailbox's domain.")] = ""
    secrets: Annotated[
        str, meta("Folder of the secrets that mailboxes name as file:NAME; with env:CONTACTHUB_NAME none is needed.")
    ] = ""
    authorities: Annotated[
        str, meta("PEM file of authorities that mail servers' certificates may be signed by, beside the machine's.")
    ] = ""
    workers: Annotated[Count, meta("Processes that read mails; each reads one at a time.")] = 2
    fetch_bytes: Annotated[Count, meta("How many bytes of mail are fetched and not yet stored, at most.")] = 64_000_000
    backlog_waiting: Annotated[
        Count,
        meta("Older mail is fetched while fewer e-mails than this wait for agents; until then it lies in its mailbox."),
    ] = 10_000
    classifier: Annotated[
        bool,
        meta(
            "Whether the queue of a mail that no rule sends anywhere is guessed, by where agents answered such mails; "
            "needs contacthub[classifier]."
        ),
    ] = False
    classifier_percent: Annotated[
        int, meta("How sure such a guess has to be.", "a whole number, 1 to 100", ge=1, le=100)
    ] = 80
    clamd: Annotated[
        str,
        meta(
            "clamd, which looks for malware in attachments: its socket's path, or host:port; empty: nobody looks.",
            "the path of a socket, or host:port",
        ),
    ] = ""
    clamd_required: Annotated[
        bool, meta("Whether attachments that clamd could not look at wait; if not, they can be downloaded, marked.")
    ] = False
    images: Annotated[bool, meta("Whether agents may have a mail's remote images shown, fetched by the hub.")] = True
    images_allow_private: Annotated[
        bool, meta("Whether the hub also fetches those that lie at private and loopback addresses.")
    ] = False


def check_email(email: Email) -> None:
    """What the types cannot say. Raises ConfigError with the path of the first mistake."""
    for index, text in enumerate(email.listen):
        listener(text, f"email.listen[{index}]")
    for index, text in enumerate(email.networks):
        try:
            ip_network(text, strict=False)
        except ValueError:
            raise ConfigError(
                f'email.networks[{index}]: expected an address or a network such as 10.0.0.0/8, got "{text}"'
            ) from None
    if bool(email.tls_certificate) != bool(email.tls_key):
        raise ConfigError("email.tls_key: expected a certificate and its key, or neither")
    if email.clamd:
        clamd_address(email.clamd)
    if email.clamd_required and not email.clamd:
        raise ConfigError("email.clamd: expected where clamd is, as email.clamd_required asks for it")
    if email.tls_required and not email.tls_certificate:
        raise ConfigError("email.tls_certificate: expected a certificate, as email.tls_required asks for TLS")


def listener(text: str, path: str = "listen") -> Listener:
    """What `protocol:address:port` names. Raises ConfigError."""
    protocol, _, rest = text.partition(":")
    host, _, port = rest.rpartition(":")
    try:
        address = str(ip_address(host.removeprefix("[").removesuffix("]")))
        number = int(port)
    except ValueError:
        address, number = "", -1
    if protocol not in PROTOCOLS or not 0 <= number <= 65_535:
        raise ConfigError(f'{path}: expected protocol:address:port such as lmtp:127.0.0.1:2424, got "{text}"')
    return Listener(protocol, address, number)


def clamd_address(text: str) -> ClamdAddress:
    """What `/path` or `host:port` names. Raises ConfigError."""
    if text.startswith("/"):
        return ClamdAddress(path=text)
    found = _CLAMD.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 65_535:
        raise ConfigError(f'email.clamd: expected the path of a socket, or host:port, got "{text}"')
    return ClamdAddress(host=found[1].removeprefix("[").removesuffix("]"), port=int(found[2]))
