"""Whatever comes in whatever order: no crash, one final event per call, and the clock empties everything."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from channels.voice.sip.agent import UserAgent
from channels.voice.sip.digest import hash_user
from channels.voice.sip.events import Ended, Invited, OptionsAnswered, Rejected, Unregistered
from channels.voice.sip.headers import CSeq, Headers, NameAddr
from channels.voice.sip.message import BadMessage, Message, Request, Response, encode, parse, reply
from channels.voice.sip.registration import RegistrationPlan
from channels.voice.sip.settings import Account, Local, PeerOptions, RegistrarSettings, Settings
from channels.voice.sip.wire import Destination, Send, Source
from tests.unit.sip.network import ANSWER, OFFER, party

METHODS = (
    *("INVITE", "INVITE", "INVITE", "ACK", "ACK", "BYE", "CANCEL", "CANCEL", "OPTIONS", "PRACK", "UPDATE", "INFO"),
    *("REFER", "NOTIFY", "REGISTER", "SUBSCRIBE", "JUGGLE"),
)
INSIDE = ("INVITE", "ACK", "ACK", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY")
EXTRAS: tuple[tuple[str, str], ...] = (
    ("Supported", "100rel, timer, replaces"),
    ("Require", "100rel"),
    ("Require", "teleport"),
    ("RSeq", "1"),
    ("RSeq", "2"),
    ("RAck", "1 1 INVITE"),
    ("Session-Expires", "90;refresher=uac"),
    ("Session-Expires", "1800;refresher=uas"),
    ("Session-Expires", "1"),
    ("Session-Expires", 'x;;="'),
    ("Min-SE", "3600"),
    ("Min-Expires", "7200"),
    ("Expires", "0"),
    ("Retry-After", "9999999999"),
    ("Contact", "<sip:moved@192.0.2.200:5070;transport=tcp>"),
    ("Contact", "*"),
    ("Contact", "<tel:+4930>"),
    ("Contact", "<mailto:a@x.test>"),
    ("Record-Route", "<sip:192.0.2.9;lr>, <sip:strict@192.0.2.10>"),
    ("Record-Route", "<mailto:strict@x.test>"),
    ("Refer-To", "<sip:c@x.test?Replaces=%00a%3Bb>"),
    ("Refer-To", "garbage <"),
    ("Replaces", "call-1;to-tag=a;from-tag=b"),
    ("Replaces", ";;;=;"),
    ("Event", "refer"),
    ("Subscription-State", "terminated"),
    ("Allow", "INVITE, UPDATE"),
    ("Reason", 'Q.850;cause=16;text="\\"'),
    ("P-Asserted-Identity", "nobody"),
    ("Diversion", "<"),
    ("Authorization", "Digest garbage"),
    ("WWW-Authenticate", 'Digest realm="trunk.test", nonce="abc", qop="auth"'),
    ("Proxy-Authenticate", 'Digest realm="elsewhere.test", nonce="abc"'),
    ("Proxy-Authenticate", "Digest"),
    ("Content-Type", "application/dtmf-relay"),
    ("Content-Type", 'multipart/mixed;boundary="b'),
    ("Content-Type", "message/sipfrag"),
)
BODIES = (None, OFFER, ANSWER, "Signal=5", "SIP/2.0 200 OK", "\x00\xff")
STATUSES = (100, 180, 183, 199, 200, 200, 200, 202, 302, 401, 407, 408, 422, 423, 481, 486, 487, 491, 500, 503, 600)
SOURCES = (
    Source("udp", "192.0.2.5", 5060, trusted=True),
    Source("udp", "192.0.2.6", 5062),
    Source("tcp", "192.0.2.7", 40_000, "flow-1"),
    Source("tls", "192.0.2.8", 40_001, "flow-2", authenticate=True),
)
DESTINATIONS = tuple(Destination(source.transport, source.host, 5060, source.flow) for source in SOURCES)
extras = st.lists(st.sampled_from(EXTRAS), max_size=3)
sources = st.sampled_from(SOURCES)
bodies = st.sampled_from(BODIES)
offers = st.sampled_from((None, OFFER))


class AgentMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        random = Random(7)
        made = Settings(
            locals=(Local("udp", "192.0.2.1", 5060), Local("tcp", "192.0.2.1", 5060), Local("tls", "192.0.2.1", 5061)),
            calls=12,
            transactions=40,
            forks=3,
            inbound=PeerOptions(refer=True, replaces=True),
            registrar=RegistrarSettings(realm="hub.test"),
        )
        self.agent = UserAgent(
            made,
            lambda size: random.randbytes(size).hex(),
            lookup=lambda user: {"MD5": hash_user("MD5", "agent1", "hub.test", "pw")} if user == "agent1" else None,
        )
        self.now = 0.0
        self.calls: list[str] = []
        self.finals: dict[str, int] = {}
        self.sent: list[Request] = []
        self.answered: list[Response] = []
        self.received: list[Request] = []
        self.probes = 0
        self.registrations: set[str] = set()

    # What it puts out

    def collect(self) -> None:
        for output in self.agent.drain():
            match output:
                case Send(data=data):
                    try:
                        message = parse(data)
                    except BadMessage:
                        # What cannot be read cannot be answered well either.
                        assert data.startswith((b"SIP/2.0 4", b"SIP/2.0 5"))
                        continue
                    if isinstance(message, Request):
                        self.sent = [*self.sent[-30:], message]
                    elif (message.headers.get("CSeq") or "").endswith("INVITE") and message.status > 100:
                        self.answered = [*self.answered[-30:], message]
                case Invited(call=call):
                    assert call not in self.calls
                    self.calls.append(call)
                case Ended(call=call) | Rejected(call=call):
                    self.finals[call] = self.finals.get(call, 0) + 1
                case OptionsAnswered():
                    self.probes -= 1
                case Unregistered(registration=name):
                    self.registrations.discard(name)

    def deliver(self, message: Message, source: Source) -> None:
        try:
            parsed = parse(encode(message))
        except BadMessage as bad:
            self.agent.refuse(bad, source, self.now)
        else:
            self.agent.receive(parsed, source, self.now)
        self.collect()

    # The peers

    @rule(
        method=st.sampled_from(METHODS),
        number=st.integers(0, 3),
        branch=st.integers(0, 9),
        call_id=st.integers(0, 5),
        tag=st.sampled_from((None, "a", "b")),
        body=bodies,
        extra=extras,
        source=sources,
        uri=st.sampled_from(("sip:hub@192.0.2.1", "sips:hub@192.0.2.1", "tel:+4930", "mailto:a@x.test")),
    )
    def request(
        self, method: str, number: int, branch: int, call_id: int, tag: str | None, body: str | None, extra: Any,
        source: Source, uri: str,
    ) -> None:  # fmt: skip
        self.ask(
            method, number, f"z9hG4bK{branch}" if branch else "", f"call-{call_id}", tag, None, body, extra, source, uri
        )

    @rule(
        method=st.sampled_from(INSIDE),
        which=st.integers(0, 29),
        number=st.integers(1, 5),
        branch=st.integers(0, 1000),
        body=bodies,
        extra=extras,
        source=sources,
    )
    def request_inside(
        self, method: str, which: int, number: int, branch: int, body: str | None, extra: Any, source: Source
    ) -> None:
        """In a dialog that an answer of the agent made, or a request of its own."""
        messages: list[Message] = [*self.answered, *self.sent]
        if not messages:
            return
        model = messages[which % len(messages)]
        ours, theirs = ("To", "From") if isinstance(model, Response) else ("From", "To")
        our_tag = NameAddr.parse(model.headers.get(ours) or "").tag
        their_tag = NameAddr.parse(model.headers.get(theirs) or "").tag
        if isinstance(model, Response) and method in ("PRACK", "ACK"):
            cseq = model.headers.get("CSeq") or ""
            if method == "ACK":
                number = CSeq.parse(cseq).number
            else:
                extra = [*extra, ("RAck", f"{model.headers.get('RSeq')} {cseq}")]
        self.ask(method, number, f"z9hG4bKi{branch}", model.headers.get("Call-ID") or "", their_tag or "peer", our_tag,
                 body, extra, source, "sip:hub@192.0.2.1")  # fmt: skip

    @rule(which=st.integers(0, 29), as_cancel=st.booleans(), source=sources)
    def repeat(self, which: int, as_cancel: bool, source: Source) -> None:
        """A request once more, or its CANCEL."""
        if not self.received:
            return
        model = self.received[which % len(self.received)]
        headers = model.headers.copy()
        if as_cancel:
            headers.set("CSeq", str(CSeq(CSeq.parse(headers.get("CSeq") or "").number, "CANCEL")))
        self.deliver(Request("CANCEL" if as_cancel else model.method, model.uri, headers), source)

    def ask(
        self, method: str, number: int, branch: str, call_id: str, from_tag: str | None, to_tag: str | None,
        body: str | None, extra: Any, source: Source, uri: str,
    ) -> None:  # fmt: skip
        headers = Headers([("Max-Forwards", "70")])
        rport = ";rport" if source.port != 5062 else ""
        mark = f";branch={branch}" if branch else ""
        headers.add("Via", f"SIP/2.0/{source.transport.upper()} {source.host}:{source.port}{rport}{mark}")
        headers.add("From", f"<sip:peer@x.test>{f';tag={from_tag}' if from_tag else ''}")
        headers.add("To", f"<sip:agent1@x.test>{f';tag={to_tag}' if to_tag else ''}")
        headers.add("Call-ID", call_id)
        headers.add("CSeq", f"{number} {method}")
        headers.add("Contact", f"<sip:peer@{source.host}:{source.port}>")
        self.add(headers, extra)
        request = Request(method, uri, headers, (body or "").encode())
        self.received = [*self.received[-30:], request]
        self.deliver(request, source)

    @rule(
        which=st.integers(0, 29),
        status=st.sampled_from(STATUSES),
        tag=st.sampled_from((None, "one", "two", "three", "four")),
        body=bodies,
        extra=extras,
        source=sources,
    )
    def response(self, which: int, status: int, tag: str | None, body: str | None, extra: Any, source: Source) -> None:
        if not self.sent:
            return
        response = reply(self.sent[-1 - which % len(self.sent)], status, None, tag)
        response.headers.set("Contact", f"<sip:peer@{source.host}:{source.port}>")
        self.add(response.headers, extra)
        response.body = (body or "").encode()
        self.deliver(response, source)

    def add(self, headers: Headers, extra: list[tuple[str, str]]) -> None:
        for name, value in extra:
            headers.set(name, value)

    @rule(data=st.binary(max_size=60), cut=st.integers(0, 400), which=st.integers(0, 29), source=sources)
    def damaged(self, data: bytes, cut: int, which: int, source: Source) -> None:
        if not self.received:
            return
        whole = encode(self.received[which % len(self.received)])
        at = cut % len(whole)
        try:
            message = parse(whole[:at] + data + whole[at + len(data) :])
        except BadMessage as bad:
            self.agent.refuse(bad, source, self.now)
        else:
            self.agent.receive(message, source, self.now)
        self.collect()

    @rule(destination=st.sampled_from(DESTINATIONS))
    def transport_fails(self, destination: Destination) -> None:
        self.agent.failed(destination, self.now)
        if destination.flow is not None:
            self.agent.lost(destination.flow, self.now)
        self.collect()

    # Time

    @rule(seconds=st.sampled_from((0.0, 0.1, 0.5, 2.0, 10.0, 33.0, 200.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.agent.tick(self.now)
        self.collect()

    # Us

    @rule(
        sdp=offers,
        first=st.integers(0, 3),
        several=st.booleans(),
        account=st.booleans(),
        reliable=st.sampled_from(("no", "supported", "required")),
        session=st.sampled_from((0, 90, 1800)),
    )
    def invite(self, sdp: str | None, first: int, several: bool, account: bool, reliable: Any, session: int) -> None:
        options = PeerOptions(
            account=Account("trunk", "secret") if account else None,
            reliable=reliable,
            session_s=session,
            refer=True,
            follow=several,
        )
        destinations = DESTINATIONS[first:] if several else DESTINATIONS[first : first + 1]
        call = self.agent.invite(party("bob"), party("hub"), sdp, destinations, self.now, options=options)
        self.calls.append(call)
        self.collect()

    @rule(which=st.integers(0, 20), what=st.integers(0, 11), sdp=offers, status=st.sampled_from((180, 200, 486, 603)))
    def command(self, which: int, what: int, sdp: str | None, status: int) -> None:
        call = self.calls[-1 - which % len(self.calls)] if self.calls else "none"
        agent, now = self.agent, self.now
        match what:
            case 0 | 1 | 2:
                agent.answer(call, ANSWER, now)
            case 3:
                agent.ring(call, now, sdp)
            case 4:
                agent.reject(call, 486, now)
            case 5:
                agent.hang_up(call, now)
            case 6:
                agent.reinvite(call, sdp, now)
            case 7:
                agent.accept_offer(call, ANSWER, now)
            case 8:
                agent.refuse_offer(call, 488, now)
            case 9:
                agent.info(call, "1", 100, now)
            case 10:
                agent.refer(call, "sip:c@x.test", now)
            case 11:
                agent.refer_progress(call, status, now)
        self.collect()

    @rule(where=st.sampled_from(DESTINATIONS))
    def ask_options(self, where: Destination) -> None:
        self.probes += 1
        self.agent.options(where, self.now)
        self.collect()

    @rule(name=st.sampled_from(("one", "two")), gone=st.booleans())
    def register(self, name: str, gone: bool) -> None:
        if gone:
            self.agent.unregister(name, self.now)
        else:
            plan = RegistrationPlan("sip:a@x.test", "sip:x.test", DESTINATIONS[:2], Account("a", "b"))
            self.registrations.add(name)
            self.agent.register(name, plan, self.now)
        self.collect()

    # What holds

    @invariant()
    def one_final_event(self) -> None:
        assert all(count == 1 for count in self.finals.values())
        assert self.agent.calls == len(self.calls) - len(self.finals)
        assert set(self.finals) <= set(self.calls)

    @invariant()
    def tables_are_bounded(self) -> None:
        assert len(self.agent._core.transactions.servers) <= 80 + 12

    def teardown(self) -> None:
        for name in ("one", "two"):
            self.agent.unregister(name, self.now)
        for _ in range(20_000):
            deadline = self.agent.next_deadline()
            if deadline is None:
                break
            assert deadline >= 0
            self.now = max(self.now, deadline)
            self.agent.tick(self.now)
            self.collect()
        else:
            raise AssertionError("it never comes to rest")
        assert self.agent.idle
        assert {call: self.finals.get(call) for call in self.calls} == dict.fromkeys(self.calls, 1)
        assert self.probes == 0 and not self.registrations
        assert not self.agent._referrals and len(self.agent._core.clock) == 0


TestAgentMachine = AgentMachine.TestCase
TestAgentMachine.settings = settings(max_examples=80, stateful_step_count=60)
