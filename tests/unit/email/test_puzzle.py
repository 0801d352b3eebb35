"""Puzzles of the e-mail form: signed, solved by work and by nothing else, harder under load."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from channels.email import puzzle
from channels.email.puzzle import EASY, HARD, LOAD_MS, USUAL, Load, Puzzle

SECRET = b"a secret of the tests' own, 32 b"


def work(made: Puzzle) -> int:
    counter = 0
    while not puzzle.solved(made, counter):
        counter += 1
    return counter


def test_a_puzzle_is_solved_by_work_and_by_no_other_counter() -> None:
    made = Puzzle("00112233445566778899aabbccddeeff", "demo", 1, 12)
    counter = work(made)
    digest = bin(int.from_bytes(sha256(f"{made.nonce}.{counter}".encode()).digest()) | 1 << 256)[3:]
    assert digest.startswith("0" * 12)
    assert counter > 0 and not puzzle.solved(made, counter - 1)
    other = puzzle.make("demo", 1, 24)
    assert not puzzle.solved(other, counter)
    assert not puzzle.solved(made, -1) and not puzzle.solved(made, 2**53)


def test_tickets_are_ours_and_say_what_we_said() -> None:
    made = puzzle.make("demo", 1_800_000_000_000, 17)
    ticket = puzzle.seal(made, SECRET)
    assert puzzle.opened(ticket, SECRET) == made
    assert puzzle.opened(ticket, b"another secret") is None
    assert len({puzzle.make("demo", 1, 15).nonce for _ in range(100)}) == 100
    # A dot follows it where it stands beside its solution.
    assert "." not in ticket and len(ticket) < 400


@given(st.text(max_size=200))
def test_no_other_text_is_a_ticket(text: str) -> None:
    assert puzzle.opened(text, SECRET) is None


@given(at=st.integers(0, 200), letter=st.sampled_from("AZaz09-_"))
def test_a_changed_ticket_is_none_of_ours(at: int, letter: str) -> None:
    ticket = puzzle.seal(Puzzle("0" * 32, "demo", 5, 15), SECRET)
    at %= len(ticket) - 1  # the last letter has bits that say nothing
    changed = ticket[:at] + letter + ticket[at + 1 :]
    assert puzzle.opened(changed, SECRET) == (puzzle.opened(ticket, SECRET) if changed == ticket else None)


def test_it_grows_harder_with_load_up_to_a_bound_and_easy_again() -> None:
    load = Load()
    assert load.bits(0) == EASY
    hardness = []
    for _ in range(USUAL * 100):
        load.came(1000)
        hardness.append(load.bits(1000))
    assert hardness == sorted(hardness) and set(hardness) == set(range(EASY, HARD + 1))
    assert hardness[USUAL - 2] == EASY and hardness[USUAL - 1] == EASY + 1 and hardness[USUAL * 2 - 1] == EASY + 2
    assert load.bits(1000 + LOAD_MS) == EASY
