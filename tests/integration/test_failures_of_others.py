"""What went wrong in other systems, over a running hub: real store, real dispatcher, agents at real sockets.

tests/unit/routing/test_failures_of_others.py tells the same stories to the engine alone. Each test names the failure
and where it was seen. Calls come through the hub's service, as a voice channel brings them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hub import events as e
from hub.model import Channel, Phase
from routing.dispatcher import Dispatcher
from tests.integration.floor import Agent, Floor, own_hub
from tests.integration.serving import Serving, serving

OVER = (e.OfferAccepted, e.OfferDeclined, e.OfferMissed, e.OfferRescinded)
CHAT, VOICE, CALLBACK = Channel.CHAT, Channel.VOICE, Channel.CALLBACK


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("floor"), security={"requests_per_minute": 100_000}) as hub:
        yield hub


@pytest.fixture
async def floor(running: Serving, request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    name = request.node.name.removeprefix("test_")[:30].replace("_", "-")
    made = await asyncio.to_thread(Floor, running, name)
    yield made
    await made.close()


async def test_two_agents_answer_one_call(floor: Floor) -> None:
    """asterisk#176: both press the button at once, the second with the first one's fence."""
    ann, bob = await floor.agent("ann"), await floor.agent("bob")
    call = await floor.arrive()
    fence = await floor.offered(call, ann)
    tries = await asyncio.gather(*(agent.accept(call, fence) for _ in range(5) for agent in (ann, bob)))
    # Of the answers to five presses of hers one took the call; the others find that it is hers.
    assert sum(answer["ok"] for answer in tries[0::2]) >= 1 and not any(answer["ok"] for answer in tries[1::2])
    assert (await floor.contact(call)).agent == ann.id
    assert (await floor.told(call))[e.OfferAccepted] == 1
    assert bob.has() == set()


async def test_inquiry_taken_twice(floor: Floor) -> None:
    """Rocket.Chat#22206: two agents take what waits as fast as they can."""
    agents = [await floor.agent(name, units=1_000, maxima={"chat": 30}) for name in ("ann", "bob")]
    chats = [await floor.arrive(CHAT) for _ in range(20)]
    for chat in chats:
        await floor.offered(chat)
    fences = {chat: (await floor.contact(chat)).last_fence for chat in chats}
    await asyncio.gather(*(agent.accept(chat, fences[chat]) for chat in chats for agent in agents))
    for chat in chats:
        told = await floor.told(chat)
        assert told[e.OfferAccepted] == told[e.ContactConnected] == 1
    held = [agent.has() for agent in agents]
    assert held[0] | held[1] == set(chats) and not held[0] & held[1]


async def test_answer_then_hang_up_before_the_bridge(floor: Floor) -> None:
    """asterisk#1557: answered, and gone before the two could talk."""
    ann = await floor.agent("ann")
    call = await floor.arrive()
    await ann.takes(call)
    assert (await floor.contact(call)).phase is Phase.CONNECTING
    await floor.hang_up(call)
    assert (await floor.contact(call)).phase is Phase.WRAPPING
    assert (await ann.command("wrapup:finish", call, outcome=None))["ok"]
    await ann.takes(await floor.arrive())


async def test_ineligible_head_blocks_others(floor: Floor) -> None:
    """asterisk#1561: the most urgent caller asks for what nobody can."""
    heads = [await floor.arrive(requirements={"klingon": 5}, priority=9) for _ in range(3)]
    call = await floor.arrive()
    ann = await floor.agent("ann")
    await ann.takes(call)
    assert [(await floor.contact(head)).phase for head in heads] == [Phase.QUEUED] * 3


async def test_completion_counted_twice(floor: Floor) -> None:
    """asterisk#1736: ended by both sides and closed twice; it is one contact in every figure."""
    ann = await floor.agent("ann")
    chat = await floor.arrive(CHAT)
    await ann.takes(chat)
    await asyncio.gather(ann.command("contact:close", chat), floor.hang_up(chat), ann.command("contact:close", chat))
    await asyncio.gather(*(ann.command("wrapup:finish", chat, outcome=None) for _ in range(3)))
    told = await floor.told(chat)
    assert told[e.ContactEnded] == told[e.ContactClosed] == 1
    await floor.quiet()
    today = floor.hub.today
    figures = today.queues[floor.name]
    assert (figures.offered, figures.answered, figures.abandoned, today.handled[ann.id]) == (1, 1, 0, 1)


async def test_login_herd(floor: Floor) -> None:
    """asterisk#1972: everybody becomes available in the same moment, while five callers wait."""
    agents = [await floor.agent(f"agent{number}", here=False) for number in range(12)]
    calls = [await floor.arrive() for _ in range(5)]
    await asyncio.gather(*(agent.is_now("available") for agent in agents))
    for call in calls:
        await floor.offered(call)
    await floor.quiet()
    assert [(await floor.told(call))[e.ContactOffered] for call in calls] == [1] * 5
    assert sorted(len(agent.has()) for agent in agents) == [0] * 7 + [1] * 5


async def test_stuck_reserved(floor: Floor) -> None:
    """freeswitch#2540: an offer that nobody answers ends, and the next agent gets the call at its age."""
    ann = await floor.agent("ann")
    call = await floor.arrive()
    age = (await floor.contact(call)).queued_at
    await floor.offered(call, ann)
    bob = await floor.agent("bob")
    await bob.takes(call)
    contact = await floor.contact(call)
    assert contact.queued_at == age and contact.last_fence == 2 and (await floor.told(call))[e.OfferMissed] == 1
    assert ann.state == "not_responding" and ann.has() == set()


async def test_zombie_leg_after_abandon(floor: Floor) -> None:
    """freeswitch#2529: the caller gave up while the agent's phone rang; his answer finds nothing, and he is free."""
    ann = await floor.agent("ann")
    call, next_call = await floor.arrive(), await floor.arrive()
    fence = await floor.offered(call, ann)
    await floor.hang_up(call)
    late = await ann.accept(call, fence)
    assert not late["ok"] and late["error"]["code"] in ("offer.gone", "contact.phase")
    await ann.takes(next_call)
    assert ann.has() == {next_call}


async def test_dispatcher_dead_in_silence(tmp_path: Path) -> None:
    """freeswitch#1641: the database is locked by another program when an offer is due; afterwards routing goes on."""
    async with own_hub(tmp_path) as hub:
        floor = await asyncio.to_thread(Floor, hub, "silence")
        ann, bob = await floor.agent("ann"), await floor.agent("bob", here=False)
        call = await floor.arrive()
        await floor.offered(call, ann)
        await bob.is_now("available")
        other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(6)
        assert floor.hub.feed.readers["dispatcher"].failures == 0
        other.execute("ROLLBACK")
        other.close()
        await bob.takes(call)
        await floor.close()


async def test_both_sides_frozen(tmp_path: Path) -> None:
    """freeswitch#1062: the hub goes down with one call offered, one waiting and one in conversation."""
    async with own_hub(tmp_path, routing={"grace_s": 60}) as hub:
        floor = await asyncio.to_thread(Floor, hub, "frozen")
        ann, bob = await floor.agent("ann"), await floor.agent("bob")
        talking = await floor.arrive()
        await ann.takes(talking)
        ringing, waiting = await floor.arrive(), await floor.arrive()
        await floor.offered(ringing, bob)
    async with own_hub(tmp_path, routing={"grace_s": 60}) as hub:
        again = await asyncio.to_thread(Floor, hub, "frozen2")
        back = [await _again(again, agent) for agent in (ann, bob)]
        assert back[0].has() == {talking}
        await back[1].is_now("available")
        await back[1].takes(ringing)
        assert (await again.contact(waiting)).phase is Phase.QUEUED
        assert (await back[0].command("contact:close", talking))["ok"]
        assert (await back[0].command("wrapup:finish", talking, outcome=None))["ok"]
        await back[0].is_now("available")
        await back[0].takes(waiting)
        await again.close()


async def _again(floor: Floor, before: Agent) -> Agent:
    """The same agent at a hub that was started again, with the cookie he has."""
    agent = Agent(floor, before.id, before.signed_in)
    floor.agents.append(agent)
    await agent.client.open()
    return agent


async def test_agent_dialled_twice(floor: Floor) -> None:
    """freeswitch#2901: he has one line, whatever his capacity."""
    ann = await floor.agent("ann", units=1_000, maxima={"voice": 9, "callback": 9})
    call = await floor.arrive()
    await floor.offered(call, ann)
    others = [await floor.arrive(), await floor.arrive(CALLBACK)]
    await floor.quiet()
    assert ann.has() == {call}
    await ann.takes(call)
    await floor.quiet()
    assert ann.has() == {call} and [(await floor.contact(id)).phase for id in others] == [Phase.QUEUED] * 2


async def test_stuck_in_call_for_ever(running: Serving) -> None:
    """OpenSIPS#3123: nobody finishes the wrap-up; it ends by itself, and he is offered the next call."""
    floor = await asyncio.to_thread(lambda: Floor(running, "stuck-in-call", wrap_up_s=1))
    ann = await floor.agent("ann")
    call, next_call = await floor.arrive(), await floor.arrive()
    await ann.takes(call)
    await floor.hang_up(call)
    await floor.reaches(call, Phase.CLOSED)
    await ann.takes(next_call)
    await floor.close()


async def test_stuck_in_call_after_a_restart(tmp_path: Path) -> None:
    """OpenSIPS#3123 again: a colleague who took part is free when it is over, also to a new dispatcher."""
    async with own_hub(tmp_path) as hub:
        floor = await asyncio.to_thread(Floor, hub, "restart")
        ann = await floor.agent("ann")
        chat = await floor.arrive(CHAT)
        await ann.takes(chat)
        bob = await floor.agent("bob")
        assert (await ann.command("contact:invite", chat, agent=bob.id))["ok"]
        assert (await bob.command("contact:join", chat))["ok"]
        await floor.quiet()
        assert floor.hub.routing.load(bob.id)["used"] == 30
        assert (await ann.command("contact:close", chat))["ok"]
        await floor.quiet()
        again = Dispatcher(floor.hub)
        await floor.run(again.start())
        for dispatcher in (floor.hub.routing, again):
            assert [dispatcher.load(agent.id)["used"] for agent in (ann, bob)] == [30, 0]
        await floor.run(again.stop())
        await floor.close()


async def test_wrap_up_released_by_the_wrong_agent(floor: Floor) -> None:
    """freeswitch#2679."""
    ann, bob = await floor.agent("ann"), await floor.agent("bob")
    call = await floor.arrive()
    await ann.takes(call)
    assert (await ann.command("contact:close", call))["ok"]
    refused = await bob.command("wrapup:finish", call, outcome=None)
    assert not refused["ok"] and (await floor.contact(call)).phase is Phase.WRAPPING
    other = await floor.arrive()
    await bob.takes(other)
    await floor.quiet()
    assert ann.has() == {call}


async def test_burst_of_offers_to_one_agent(floor: Floor) -> None:
    """OpenACD#5: ten chats in one moment, before anybody has answered: each agent has his three at most."""
    agents = [await floor.agent(name) for name in ("ann", "bob")]
    chats = await asyncio.gather(*(floor.arrive(CHAT) for _ in range(10)))
    await floor.quiet()
    assert [len(agent.has()) for agent in agents] == [3, 3]
    assert sum([(await floor.contact(chat)).phase is Phase.QUEUED for chat in chats]) == 4


async def test_login_again_during_an_offer(floor: Floor) -> None:
    """OpenACD#6: the offer of the session before is void; the call is offered anew and can be taken."""
    ann = await floor.agent("ann")
    call = await floor.arrive()
    fence = await floor.offered(call, ann)
    await ann.is_now("away")
    await ann.is_now("available")
    async with asyncio.timeout(20):
        while await floor.offered(call, ann) == fence:
            await asyncio.sleep(0.02)
    assert not (await ann.accept(call, fence))["ok"]
    await ann.takes(call)


async def test_logged_out_for_ever_after_no_answer(floor: Floor) -> None:
    """kazoo#6609: who missed a call is asked again as soon as he says that he is there."""
    ann = await floor.agent("ann")
    call = await floor.arrive()
    await floor.offered(call, ann)
    async with asyncio.timeout(20):
        while ann.state != "not_responding":
            await asyncio.sleep(0.05)
    next_call = await floor.arrive()
    await floor.quiet()
    assert ann.has() == set()
    await ann.is_now("available")
    await ann.takes(next_call)


async def test_all_agents_leave_while_callers_wait(floor: Floor) -> None:
    """asterisk#1334: the callers keep their places and are told no made-up time; whoever comes gets the oldest."""
    ann, bob = await floor.agent("ann"), await floor.agent("bob")
    calls = [await floor.arrive() for _ in range(4)]
    await floor.offered(calls[0])
    await floor.offered(calls[1])
    for agent in (ann, bob):
        await agent.is_now("offline")
    for call in calls:
        await floor.reaches(call, Phase.QUEUED)
    await floor.quiet()
    routing = floor.hub.routing
    assert [routing.position(call) for call in calls] == [1, 2, 3, 4]
    assert routing.wait_s(calls[0]) is None and routing.queue_wait_s(floor.name, "voice") is None
    await bob.is_now("available")
    await bob.takes(calls[0])


async def test_offline_agents_still_offered(floor: Floor) -> None:
    """zammad#4970: signed in is not available."""
    agents = [await floor.agent(name, here=False) for name in ("ann", "bob")]
    await agents[0].is_now("available")
    await agents[0].is_now("offline")
    await agents[1].is_now("away")
    chat = await floor.arrive(CHAT)
    await floor.quiet()
    assert (await floor.told(chat))[e.ContactOffered] == 0
    assert [agent.offers for agent in agents] == [[], []]


async def test_pending_state_change_overrides_the_choice(floor: Floor) -> None:
    """flex-project-template#290: the miss of an older moment comes after he went on a break."""
    ann = await floor.agent("ann")
    call = await floor.arrive()
    await floor.offered(call, ann)
    epoch = floor.hub.presence.get(ann.id).epoch
    await ann.is_now("away")
    await floor.run(floor.hub.presence.not_responding(ann.id, epoch))
    await floor.reaches(call, Phase.QUEUED)
    assert ann.state == "away"


async def test_work_done_twice(tmp_path: Path) -> None:
    """bullmq#439, Rocket.Chat#37776: two dispatchers over one store, each sure that it is the only one.

    Offers, misses and ends of wrap-ups are decided twice, and happen once.
    """
    async with own_hub(tmp_path) as hub:
        floor = await asyncio.to_thread(lambda: Floor(hub, "twice", wrap_up_s=1, retry_s=0))
        second = Dispatcher(floor.hub)
        await floor.run(second.start())
        answering = [await floor.agent(f"agent{number}") for number in range(3)]
        silent = await floor.agent("silent")
        contacts = await asyncio.gather(*(floor.arrive(channel) for channel in (CHAT, VOICE) for _ in range(6)))

        async def answer(agent: Agent) -> None:
            seen = 0
            while True:
                while seen < len(agent.offers):
                    contact = agent.offers[seen]
                    seen += 1
                    if (await agent.accept(contact, (await floor.contact(contact)).last_fence))["ok"]:
                        await floor.hang_up(contact)
                await asyncio.sleep(0.02)

        answers = [asyncio.create_task(answer(agent)) for agent in answering]
        for contact in contacts:
            await floor.reaches(contact, Phase.CLOSED)
        for task in answers:
            task.cancel()
        missed = 0
        for contact in contacts:
            events = [recorded.event for recorded in await floor.run(floor.hub.store.log.stream(contact))]
            fences = [event.fence for event in events if isinstance(event, e.ContactOffered)]
            over = [event.fence for event in events if isinstance(event, OVER)]
            missed += sum(isinstance(event, e.OfferMissed) for event in events)
            assert fences == sorted(set(fences)) and over == fences
            for once in (e.OfferAccepted, e.ContactEnded, e.ContactClosed):
                assert sum(isinstance(event, once) for event in events) == 1
        assert missed > 0 and silent.state == "not_responding"
        await floor.run(second.stop())
        await floor.close()
