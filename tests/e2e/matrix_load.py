"""Many people at once on Matrix, and a bot that is killed while they write; run by hand.

    python tests/e2e/matrix_load.py people 200      all write at once in encrypted rooms
    python tests/e2e/matrix_load.py kills 10        ten people write while the bot is killed so often

Each starts a Synapse of its own on loopback and says at the end what was lost (nothing) and what it took.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "matrix")]

from homeserver import Homeserver  # noqa: E402
from matrix_program import Program, all_answered, ask, meet  # noqa: E402
from people import Person  # noqa: E402

AT_ONCE = 10
"""So many come in at the same time; then all write at once."""


async def enter_all(server: Homeserver, program: Program, n: int) -> list[Person]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(i: int) -> Person:
        async with gate:
            person = await Person.enter(server, f"load{i}")
            await meet(program, person)
            return person

    return list(await asyncio.gather(*(one(i) for i in range(n))))


async def people(server: Homeserver, program: Program, n: int) -> None:
    program.start()
    await program.ready()
    empty = program.memory()
    begun = time.monotonic()
    everybody = await enter_all(server, program, n)
    print(f"{n} people came in and chose a language in {time.monotonic() - begun:.0f} s; {program.seconds():.1f} s CPU")
    before = [len(p.heard()) for p in everybody]
    begun, cpu = time.monotonic(), program.seconds()
    await ask(everybody, 1, 0)
    written = time.monotonic() - begun
    await all_answered(everybody, before, 1, 600)
    took = time.monotonic() - begun - 1.5
    print(f"all {n} wrote within {written:.1f} s, were answered after {took:.1f} s, none twice, all could be read")
    print(f"bot: {program.seconds() - cpu:.1f} s CPU, {empty:.0f} MB empty, {program.memory():.0f} MB at the end")
    for person in everybody:
        await person.leave()


async def kills(server: Homeserver, program: Program, n: int) -> None:
    program.start()
    await program.ready()
    everybody = await enter_all(server, program, 10)
    before = [len(p.heard()) for p in everybody]
    rounds = 4 * n
    asking = asyncio.create_task(ask(everybody, rounds, 0.5))
    for i in range(n):
        await asyncio.sleep(0.3 + 0.17 * (i % 7))
        program.kill()
        program.start()
        await program.ready(i + 2)
    await asking
    await all_answered(everybody, before, rounds, 600)
    print(f"{n} times killed while 10 people wrote {rounds} messages each: nothing lost, nothing twice, all readable")
    for person in everybody:
        await person.leave()


async def main(what: str, n: int) -> None:
    warnings.simplefilter("ignore", DeprecationWarning)
    logging.getLogger("mau").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="lotse-matrix-") as folder:
        server = Homeserver(Path(folder) / "homeserver")
        server.start()
        server.register("lotse")
        program = Program(server, Path(folder) / "bot", "lotse")
        try:
            await (people if what == "people" else kills)(server, program, n)
        except BaseException:
            print(program.log[-2000:])
            raise
        finally:
            program.stop()
            server.stop()


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("people", "kills"):
        raise SystemExit(__doc__)
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
