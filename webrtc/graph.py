"""Who hears what in one call: sources (silence, prompts, other legs) switched onto the legs' outgoing streams.

Hearing one leg is passing its packets through, if both have the same codec (or the two laws of G.711, which one table
turns into each other); hearing several, or another codec, is mixing. Whenever a leg comes, goes, or is told to hear
something else, `wire` works out anew who feeds whom, and touches only what has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog

from hub.errors import InvalidInput
from hub.media import Digit, Hear, LegStats, MediaEvent, Play, Played, Recognised, Silence, Silent, Source
from webrtc import g711, speech
from webrtc.answering import AnswerReader
from webrtc.dtmf import EventReader, ToneReader
from webrtc.keys import KeySender
from webrtc.leg import Leg
from webrtc.mixer import Mixer
from webrtc.player import Player, Prompts, silence
from webrtc.recorder import Recording
from webrtc.stream import AudioSink, Codec, EventSink, nobody

log = structlog.get_logger(__name__)

DIGITS_A_SECOND = 20
"""More keys than fingers can press are somebody's attempt to flood us."""
Plan = tuple[str, tuple[str, ...], Codec | None]
"""What a leg hears: `silence`, `play`, `pass` or `mix`, from whom, and in which codec they speak (`pass`)."""


class Party:
    """One leg in its call. `waits` is false while the party is not expected to send (it holds us)."""

    def __init__(self, leg: Leg, dtmf: str, quiet_ms: int, now: float) -> None:
        self.leg = leg
        self.dtmf = dtmf
        self.quiet_ms = quiet_ms
        self.ready = False
        self.codec: Codec | None = None
        """The codec that the leg was made ready with."""
        self.waits = True
        self.source: Source = Silence()
        self.wanted: Source = self.source
        """What it was told last; it becomes the source once its sound files are read."""
        self.asked = 0
        """Counts what it was told to hear, so that a prompt that was loading does not come after something newer."""
        self.plan: Plan | None = None
        self.player: Player | None = None
        self.music: list[tuple[bytes, ...]] = []
        self.quiet_since = now
        self.told_silent = False
        self.events: EventReader | None = None
        self.tones: ToneReader | None = None
        self.answer: AnswerReader | None = None
        self.heard_codec: Codec | None = None
        self.keys = KeySender(leg.outgoing)
        self.tokens = float(DIGITS_A_SECOND)
        self.tokens_at = now

    def stop(self) -> None:
        if self.player is not None:
            self.player.stop()
            self.player = None


class Call:
    """The legs of one call. `emit` takes its events."""

    def __init__(self, id: str, prompts: Prompts, emit: Callable[[MediaEvent], None]) -> None:
        self.id = id
        self.parties: dict[str, Party] = {}
        # The last figures of legs that are gone: who hangs up goes before the call's record is written.
        self.past: dict[str, LegStats] = {}
        self.recordings: dict[str, Recording] = {}
        self.closed = False
        self._prompts = prompts
        self._emit = emit
        self._mixer = Mixer()

    def add(self, name: str, party: Party) -> Party | None:
        """Puts a leg in, and takes over what the leg of that name, which is returned, was hearing."""
        old = self.parties.get(name)
        if old is not None:
            party.source = party.wanted = old.wanted
            self._retire(old)
        self.parties[name] = party
        return old

    def remove(self, name: str) -> Party | None:
        party = self.parties.pop(name, None)
        if party is not None:
            self._retire(party)
            self.wire()
        return party

    def _retire(self, party: Party) -> None:
        party.stop()
        party.keys.stop()
        party.leg.incoming.on_audio = nobody
        party.leg.incoming.on_event = nobody

    async def hear(self, name: str, source: Source) -> None:
        """InvalidInput for a sound file that cannot be read; what was heard before then goes on."""
        party = self.parties[name]
        party.asked += 1
        asked = party.asked
        party.wanted = source
        music: list[tuple[bytes, ...]] = []
        if isinstance(source, Play) and party.ready:
            try:
                music = await self._prompts.load(source.files, party.leg.codec)
                if not any(music):
                    raise InvalidInput("play.files", "hold no sound")
            except InvalidInput:
                if asked == party.asked:
                    party.wanted = party.source
                raise
        if asked == party.asked and self.parties.get(name) is party:
            party.source, party.music, party.plan = source, music, None
            self.wire()

    async def ready(self, name: str) -> None:
        """The leg's codec was agreed, or agreed anew."""
        party = self.parties[name]
        if party.ready and party.codec == party.leg.codec:
            # A refreshed session, a hold: what is being played goes on where it is.
            self.wire()
            return
        party.ready = True
        party.codec = party.leg.codec
        source = party.wanted
        try:
            await self.hear(name, source)
        except InvalidInput as error:
            # A lost prompt must not cost the call.
            log.error("prompt.unreadable", call=self.id, leg=name, reason=str(error))
            party.source = party.wanted = Silence()
            self.wire()
            if isinstance(source, Play):
                self._emit(Played(self.id, name, source.token))

    def wire(self) -> None:
        plans = {name: self._plan(party) for name, party in self.parties.items() if party.ready}
        for name, plan in plans.items():
            self._switch(name, plan)
        mixed = {name: plan[1] for name, plan in plans.items() if plan[0] == "mix"}
        speakers = dict.fromkeys(speaker for heard in mixed.values() for speaker in heard)
        self._mixer.set(
            {name: self.parties[name].leg.codec for name in speakers},
            {name: (self.parties[name].leg.outgoing, heard) for name, heard in mixed.items()},
        )
        for name, party in self.parties.items():
            listeners = [
                self.parties[other] for other, plan in plans.items() if plan[0] == "pass" and plan[1] == (name,)
            ]
            self._connect(name, party, listeners, mixed=name in speakers)

    def _plan(self, party: Party) -> Plan:
        match party.source:
            case Play() if party.music:
                return "play", (), party.leg.codec
            case Hear(legs=legs):
                there = tuple(leg for leg in legs if (other := self.parties.get(leg)) is not None and other.ready)
                if len(there) == 1:
                    codec = self.parties[there[0]].leg.codec
                    if passes(codec, party.leg.codec):
                        return "pass", there, codec
                if there:
                    return "mix", there, party.leg.codec
        return "silence", (), party.leg.codec

    def _switch(self, name: str, plan: Plan) -> None:
        party = self.parties[name]
        if plan == party.plan:
            return
        party.plan = plan
        party.stop()
        outgoing = party.leg.outgoing
        outgoing.switch()
        if plan[0] == "silence":
            party.player = Player(outgoing, [(silence(party.leg.codec),)], loop=True)
        elif plan[0] == "play" and isinstance(party.source, Play):
            over = partial(self._played, name, party, party.source.token)
            party.player = Player(outgoing, party.music, loop=party.source.loop, on_end=over)

    def _played(self, name: str, party: Party, token: str) -> None:
        party.player = None
        party.source = Silence()
        party.music = []
        if isinstance(party.wanted, Play) and party.wanted.token == token:
            party.wanted = party.source
        self._emit(Played(self.id, name, token))
        self.wire()

    def _connect(self, name: str, party: Party, listeners: list[Party], *, mixed: bool) -> None:
        """Puts together what happens with a packet of this leg: for most one or two calls and nothing else."""
        leg = party.leg
        audio: list[AudioSink] = [forwarder(leg.codec, listener.leg) for listener in listeners]
        if mixed:
            audio.append(self._mixer.feed(name))
        for recording in self.recordings.values():
            for channel, side in enumerate((recording.options.left, recording.options.right)):
                if side == name:
                    audio.append(recording.sink(channel, leg.codec))
        if party.events is None or party.heard_codec != leg.codec:
            party.events = EventReader(partial(self._digit, name, party), leg.codec.rate)
            party.tones = None
            party.heard_codec = leg.codec
        if party.answer is not None and not party.answer.done:
            audio.append(reader(party.answer, leg.codec))
        if leg.incoming.events is None and leg.codec.name in g711.LAWS and party.dtmf != "info":
            if party.tones is None:
                party.tones = ToneReader(partial(self._digit, name, party), leg.codec.name)
            audio.append(party.tones.receive)
        events: list[EventSink] = [
            party.events.receive,
            *(
                listener.leg.outgoing.forward_event
                for listener in listeners
                if listener.leg.codec.rate == leg.codec.rate
            ),
        ]
        leg.incoming.on_audio = spread(audio)
        leg.incoming.on_event = spread(events)

    def recognise(self, name: str) -> None:
        """Listens to the party from now on, to tell who it is."""
        party = self.parties[name]
        party.answer = AnswerReader(lambda what: self._emit(Recognised(self.id, name, what)))
        self.wire()

    def _digit(self, name: str, party: Party, digit: str, ms: int) -> None:
        now = party.leg.incoming.last_seen or 0.0
        party.tokens = min(DIGITS_A_SECOND, party.tokens + (now - party.tokens_at) * DIGITS_A_SECOND)
        party.tokens_at = now
        if party.tokens < 1:
            return
        party.tokens -= 1
        self._emit(Digit(self.id, name, digit, ms))
        for other in self.parties.values():
            # Who hears this leg and takes no events hears the tone instead.
            passed = other.plan is not None and other.plan[0] == "pass" and other.plan[1] == (name,)
            if passed and other is not party and other.dtmf == "inband" and other.leg.outgoing.events is None:
                other.keys.send(digit)

    def tick(self, now: float) -> None:
        """Once a second: reports, keys whose end was lost, and who has fallen silent."""
        for name, party in list(self.parties.items()):
            party.leg.tick(now)
            if party.events is not None:
                party.events.flush(now)
            if not party.ready or not party.waits:
                party.quiet_since = now
                continue
            seen = party.leg.incoming.last_seen
            since = party.quiet_since if seen is None else max(seen, party.quiet_since)
            quiet = int((now - since) * 1000)
            if quiet < party.quiet_ms:
                party.told_silent = False
            elif not party.told_silent:
                party.told_silent = True
                self._emit(Silent(self.id, name, quiet))

    def stop(self) -> None:
        self.closed = True
        self._mixer.stop()
        for party in self.parties.values():
            self._retire(party)


def passes(source: Codec, sink: Codec) -> bool:
    return source.name == sink.name or (source.name in g711.LAWS and sink.name in g711.LAWS)


def forwarder(codec: Codec, listener: Leg) -> AudioSink:
    forward = listener.outgoing.forward
    table = g711.table(codec.name, listener.codec.name)
    if table is None:
        return forward

    def converted(payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        forward(payload.translate(table), timestamp, sequence, marker, now)

    return converted


def reader(answer: AnswerReader, codec: Codec) -> AudioSink:
    decode = speech.decoder(codec).decode

    def read(payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        if not answer.done:
            answer.receive(decode(payload))

    return read


def spread(sinks: list[AudioSink]) -> AudioSink:
    """One sink for several; the common numbers without a loop, as this runs for every packet."""
    if not sinks:
        return nobody
    if len(sinks) == 1:
        return sinks[0]
    if len(sinks) == 2:
        first, second = sinks

        def two(payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
            first(payload, timestamp, sequence, marker, now)
            second(payload, timestamp, sequence, marker, now)

        return two
    every = tuple(sinks)

    def many(payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        for sink in every:
            sink(payload, timestamp, sequence, marker, now)

    return many
