"""Encrypted files: any part can be read, a cut-off end is survived, and no change goes unnoticed."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.sealed import CHUNK, HEAD, SLOT, SealedReader, SealedWriter, Unreadable, is_sealed

KEY = bytes(range(32))


def seal(path: Path, data: bytes, head: bytes = b"", step: int = 1000) -> bytes:
    writer = SealedWriter(path.open("wb"), KEY)
    for at in range(0, len(data), step):
        writer.write(data[at : at + step])
    writer.close(head)
    return head + data[len(head) :]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4 * CHUNK), st.integers(0, 5 * CHUNK), st.integers(0, 3 * CHUNK), st.integers(1, 3 * CHUNK))
def test_any_part_is_read(tmp_path: Path, size: int, offset: int, length: int, step: int) -> None:
    data = seal(tmp_path / "f", os.urandom(size), step=step)
    with SealedReader(tmp_path / "f", KEY) as reader:
        assert (reader.size, reader.complete) == (size, True)
        assert reader.read_at(offset, length) == data[offset : offset + length]


@pytest.mark.parametrize("size", [100, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_head_is_replaced(tmp_path: Path, size: int) -> None:
    data = seal(tmp_path / "f", os.urandom(size), head=b"RIFF" * 15)
    with SealedReader(tmp_path / "f", KEY) as reader:
        assert reader.read_at(0, size) == data


@pytest.mark.parametrize("cut", [0, 1, SLOT - 1, SLOT, SLOT + 5, 2 * SLOT])
def test_cut_file_is_read_up_to_its_last_whole_chunk(tmp_path: Path, cut: int) -> None:
    data = seal(tmp_path / "f", os.urandom(3 * CHUNK + 7))
    sealed = (tmp_path / "f").read_bytes()[: HEAD + cut]
    (tmp_path / "f").write_bytes(sealed)
    with SealedReader(tmp_path / "f", KEY) as reader:
        assert not reader.complete
        assert reader.size == cut // SLOT * CHUNK
        assert reader.read_at(0, 10 * CHUNK) == data[: reader.size]


def test_plain_text_does_not_show(tmp_path: Path) -> None:
    seal(tmp_path / "f", b"card number " * 2000)
    assert b"card" not in (tmp_path / "f").read_bytes()
    assert is_sealed(tmp_path / "f")


def swapped(sealed: bytes) -> bytes:
    return (
        sealed[:HEAD] + sealed[HEAD + SLOT : HEAD + 2 * SLOT] + sealed[HEAD : HEAD + SLOT] + sealed[HEAD + 2 * SLOT :]
    )


def flipped(sealed: bytes) -> bytes:
    return sealed[: HEAD + 30] + bytes([sealed[HEAD + 30] ^ 1]) + sealed[HEAD + 31 :]


def dropped(sealed: bytes) -> bytes:
    return sealed[:HEAD] + sealed[HEAD + SLOT :]


@pytest.mark.parametrize("change", [swapped, flipped, dropped])
def test_changes_are_noticed(tmp_path: Path, change: object) -> None:
    assert callable(change)
    seal(tmp_path / "f", os.urandom(3 * CHUNK))
    (tmp_path / "f").write_bytes(change((tmp_path / "f").read_bytes()))
    with pytest.raises(Unreadable), SealedReader(tmp_path / "f", KEY) as reader:
        reader.read_at(0, 3 * CHUNK)


def test_another_key_is_refused(tmp_path: Path) -> None:
    seal(tmp_path / "f", os.urandom(2 * CHUNK))
    with pytest.raises(Unreadable):
        SealedReader(tmp_path / "f", bytes(32))


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(Unreadable):
        SealedReader(tmp_path / "f", KEY)
