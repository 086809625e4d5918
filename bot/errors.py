"""What can go wrong, told apart by what the catcher has to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class LotseError(Exception):
    """Something expected went wrong; its text is a sentence for the person who runs Lotse.

    Catch it at the outermost place, print it to stderr without a traceback and exit 1.
    """


class SettingsError(LotseError):
    """A setting is missing or cannot be used; the sentence names the variable.

    Refuse to start and exit 2: trying again with the same settings gives the same error.
    """


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One thing wrong in the content, the translations or the flows, with the place to mend it."""

    path: Path
    line: int  # from 1; 0 where the whole file or folder is meant
    severity: Literal["error", "warning"]
    sentence: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else f"{self.path}"
        return f"{place}: {self.severity}: {self.sentence}"


class ContentError(LotseError):
    """The knowledge or the translations are broken; `problems` holds every error, in order of path and line.

    Refuse to start, print all of them and exit 2: an editor mends the files, trying again helps nothing.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SendError(LotseError):
    """A delivery did not arrive; raised by channels only, caught by the outbox only.

    With `retryable` try again, not before `retry_after` seconds where the vendor named them. Otherwise give
    the delivery up for `reason`, and the desk hears of it. With `thread_gone` the case's thread was deleted:
    forget it and open it again. With `moved_to` the recipient has another id now: use that one.
    With `thread` the case has a thread already, made before this failed.
    """

    def __init__(
        self,
        retryable: bool,
        retry_after: float | None = None,
        reason: str = "",
        *,
        thread_gone: bool = False,
        moved_to: str | None = None,
        thread: str | None = None,
    ) -> None:
        self.retryable = retryable
        self.retry_after = retry_after  # seconds
        self.reason = reason  # without content, token or address: it is logged
        self.thread_gone = thread_gone
        self.moved_to = moved_to
        self.thread = thread
        super().__init__(reason or ("try again" if retryable else "given up"))
