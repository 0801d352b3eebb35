"""The process that classifies, as the hub drives it, and what becomes of it where it is missing."""

from __future__ import annotations

import os
import signal

import pytest

pytest.importorskip("sklearn", reason="needs the extra contacthub[classifier]")

from channels.email.classifier import GUESS_S, LEARN_S, _Process, answered, sample_text
from channels.email.classifier_messages import Guess, Guessed, Learn, Learned, Sample
from hub.errors import Unavailable
from hub.model import Contact


async def test_a_process_learns_guesses_and_is_replaced_when_it_dies() -> None:
    samples = [Sample("billing", "the invoice is wrong"), Sample("support", "my screen is broken")] * 30
    process = _Process()
    try:
        assert (await process.ask(Guess("invoice"), Guessed, LEARN_S)).queues == []
        learned = await process.ask(Learn(samples), Learned, LEARN_S)
        assert (learned.problem, learned.mails, learned.accuracy) == ("", 60, 1.0)
        best = (await process.ask(Guess("your INVOICE"), Guessed, LEARN_S)).queues[0]
        assert best.queue == "billing" and best.confidence > 0.5 and "invoice" in best.words
        running = process._process
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        with pytest.raises(Unavailable):
            await process.ask(Guess("invoice"), Guessed, LEARN_S)
        assert (await process.ask(Guess("invoice"), Guessed, LEARN_S)).queues == []
    finally:
        await process.stop()
    await process.stop()
    assert GUESS_S < LEARN_S


def test_what_is_learned_from() -> None:
    taken = Contact("ct_1", handled_by=("us_1",), last_agent_at=5)
    assert answered(taken)
    assert not answered(Contact("ct_1", handled_by=("us_1",)))
    assert not answered(Contact("ct_1", last_agent_at=5))
    assert sample_text("Help", "x" * 5000) == "Help\n" + "x" * 3995
