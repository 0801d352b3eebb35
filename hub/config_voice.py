"""The section [voice] of hub.toml: where telephones and browsers reach us, trunks, and what may be dialled.

Trunks and numbers may stand here or be edited on the administration's pages; both hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, NamedTuple, TypeVar

from hub import config_rows as rows
from hub.config_base import Count, Secret, Section, meta
from hub.errors import ConfigError, InvalidInput

TRANSPORTS = ("udp", "tcp", "tls")
R = TypeVar("R", bound=rows.Row)


class Endpoint(NamedTuple):
    """An address to listen on."""

    transport: str
    host: str
    port: int


class Voice(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Calls: from the telephone network by SIP trunks, and from web pages. docs/howto/voice.md."""

    enabled: Annotated[bool, meta("Whether the hub takes calls.")] = False
    listen: Annotated[
        tuple[str, ...],
        meta(
            "Where SIP listens: transport:address:port, such as udp:0.0.0.0:5060 or tls:[::]:5061; none: web only.",
            "a list of transport:address:port, the transport udp, tcp or tls",
        ),
    ] = ("udp:0.0.0.0:5060", "tcp:0.0.0.0:5060")
    public: Annotated[
        str, meta("What trunks are told is our address, when it is not the one we listen on (NAT).", "an address")
    ] = ""
    tls_certificate: Annotated[str, meta("PEM file of our certificate with its chain, for tls.")] = ""
    tls_key: Annotated[str, meta("PEM file of the certificate's key.")] = ""
    secrets: Annotated[
        str, meta("Folder of the passwords that trunks name as file:NAME; with env:CONTACTHUB_NAME none is needed.")
    ] = ""
    phones: Annotated[
        tuple[str, ...],
        meta(
            "Networks from which agents' own telephones may register, such as 10.0.0.0/8; 0.0.0.0/0 and ::/0: from"
            " anywhere; none: no telephones.",
            "a list of addresses and networks",
        ),
    ] = ()
    media_host: Annotated[str, meta("Address that audio is sent from and received on; empty: all of the machine.")] = ""
    media_public: Annotated[str, meta("What peers are told instead of it (NAT, one to one).", "an address")] = ""
    media_ports: Annotated[
        tuple[int, int], meta("First and last UDP port of audio.", "two port numbers, the first and the last")
    ] = (20_000, 29_999)
    stun: Annotated[tuple[str, ...], meta("STUN servers, such as stun:stun.example.org:3478.")] = ()
    turn: Annotated[
        tuple[str, ...], meta("TURN servers (coturn), such as turn:turn.example.org:3478?transport=udp.")
    ] = ()
    turn_secret: Annotated[Secret | None, meta("coturn's static-auth-secret, by reference; needed with turn.")] = None
    countries: Annotated[
        tuple[str, ...],
        meta("Countries that agents may dial, such as DE; none: nobody dials.", "a list of two-letter country codes"),
    ] = ()
    dials_per_minute: Annotated[Count, meta("Calls that one agent may make in a minute.")] = 10
    dials_per_day: Annotated[Count, meta("Calls that one agent may make in a day.")] = 300
    prompts: Annotated[
        str, meta("Folder whose WAV files replace ours, by language and name: en/greeting.wav; empty: ours.")
    ] = ""
    speech: Annotated[
        str, meta("Program that reads aloud what flows say and nobody recorded: espeak-ng; empty: it is left out.")
    ] = "espeak-ng"
    lookups_private: Annotated[bool, meta("Whether flows may ask servers at private and loopback addresses.")] = False
    trunks: Annotated[
        tuple[dict[str, Any], ...],
        meta("Trunks, each with an id: [[voice.trunks]] with the fields of the REST interface.", "a list of tables"),
    ] = ()
    numbers: Annotated[
        tuple[dict[str, Any], ...],
        meta("Which called numbers lead to which queue, each with an id: [[voice.numbers]].", "a list of tables"),
    ] = ()


def check_voice(voice: Voice) -> None:
    """What the types cannot say. Raises ConfigError with the path of the first mistake."""
    for index, text in enumerate(voice.listen):
        endpoint(text, f"voice.listen[{index}]")
    first, last = voice.media_ports
    if not 1024 <= first < last <= 65_535:
        raise ConfigError("voice.media_ports: expected two ports above 1023, the first below the last")
    if voice.turn and voice.turn_secret is None:
        raise ConfigError("voice.turn_secret: expected coturn's secret with voice.turn, by reference")
    if bool(voice.tls_certificate) != bool(voice.tls_key):
        raise ConfigError("voice.tls_key: expected a certificate and its key, or neither")
    if any(text.startswith("tls:") for text in voice.listen) and not voice.tls_certificate:
        raise ConfigError("voice.tls_certificate: expected a certificate, as voice.listen names tls")
    for index, country in enumerate(voice.countries):
        if len(country) != 2 or not country.isupper():
            raise ConfigError(f'voice.countries[{index}]: expected a country code such as DE, got "{country}"')
    for index, network in enumerate(voice.phones):
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise ConfigError(f'voice.phones[{index}]: expected an address or a network, got "{network}"') from None
    entries("voice.trunks", voice.trunks, rows.Trunk)
    entries("voice.numbers", voice.numbers, rows.Number)


def endpoint(text: str, path: str = "listen") -> Endpoint:
    """What `transport:address:port` names. Raises ConfigError."""
    transport, _, rest = text.partition(":")
    host, _, port = rest.rpartition(":")
    try:
        address = str(ip_address(host.removeprefix("[").removesuffix("]")))
        number = int(port)
    except ValueError:
        address, number = "", -1
    if transport not in TRANSPORTS or not 0 <= number <= 65_535:
        raise ConfigError(f'{path}: expected transport:address:port such as udp:0.0.0.0:5060, got "{text}"')
    return Endpoint(transport, address, number)


def entries(path: str, tables: tuple[Mapping[str, Any], ...], kind: type[R]) -> dict[str, R]:
    """Rows that stand in hub.toml, by id. Raises ConfigError with the path of the first mistake."""
    result: dict[str, R] = {}
    for index, table in enumerate(tables):
        here = f"{path}[{index}]"
        id = table.get("id")
        if not isinstance(id, str) or not id or id in result:
            raise ConfigError(f"{here}.id: expected an id of its own")
        said = {"name": id} | {name: value for name, value in table.items() if name != "id"}
        try:
            result[id] = rows.read(kind, said)
        except InvalidInput as error:
            raise ConfigError(
                f"{here}.{error.details.get('path', '')}: {error.details.get('expected', error)}"
            ) from None
    return result
