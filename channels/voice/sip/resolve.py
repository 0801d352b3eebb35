"""Where a SIP URI is to be sent (RFC 3263): NAPTR, SRV, A and AAAA records, in the order in which to try them."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.rdtypes.IN.SRV
import dns.resolver
import structlog

from channels.voice.sip.uri import SipUri
from channels.voice.sip.wire import Transport

LIFETIME_S = 4.0  # of one question to all name servers
SHORTEST_S, LONGEST_S = 5.0, 3_600.0  # how long an answer is kept, whatever its TTL says
NOTHING_S = 30.0  # how long it is kept that there is nothing
MOST_TARGETS = 32
PORTS: dict[Transport, int] = {"udp": 5060, "tcp": 5060, "tls": 5061}

_SERVICES: dict[str, Transport] = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV: dict[Transport, str] = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}

_log = structlog.get_logger("sip")


class Unresolved(Exception):
    """There is no address for the name."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address to try. `name` is what a TLS certificate has to be for: the domain that was asked for."""

    transport: Transport
    host: str
    port: int
    name: str


@dataclass(frozen=True, slots=True)
class _Kept:
    values: tuple[Any, ...]
    until: float


class SipResolver:
    """`transports` are those that we can use, best first; `families` likewise (4, 6).

    What was found is kept for its TTL, at most `names` questions, and longer while no name server answers: a trunk
    does not stop working with its DNS. `nameservers` (addresses, `port`) instead of the machine's.
    """

    def __init__(
        self,
        transports: Sequence[Transport] = ("udp", "tcp", "tls"),
        families: Sequence[int] = (4,),
        *,
        nameservers: Sequence[str] | None = None,
        port: int = 53,
        names: int = 1_000,
        clock: Callable[[], float] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._transports, self._families = tuple(transports), tuple(families)
        self._nameservers, self._port = nameservers, port
        self._names = names
        self._clock = clock
        self._chance = chance
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def resolve(self, uri: SipUri) -> list[Target]:
        """The addresses for requests to `uri`, in order. Raises Unresolved if there is none."""
        host = uri.params.get("maddr") or uri.host
        wanted = _wanted(uri)
        if wanted is not None and wanted not in self._transports:
            raise Unresolved(f"{uri.host}: transport {wanted} is not in use here")
        if not host:
            raise Unresolved("no host in the URI")
        host = host.strip("[]")
        if _is_address(host):
            transport = wanted or self._default(uri)
            return [Target(transport, host, uri.port or PORTS[transport], host)]
        if uri.port is not None:
            transport = wanted or self._default(uri)
            return await self._addresses(transport, host, uri.port, host)
        targets: list[Target] = []
        for transport, service in await self._services(host, wanted):
            targets += await self._servers(transport, service, host)
            if len(targets) >= MOST_TARGETS:
                break
        if not targets:
            transport = wanted or self._default(uri)
            targets = await self._addresses(transport, host, PORTS[transport], host)
        return targets[:MOST_TARGETS]

    async def addresses(self, host: str) -> list[str]:
        """All addresses of a name (or the address that it is) in the families in use. Raises Unresolved."""
        if _is_address(host):
            return [host]
        found: list[str] = []
        for family in self._families:
            found += await self._ask(host, "A" if family == 4 else "AAAA")
        if not found:
            found = await self._from_machine(host)
        if not found:
            raise Unresolved(f"{host}: no address found")
        return list(dict.fromkeys(found))

    def _default(self, uri: SipUri) -> Transport:
        if uri.scheme == "sips":
            return "tls"
        return self._transports[0] if "udp" not in self._transports else "udp"

    async def _services(self, host: str, wanted: Transport | None) -> list[tuple[Transport, str]]:
        """Transports with the names of their SRV records, by NAPTR or, without any, all that we can use."""
        if wanted is not None:
            return [(wanted, f"{_SRV[wanted]}.{host}")]
        found: list[tuple[Transport, str]] = []
        for record in sorted(await self._ask(host, "NAPTR"), key=lambda record: (record.order, record.preference)):
            transport = _SERVICES.get(record.service.decode(errors="replace").upper())
            if transport is not None and transport in self._transports and record.flags.lower() == b"s":
                found.append((transport, record.replacement.to_text(omit_final_dot=True)))
        return found or [(transport, f"{_SRV[transport]}.{host}") for transport in self._transports]

    async def _servers(self, transport: Transport, service: str, name: str) -> list[Target]:
        targets: list[Target] = []
        for record in self._ordered(await self._ask(service, "SRV")):
            host = record.target.to_text(omit_final_dot=True)
            if host in ("", "."):
                continue  # the service is decidedly not offered (RFC 2782)
            try:
                targets += await self._addresses(transport, host, record.port, name)
            except Unresolved:
                continue
        return targets

    def _ordered(self, records: Sequence[dns.rdtypes.IN.SRV.SRV]) -> list[dns.rdtypes.IN.SRV.SRV]:
        """By priority; of the same priority by chance in proportion to the weight (RFC 2782)."""
        ordered: list[dns.rdtypes.IN.SRV.SRV] = []
        for priority in sorted({record.priority for record in records}):
            left = sorted((record for record in records if record.priority == priority), key=lambda r: r.weight)
            while left:
                point = self._chance() * sum(record.weight for record in left)
                chosen = next((record for record in left if (point := point - record.weight) <= 0), left[-1])
                left.remove(chosen)
                ordered.append(chosen)
        return ordered

    async def _addresses(self, transport: Transport, host: str, port: int, name: str) -> list[Target]:
        return [Target(transport, address, port, name) for address in await self.addresses(host)]

    async def _ask(self, name: str, kind: str) -> tuple[Any, ...]:
        """The records, () if there are none; an answer that is too old serves while there is no newer one."""
        key = (name.lower(), kind)
        now = self._now()
        kept = self._kept.get(key)
        if kept is not None and now < kept.until:
            self._kept.move_to_end(key)
            return kept.values
        try:
            answer = await self._dns().resolve(name, kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.exception.SyntaxError, dns.exception.FormError):
            found = _Kept((), now + NOTHING_S)
        except (dns.exception.DNSException, OSError) as error:
            _log.warning("sip.dns_failed", name=name, kind=kind, error=type(error).__name__, kept=kept is not None)
            # Asking again for every call would make each wait; ask again soon.
            found = _Kept(kept.values if kept is not None else (), now + SHORTEST_S)
        else:
            ttl = answer.rrset.ttl if answer.rrset is not None else 0
            records = tuple(record.address for record in answer) if kind in ("A", "AAAA") else tuple(answer)
            found = _Kept(records[:MOST_TARGETS], now + min(max(ttl, SHORTEST_S), LONGEST_S))
        self._kept[key] = found
        self._kept.move_to_end(key)
        if len(self._kept) > self._names:
            self._kept.popitem(last=False)
        return found.values

    def _dns(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            resolver = dns.asyncresolver.Resolver(configure=self._nameservers is None)
            if self._nameservers is not None:
                resolver.nameservers = list(self._nameservers)
                resolver.port = self._port
            resolver.lifetime = LIFETIME_S
            self._resolver = resolver
        return self._resolver

    async def _from_machine(self, host: str) -> list[str]:
        """What the machine itself knows (/etc/hosts, names of containers)."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            return []
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            str(address[0])
            for wanted in self._families
            for family, _, _, _, address in found
            if family == families[wanted]
        ]

    def _now(self) -> float:
        return self._clock() if self._clock is not None else asyncio.get_running_loop().time()


def _wanted(uri: SipUri) -> Transport | None:
    """The transport that the URI asks for."""
    named = uri.transport
    if uri.scheme == "sips" or named == "tls":
        return "tls"
    if named is None:
        return None
    if named in ("udp", "tcp"):
        return "udp" if named == "udp" else "tcp"
    raise Unresolved(f"{uri.host}: unknown transport {named}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
