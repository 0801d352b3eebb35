"""What the log means to the engine, where one event is more than one thing."""

from __future__ import annotations

from hub import commands as c
from hub.machine import apply, decide, evolve
from hub.model import Channel, Contact
from routing import inputs as i
from routing.translation import contact_inputs
from tests.unit.routing.desk import START, Desk, pairs


def served() -> Contact:
    contact = Contact("ct_1")
    for command in (
        c.Create(Channel.CHAT, "demo", "cu_1"),
        c.Enqueue("support", {}),
        c.MakeOffer("ann", 1, START + 20_000, 1),
        c.Accept("ann", 1),
    ):
        contact = apply(contact, decide(contact, command, START), START)
    return contact


def test_a_chat_that_goes_on_by_voice_gives_nobody_a_turn_in_between() -> None:
    before = served()
    (event,) = decide(before, c.Upgrade(Channel.VOICE), START)
    after = evolve(before, event, START)
    desk = Desk()
    desk.come("ann", capacity=100)
    desk.do(i.Assigned("ct_1", "ann", "chat", "support", START))
    desk.do(i.Assigned("other", "ann", "chat", "support", START))
    desk.do(i.Assigned("third", "ann", "chat", "support", START))
    desk.arrive("waiting")
    offers = [pair for told in contact_inputs(event, before, after) for pair in pairs(desk.do(told))]
    assert offers == []
    assert desk.agents["ann"].contacts["ct_1"].channel == "voice"
