"""What hub.toml and the administrators' rows say of calls, as the voice channel takes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import structlog
from msgspec import Struct

from channels.voice.settings import DialSettings, NumberSettings, TrunkSettings, VoiceSettings
from channels.voice.sip.settings import Account
from channels.voice.sip.transport import Listen
from channels.voice.sip.transport_tls import TlsFiles
from hub import config_rows as rows
from hub.config_voice import Voice, endpoint, entries
from hub.errors import Unavailable
from webrtc.settings import IceServer, MediaSettings
from webrtc.turn import TurnSettings

log = structlog.get_logger(__name__)

KINDS = frozenset({"trunk", "number", "queue"})
"""The kinds of rows that calls go by."""
VARIABLES = "CONTACTHUB_"  # what a row may name begins so: administrators are not to read the whole environment


class Unread(Struct, frozen=True):
    """Why there is no password."""

    why: str


class Secrets(Struct, frozen=True):
    """What was read: of the trunks' passwords by reference, or why not, and coturn's."""

    passwords: dict[str, str | Unread] = {}
    turn: str = ""


def read_secrets(voice: Voice, trunks: Mapping[str, rows.Trunk]) -> Secrets:
    """Reads files, so not for the event loop. Raises ConfigError for coturn's secret."""
    found: dict[str, str | Unread] = {}
    for row in _all_trunks(voice, trunks).values():
        if row.enabled and row.username:
            try:
                found[row.password] = read_password(row.password, voice.secrets)
            except Unavailable as error:
                found[row.password] = Unread(str(error))
    turn = voice.turn_secret.read("voice.turn_secret") if voice.turn and voice.turn_secret is not None else ""
    return Secrets(found, turn)


def configured(
    voice: Voice,
    trunks: Mapping[str, rows.Trunk],
    numbers: Mapping[str, rows.Number],
    queues: Mapping[str, rows.Queue],
    secrets: Secrets,
) -> VoiceSettings:
    """hub.toml's trunks and numbers go before the rows of the same id.

    A trunk whose password could not be read (yet) is left out, which the log and the trunk's health say. Raises
    ConfigError for a mistake in hub.toml.
    """
    all_numbers = {**numbers, **entries("voice.numbers", voice.numbers, rows.Number)}
    usable: list[TrunkSettings] = []
    left_out: list[tuple[str, str, str]] = []
    for id, row in sorted(_all_trunks(voice, trunks).items()):
        if row.enabled:
            try:
                usable.append(_trunk(id, row, voice, secrets))
            except Unavailable as error:
                log.error("trunk.unusable", trunk=id, reason=str(error))
                left_out.append((id, row.name, str(error)))
    stun = tuple(IceServer((url,)) for url in voice.stun)
    turn = None
    if voice.turn and secrets.turn:
        turn = TurnSettings(voice.turn, secrets.turn)
    return VoiceSettings(
        enabled=voice.enabled,
        listen=tuple(Listen(*endpoint(text)) for text in voice.listen),  # type: ignore[arg-type]  # checked there
        public=voice.public,
        phones=voice.phones,
        trunks=tuple(usable),
        left_out=tuple(left_out),
        numbers=tuple(
            NumberSettings(row.pattern, row.queue, row.site, row.language, row.flow or "")
            for _, row in sorted(all_numbers.items(), key=lambda item: (item[1].order, item[0]))
        ),
        caller_ids={id: row.caller_id for id, row in queues.items() if row.caller_id},
        dial=DialSettings(voice.countries, voice.dials_per_minute, voice.dials_per_day),
        prompts=voice.prompts,
        speech=voice.speech,
        lookups_private=voice.lookups_private,
        ice_servers=stun,
        turn=turn,
        media=MediaSettings(voice.media_host, voice.media_public, voice.media_ports, stun),
        tls_certificate=voice.tls_certificate,
        tls_key=voice.tls_key,
    )


def _all_trunks(voice: Voice, trunks: Mapping[str, rows.Trunk]) -> dict[str, rows.Trunk]:
    return {**trunks, **entries("voice.trunks", voice.trunks, rows.Trunk)}


def _trunk(id: str, row: rows.Trunk, voice: Voice, secrets: Secrets) -> TrunkSettings:
    account = None
    if row.username:
        match secrets.passwords.get(row.password):
            case str() as password:
                account = Account(row.username, password, (row.realm,) if row.realm else ())
            case Unread(why=why):
                raise Unavailable(why, code="trunk.password")
            case None:
                raise Unavailable("Its password has not been read yet.", code="trunk.password")
    return TrunkSettings(
        id=id,
        name=row.name,
        networks=tuple(row.networks),
        host=row.host,
        port=row.port or 0,
        transport=row.transport,
        backups=tuple(row.backups),
        redirects=tuple(row.redirects),
        tls=tls_files(row, voice.secrets),
        account=account,
        register=row.register,
        codecs=tuple(row.codecs),
        dtmf=row.dtmf,
        region=row.region or None,
        calls=row.calls,
        calls_per_s=row.calls_per_s,
        caller_id=row.caller_id,
        follow=row.follow,
        announce=row.announce,
    )


def tls_files(row: rows.Trunk, folder: str) -> TlsFiles:
    """Where the trunk's certificates are. Raises Unavailable when no folder of secrets is named."""
    certificate, key, ca = (_secret_file(text, folder) for text in (row.certificate, row.key, row.ca))
    return TlsFiles(certificate, key, ca, row.verify)


def _secret_file(reference: str, folder: str) -> Path | None:
    """The file that `file:NAME` names; None for "". Raises Unavailable."""
    if not reference:
        return None
    name = reference.partition(":")[2]
    if not folder:
        raise Unavailable("hub.toml names no folder of secrets (voice.secrets).", code="trunk.secrets")
    if name in ("", ".", ".."):
        raise Unavailable("A file of secrets needs a name.", code="trunk.secrets")
    return Path(folder) / name


def read_password(reference: str, folder: str) -> str:
    """The secret that `env:NAME` or `file:NAME` (in `folder`) stands for. Raises Unavailable, saying why not."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        if not name.startswith(VARIABLES):
            raise Unavailable(f"A trunk may only name variables that begin with {VARIABLES}.", code="trunk.password")
        value = os.environ.get(name, "")
        if not value:
            raise Unavailable(f"The environment variable {name} is not set.", code="trunk.password")
        return value
    path = _secret_file(reference, folder)
    assert path is not None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Unavailable(f"The file {name} in the folder of secrets cannot be read.", code="trunk.password") from None
