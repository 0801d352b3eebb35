"""RFC 3263 against a name server of the test's own."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from channels.voice.sip.resolve import SipResolver, Unresolved
from channels.voice.sip.uri import SipUri

Zone = dict[tuple[str, str], list[str]]
ZONE: Zone = {
    ("full.example.", "NAPTR"): [
        '20 10 "s" "SIP+D2U" "" _sip._udp.full.example.',
        '10 10 "s" "SIPS+D2T" "" _sips._tcp.full.example.',
        '15 10 "s" "SIP+D2S" "" _sip._sctp.full.example.',
        '5 10 "u" "E2U+sip" "!^.*$!sip:a@b!" .',
    ],
    ("_sips._tcp.full.example.", "SRV"): ["1 0 5061 one.full.example."],
    ("_sip._udp.full.example.", "SRV"): ["2 0 5070 two.full.example.", "1 0 5071 one.full.example."],
    ("one.full.example.", "A"): ["192.0.2.1"],
    ("one.full.example.", "AAAA"): ["2001:db8::1"],
    ("two.full.example.", "A"): ["192.0.2.2", "192.0.2.3"],
    ("srv.example.", "A"): ["192.0.2.9"],
    ("_sip._tcp.srv.example.", "SRV"): ["0 0 5080 one.full.example."],
    ("plain.example.", "A"): ["192.0.2.4"],
    ("_sip._udp.closed.example.", "SRV"): ["0 0 0 ."],
    ("_sip._udp.shut.example.", "SRV"): ["0 0 0 ."],
    ("shut.example.", "A"): ["192.0.2.8"],
    ("_sip._udp.weights.example.", "SRV"): ["0 90 5060 one.full.example.", "0 10 5061 one.full.example."],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers from `zone`, or nothing while `silent`."""

    def __init__(self, zone: Zone = ZONE) -> None:
        self.zone, self.silent = zone, False
        self.asked: Counter[tuple[str, str]] = Counter()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        key = (question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype))
        self.asked[key] += 1
        if self.silent:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if records := self.zone.get(key):
            answer.answer.append(dns.rrset.from_text(question.name, 60, dns.rdataclass.IN, key[1], *records))
        elif not any(name == key[0] for name, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


class Names:
    """A resolver with its own name server and clock."""

    def __init__(self, server: NameServer) -> None:
        self.server, self.now, self.chance = server, 0.0, 0.5

    def resolver(self, *transports: str, families: tuple[int, ...] = (4,), names: int = 1_000) -> SipResolver:
        port = self.server.transport.get_extra_info("sockname")[1]
        return SipResolver(
            transports or ("udp", "tcp", "tls"),  # type: ignore[arg-type]
            families,
            nameservers=["127.0.0.1"],
            port=port,
            names=names,
            clock=lambda: self.now,
            chance=lambda: self.chance,
        )


@pytest.fixture
async def names() -> AsyncIterator[Names]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    yield Names(server)
    transport.close()


async def where(resolver: SipResolver, uri: str) -> list[str]:
    return [
        f"{target.transport} {target.host} {target.port} {target.name}"
        for target in await resolver.resolve(SipUri.parse(uri))
    ]


async def test_address_needs_no_name_server(names: Names) -> None:
    resolver = names.resolver()
    assert await where(resolver, "sip:a@192.0.2.1") == ["udp 192.0.2.1 5060 192.0.2.1"]
    assert await where(resolver, "sip:a@[2001:db8::1]:5070;transport=tcp") == ["tcp 2001:db8::1 5070 2001:db8::1"]
    assert await where(resolver, "sips:a@192.0.2.1") == ["tls 192.0.2.1 5061 192.0.2.1"]
    assert await where(resolver, "sip:a@full.example;maddr=192.0.2.7") == ["udp 192.0.2.7 5060 192.0.2.7"]
    assert not names.server.asked


async def test_naptr_orders_transports_and_srv_orders_servers(names: Names) -> None:
    found = await where(names.resolver(), "sip:a@full.example")
    assert found[:2] == ["tls 192.0.2.1 5061 full.example", "udp 192.0.2.1 5071 full.example"]
    # The addresses of one name have no order.
    assert sorted(found[2:]) == ["udp 192.0.2.2 5070 full.example", "udp 192.0.2.3 5070 full.example"]
    assert (await where(names.resolver("udp"), "sip:a@full.example"))[0] == "udp 192.0.2.1 5071 full.example"


async def test_choice_can_be_kept_from_a_transport(names: Names) -> None:
    """A name that says TLS first does not decide about the keys of the audio: UDP or TCP only."""
    targets = await names.resolver().resolve(SipUri.parse("sip:a@full.example"), ("udp", "tcp"))
    assert {target.transport for target in targets} == {"udp"}
    with pytest.raises(Unresolved, match="none of its transports"):
        await names.resolver("tls").resolve(SipUri.parse("sip:a@full.example"), ("udp", "tcp"))


async def test_transport_that_is_asked_for_is_looked_up_alone(names: Names) -> None:
    resolver = names.resolver()
    found = await where(resolver, "sip:a@full.example;transport=udp")
    assert found[0] == "udp 192.0.2.1 5071 full.example"
    assert len(found) == 3
    assert ("full.example.", "NAPTR") not in names.server.asked
    with pytest.raises(Unresolved, match="not in use"):
        await where(names.resolver("udp"), "sips:a@full.example")
    with pytest.raises(Unresolved, match="unknown transport"):
        await where(resolver, "sip:a@full.example;transport=sctp")


async def test_without_naptr_all_srv_names_are_tried(names: Names) -> None:
    assert await where(names.resolver(), "sip:a@srv.example") == ["tcp 192.0.2.1 5080 srv.example"]


async def test_port_means_an_address(names: Names) -> None:
    assert await where(names.resolver(), "sip:a@srv.example:5099") == ["udp 192.0.2.9 5099 srv.example"]
    assert set(names.server.asked) == {("srv.example.", "A")}


async def test_without_records_the_address_is_taken(names: Names) -> None:
    assert await where(names.resolver(), "sip:a@plain.example") == ["udp 192.0.2.4 5060 plain.example"]
    assert await where(names.resolver(), "sips:a@plain.example") == ["tls 192.0.2.4 5061 plain.example"]


async def test_families_come_in_our_order(names: Names) -> None:
    resolver = names.resolver(families=(6, 4))
    assert await resolver.addresses("one.full.example") == ["2001:db8::1", "192.0.2.1"]
    assert await names.resolver(families=(6,)).addresses("one.full.example") == ["2001:db8::1"]


async def test_weights_share_by_chance(names: Names) -> None:
    names.chance = 0.05
    first = await where(names.resolver("udp"), "sip:a@weights.example")
    names.chance = 0.95
    second = await where(names.resolver("udp"), "sip:a@weights.example")
    assert first == second[::-1]
    assert len(first) == 2


async def test_weights_are_kept_over_many_calls(names: Names) -> None:
    draws = random.Random(3263)
    resolver = names.resolver("udp")
    firsts = Counter[str]()
    for _ in range(2_000):
        names.chance = draws.random()
        firsts[(await where(resolver, "sip:a@weights.example"))[0]] += 1
    assert 0.87 < firsts["udp 192.0.2.1 5060 weights.example"] / 2_000 < 0.93


async def test_nothing_there_is_said(names: Names) -> None:
    # Whoever says by SRV that there is no such service has none, whatever else is at that name.
    for uri in ("sip:a@nowhere.invalid", "sip:a@closed.example", "sip:a@shut.example", "tel:+49301"):
        with pytest.raises(Unresolved):
            await where(names.resolver("udp"), uri)


async def test_machine_knows_its_own_names(names: Names) -> None:
    assert await names.resolver().addresses("localhost") == ["127.0.0.1"]


async def test_answers_are_kept_for_their_time(names: Names) -> None:
    resolver = names.resolver("udp")
    for now in (0.0, 59.0):
        names.now = now
        await where(resolver, "sip:a@plain.example:5060")
    assert names.server.asked["plain.example.", "A"] == 1
    names.now = 61.0
    await where(resolver, "sip:a@plain.example:5060")
    assert names.server.asked["plain.example.", "A"] == 2


async def test_silent_name_server_does_not_stop_a_trunk(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.voice.sip.resolve.LIFETIME_S", 0.2)
    resolver = names.resolver("udp")
    before = await where(resolver, "sip:a@plain.example:5060")
    names.server.silent, names.now = True, 1_000.0
    assert await where(resolver, "sip:a@plain.example:5060") == before
    names.server.silent, names.now = False, 1_010.0
    assert await where(resolver, "sip:a@plain.example:5060") == before


async def test_kept_names_are_bounded(names: Names) -> None:
    resolver = names.resolver("udp", names=3)
    for host in ("one.full.example", "two.full.example", "plain.example", "srv.example", "one.full.example"):
        await resolver.addresses(host)
    assert names.server.asked["one.full.example.", "A"] == 2
