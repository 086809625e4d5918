"""Which room is what, and coming and going: invited to a chat of two the bot joins, from other rooms it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any, Literal
from urllib.parse import quote

from bot.channels.matrix_client import MatrixClient
from bot.channels.matrix_events import Place
from bot.channels.matrix_requests import NETWORK, MatrixError
from bot.channels.matrix_state import MatrixState

log = logging.getLogger(__name__)

NEW_ROOMS_A_MINUTE = 20
CASE = "lotse.case"
"""The state event by which a room that belongs to one case is known again."""

_REFUSED = ("M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN", "M_BAD_STATE", "M_UNSUPPORTED_ROOM_VERSION")


class Rooms:
    """The rooms one login is in.

    `only_direct`: what is said in a room of more than two. `staff_room`: its id, or the id of the space in which every
    case has a room of its own.
    """

    def __init__(
        self,
        state: MatrixState,
        *,
        staff_room: str | None,
        layout: Literal["thread", "room"],
        only_direct: str,
        new_rooms_a_minute: int = NEW_ROOMS_A_MINUTE,
    ) -> None:
        self._state = state
        self.staff_room = staff_room
        self.layout = layout
        self._only_direct = only_direct
        self._limit = new_rooms_a_minute
        self._joined: deque[float] = deque()
        self._knock = asyncio.Event()
        self._making = asyncio.Lock()
        self.threads: dict[str, str | None] = {}  # of a direct chat: the thread the person wrote in last

    # ---- what a room is ----

    async def place(self, client: MatrixClient, room: str) -> Place | None:
        """What this room is; None when the bot has no business there, and has left it."""
        if room == self.staff_room:
            return Place(room=room, kind="staff", desk=room)
        known = self._state.room(room)
        if known is None:
            async with self._making:  # a sync may bring a room before the answer says that it was made
                known = self._state.room(room)
        if known is None:
            return await self._look(client, room)
        if known.kind == "case":
            return Place(room=room, kind="case", desk=self.staff_room or "")
        return Place(room=room, kind="direct", owner=known.owner)

    async def _look(self, client: MatrixClient, room: str) -> Place | None:
        if self.layout == "room" and await self._is_case(client, room):
            self._state.keep_room(room, "case")
            return Place(room=room, kind="case", desk=self.staff_room or "")
        try:
            others = set(await client.members(room)) - {client.user_id}
        except MatrixError as error:
            if error.code in ("M_FORBIDDEN", "M_NOT_FOUND"):  # put out again before we looked
                return None
            raise
        if len(others) != 1:
            await self.turn_away(client, room, say=bool(others))
            return None
        (owner,) = others
        self._state.keep_room(room, "direct", owner)
        return Place(room=room, kind="direct", owner=owner)

    async def _is_case(self, client: MatrixClient, room: str) -> bool:
        """Whether the bot made it for a case: a state event that only who has the most rights can set."""
        try:
            made = await client.ask("GET", f"/v3/rooms/{quote(room, safe='')}/state/{CASE}/")
        except MatrixError as error:
            if error.code in ("M_NOT_FOUND", "M_FORBIDDEN"):
                return False
            raise
        return made.get("by") == self._state.derived(f"case room by {client.user_id}")

    async def turn_away(self, client: MatrixClient, room: str, say: bool = True) -> None:
        """Say that the bot talks with one person only, and leave."""
        if say:
            content = {"msgtype": "m.notice", "body": self._only_direct}
            try:
                await client.put(room, "m.room.message", content, self._state.derived(f"away {room}")[:32])
            except Exception as error:  # to leave is what matters
                log.warning("a room could not be told why the bot leaves (%s)", type(error).__name__)
        await self.leave(client, room)

    async def leave(self, client: MatrixClient, room: str) -> None:
        """Leave a room and forget it, there and here."""
        for what in ("leave", "forget"):
            with contextlib.suppress(MatrixError):
                await client.ask("POST", f"/v3/rooms/{quote(room, safe='')}/{what}", {})
        known = self._state.room(room)
        self._state.forget_room(room)
        self.threads.pop(room, None)
        gone = known.owner if known and not self._state.direct_room(known.owner) else None
        client.forget(room, gone)

    # ---- invitations ----

    def invited(self, room: str) -> None:
        """An invitation has come; it is answered by `doorman`."""
        self._state.invited(room)
        self._knock.set()

    async def doorman(self, client: MatrixClient) -> None:
        """Answer invitations, at most twenty new rooms a minute; runs until cancelled."""
        failures = 0
        while True:
            self._knock.clear()
            for room in self._state.invites():
                await self._slow_down()
                try:
                    await client.ask("POST", f"/v3/join/{quote(room, safe='')}", {})
                    failures = 0
                except MatrixError as error:
                    if error.code not in _REFUSED:
                        failures += 1
                        await asyncio.sleep(error.retry_after or min(2.0**failures, 30.0))
                        break
                except NETWORK:
                    failures += 1
                    await asyncio.sleep(min(2.0**failures, 30.0))
                    break
                self._state.answered(room)
            else:
                await self._knock.wait()

    async def _slow_down(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._joined and now - self._joined[0] >= 60:
            self._joined.popleft()
        if len(self._joined) >= self._limit:
            await asyncio.sleep(60 - (now - self._joined[0]))
            self._joined.popleft()
        self._joined.append(asyncio.get_running_loop().time())

    # ---- rooms of cases ----

    async def case_room(self, client: MatrixClient, ticket: int, title: str) -> str:
        """The room of a case in the staff space, made when there is none; everybody in the space is invited."""
        async with self._making:
            return await self._made_room(client, ticket, title)

    async def _made_room(self, client: MatrixClient, ticket: int, title: str) -> str:
        assert self.staff_room is not None
        times = self._state.times_gone(ticket)
        alias = f"lotse-{self._state.derived(f'case {ticket} {times}')[:20]}"
        server = client.user_id.partition(":")[2]
        try:
            members = await client.members(self.staff_room)
            made = await client.ask("POST", "/v3/createRoom", self._case_room(alias, title, server, members, client))
            room = str(made["room_id"])
        except MatrixError as error:
            if error.code != "M_ROOM_IN_USE":  # made before a crash: it has that name
                raise
            found = await client.ask("GET", f"/v3/directory/room/{quote(f'#{alias}:{server}', safe='')}")
            room = str(found["room_id"])
        self._state.keep_room(room, "case")
        child = f"/v3/rooms/{quote(self.staff_room, safe='')}/state/m.space.child/{quote(room, safe='')}"
        with contextlib.suppress(MatrixError):  # without the right the room is there all the same; doctor says so
            await client.ask("PUT", child, {"via": [server]})
        return room

    def _case_room(
        self, alias: str, title: str, server: str, members: dict[str, str], client: MatrixClient
    ) -> dict[str, Any]:
        parent = {"type": "m.space.parent", "state_key": self.staff_room, "content": {"via": [server]}}
        return {
            "name": title,
            "room_alias_name": alias,
            "preset": "private_chat",
            "invite": [user for user in members if user != client.user_id],
            "initial_state": [
                {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
                {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "invited"}},
                {
                    "type": CASE,
                    "state_key": "",
                    "content": {"by": self._state.derived(f"case room by {client.user_id}")},
                },
                parent,
            ],
        }
