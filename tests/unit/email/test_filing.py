"""Mails that cannot be put away in their mailbox: how long that is tried, and what is said of it."""

from itertools import pairwise

from channels.email.filing import (
    FIRST_RETRY_MS,
    LONGEST_RETRY_MS,
    MOST_WAITING,
    TRIES,
    Filed,
    anew,
    due_at,
    problem,
    refused,
    well,
)
from hub.mails import FolderProgress

FULL = Filed("Mails are read, but cannot be moved to Done. The server refuses: full", "full")
START = FolderProgress("support", "INBOX", 1, newest=9)


def test_it_is_tried_for_about_five_days_and_then_left() -> None:
    now, state, times = 0, refused(START, [8, 9], FULL, 0), list[int]()
    while state.waiting:
        now = state.retry_at
        times.append(now)
        state = refused(state, (), FULL, now, again=True)
    assert len(times) == TRIES
    assert times[0] == FIRST_RETRY_MS
    assert all(0 < b - a <= LONGEST_RETRY_MS for a, b in pairwise(times))
    assert 4 * 24 * 3600_000 < times[-1] < 7 * 24 * 3600_000
    assert (state.left, state.newest, due_at([state])) == (2, 9, None)
    assert problem([START, state]) == f"{FULL.why} (2 left where they are)"
    # What comes later is tried for itself, and what is in order again is not complained of.
    later = refused(state, [10], FULL, now)
    assert (later.waiting, later.retry_at) == ((10,), now + FIRST_RETRY_MS)
    assert problem([later]) == f"{FULL.why} (1 to be tried again, 2 left where they are)"
    assert problem([well(later, [10])]) == ""


def test_more_mails_do_not_put_off_the_next_try() -> None:
    state = refused(refused(START, [8], FULL, 0), [9], FULL, 1000)
    assert (state.waiting, state.tries, due_at([START, state])) == ((8, 9), 0, FIRST_RETRY_MS)
    state = refused(state, (), FULL, FIRST_RETRY_MS, again=True)
    assert state.retry_at > 2 * FIRST_RETRY_MS
    # A start, or another setting, begins anew.
    assert (anew(state, 5).retry_at, anew(state, 5).tries) == (5, 0)
    assert anew(START, 5) == START


def test_what_waits_is_bounded_and_what_was_copied_is_not_copied_again() -> None:
    state = refused(START, range(MOST_WAITING + 5), FULL, 0)
    assert (len(state.waiting), state.left) == (MOST_WAITING, 5)
    copied = Filed("Copied.", "copied", again=False)
    assert refused(START, [8], copied, 0).waiting == ()
    again = refused(refused(START, [8], FULL, 0), (), copied, 1, again=True)
    assert (again.waiting, again.left) == ((), 1)
