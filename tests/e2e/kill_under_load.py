"""`kill -9` at random under load, as often as wanted: by hand, because it takes minutes.

`python tests/e2e/kill_under_load.py sqlite|postgresql [TIMES] [PEOPLE]` prints a line for each kill and a sum: what was
lost, what was handled twice, what arrived twice, and at most how much may have.
"""

# ruff: noqa: E402
from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE.parent / "channels"), str(HERE)]

from bot_api import BotApi, Person
from program import IN_FLIGHT, Program, handled
from stores import fresh_url

WRITTEN = ("/start v1_de___", "Sperrmüll", "/language", "/privacy", "danke", "/help", "Sperrmüll", "/privacy")


async def main(kind: str, times: int, people_count: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="lotse-kills-"))
    url = await fresh_url(kind, folder)
    api = BotApi()
    await api.start()
    api.delay = 0.02
    program = Program(folder, url, api)
    people = [api.person() for _ in range(people_count)]
    written: dict[int, int] = Counter()
    choose = random.Random()

    async def write_for(seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            person = choose.choice(people)
            person.writes(WRITTEN[written[person.id] % len(WRITTEN)])
            written[person.id] += 1
            await asyncio.sleep(0.004)

    for n in range(times):
        await program.start()
        before = len(api.sent)
        for person in people:  # so many conversations are in flight
            person.writes(WRITTEN[written[person.id] % len(WRITTEN)])
            written[person.id] += 1
        await program.until(lambda before=before: len(api.sent) > before, "it answers")
        await write_for(choose.uniform(0.05, 1.5))
        await program.kill()
        print(f"kill {n + 1}: {len(api.sent)} sent, {len(api.updates)} not confirmed", flush=True)
    await program.start()
    await program.until(lambda: not api.updates, "all is confirmed")
    expected = await _expected(program, api.person(), max(written.values()))
    await _quiet(api)
    assert await program.stop() == 0
    lost = doubled = 0
    for person in people:
        wanted, got = expected[: written[person.id]], Counter(person.texts)
        due = Counter(text for texts in wanted for text in texts)
        lost += (due - got).total()
        doubled += (got - due).total()
    versions = await handled(url, people)
    twice = sum(version != written[person.id] for version, person in zip(versions, people, strict=True))
    print(
        f"{kind}: {times} kills, {len(people)} people, {sum(written.values())} messages, {len(api.sent)} sent; "
        f"answers lost: {lost}; conversations not handled exactly once: {twice}; arrived twice: {doubled} "
        f"(at most {times * IN_FLIGHT})"
    )
    await api.stop()
    return int(bool(lost or twice or doubled > times * IN_FLIGHT))


async def _expected(program: Program, control: Person, messages: int) -> list[list[str]]:
    """What the answers to each message are, seen from somebody whom nothing interrupts."""
    answers: list[list[str]] = []
    for n in range(messages):
        before = len(control.texts)
        control.writes(WRITTEN[n % len(WRITTEN)])
        await program.until(lambda before=before: len(control.texts) > before, "the control is answered")
        await asyncio.sleep(0.4)
        answers.append(control.texts[before:])
    return answers


async def _quiet(api: BotApi) -> None:
    sent = -1
    while sent != len(api.sent):
        sent = len(api.sent)
        await asyncio.sleep(3.0)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], int((sys.argv[2:] or ["10"])[0]), int((sys.argv[3:] or ["100"])[0]))))
