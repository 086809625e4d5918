"""How fast a vendor lets us write: so much over all chats, in one chat, in a group; and who wants silence.

A window slides: at no moment has more been sent in the seconds before than it allows. What has to wait stays in the
outbox; here only the last sends are remembered, so that a queue of any length costs no memory. Time is handed in.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """So many sends in so many seconds."""

    sends: int
    seconds: float


class Pace:
    """Whether something may be sent now. The defaults are Telegram's."""

    def __init__(
        self,
        *,
        over_all: Window = Window(30, 1.0),
        in_chat: Window = Window(1, 1.0),
        in_group: Window = Window(20, 60.0),
        is_group: Callable[[str], bool] = lambda peer: peer.startswith("-"),
    ) -> None:
        self._over_all, self._in_chat, self._in_group, self._is_group = over_all, in_chat, in_group, is_group
        self._sent: deque[float] = deque()  # to anybody, within the window
        self._to: OrderedDict[str, deque[float]] = OrderedDict()  # by chat, whoever was written to last at the end
        self._silent: dict[str, float] = {}  # chats that want silence, until when

    def wait(self, peer: str, now: float) -> float:
        """Seconds until something may be sent there; 0 for now."""
        self._forget(now)
        free = _free(self._sent, self._over_all, now)
        to = self._to.get(peer)
        if to is not None:
            free = max(free, *(_free(to, window, now) for window in self._windows(peer)))
        return max(free, self._silent.get(peer, now), now) - now

    def take(self, peer: str, now: float) -> bool:
        """Send there now, if that may be."""
        if self.wait(peer, now) > 0:
            return False
        self.count(peer, now)
        return True

    def count(self, peer: str, now: float) -> None:
        """Something is sent there now, whether it may be or not."""
        self._sent.append(now)
        self._to.setdefault(peer, deque()).append(now)
        self._to.move_to_end(peer)

    def silence(self, peer: str, until: float) -> None:
        """The vendor wants nothing to be sent there until then."""
        self._silent[peer] = max(until, self._silent.get(peer, until))

    def held(self, now: float) -> tuple[bool, frozenset[str]]:
        """Whether nothing at all may be sent, and the chats to which nothing may."""
        self._forget(now)
        everything = _free(self._sent, self._over_all, now) > now
        return everything, frozenset(peer for peer in {*self._to, *self._silent} if self.wait(peer, now) > 0)

    def next_change(self, now: float) -> float | None:
        """Seconds until less is held than now; None when nothing is."""
        everything, peers = self.held(now)
        if everything:
            return _free(self._sent, self._over_all, now) - now
        return min((self.wait(peer, now) for peer in peers), default=None)

    def is_crowded(self, peer: str, now: float) -> bool:
        """Whether half of what a group may get has been sent there: posts that can be one should be."""
        self._forget(now)
        return self._is_group(peer) and 2 * len(self._to.get(peer, ())) >= self._in_group.sends

    def _windows(self, peer: str) -> tuple[Window, ...]:
        return (self._in_chat, self._in_group) if self._is_group(peer) else (self._in_chat,)

    def _forget(self, now: float) -> None:
        """Let go of what no window looks back on."""
        while self._sent and self._sent[0] <= now - self._over_all.seconds:
            self._sent.popleft()
        for peer in [peer for peer, until in self._silent.items() if until <= now]:
            del self._silent[peer]
        longest = max(self._in_chat.seconds, self._in_group.seconds)
        for peer in list(self._to):
            seconds = longest if self._is_group(peer) else self._in_chat.seconds
            sent = self._to[peer]
            while sent and sent[0] <= now - seconds:
                sent.popleft()
            if not sent:
                del self._to[peer]


def _free(sent: deque[float], window: Window, now: float) -> float:
    """When the window lets one more through."""
    if len(sent) < window.sends or window.sends <= 0:
        return now
    return sent[-window.sends] + window.seconds
