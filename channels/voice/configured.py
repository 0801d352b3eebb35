"""What hub.toml and the administrators' rows say of calls, as the voice channel takes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import structlog

from channels.voice.settings import DialSettings, NumberSettings, TrunkSettings, VoiceSettings
from channels.voice.sip.settings import Account
from channels.voice.sip.transport import Listen
from hub import config_rows as rows
from hub.config_voice import Voice, endpoint, entries
from hub.errors import Unavailable
from webrtc.settings import IceServer, MediaSettings
from webrtc.turn import TurnSettings

log = structlog.get_logger(__name__)

KINDS = frozenset({"trunk", "number", "queue"})
"""The kinds of rows that calls go by."""
VARIABLES = "CONTACTHUB_"  # what a row may name begins so: administrators are not to read the whole environment


def configured(
    voice: Voice, trunks: Mapping[str, rows.Trunk], numbers: Mapping[str, rows.Number], queues: Mapping[str, rows.Queue]
) -> VoiceSettings:
    """hub.toml's trunks and numbers go before the rows of the same id.

    A trunk whose password cannot be read is left out, which the log and the trunk's health say. Raises ConfigError for
    a mistake in hub.toml.
    """
    all_trunks = {**trunks, **entries("voice.trunks", voice.trunks, rows.Trunk)}
    all_numbers = {**numbers, **entries("voice.numbers", voice.numbers, rows.Number)}
    usable: list[TrunkSettings] = []
    left_out: list[tuple[str, str, str]] = []
    for id, row in sorted(all_trunks.items()):
        if row.enabled:
            try:
                usable.append(_trunk(id, row, voice))
            except Unavailable as error:
                log.error("trunk.no_password", trunk=id, reason=str(error))
                left_out.append((id, row.name, str(error)))
    stun = tuple(IceServer((url,)) for url in voice.stun)
    turn = None
    if voice.turn and voice.turn_secret is not None:
        turn = TurnSettings(voice.turn, voice.turn_secret.read("voice.turn_secret"))
    return VoiceSettings(
        enabled=voice.enabled,
        listen=tuple(Listen(*endpoint(text)) for text in voice.listen),  # type: ignore[arg-type]  # checked there
        public=voice.public,
        trunks=tuple(usable),
        left_out=tuple(left_out),
        numbers=tuple(
            NumberSettings(row.pattern, row.queue, row.site, row.language)
            for _, row in sorted(all_numbers.items(), key=lambda item: (item[1].order, item[0]))
        ),
        caller_ids={id: row.caller_id for id, row in queues.items() if row.caller_id},
        dial=DialSettings(voice.countries, voice.dials_per_minute, voice.dials_per_day),
        prompts=voice.prompts,
        ice_servers=stun,
        turn=turn,
        media=MediaSettings(voice.media_host, voice.media_public, voice.media_ports, stun),
        tls_certificate=voice.tls_certificate,
        tls_key=voice.tls_key,
    )


def _trunk(id: str, row: rows.Trunk, voice: Voice) -> TrunkSettings:
    account = None
    if row.username:
        password = read_password(row.password, voice.secrets)
        account = Account(row.username, password, (row.realm,) if row.realm else ())
    return TrunkSettings(
        id=id,
        name=row.name,
        networks=tuple(row.networks),
        host=row.host,
        port=row.port,
        transport=row.transport,
        backups=tuple(row.backups),
        account=account,
        register=row.register,
        codecs=tuple(row.codecs),
        dtmf=row.dtmf,
        region=row.region or None,
        calls=row.calls,
        calls_per_s=row.calls_per_s,
        caller_id=row.caller_id,
        follow=row.follow,
    )


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
    if not folder:
        raise Unavailable("hub.toml names no folder of secrets (voice.secrets).", code="trunk.password")
    if name in ("", ".", ".."):
        raise Unavailable("A file of secrets needs a name.", code="trunk.password")
    try:
        return (Path(folder) / name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Unavailable(f"The file {name} in the folder of secrets cannot be read.", code="trunk.password") from None
