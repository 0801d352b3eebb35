"""Where a SIP URI is to be sent (RFC 3263): NAPTR, SRV, A and AAAA records, in the order in which to try them."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.rdtypes.IN.SRV
import dns.resolver
import structlog

from channels.voice.sip.uri import SipUri
from channels.voice.sip.wire import Transport, is_address

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

    async def resolve(self, uri: SipUri, transports: Sequence[Transport] | None = None) -> list[Target]:
        """The addresses for requests to `uri`, in order; by `transports` only, where it names none. Raises Unresolved
        if there is none."""
        usable = [kind for kind in self._transports if transports is None or kind in transports]
        host = uri.params.get("maddr") or uri.host
        wanted = _wanted(uri)
        if wanted is not None and wanted not in self._transports:
            raise Unresolved(f"{uri.host}: transport {wanted} is not in use here")
        if not host:
            raise Unresolved("no host in the URI")
        if not usable:
            raise Unresolved(f"{uri.host}: none of its transports is in use here")
        host = host.strip("[]")
        if is_address(host):
            transport = wanted or _default(uri, usable)
            return [Target(transport, host, uri.port or PORTS[transport], host)]
        if uri.port is not None:
            transport = wanted or _default(uri, usable)
            return await self._addresses(transport, host, uri.port, host)
        targets: list[Target] = []
        told = False
        for transport, service in await self._services(host, wanted, usable):
            records = await self._ask(service, "SRV")
            told = told or bool(records)
            targets += await self._servers(transport, records, host)
            if len(targets) >= MOST_TARGETS:
                break
        if not targets and told:
            raise Unresolved(f"{uri.host}: none of its servers has an address")
        if not targets:
            transport = wanted or _default(uri, usable)
            targets = await self._addresses(transport, host, PORTS[transport], host)
        return targets[:MOST_TARGETS]

    async def addresses(self, host: str) -> list[str]:
        """All addresses of a name (or the address that it is) in the families in use. Raises Unresolved."""
        if is_address(host):
            return [host]
        found: list[str] = []
        for family in self._families:
            found += await self._ask(host, "A" if family == 4 else "AAAA")
        if not found:
            found = await self._from_machine(host)
        if not found:
            raise Unresolved(f"{host}: no address found")
        return list(dict.fromkeys(found))

    async def _services(
        self, host: str, wanted: Transport | None, usable: Sequence[Transport]
    ) -> list[tuple[Transport, str]]:
        """Transports with the names of their SRV records, by NAPTR or, without any, all that we can use."""
        if wanted is not None:
            return [(wanted, f"{_SRV[wanted]}.{host}")]
        found: list[tuple[Transport, str]] = []
        for record in sorted(await self._ask(host, "NAPTR"), key=lambda record: (record.order, record.preference)):
            transport = _SERVICES.get(record.service.decode(errors="replace").upper())
            if transport is not None and transport in usable and record.flags.lower() == b"s":
                found.append((transport, record.replacement.to_text(omit_final_dot=True)))
        return found or [(transport, f"{_SRV[transport]}.{host}") for transport in usable]

    async def _servers(self, transport: Transport, records: Sequence[Any], name: str) -> list[Target]:
        targets: list[Target] = []
        for record in self._ordered(records):
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


def _default(uri: SipUri, usable: Sequence[Transport]) -> Transport:
    if uri.scheme == "sips":
        return "tls"
    return usable[0] if "udp" not in usable else "udp"


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
