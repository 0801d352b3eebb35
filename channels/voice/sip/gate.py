"""Who may send us anything at all, judged by the address alone, before a byte is parsed.

A stranger costs one look into a table of masks and leaves nothing behind. Who is allowed has a bucket of tokens, and
all senders under one rule share a larger one, so that no crowd of addresses gets more than the rule is meant for.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import Struct

Network = IPv4Network | IPv6Network


class Rule(Struct, frozen=True):
    """The networks of one trunk, of the desk phones, or of the demo's callers.

    `networks` as text ("192.0.2.0/24", "2001:db8::1"); `trusted` and `authenticate` as in wire.Source. Phones may
    register if they have to `authenticate`, or where it `registers`. Rates are messages a second: of one address, and
    of all under this rule; a burst is how many may come at once. `newcomers` is the rule that holds instead for an
    address from which no phone stands registered yet; under one that is `only_register` nothing but REGISTER is taken.
    """

    name: str
    networks: tuple[str, ...] = ()
    trusted: bool = False
    authenticate: bool = False
    registers: bool = False
    only_register: bool = False
    newcomers: Rule | None = None
    rate: float = 200.0
    burst: float = 400.0
    total_rate: float = 2_000.0
    total_burst: float = 4_000.0


def phone_rule(networks: Iterable[str]) -> Rule:
    """Desk phones from these networks. Who has not shown yet that he is one gets little, and in all of it together so
    little that neither reading it nor telling what is missing costs us anything that calls would miss."""
    newcomers = Rule(
        ":newcomers",
        authenticate=True,
        only_register=True,
        rate=5.0,
        burst=20.0,
        total_rate=100.0,
        total_burst=400.0,
    )
    return Rule(":phones", tuple(networks), authenticate=True, newcomers=newcomers)


class _Bucket:
    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens, self.at = tokens, at

    def wait(self, rate: float, burst: float, now: float) -> float:
        """Refill; then the seconds until there is a token, 0 if there is one."""
        self.tokens = min(burst, self.tokens + max(now - self.at, 0.0) * rate)
        self.at = now
        return 0.0 if self.tokens >= 1.0 else (1.0 - self.tokens) / rate


class Gate:
    """The rules that hold, the longest network first. `sources` bounds how many addresses are counted at a time.

    `strangers` and `limited` count what was not let in. Times are seconds of any clock that does not go back.
    """

    def __init__(self, rules: Sequence[Rule] = (), *, sources: int = 4_096) -> None:
        self.strangers = 0
        self.limited: dict[str, int] = {}
        self._sources = sources
        self._resolved: dict[str, tuple[str, ...]] = {}
        self._expected: OrderedDict[str, float] = OrderedDict()  # address -> until when its answers may come
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._totals: dict[str, _Bucket] = {}
        self._known: Counter[str] = Counter()
        self._barred: OrderedDict[str, float] = OrderedDict()  # address -> until when it may not try to register
        self.set_rules(rules)

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Take these rules in the place of the old ones. Raises ValueError for what is no network."""
        for rule in rules:
            for text in rule.networks:
                parse_network(text)
        self._rules = tuple(rules)
        names = {name for rule in rules for name in (rule.name, rule.newcomers and rule.newcomers.name)}
        self._resolved = {name: found for name, found in self._resolved.items() if name in names}
        self._totals = {name: bucket for name, bucket in self._totals.items() if name in names}
        self._index()

    def set_resolved(self, name: str, addresses: Iterable[str]) -> None:
        """What the names of a trunk's servers stand for now, beside its networks."""
        self._resolved[name] = tuple(addresses)
        self._index()

    def resolved(self, name: str) -> tuple[str, ...]:
        return self._resolved.get(name, ())

    def rule_of(self, address: str) -> Rule | None:
        """The rule that lets the address in, None for a stranger. Of networks the smallest counts."""
        rule = self._by_network(address)
        if rule is not None and rule.newcomers is not None and address not in self._known:
            return rule.newcomers
        return rule

    def know(self, address: str, known: bool) -> None:
        """A phone stands registered there, or does no more; several may be at one address."""
        self._known[address] += 1 if known else -1
        if self._known[address] <= 0:
            del self._known[address]

    def bar(self, address: str, until: float) -> None:
        """Somebody guesses passwords there: no newcomer from that address until then."""
        self._barred[address] = until
        self._barred.move_to_end(address)
        if len(self._barred) > self._sources:
            self._barred.popitem(last=False)

    def takes(self, rule: Rule, address: str, data: bytes, now: float) -> bool:
        """Whether such a message may come from there at all, by its first bytes."""
        if not (rule.registers or rule.authenticate) and data.startswith(b"REGISTER "):
            return False  # a trunk does not register with us
        if not rule.only_register:
            return True
        if data.startswith(b"SIP/2.0 "):
            return self.expects(address, now)
        return data.startswith(b"REGISTER ") and self._barred.get(address, now) <= now

    def _by_network(self, address: str) -> Rule | None:
        try:
            ip = ip_address(address)
        except ValueError:
            return None
        if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        number, bits = int(ip), ip.max_prefixlen
        for length, networks in self._networks[ip.version]:
            rule = networks.get(number >> (bits - length))
            if rule is not None:
                return rule
        return None

    def expect(self, address: str, until: float) -> None:
        """We send something there, so its answers are let in until then."""
        self._expected[address] = until
        self._expected.move_to_end(address)
        if len(self._expected) > self._sources:
            self._expected.popitem(last=False)

    def expects(self, address: str, now: float) -> bool:
        until = self._expected.get(address)
        return until is not None and until >= now

    def admit(self, rule: Rule, address: str, now: float) -> bool:
        """Take a token for one message; False if there is none."""
        if self.wait(rule, address, now) > 0.0:
            self.limited[rule.name] = self.limited.get(rule.name, 0) + 1
            return False
        self._buckets[rule.name, address].tokens -= 1.0
        self._totals[rule.name].tokens -= 1.0
        return True

    def wait(self, rule: Rule, address: str, now: float) -> float:
        """Seconds until the next message of this address may be taken."""
        key = (rule.name, address)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(rule.burst, now)
            if len(self._buckets) > self._sources:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        total = self._totals.get(rule.name)
        if total is None:
            total = self._totals[rule.name] = _Bucket(rule.total_burst, now)
        return max(bucket.wait(rule.rate, rule.burst, now), total.wait(rule.total_rate, rule.total_burst, now))

    def _index(self) -> None:
        found: dict[int, dict[int, dict[int, Rule]]] = {4: {}, 6: {}}
        for rule in self._rules:
            for text in (*rule.networks, *self._resolved.get(rule.name, ())):
                network = parse_network(text)
                shift = network.max_prefixlen - network.prefixlen
                by_number = found[network.version].setdefault(network.prefixlen, {})
                by_number.setdefault(int(network.network_address) >> shift, rule)
        self._networks = {
            version: sorted(by_length.items(), key=lambda item: item[0], reverse=True)
            for version, by_length in found.items()
        }


def parse_network(text: str) -> Network:
    """An address or a network; host bits may be set. Raises ValueError."""
    return ip_network(text, strict=False)


def within(inner: Network, outer: Network) -> bool:
    """Whether all of `inner` is in `outer`; of different versions never."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
