"""The routing engine in a world of faults: 20,000 steps in `make test`, a million in `make nightly`.

`STEPS=5000 SEED=7 pytest tests/nightly` runs another length, from another seed; a failure names its seed and step.
"""

import os
import random

import pytest

from hub import commands as c
from routing import inputs as i
from routing.specs import OverflowReason
from tests.unit.routing.faults import World

STEPS = int(os.environ.get("STEPS", "20000"))
SEED = int(os.environ.get("SEED", "1"))
SETTLE_EVERY = 400
LIFE = 10_000
"""A world lasts so many steps; then the clock has to empty it, and the next one begins."""


@pytest.mark.timeout(0)  # a million steps take half an hour
@pytest.mark.parametrize("by_hand", [True, False], ids=["everything", "nobody-has-too-much"])
def test_any_faults_leave_the_engine_with_what_the_log_holds(by_hand: bool, capsys: pytest.CaptureFixture[str]) -> None:
    left, seed, totals = STEPS // 2, SEED, dict[str, int]()
    while left > 0:
        world, steps = World(seed, by_hand=by_hand), min(LIFE, left)
        for number in range(steps):
            try:
                world.step()
                if number % SETTLE_EVERY == SETTLE_EVERY - 1:
                    world.answer_all()
            except Exception as error:
                raise AssertionError(f"SEED={seed} by_hand={by_hand}: step {number}: {error}") from error
        world.finish()
        for name, count in world.done.items():
            totals[name] = totals.get(name, 0) + count
        left, seed = left - steps, random.Random(seed).getrandbits(32)
    # A world in which something never happens would prove nothing of it.
    faults = ["deliver_again", "decision lost", "offer refused", "set_clock", "kill", "queue removed", "agent removed"]
    ways = [f"overflow: {kind.__name__}" for kind in (c.Move, c.ChangeChannel, c.End)]
    decisions = [kind.__name__ for kind in (i.Offer, i.ExpireOffer, i.MarkNotResponding, i.EndWrapUp, i.SkillsRelaxed)]
    # Where nobody ever has too much, nothing is taken back for want of room.
    reasons = [reason for reason in i.RescindReason if by_hand or reason is not i.RescindReason.NO_ROOM]
    decisions += [f"{i.Rescind.__name__} {reason}" for reason in reasons]
    decisions += [f"{i.Overflow.__name__} {reason}" for reason in OverflowReason]
    people = ["walk_in", "agent_accepts", "auto-accept", "transfer", "move", "change_channel"]
    people += ["upgrade", "dial"] if by_hand else []
    never = [name for name in (*faults, *ways, *decisions, *people) if not totals.get(name)]
    assert STEPS < 2 * LIFE or not never, f"SEED={SEED} by_hand={by_hand}: it never happened: {never}"
    with capsys.disabled():
        print(f"\n{STEPS // 2:,} steps: " + ", ".join(f"{name} {count:,}" for name, count in sorted(totals.items())))
