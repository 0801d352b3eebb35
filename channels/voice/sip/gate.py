"""Who may send us anything at all, judged by the address alone, before a byte is parsed.

A stranger costs one look into a table of masks and leaves nothing behind. Who is allowed has a bucket of tokens, and
all senders under one rule share a larger one, so that no crowd of addresses gets more than the rule is meant for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import Struct

Network = IPv4Network | IPv6Network


class Rule(Struct, frozen=True):
    """The networks of one trunk, of the desk phones, or of the demo's callers.

    `networks` as text ("192.0.2.0/24", "2001:db8::1"); `trusted` and `authenticate` as in wire.Source. Rates are
    messages a second: of one address, and of all under this rule; a burst is how many may come at once.
    """

    name: str
    networks: tuple[str, ...] = ()
    trusted: bool = False
    authenticate: bool = False
    rate: float = 200.0
    burst: float = 400.0
    total_rate: float = 2_000.0
    total_burst: float = 4_000.0


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
        self.set_rules(rules)

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Take these rules in the place of the old ones. Raises ValueError for what is no network."""
        for rule in rules:
            for text in rule.networks:
                parse_network(text)
        self._rules = tuple(rules)
        names = {rule.name for rule in rules}
        self._resolved = {name: found for name, found in self._resolved.items() if name in names}
        self._totals = {name: bucket for name, bucket in self._totals.items() if name in names}
        self._index()

    def set_resolved(self, name: str, addresses: Iterable[str]) -> None:
        """What the names of a trunk's servers stand for now, beside its networks."""
        self._resolved[name] = tuple(addresses)
        self._index()

    def rule_of(self, address: str) -> Rule | None:
        """The rule that lets the address in, None for a stranger. Of networks the smallest counts."""
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
