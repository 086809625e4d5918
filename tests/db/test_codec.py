"""Sealing and hashing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.codec import HANDED, Codec, SealError

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


@given(st.binary(max_size=400), st.text(max_size=40))
def test_what_is_sealed_opens_again_and_does_not_stand_there_in_plain(value: bytes, record: str) -> None:
    sealed = Codec(KEY).seal(record, value)
    assert Codec(KEY).open(record, sealed) == value
    assert len(value) < 8 or value not in sealed


def test_texts_and_json_come_back_as_they_were() -> None:
    codec = Codec(KEY)
    assert codec.open_text("a", codec.seal("a", "أين؟")) == "أين؟"
    assert codec.open_json("a", codec.seal("a", {"x": [1, None, "ü"]})) == {"x": [1, None, "ü"]}


def test_a_number_too_big_for_the_fast_writer_is_written_all_the_same() -> None:
    codec = Codec(KEY)
    assert float(codec.open_json("a", codec.seal("a", {"size": 10**30}))["size"]) == 1e30


def test_what_was_sealed_is_handed_over_once_and_only_for_the_same_bytes_of_the_same_record() -> None:
    codec, whole = Codec(KEY), object()
    sealed = codec.seal("a", "x", whole)
    changed = bytes([*sealed[:-1], sealed[-1] ^ 1])
    assert codec.handed_over("b", sealed) is codec.handed_over("a", changed) is None
    assert [codec.handed_over("a", sealed), codec.handed_over("a", sealed)] == [whole, None]


def test_only_the_latest_things_sealed_are_kept_in_mind() -> None:
    codec = Codec(KEY)
    sealed = [codec.seal("a", "x", n) for n in range(HANDED + 1)]
    assert codec.handed_over("a", sealed[0]) is None
    assert codec.handed_over("a", sealed[1]) == 1
    codec.let_go()
    assert codec.handed_over("a", sealed[2]) is None


def test_the_same_value_is_sealed_differently_each_time() -> None:
    codec = Codec(KEY)
    assert codec.seal("a", "x") != codec.seal("a", "x")


@given(st.integers(min_value=0, max_value=31), st.integers(min_value=1, max_value=255))
def test_a_value_with_one_byte_changed_does_not_open(position: int, change: int) -> None:
    sealed = bytearray(Codec(KEY).seal("a", b""))
    assert len(sealed) == 32
    sealed[position] ^= change
    with pytest.raises(SealError):
        Codec(KEY).open("a", bytes(sealed))


def test_a_value_does_not_open_for_another_record_another_key_or_cut_short() -> None:
    sealed = Codec(KEY).seal("inbox:1", "x")
    with pytest.raises(SealError, match="another record"):
        Codec(KEY).open("inbox:2", sealed)
    with pytest.raises(SealError, match="another key"):
        Codec(OTHER_KEY).open("inbox:1", sealed)
    for length in range(len(sealed)):
        with pytest.raises(SealError):
            Codec(KEY).open("inbox:1", sealed[:length])


def test_a_hash_depends_on_key_purpose_and_every_value() -> None:
    codec = Codec(KEY)
    assert codec.digest("a", "telegram", "1") == Codec(KEY).digest("a", "telegram", "1")
    others = {
        Codec(OTHER_KEY).digest("a", "telegram", "1"),
        codec.digest("b", "telegram", "1"),
        codec.digest("a", "telegram", "2"),
        codec.digest("a", "telegram1"),
        codec.digest("a", "telegra", "m1"),
    }
    assert len(others | {codec.digest("a", "telegram", "1")}) == 6


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Codec(b"x" * length)
