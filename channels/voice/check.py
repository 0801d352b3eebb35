"""What `contacthub check` tells of trunks: whether each one's password can be read, its host is found and answers, and
its certificate is right."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from channels.voice.configured import read_password, tls_files
from channels.voice.settings import TrunkSettings, VoiceSettings
from channels.voice.sip.agent import UserAgent
from channels.voice.sip.events import Event, OptionsAnswered
from channels.voice.sip.gate import Gate
from channels.voice.sip.resolve import SipResolver, Unresolved
from channels.voice.sip.settings import Local, Settings
from channels.voice.sip.transport import Listen, SipTransport
from channels.voice.sip.transport_tls import TlsFiles
from channels.voice.sip.wire import Transport
from channels.voice.trunks import destinations, named_address, peers_tls
from hub import config_rows as rows
from hub.cli.finding import Finding
from hub.config_voice import Voice, endpoint, entries
from hub.errors import Unavailable

PATIENCE_S = 4.0
LONGEST_S = 20.0
KINDS: tuple[Transport, ...] = ("udp", "tcp", "tls")
EVERYWHERE = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - a trunk may be reached by any of our addresses


def check_trunks(voice: Voice, trunks: Mapping[str, rows.Trunk]) -> list[Finding]:
    """A line each, hub.toml's trunks before the rows of the same id. Asks all at once, for some seconds at most.

    Asked from a port of its own, so a running hub is not disturbed. Silence is only advice: some networks answer
    OPTIONS from the hub's own port or not at all.
    """
    all_trunks = {**trunks, **entries("voice.trunks", voice.trunks, rows.Trunk)}
    found: dict[str, Finding] = {}
    to_ask: dict[str, tuple[rows.Trunk, str]] = {}
    for id, row in sorted(all_trunks.items()):
        if not row.enabled:
            continue
        try:
            said = row.username and read_password(row.password, voice.secrets) and "password readable, "
        except Unavailable as error:
            found[id] = Finding(f"trunk {id}", False, str(error))
            continue
        if row.host:
            to_ask[id] = (row, said)
        else:
            found[id] = Finding(f"trunk {id}", True, f"{said}only receives")
    found |= asyncio.run(_ask_all(to_ask, voice))
    return [finding for _, finding in sorted(found.items())]


async def _ask_all(trunks: Mapping[str, tuple[rows.Trunk, str]], voice: Voice) -> dict[str, Finding]:
    asked = [_look(f"trunk {id}", row, said, voice) for id, (row, said) in trunks.items()]
    return dict(zip(trunks, await asyncio.gather(*asked), strict=True))


async def _look(name: str, row: rows.Trunk, said: str, voice: Voice) -> Finding:
    listening = [endpoint(text) for text in voice.listen]
    if row.transport != "udp" and row.transport not in {found.transport for found in listening}:
        return Finding(name, False, f"voice.listen has no address for {row.transport}, which it needs")
    families = sorted({6 if ":" in found.host else 4 for found in listening}) or [4]
    try:
        trunk = TrunkSettings(
            name.removeprefix("trunk "),
            host=row.host,
            port=row.port or 0,
            transport=row.transport,
            backups=tuple(row.backups),
            tls=tls_files(row, voice.secrets),
        )
    except Unavailable as error:
        return Finding(name, False, str(error))
    return await _ask(name, trunk, families, said, voice)


async def _ask(name: str, trunk: TrunkSettings, families: list[int], said: str, voice: Voice) -> Finding:
    answer: asyncio.Future[OptionsAnswered] = asyncio.get_running_loop().create_future()

    def told(event: Event) -> None:
        if isinstance(event, OptionsAnswered) and not answer.done():
            answer.set_result(event)

    listens = [Listen("udp", EVERYWHERE[family], _free_port(EVERYWHERE[family])) for family in families]
    locals_ = tuple(Local(kind, named_address(found.host, ""), found.port) for kind in KINDS for found in listens)
    agent = UserAgent(Settings(locals_), secrets.token_hex)
    own = TlsFiles()
    if trunk.transport == "tls" and voice.tls_certificate:
        own = TlsFiles(Path(voice.tls_certificate), Path(voice.tls_key))
    resolver = SipResolver(KINDS, families)
    transport = SipTransport(agent, Gate(), listens, told, resolver=resolver, tls=own)
    transport.set_peers(peers_tls(VoiceSettings(trunks=(trunk,))))
    status = None
    try:
        first, *others = destinations(trunk)
        for destination in (first, *others):
            await transport.locate(destination)
        await transport.start()
        agent.options(first, transport.now(), patience_s=PATIENCE_S, others=others, silence_s=PATIENCE_S / 2)
        transport.flush()
        async with asyncio.timeout(LONGEST_S):
            status = (await answer).status
    except TimeoutError:
        pass
    except Unresolved as error:
        return Finding(name, False, str(error))
    except OSError as error:
        return Finding(name, False, f"cannot be asked: {error}")
    finally:
        await transport.stop()
    where = f"{trunk.host}{f' port {trunk.port}' if trunk.port else ''} by {trunk.transport}"
    if why := transport.by_tls.get(trunk.id):
        return Finding(name, False, f"{said}{where}: {why}")
    if status is None:
        return Finding(name, False, f"{said}{where} does not answer OPTIONS", advice=True)
    careless = "" if trunk.tls.verify else "; nobody checks its certificate"
    return Finding(name, True, f"{said}{where} answers OPTIONS with {status}{careless}")


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
