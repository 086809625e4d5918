"""Every await of our own code as a point at which a program can be made to die.

A tracer watches the coroutines of `bot`, `db` and `flows` opcode by opcode. An await has up to four points: before it,
when it lets go of the loop, when it is taken up again, and after it; one that need not wait has the first and the
last. They are found in the bytecode, so that `async with` and `async for` have theirs as well. Of coroutines that wait
for each other, only the innermost lets go and goes on: for the others it is the same moment.
"""

from __future__ import annotations

import dis
import inspect
import os
import signal
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
OURS = tuple(f"{ROOT / package}{os.sep}" for package in ("bot", "db", "flows"))
WAITS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def is_ours(code: CodeType) -> bool:
    """Whether it is a coroutine of our own code."""
    return bool(code.co_flags & WAITS) and code.co_filename.startswith(OURS)


@cache
def points_of(code: CodeType) -> dict[int, str]:
    """The points among the instructions of a coroutine: names by offset."""
    path = Path(code.co_filename).relative_to(ROOT)
    found: dict[int, str] = {}
    waiting, end, line, name = 0, -1, 0, ""
    before = None
    for instruction in dis.get_instructions(code):
        line = instruction.starts_line or line
        match instruction.opname:
            case "GET_AWAITABLE" | "GET_ANEXT":
                waiting += 1
                name = f"{path}:{line} ({code.co_qualname}, await {waiting})"
                found[instruction.offset] = f"{name} before"
            case "SEND":
                end = int(instruction.argval)
                found[end] = f"{name} after"
            case "YIELD_VALUE" if instruction.offset < end:  # not one with which a generator gives something out
                found[instruction.offset] = f"{name} lets go"
            case "RESUME" if before == "YIELD_VALUE" and instruction.offset < end:
                found[instruction.offset] = f"{name} goes on"
        before = instruction.opname
    return found


class Points:
    """Counts the points that are passed; at the one that is meant, by number or by name, the program is gone.

    `told` is called with the name of the point just before.
    """

    def __init__(self, meant: int | str | None, told: Callable[[str], None]) -> None:
        self.meant, self._told = meant, told
        self.passed: list[str] = []
        self._watching = False
        self._letting_go = False  # the last point was an inner coroutine's
        self._innermost: set[int] = set()  # frames that let go themselves

    def watch(self) -> None:
        """From now on points count, in whatever is called or taken up again."""
        self._watching = True
        sys.settrace(self._called)

    def rest(self) -> None:
        """From now on they do not."""
        self._watching = False
        sys.settrace(None)

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not is_ours(frame.f_code):
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        self._look(frame)
        return self._traced

    def _traced(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            self._look(frame)
        return self._traced

    def _look(self, frame: FrameType) -> None:
        name = points_of(frame.f_code).get(frame.f_lasti)
        if name is None or not self._watching:
            return
        if name.endswith("lets go"):
            outer, self._letting_go = self._letting_go, True
            if outer:
                return
            self._innermost.add(id(frame))
        else:
            self._letting_go = False
            if name.endswith("goes on"):
                if id(frame) not in self._innermost:
                    return
                self._innermost.remove(id(frame))
        self.passed.append(name)
        if self.meant in (len(self.passed), name):
            self._told(name)
            os.kill(os.getpid(), signal.SIGKILL)
