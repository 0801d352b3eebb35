"""Frames on their way from a page to its viewers, over lines that lose, double and hold up what they carry."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict

import pytest

from channels.cobrowse import relay as r
from channels.cobrowse.relay import Frame, Relay
from hub.errors import InvalidInput, TooLarge


def frame(epoch: int, seq: int, body: bytes = b"x", part: int = 0, parts: int = 1) -> Frame:
    return Frame(epoch, seq, "increment" if seq else "snapshot", part, parts, "json", body)


def numbers(sent: list[tuple[str, Frame]]) -> list[tuple[str, int, int]]:
    return [(viewer, frame.epoch, frame.seq) for viewer, frame in sent]


def test_who_comes_late_is_sent_the_snapshot_and_what_followed() -> None:
    relay = Relay()
    assert relay.join("a") == []
    assert numbers(relay.take(frame(1, 0))) == [("a", 1, 0)]
    assert numbers(relay.take(frame(1, 1))) == [("a", 1, 1)]
    assert numbers(relay.join("b")) == [("b", 1, 0), ("b", 1, 1)]
    assert numbers(relay.take(frame(1, 2))) == [("a", 1, 2), ("b", 1, 2)]
    relay.leave("a")
    assert numbers(relay.take(frame(1, 3))) == [("b", 1, 3)]


def test_a_gap_is_answered_by_a_new_snapshot_and_by_nothing_else() -> None:
    relay = Relay()
    assert not relay.wants_snapshot(0), "nobody watches"
    relay.join("a")
    assert relay.wants_snapshot(0)
    relay.take(frame(1, 0))
    assert relay.take(frame(1, 2)) == []
    assert relay.take(frame(1, 1)) == [], "after a gap nothing of this epoch is worth anything"
    assert not relay.wants_snapshot(1_999), "at most once in two seconds"
    assert relay.wants_snapshot(2_000)
    assert relay.take(frame(1, 0)) == []
    assert numbers(relay.take(frame(2, 0))) == [("a", 2, 0)]
    assert not relay.wants_snapshot(9_000)


def test_what_comes_twice_or_late_is_nothing() -> None:
    relay = Relay()
    relay.join("a")
    relay.take(frame(2, 0))
    relay.take(frame(2, 1))
    for late in (frame(2, 0), frame(2, 1), frame(1, 5)):
        assert relay.take(late) == []
    assert numbers(relay.take(frame(2, 2))) == [("a", 2, 2)]
    assert relay.dropped == 3


def test_the_middle_of_an_epoch_is_not_its_beginning() -> None:
    relay = Relay()
    relay.join("a")
    assert relay.take(frame(1, 3)) == []
    assert relay.take(frame(1, 0)) == []
    assert relay.wants_snapshot(0)


def test_a_viewer_who_does_not_keep_up_is_left_out_until_the_next_snapshot() -> None:
    relay = Relay()
    relay.join("slow")
    relay.join("quick")
    relay.take(frame(1, 0))
    for viewer in ("slow", "quick"):
        relay.ack(viewer, 1, 0)
    got: dict[str, int] = defaultdict(int)
    for seq in range(1, 200):
        for viewer, _ in relay.take(frame(1, seq)):
            got[viewer] += 1
        relay.ack("quick", 1, seq)
    assert got == {"slow": r.WINDOW_FRAMES, "quick": 199}
    assert relay.wants_snapshot(0)
    assert numbers(relay.take(frame(2, 0))) == [("slow", 2, 0), ("quick", 2, 0)]


def test_an_acknowledgement_of_what_was_not_sent_opens_no_window() -> None:
    relay = Relay()
    relay.join("a")
    relay.take(frame(1, 0))
    relay.ack("a", 1, 10**9)
    relay.ack("a", 7, 1)
    relay.ack("nobody", 1, 1)
    assert sum(len(relay.take(frame(1, seq))) for seq in range(1, 200)) == r.WINDOW_FRAMES


def test_a_snapshot_in_parts() -> None:
    relay = Relay()
    relay.join("a")
    for part in range(3):
        assert len(relay.take(frame(1, 0, part=part, parts=3))) == 1
    assert len(relay.take(frame(1, 1))) == 1
    relay.take(frame(2, 0, part=0, parts=3))
    assert relay.take(frame(2, 0, part=2, parts=3)) == []
    assert relay.wants_snapshot(0)


@pytest.mark.parametrize(
    "wrong",
    [
        frame(0, 0),
        frame(1, -1),
        frame(1, 0, part=1, parts=1),
        frame(1, 0, part=-1),
        frame(1, 0, parts=10_000),
        Frame(1, 0, "increment", 0, 1, "json", b""),
        Frame(1, 1, "snapshot", 0, 1, "json", b""),
    ],
)
def test_frames_that_no_page_sends(wrong: Frame) -> None:
    with pytest.raises(InvalidInput):
        Relay().take(wrong)


def test_too_much() -> None:
    with pytest.raises(TooLarge):
        Relay().take(frame(1, 0, bytes(r.LARGEST_PART + 1)))


def test_memory_has_bounds_however_much_comes() -> None:
    relay = Relay()
    relay.join("a")
    relay.take(frame(1, 0))
    body = bytes(r.LARGEST_PART)
    for seq in range(1, 50):
        relay.take(frame(1, seq, body))
        assert relay.kept_bytes <= r.LARGEST_TAIL + r.LARGEST_PART
    assert relay.wants_snapshot(0)


@pytest.mark.parametrize("seed", range(40))
def test_viewers_see_whole_epochs_whatever_the_lines_do(seed: int) -> None:
    """A page, a line that loses, doubles and reorders, viewers that come, go and dawdle: at the end all have it all."""
    chance = random.Random(seed)
    relay = Relay()
    epoch = seq = now = 0
    line: list[Frame] = []
    seen: dict[str, list[tuple[int, int]]] = {}

    def send(frame: Frame) -> None:
        for _ in range(chance.choice([0, 1, 1, 1, 1, 1, 1, 1, 1, 2])):
            line.insert(max(0, len(line) - chance.choice([0, 0, 0, 0, 0, 1, 3])), frame)

    def show(sent: list[tuple[str, Frame]]) -> None:
        for viewer, got in sent:
            seen[viewer].append((got.epoch, got.seq))

    def step() -> None:
        nonlocal epoch, seq, now
        now += chance.randrange(200)
        if relay.wants_snapshot(now):
            epoch, seq = epoch + 1, 0
            send(frame(epoch, 0))
        elif epoch:
            seq += 1
            send(frame(epoch, seq))
        viewer = chance.choice("abc")
        match chance.randrange(12):
            case 0:
                seen[viewer] = []
                show(relay.join(viewer))
            case 1:
                relay.leave(viewer)
                seen.pop(viewer, None)
            case 2 if viewer in seen:
                relay.missing(viewer)
        for watching in seen:
            if seen[watching] and chance.random() < 0.9:
                show(relay.ack(watching, *seen[watching][-1]))
        while line and chance.random() < 0.8:
            show(relay.take(line.pop(0)))

    for _ in range(600):
        step()
    for viewer in "abc":
        seen[viewer] = []
        show(relay.join(viewer))
    # The lines are quiet: one snapshot more and a few changes reach everybody.
    line.clear()
    now += 10_000
    relay.missing("a")
    assert relay.wants_snapshot(now)
    for number in range(5):
        show(relay.take(frame(epoch + 1, number)))
    for viewer, got in seen.items():
        for before, after in itertools.pairwise(got):
            assert after == (before[0], before[1] + 1) or (after[0] > before[0] and after[1] == 0), (
                viewer,
                before,
                after,
            )
        assert got[-5:] == [(epoch + 1, number) for number in range(5)]
