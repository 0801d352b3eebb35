"""The trunks: one user agent for all of them, its clock and its transport; who may call, and how we call out."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import msgspec
import structlog

from channels.voice.dialling import may_follow
from channels.voice.settings import TrunkSettings, VoiceSettings
from channels.voice.sip import events as s
from channels.voice.sip.agent import UserAgent
from channels.voice.sip.gate import Gate, Rule, parse_network, phone_rule, within
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.message import Request
from channels.voice.sip.registrar import Lookup
from channels.voice.sip.registration import RegistrationPlan
from channels.voice.sip.resolve import Unresolved
from channels.voice.sip.settings import Local, PeerOptions, Settings
from channels.voice.sip.transport import SipTransport
from channels.voice.sip.transport_tls import PeerTls, TlsFiles
from channels.voice.sip.wire import Destination, Source, Transport, is_address
from hub.errors import InvalidInput, Refused, Unavailable
from hub.media import RtpOptions
from hub.service import TrunkHealth
from webrtc.places import local_address

log = structlog.get_logger(__name__)

OPTIONS_S = 30.0
SILENCE_S = 4.0  # of one server, before the next is asked whether the trunk lives
GOODBYE_S = 1.0
DIGIT_MS = 160
OUTSIDE = {4: "192.0.2.1", 6: "2001:db8::1"}  # of nobody (RFC 5737, RFC 3849); the way there is the way out
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
PHONE = PeerOptions(follow=True, ring_s=120.0)
"""Agents' own telephones are often behind NAT: what we send goes where their messages come from."""
# ITU-T Q.850; else normal clearing.
CAUSES = {"busy": 17, "queue_full": 17, "queue_closed": 18, "no_answer": 19} | dict.fromkeys(
    ("interrupted", "agent_lost", "trouble"), 41
)


@dataclass
class Health:
    """How a trunk does: `reachable` None while nothing is known; `server` answered OPTIONS with `status`, last time."""

    reachable: bool | None = None
    status: int | None = None
    server: str = ""
    registered: bool | None = None
    problem: str = ""


class Trunks:
    """Implements `calls.Telephony`. `lookup` knows the accounts of agents' own telephones (`phones.py`), which share
    the user agent with the trunks."""

    def __init__(self, settings: VoiceSettings, lookup: Lookup = lambda username: None) -> None:
        self.settings = settings
        self.gate = Gate(gate_rules(settings))
        self.health: dict[str, Health] = {trunk.id: Health() for trunk in settings.trunks}
        self._handlers: list[Callable[[s.Event], None]] = []
        locals_ = tuple(
            Local(listen.transport, named_address(listen.host, settings.public), listen.port)
            for listen in settings.listen
        )
        self._agent = UserAgent(Settings(locals=locals_), secrets.token_hex, self._options_for, lookup)
        tls = TlsFiles(
            Path(settings.tls_certificate) if settings.tls_certificate else None,
            Path(settings.tls_key) if settings.tls_key else None,
        )
        self.transport = SipTransport(self._agent, self.gate, settings.listen, self._event, tls=tls)
        self.transport.set_peers(peers_tls(settings))
        self._arrivals: dict[str, deque[float]] = {}
        self._registered: set[str] = set()
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def configure(self, settings: VoiceSettings) -> None:
        """Trunks and numbers as they are from now on; calls under way go on. Where it listens stays."""
        self.settings = settings
        self.gate.set_rules(gate_rules(settings))
        self.transport.set_peers(peers_tls(settings))
        self.health = {trunk.id: self.health.get(trunk.id, Health()) for trunk in settings.trunks}
        self._register()
        self._look.set()

    def told(self, calls: Callable[[str], int]) -> list[TrunkHealth]:
        """Every trunk as it does now; `calls` counts those that live on one."""
        return [
            self._told(trunk, found, calls(trunk.id))
            for trunk in self.settings.trunks
            if (found := self.health.get(trunk.id)) is not None
        ] + [TrunkHealth(id, name, problem=why) for id, name, why in self.settings.left_out]

    def _told(self, trunk: TrunkSettings, found: Health, calls: int) -> TrunkHealth:
        problem, tls = found.problem, None
        if trunk.host and trunk.transport == "tls" and (why := self.transport.by_tls.get(trunk.id)) is not None:
            tls = "refused" if why else "verified" if trunk.tls.verify else "unverified"
            problem = why or problem
        return TrunkHealth(
            *(trunk.id, trunk.name, found.reachable, found.status, found.registered, problem, calls, found.server),
            tls,  # type: ignore[arg-type]  # one of its words
        )

    def listen(self, handler: Callable[[s.Event], None]) -> None:
        """`handler` is called on the loop with what the user agent tells."""
        self._handlers.append(handler)

    async def start(self) -> None:
        """Raises OSError for an address that cannot be had."""
        await self.transport.start()
        self._register()
        self._task = asyncio.create_task(self._watch(), name="trunks.options")

    async def stop(self) -> None:
        """Waits a moment for calls to be hung up properly."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for registration in self._registered:
            self._agent.unregister(registration, self._now())
        self.transport.flush()
        deadline = self._now() + GOODBYE_S
        while not self._agent.idle and self._now() < deadline:  # noqa: ASYNC110 - its clock is its own
            await asyncio.sleep(0.05)
        await self.transport.stop()

    def _register(self) -> None:
        """Registers where trunks want it, and no longer where none does."""
        plans = {trunk.id: registration_plan(trunk) for trunk in self.settings.trunks if trunk.register}
        for gone in self._registered - plans.keys():
            self._agent.unregister(gone, self._now())
        for name, plan in plans.items():
            self._agent.register(name, plan, self._now())
        self._registered = set(plans)
        self.transport.flush()

    def _event(self, event: s.Event) -> None:
        match event:
            case s.OptionsAnswered():
                self._answered_options(event)
            case s.Registered() if event.registration in self.health:
                health = self.health[event.registration]
                if not health.registered:
                    log.info("trunk.registered", trunk=event.registration)
                health.registered, health.problem = True, ""
            case s.RegistrationFailed() if event.registration in self.health:
                health = self.health[event.registration]
                health.registered, health.problem = False, f"{event.status or 'no answer'} {event.reason}".strip()
                log.warning("trunk.not_registered", trunk=event.registration, problem=health.problem)
            case s.Rejected() if 300 <= event.status < 400:
                log.warning("call.sent_on", status=event.status, reason=event.reason)
        for handler in self._handlers:
            handler(event)

    def _now(self) -> float:
        return self.transport.now()

    @property
    def user_agent(self) -> UserAgent:
        """Agents' own telephones are called by it, too (`phones.py`); `transport.flush` after each command."""
        return self._agent

    # --- who calls ---------------------------------------------------------------------------------------------------

    def trunk_of(self, source: Source) -> TrunkSettings | None:
        """The trunk that a message comes from, by its address."""
        rule = self.gate.rule_of(source.host)
        return self.settings.trunk(rule.name) if rule is not None else None

    def take_arrival(self, trunk: TrunkSettings) -> bool:
        """Counts a call; False when the trunk has brought too many in this second."""
        now = self._now()
        arrivals = self._arrivals.setdefault(trunk.id, deque())
        while arrivals and arrivals[0] <= now - 1.0:
            arrivals.popleft()
        if len(arrivals) >= trunk.calls_per_s:
            return False
        arrivals.append(now)
        return True

    def _options_for(self, source: Source, request: Request) -> PeerOptions:
        trunk = self.trunk_of(source)
        return peer_options(trunk) if trunk is not None else PHONE

    # --- calls -------------------------------------------------------------------------------------------------------

    def ring(self, sip: str) -> None:
        self._agent.ring(sip, self._now())
        self.transport.flush()

    def ring_early(self, sip: str, sdp: str) -> None:
        self._agent.ring(sip, self._now(), sdp)
        self.transport.flush()

    def answer(self, sip: str, sdp: str) -> None:
        self._agent.answer(sip, sdp, self._now())
        self.transport.flush()

    def reject(self, sip: str, status: int) -> None:
        """Refuses a call that came in, or gives up one that goes out."""
        self._agent.reject(sip, status, self._now())
        self._agent.hang_up(sip, self._now())
        self.transport.flush()

    def hang_up(self, sip: str, cause: str) -> None:
        self._agent.hang_up(sip, self._now(), (s.Reason("Q.850", CAUSES.get(cause, 16)),))
        self.transport.flush()

    def accept_offer(self, sip: str, sdp: str) -> None:
        self._agent.accept_offer(sip, sdp, self._now())
        self.transport.flush()

    def refuse_offer(self, sip: str, status: int) -> None:
        self._agent.refuse_offer(sip, status, self._now())
        self.transport.flush()

    def refuse_referral(self, sip: str) -> None:
        """Transfers are made inside the hub; a peer that asks for one is refused."""
        self._agent.refer_progress(sip, 603, self._now())
        self.transport.flush()

    def digits(self, sip: str, digits: str) -> None:
        """Keys by INFO, for trunks that want them so."""
        for digit in digits:
            self._agent.info(sip, digit, DIGIT_MS, self._now())
        self.transport.flush()

    def rtp_options(self, trunk: str) -> RtpOptions:
        found = self.settings.trunk(trunk)
        if found is None:
            return RtpOptions()
        return RtpOptions(found.codecs, found.dtmf, found.secure, towards=found.host)

    def outbound(self) -> TrunkSettings:
        """The trunk by which calls go out. Raises Refused when none can."""
        for trunk in sorted(self.settings.trunks, key=lambda trunk: not trunk.watch):
            if trunk.host and self.health[trunk.id].reachable is not False:
                return trunk
        raise Refused("No trunk takes outbound calls.", code="trunk.none")

    async def dial(self, trunk: str, number: str, caller_id: str, sdp: str) -> str:
        """Calls `number` by the trunk; the user agent's name of the leg. Raises Unavailable."""
        found = self.settings.trunk(trunk)
        if found is None or not found.host:
            raise Unavailable("That trunk takes no calls.", code="trunk.unknown")
        shown = caller_id or found.caller_id or (found.account.username if found.account else "anonymous")
        host = uri_host(found.host)
        options = msgspec.structs.replace(peer_options(found), redirect=lambda uri: self._follows(found, number, uri))
        call = self._agent.invite(
            NameAddr.parse(f"<sip:{number}@{host}>"),
            NameAddr.parse(f"<sip:{shown}@{host}>"),
            sdp,
            destinations(found),
            self._now(),
            options=options,
        )
        # Its first messages go out in a moment, when whoever dials knows the call's name.
        asyncio.get_running_loop().call_soon(self.transport.flush)
        return call

    def _follows(self, trunk: TrunkSettings, number: str, uri: str) -> bool:
        """Whether the trunk may send a call to `number` on to `uri`."""
        places = (trunk.host, *trunk.backups, *trunk.networks, *trunk.redirects, *self.gate.resolved(trunk.id))
        return may_follow(uri, number, places, self.settings.dial, trunk.region)

    # --- health ------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Asks every trunk that we call whether it lives, and lets in what comes from its servers."""
        while True:
            self._look.clear()
            for trunk in self.settings.trunks:
                if trunk.host and trunk.watch:
                    first, *others = destinations(trunk)
                    self._agent.options(
                        *(first, self._now()), patience_s=OPTIONS_S / 3, others=others, silence_s=SILENCE_S
                    )
            self.transport.flush()
            for trunk in self.settings.trunks:
                self.gate.set_resolved(trunk.id, await self._addresses(trunk))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(OPTIONS_S):
                    await self._look.wait()

    async def _addresses(self, trunk: TrunkSettings) -> list[str]:
        """Of the servers that we call, from which calls may come too."""
        found: list[str] = []
        for destination in destinations(trunk) if trunk.host and trunk.watch else ():
            try:
                targets = await self.transport.locate(destination)
            except Unresolved as error:
                log.warning("trunk.unresolved", trunk=trunk.id, host=destination.host, error=str(error))
                continue
            found += [target.host for target in targets]
        return list(dict.fromkeys(found))

    def _answered_options(self, answer: s.OptionsAnswered) -> None:
        health = self.health.get(trunk := answer.destination.peer)
        if health is None:
            return
        # Whatever it answers, it is there; only overload and failures of its own say that it takes no calls.
        reachable = answer.status is not None and answer.status not in (408, 500, 502, 503, 504)
        if health.reachable is not reachable:
            log.info("trunk.health", trunk=trunk, reachable=reachable, status=answer.status)
        health.reachable, health.status = reachable, answer.status
        server = answer.server
        health.server = f"{uri_host(server.host)}:{server.port}" if server is not None else ""


def named_address(listening: str, public: str) -> str:
    """What peers are told in Via and Contact: the public address if it is of the same family, else where we listen;
    of a machine that listens at all its addresses the one from which packets leave."""
    family = ip_address(listening).version
    if public and ip_address(public).version == family:
        return public
    if not ip_address(listening).is_unspecified:
        return listening
    try:
        return local_address(OUTSIDE[family])
    except InvalidInput:
        return LOOPBACK[family]  # no network at all: who can reach us is on this machine


def gate_rules(settings: VoiceSettings) -> list[Rule]:
    """Trunks go before phones: a phone at a trunk's address may register if that network is one of phones, too."""
    phones = [parse_network(text) for text in settings.phones]
    rules = []
    for trunk in settings.trunks:
        inside = [parse_network(text) for text in trunk.networks]
        registers = any(within(network, among) for network in inside for among in phones)
        rules.append(Rule(trunk.id, trunk.networks, trusted=True, registers=registers))
    return [*rules, phone_rule(settings.phones)] if phones else rules


def peer_options(trunk: TrunkSettings) -> PeerOptions:
    return PeerOptions(account=trunk.account, follow=trunk.follow)


def peers_tls(settings: VoiceSettings) -> dict[str, PeerTls]:
    return {trunk.id: PeerTls((trunk.host, *trunk.backups), trunk.tls) for trunk in settings.trunks if trunk.host}


def registration_plan(trunk: TrunkSettings) -> RegistrationPlan:
    user = trunk.account.username if trunk.account else trunk.id
    host = uri_host(trunk.host)
    return RegistrationPlan(f"sip:{user}@{host}", f"sip:{host}", tuple(destinations(trunk)), trunk.account, user)


def destinations(trunk: TrunkSettings) -> list[Destination]:
    """Its servers in order; a name without a port stands for what its DNS says."""
    either = trunk.transport == "auto"
    kind: Transport = "udp" if either else trunk.transport  # type: ignore[assignment]  # checked
    usual = 5061 if kind == "tls" else 5060
    return [
        Destination(kind, host, trunk.port or (usual if is_address(host) else 0), peer=trunk.id, either=either)
        for host in (trunk.host, *trunk.backups)
    ]


def uri_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
