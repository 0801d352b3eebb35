"""With SIPp: re-INVITE and UPDATE with and without SDP, inside calls in both directions, and PRACK."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.voice.sip.events import Answered, Ended, Event, Invited, Offered, Progress
from tests.integration.sip import scenarios as s
from tests.integration.sip.line import Line, a_line, sdp
from tests.integration.sip.sipp import sipp

MOVED = s.SDP.replace("6000", "6002")


@pytest.mark.parametrize("body", [MOVED, ""])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_they_offer_inside_a_call(method: str, body: str, tmp_path: Path) -> None:
    """Without SDP a re-INVITE asks for our offer, and an UPDATE only says that its sender lives."""
    asks = method == "INVITE"
    path = s.scenario(
        tmp_path,
        "inside",
        *(s.invite(), s.progress(), s.hear(200), s.ack()),
        *(s.pause(50), s.ask(method, seq=2, branch="again", body=body), s.hear(100, optional=True), s.hear(200)),
        s.ask("ACK", seq=2, branch="ack2", body="" if body else s.SDP) if asks else "",
        *(s.pause(50), s.ask("BYE", seq=3), s.hear(200)),
    )
    async with a_line() as line:
        line.on_event = line.answering
        async with sipp(tmp_path, path, f"127.0.0.1:{line.port('udp')}", "-m", "1") as peer:
            await peer.finish()
        offers = line.of(Offered)
        assert len(offers) == (1 if body or asks else 0)
        if offers:
            assert ("m=audio 6002" in (offers[0].sdp or "")) is bool(body)
        assert [(ended.cause, ended.by) for ended in line.of(Ended)] == [("bye", "remote")]
        await line.until_idle()


async def test_our_early_answer_is_acknowledged_by_prack(tmp_path: Path) -> None:
    """They require reliable answers: 183 with SDP, PRACK, 200, and then the call."""
    required = "Supported: 100rel\nRequire: 100rel\n"
    prack = s.ask("PRACK", seq=2, extra="RAck: [$rseq] 1 INVITE\n")
    take = '<ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" assign_to="rseq"/>'
    path = s.scenario(
        tmp_path,
        "prack",
        s.ask("INVITE", body=s.SDP, extra=required, retrans=True),
        *(s.hear(100, optional=True), s.hear(183, action=take), prack, s.hear(200)),
        *(s.hear(200), s.ack(), s.ask("BYE", seq=3), s.hear(200)),
    )

    def early_then_answer(line: Line, event: Event) -> None:
        if isinstance(event, Invited):
            line.agent.ring(event.call, line.now, sdp())
            line.agent.answer(event.call, sdp(), line.now)

    async with a_line() as line:
        line.on_event = lambda event: early_then_answer(line, event)
        async with sipp(tmp_path, path, f"127.0.0.1:{line.port('udp')}", "-m", "1") as peer:
            await peer.finish()
        assert [(ended.cause, ended.by) for ended in line.of(Ended)] == [("bye", "remote")]
        await line.until_idle()


async def test_we_acknowledge_their_early_answer_by_prack(tmp_path: Path) -> None:
    reliable = "Require: 100rel\nRSeq: 7\n"
    path = s.scenario(
        tmp_path,
        "reliable",
        *(s.hear_and_keep(), s.say(183, body=s.SDP, extra=reliable)),
        *(s.hear("PRACK"), s.say(200, to=False), s.say(200, kept=True), s.hear("ACK")),
        *(s.hear("BYE"), s.say(200, to=False)),
    )
    async with a_line() as line, sipp(tmp_path, path, "", "-m", "1") as peer:
        call = line.call(peer.port)
        await line.until(Answered)
        assert [(progress.status, bool(progress.sdp)) for progress in line.of(Progress)] == [(183, True)]
        line.hang_up(call)
        await peer.finish()
        await line.until_idle()
