"""Telegram's limits, with a clock of our own: never more than allowed in any window, nobody held up by another."""

from __future__ import annotations

import random
from collections import deque

import pytest

from bot.channels.pace import Pace

GROUP = "-100777"


def send_all(pace: Pace, wanted: list[str], until: float) -> list[tuple[float, str]]:
    """Send in the order wanted, whatever is not held first, looking every 10 ms; when each went."""
    waiting, sent, now = deque(wanted), [], 0.0
    while waiting and now < until:
        everything, peers = pace.held(now)
        for peer in [] if everything else [p for p in dict.fromkeys(waiting) if p not in peers]:
            if pace.take(peer, now):
                waiting.remove(peer)
                sent.append((now, peer))
        now += 0.01
    return sent


def busiest(times: list[float], seconds: float) -> int:
    """The most that fell into any span of that length."""
    return max(sum(1 for t in times if start <= t < start + seconds - 1e-6) for start in times)


def test_at_no_moment_is_more_sent_than_telegram_allows() -> None:
    choose = random.Random(7)
    wanted = [choose.choice([GROUP, *(str(n) for n in range(80))]) for _ in range(400)]
    sent = send_all(Pace(), wanted, until=120.0)
    assert len(sent) > 300
    assert busiest([at for at, _ in sent], 1.0) == 30
    assert busiest([at for at, peer in sent if peer == GROUP], 60.0) <= 20
    for person in {peer for _, peer in sent}:
        assert busiest([at for at, peer in sent if peer == person], 1.0) == 1


def test_a_full_group_holds_up_nobody_else() -> None:
    pace = Pace()
    for n in range(20):
        assert pace.take(GROUP, float(n))
    assert pace.wait(GROUP, 20.0) == pytest.approx(40.0)
    assert pace.held(20.0) == (False, frozenset({GROUP}))
    assert pace.take("1", 20.0)
    assert pace.take(GROUP, 60.0)


def test_a_chat_that_wants_silence_gets_it_and_no_other_does() -> None:
    pace = Pace()
    pace.silence("1", 30.0)
    assert not pace.take("1", 29.9)
    assert pace.take("2", 29.9)
    assert pace.next_change(29.95) == pytest.approx(0.05)
    assert pace.take("1", 30.0)


def test_what_is_remembered_does_not_grow_with_the_people_written_to() -> None:
    pace, now = Pace(), 0.0
    for n in range(3000):
        pace.take(str(n), now)
        now += 0.05
    assert len(pace._to) <= 30


def test_a_group_is_crowded_when_half_of_its_minute_is_used() -> None:
    pace = Pace()
    for n in range(9):
        pace.take(GROUP, float(n))
    assert not pace.is_crowded(GROUP, 9.0)
    pace.take(GROUP, 9.0)
    assert pace.is_crowded(GROUP, 10.0)
    assert not pace.is_crowded(GROUP, 69.5)
    assert not pace.is_crowded("1", 10.0)
