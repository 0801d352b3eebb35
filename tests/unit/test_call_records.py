"""Call records are folded from a contact's events."""

from __future__ import annotations

from typing import Any

from hub import events as e
from hub.call_records import CallRecord, fold
from hub.model import Channel

T0 = 1_700_000_000_000


def folded(*steps: tuple[int, e.AnyEvent]) -> list[CallRecord]:
    """`steps` are (seconds since T0, event)."""
    return fold("ct_1", [e.Recorded(n, "ct_1", n, T0 + s * 1000, "x", event) for n, (s, event) in enumerate(steps, 1)])


CREATED = e.ContactCreated(Channel.VOICE, "demo", "cu_1", media=True)
STARTED = e.CallStarted("trunk", "+4930123", "+4930999", "main", "node-1")
LEGS: dict[str, dict[str, Any]] = {"customer": {"codec": "PCMA", "mos": 4.2, "round_trip_ms": None}}


def queued(queue: str = "support", reason: str = "new") -> e.ContactQueued:
    return e.ContactQueued(queue, {}, 0, T0, reason)


def offered(agent: str, fence: int = 1) -> e.ContactOffered:
    return e.ContactOffered(agent, fence, T0, 1)


def test_a_call_that_was_served() -> None:
    (call,) = folded(
        (0, CREATED),
        (0, queued()),
        (1, STARTED),
        (2, e.CallAnswered("customer")),
        (5, offered("us_1")),
        (9, e.OfferMissed("us_1", 1, T0)),
        (10, offered("us_2", 2)),
        (12, e.OfferAccepted("us_2", 2)),
        (13, e.CallAnswered("agent", "us_2")),
        (14, e.ContactConnected("us_2")),
        (14, e.CallRecording("rc_1", "on")),
        (20, e.ContactHeld("us_2")),
        (25, e.ContactResumed("us_2")),
        (30, e.CallRecording("rc_1", "paused", "us_2")),
        (60, e.ContactEnded("customer", "hung_up", T0)),
        (61, e.CallEnded("customer", "hung_up", digits=3, legs=LEGS)),
        (91, e.ContactClosed("us_2", "finished", "solved")),
    )
    assert call == CallRecord(
        "ct_1.3",
        "ct_1",
        "trunk",
        "in",
        "+4930123",
        "+4930999",
        "main",
        T0 + 1000,
        queue="support",
        agent="us_2",
        agents=("us_2",),
        queued_at=T0,
        offered_at=T0 + 5000,
        offers=2,
        answered_at=T0 + 2000,
        connected_at=T0 + 14_000,
        ended_at=T0 + 61_000,
        wrapped_at=T0 + 91_000,
        wait_ms=13_000,
        talk_ms=(6 + 35) * 1000,
        hold_ms=5000,
        holds=1,
        wrap_ms=31_000,
        by="customer",
        cause="hung_up",
        digits=3,
        legs=LEGS,
        recordings=("rc_1",),
        outcome="solved",
        node="node-1",
    )


def test_a_call_that_was_given_up() -> None:
    (call,) = folded(
        (0, CREATED),
        (0, STARTED),
        (1, queued()),
        (1, e.CallAnswered("customer")),
        (21, e.ContactAbandoned("customer", "left")),
        (21, e.CallEnded("customer", "hung_up")),
    )
    assert (call.abandoned, call.wait_ms, call.connected_at, call.talk_ms) == (True, 20_000, None, 0)
    assert call.ended_at == T0 + 21_000 and call.agents == ()


def test_transferred_and_requeued_time_is_not_talked() -> None:
    (call,) = folded(
        (0, CREATED),
        (0, STARTED),
        (0, queued()),
        (2, e.OfferAccepted("us_1", 1)),
        (3, e.ContactConnected("us_1")),
        (13, e.ContactTransferred("us_1", "sales")),
        (13, queued("sales", "transfer")),
        (20, e.OfferAccepted("us_2", 2)),
        (21, e.ContactConnected("us_2")),
        (22, e.ContactHeld("us_2")),
        (30, e.CallEnded("network", "silent")),
    )
    assert (call.talk_ms, call.hold_ms, call.wait_ms) == (11_000, 8000, 3000)
    assert (call.queue, call.agent, call.agents) == ("sales", "us_2", ("us_1", "us_2"))


def test_an_outbound_call_that_nobody_took() -> None:
    (call,) = folded(
        (0, CREATED),
        (0, e.ContactDialled("us_1", "sales")),
        (0, e.CallStarted("dial", "+4930999", "+8610555", "main")),
        (2, e.CallAnswered("agent", "us_1")),
        (4, e.CallRinging()),
        (5, e.CallRinging()),
        (34, e.CallEnded("system", "no_answer", 408)),
    )
    assert (call.direction, call.way, call.agent, call.queue) == ("out", "dial", "us_1", "sales")
    assert (call.ringing_at, call.answered_at, call.status, call.wait_ms) == (T0 + 4000, None, 408, 0)
    assert not call.abandoned


def test_a_chat_that_goes_on_by_voice_and_a_call_that_runs() -> None:
    (call,) = folded(
        (0, e.ContactCreated(Channel.CHAT, "demo", "cu_1")),
        (0, queued()),
        (1, e.OfferAccepted("us_1", 1)),
        (1, e.ContactConnected("us_1")),
        (100, e.CallStarted("web")),
        (101, e.ContactUpgraded(Channel.VOICE, Channel.CHAT)),
        (102, e.CallAnswered("agent", "us_1")),
        (103, e.ContactConnected("us_1")),
    )
    # The chat's time is not the call's, and nobody waited in a queue.
    assert (call.connected_at, call.wait_ms, call.queued_at, call.agent) == (T0 + 103_000, 3000, None, "us_1")
    assert call.ended_at is None and call.talk_ms == 0


def test_a_call_that_died_with_its_hub_ended_with_its_contact() -> None:
    begun = (
        (0, CREATED),
        (0, STARTED),
        (0, queued()),
        (2, e.OfferAccepted("us_1", 1)),
        (3, e.ContactConnected("us_1")),
        (10, e.ContactEnded("system", "interrupted", T0)),
    )
    (call,) = folded(*begun)
    assert (call.ended_at, call.by, call.cause, call.talk_ms) == (T0 + 10_000, "system", "interrupted", 7000)
    # What the call itself says of its end is right.
    (call,) = folded(*begun, (11, e.CallEnded("customer", "hung_up", legs=LEGS)))
    assert (call.ended_at, call.by, call.cause, call.legs) == (T0 + 11_000, "customer", "hung_up", LEGS)


def test_each_call_of_a_contact_is_one() -> None:
    first, second = folded(
        (0, CREATED),
        (0, e.ContactDialled("us_1", "sales")),
        (0, e.CallStarted("dial", called="+1")),
        (9, e.CallEnded("system", "busy", 486)),
        (20, e.CallStarted("dial", called="+2")),
        (30, e.ContactConnected("us_1")),
        (40, e.ContactEnded("us_1", "closed", T0)),
        (41, e.CallEnded("us_1", "closed")),
        (45, e.ContactClosed("us_1", "finished")),
    )
    assert (first.id, first.called, first.status, first.talk_ms, first.wrap_ms) == ("ct_1.3", "+1", 486, 0, 0)
    assert (second.id, second.called, second.talk_ms, second.wrap_ms) == ("ct_1.5", "+2", 10_000, 5000)


def test_a_contact_without_calls_has_none() -> None:
    assert folded((0, CREATED), (0, queued()), (5, e.ContactAbandoned("visitor"))) == []
