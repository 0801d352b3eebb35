"""What `contacthub check` tells of trunks: whether each one's password can be read and whether its host answers."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Mapping

from channels.voice.configured import read_password
from channels.voice.sip.agent import UserAgent
from channels.voice.sip.events import Event, OptionsAnswered
from channels.voice.sip.gate import Gate
from channels.voice.sip.resolve import SipResolver, Unresolved
from channels.voice.sip.settings import Local, Settings
from channels.voice.sip.transport import Listen, SipTransport
from channels.voice.sip.uri import SipUri
from channels.voice.sip.wire import Destination, Transport
from channels.voice.trunks import named_address
from hub import config_rows as rows
from hub.cli.finding import Finding
from hub.config_voice import Voice, endpoint, entries
from hub.errors import Unavailable

PATIENCE_S = 4.0
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
    resolver = SipResolver(KINDS, families)
    try:
        for host in (row.host, *row.backups):
            await resolver.resolve(SipUri("sip", None, host, row.port, {"transport": row.transport}))
    except Unresolved as error:
        return Finding(name, False, str(error))
    return await _ask(name, row, resolver, families, said)


async def _ask(name: str, row: rows.Trunk, resolver: SipResolver, families: list[int], said: str) -> Finding:
    answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    def told(event: Event) -> None:
        if isinstance(event, OptionsAnswered) and not answer.done():
            answer.set_result(event.status)

    listens = [Listen("udp", EVERYWHERE[family], _free_port(EVERYWHERE[family])) for family in families]
    locals_ = tuple(Local(kind, named_address(found.host, ""), found.port) for kind in KINDS for found in listens)
    agent = UserAgent(Settings(locals_), secrets.token_hex)
    transport = SipTransport(agent, Gate(), listens, told, resolver=resolver)
    try:
        await transport.start()
        agent.options(Destination(row.transport, row.host, row.port), transport.now(), patience_s=PATIENCE_S)
        transport.flush()
        async with asyncio.timeout(PATIENCE_S + 1):
            status = await answer
    except TimeoutError:
        status = None
    except OSError as error:
        return Finding(name, False, f"cannot be asked: {error}")
    finally:
        await transport.stop()
    where = f"{row.host} port {row.port} by {row.transport}"
    if status is None:
        return Finding(name, False, f"{said}{where} does not answer OPTIONS", advice=True)
    return Finding(name, True, f"{said}{where} answers OPTIONS with {status}")


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
