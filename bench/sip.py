"""What a call costs in SIP: set up (INVITE, 180, 200, ACK), confirmed and ended (BYE), by two user agents in memory.

    python -m bench.sip --calls 5000 [--flood 20000]

Prints CPU time a call for the caller, the called side and the parsing of all seven messages, and the bytes that one
standing call keeps. `--flood` sends INVITEs to an agent that is full: what one costs to refuse, and what stays.
"""

from __future__ import annotations

import argparse
import gc
import secrets
import time
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

from channels.voice.sip.agent import UserAgent
from channels.voice.sip.events import Confirmed, Ended, Event, Invited
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.message import parse
from channels.voice.sip.settings import Local, Settings
from channels.voice.sip.wire import Destination, LookUp, Send, Source

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
)
ALICE, BOB = NameAddr("Alice", "sip:alice@example.test"), NameAddr("Bob", "sip:bob@example.test")
PAUSE_S = 0.05  # twenty calls a second
Result = TypeVar("Result")


class Pair:
    """A caller and a called side that rings and answers; the time that each takes is added up."""

    def __init__(self, *, calls: int = 1_000_000, transactions: int = 1_000_000) -> None:
        self.now = 0.0
        self.agents = {
            name: UserAgent(
                Settings(locals=(Local("udp", host, 5060),), calls=calls, transactions=transactions), secrets.token_hex
            )
            for name, host in (("caller", "192.0.2.1"), ("called", "192.0.2.2"))
        }
        self.sources = {"caller": Source("udp", "192.0.2.1", 5060), "called": Source("udp", "192.0.2.2", 5060)}
        self.spent = {"caller": 0.0, "called": 0.0, "parsing": 0.0}
        self.messages = 0

    def timed(self, who: str, work: Callable[[], Result]) -> Result:
        begun = time.process_time()
        result = work()
        self.spent[who] += time.process_time() - begun
        return result

    def call(self) -> str:
        self.now += PAUSE_S
        for name, agent in self.agents.items():
            self.timed(name, lambda agent=agent: agent.tick(self.now))  # type: ignore[misc]
        caller, to = self.agents["caller"], (Destination("udp", "192.0.2.2", 5060),)
        call = self.timed("caller", lambda: caller.invite(BOB, ALICE, OFFER, to, self.now))
        assert any(isinstance(event, Confirmed) for event in self.exchange())
        return call

    def end(self, call: str) -> None:
        self.timed("caller", lambda: self.agents["caller"].hang_up(call, self.now))
        assert sum(isinstance(event, Ended) for event in self.exchange()) == 2

    def exchange(self) -> list[Event]:
        """Carry messages until nobody has anything to say."""
        events: list[Event] = []
        quiet = 0
        while quiet < 2:
            for me, other in (("caller", "called"), ("called", "caller")):
                outputs = self.timed(me, self.agents[me].drain)
                quiet = 0 if outputs else quiet + 1
                for output in outputs:
                    if isinstance(output, Send):
                        self.carry(me, other, output.data)
                        continue
                    assert not isinstance(output, LookUp), "destinations are addresses"
                    events.append(output)
                    if isinstance(output, Invited):
                        self.timed(me, lambda call=output.call: self.answer(call))  # type: ignore[misc]
        return events

    def carry(self, sender: str, receiver: str, data: bytes) -> None:
        self.messages += 1
        message = self.timed("parsing", lambda: parse(data))
        self.timed(receiver, lambda: self.agents[receiver].receive(message, self.sources[sender], self.now))

    def answer(self, call: str) -> None:
        self.agents["called"].ring(call, self.now)
        self.agents["called"].answer(call, OFFER, self.now)


def calls(count: int) -> None:
    pair = Pair()
    for _ in range(count):
        pair.end(pair.call())
    figures = ", ".join(f"{who} {seconds / count * 1e6:.0f} us" for who, seconds in pair.spent.items())
    print(f"{count} calls of {pair.messages / count:.1f} messages, CPU a call: {figures}")


def standing(count: int) -> None:
    pair = Pair()
    pair.end(pair.call())
    gc.collect()
    tracemalloc.start()
    for _ in range(count):
        pair.call()
    pair.now += 40.0  # the transactions of the set-up are over
    for agent in pair.agents.values():
        agent.tick(pair.now)
        agent.drain()
    gc.collect()
    print(f"a standing call keeps {tracemalloc.get_traced_memory()[0] / count / 2 / 1024:.1f} KiB at each end")
    tracemalloc.stop()


def flood(count: int) -> None:
    pair = Pair(calls=10, transactions=1_000)
    for _ in range(10):
        pair.call()
    agent, source = pair.agents["called"], Source("udp", "198.51.100.1", 5060)
    head = (
        "INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;rport;branch=z9hG4bK{0}\r\n"
        "From: <sip:x@x.test>;tag={0}\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: {0}\r\nCSeq: 1 INVITE\r\n"
        "Contact: <sip:x@198.51.100.1>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    gc.collect()
    tracemalloc.start()
    for number in range(count):
        pair.now += 0.001
        data = head.format(number).encode()
        message = pair.timed("parsing", lambda: parse(data))  # noqa: B023 - called at once
        pair.timed("called", lambda: agent.receive(message, source, pair.now))  # noqa: B023
        agent.drain()
    kept = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    print(f"{count} INVITEs at 1,000 a second to a full agent: {kept:.1f} MiB kept (traced)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5_000)
    parser.add_argument("--flood", type=int, default=0)
    arguments = parser.parse_args()
    calls(arguments.calls)
    standing(min(arguments.calls, 1_000))
    if arguments.flood:
        flood(arguments.flood)


if __name__ == "__main__":
    main()
