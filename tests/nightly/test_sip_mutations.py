"""100,000 seeded mutations of the torture messages of RFC 4475: none is a crash, and nothing stays behind."""

import gc
import tracemalloc

import pytest

from channels.voice.sip.message import parse
from tests.unit.sip.corpus import judge_mutations, torture


@pytest.mark.parametrize("seed", range(10))
def test_mutations_are_taken_or_refused(seed: int) -> None:
    judge_mutations(500, seed + 1_000)  # whatever is loaded or cached by now is no growth
    gc.collect()
    tracemalloc.start()
    try:
        assert judge_mutations(200, seed)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()
    assert judge_mutations(9_800, seed + 100)
    assert parse(torture()["wsinv"]).headers.count("Via") == 3
