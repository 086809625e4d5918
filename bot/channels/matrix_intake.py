"""From a sync to events: what came in each room, what was missed, and what had waited for its key."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from nio import MegolmEvent, SyncResponse

from bot.channels.base import Accept
from bot.channels.matrix_client import Allowed, MatrixClient
from bot.channels.matrix_events import Ignored, Place, locked, points_at, read_event, redacted_id
from bot.channels.matrix_requests import NETWORK, MatrixError, answered
from bot.channels.matrix_rooms import Rooms
from bot.channels.matrix_state import MatrixState, Waiting
from flows.core.events import ChoiceMade, CommandGiven, Event, MessageReceived, PersonLeft

log = logging.getLogger(__name__)

TIMELINE_EVENTS = 50
MISSED_EVENTS = 1000
"""How many events of one room are fetched that a sync left out."""

LOOKED_UP = 2000
PAUSE = 30.0

_ROOM_EVENTS = ["m.room.encrypted", "m.room.message", "m.room.member", "m.room.redaction", "m.room.encryption",
                "m.sticker", "m.reaction", "m.poll.*", "org.matrix.msc3381.poll.*", "m.call.invite"]  # fmt: skip
FILTER: dict[str, Any] = {
    "presence": {"not_types": ["*"]},
    "account_data": {"not_types": ["*"]},
    "room": {
        "timeline": {"limit": TIMELINE_EVENTS, "types": _ROOM_EVENTS, "lazy_load_members": True},
        "state": {"types": ["m.room.member", "m.room.encryption"], "lazy_load_members": True},
        "ephemeral": {"not_types": ["*"]},
        "account_data": {"not_types": ["*"]},
    },
}


@dataclass
class Taken:
    """What a sync came to: events with their rooms, and those that had waited and are among them."""

    events: list[tuple[str, Event]] = field(default_factory=list)
    read: list[Waiting] = field(default_factory=list)


class Intake:
    """Reads syncs of one login. `new_from`: in milliseconds; older events were there before the account was ours."""

    def __init__(
        self,
        client: MatrixClient,
        state: MatrixState,
        rooms: Rooms,
        *,
        allowed: Allowed | None,
        clock: Callable[[], dt.datetime],
        ignored: Counter[str],
    ) -> None:
        self._client = client
        self._state = state
        self._rooms = rooms
        self._allowed = allowed
        self._clock = clock
        self._ignored = ignored
        self._looked_up: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.new_from = 0.0

    async def take(self, response: SyncResponse, since: str | None) -> Taken:
        """The events in a sync. It may be called again with the same: nothing it keeps is kept twice."""
        taken = Taken()
        await self._read_waiting(taken)
        for room in response.rooms.invite:
            self._rooms.invited(room)
        for room, info in response.rooms.join.items():
            new = self._state.room(room) is None and room != self._rooms.staff_room
            place = await self._rooms.place(self._client, room)
            if place is None:
                self._ignored["crowd"] += 1
                continue
            came = list(info.timeline.events)
            if new and since:
                came = [*info.state, *self._from_invitation(came)]
            elif info.timeline.limited and since and info.timeline.prev_batch:
                came = [*await self._missed(room, info.timeline.prev_batch, since), *came]
            for event in came:
                await self._one(event, place, taken)
        for room, info in response.rooms.leave.items():
            self._out(room, info.timeline.events, taken)
        return taken

    def _from_invitation(self, came: list[Any]) -> list[Any]:
        """What was said in a new room since the bot was invited; what was there before was not said to it."""
        for i in range(len(came) - 1, -1, -1):
            source = getattr(came[i], "source", {})
            mine = source.get("type") == "m.room.member" and source.get("state_key") == self._client.user_id
            if mine and source.get("content", {}).get("membership") == "invite":
                return came[i:]
        return came

    async def _missed(self, room: str, before: str, since: str) -> list[Any]:
        """What a sync left out of one room, oldest first."""
        found: list[Any] = []
        while before and len(found) < MISSED_EVENTS:
            page = answered(await self._client.room_messages(room, before, since, limit=100))
            found += page.chunk
            before = page.end if page.chunk else ""
        return found[::-1]

    async def _one(self, event: Any, place: Place, taken: Taken) -> None:
        source: dict[str, Any] = getattr(event, "source", None) or getattr(event, "event_dict", None) or {}
        if self.new_from and _stamp(source) < self.new_from:
            self._ignored["old"] += 1
        elif isinstance(event, MegolmEvent):
            self._wait_for_key(event, place, source)
        elif place.kind == "direct" and self._third(source, place):
            await self._rooms.turn_away(self._client, place.room)
        else:
            self._note_redaction(source, place)
            await self._keep(event, source, place, taken)

    async def _keep(self, event: Any, source: dict[str, Any], place: Place, taken: Taken) -> None:
        """Put an event in, if it is one."""
        if place.kind != "direct" and not await self._trusted(event, source, place):
            self._ignored["device"] += 1
            return
        read = await self._translate(source, place)
        if isinstance(read, Ignored):
            self._ignored[read.reason] += 1
            return
        if place.kind == "direct":
            if isinstance(read, PersonLeft) and self._state.has_other_room(place.owner, place.room):
                await self._rooms.leave(self._client, place.room)
                return
            self._follow(read, source, place)
        taken.events.append((place.room, read))

    def _follow(self, read: Event, source: dict[str, Any], place: Place) -> None:
        """Answers go to the room and the thread in which the person wrote last."""
        if isinstance(read, MessageReceived | CommandGiven | ChoiceMade):
            self._state.used(place.room)
            relation = source.get("content", {}).get("m.relates_to", {})
            in_thread = isinstance(relation, dict) and relation.get("rel_type") == "m.thread"
            self._rooms.threads[place.room] = relation.get("event_id") if in_thread else None

    def _note_redaction(self, source: dict[str, Any], place: Place) -> None:
        if source.get("type") == "m.room.redaction" and (gone := redacted_id(source)):
            self._state.arrived(gone)
            if place.kind == "staff":
                self._state.thread_gone(gone, self._clock())

    def _third(self, source: dict[str, Any], place: Place) -> bool:
        """Whether a third person comes into a chat of two."""
        return (
            source.get("type") == "m.room.member"
            and source.get("state_key") not in (self._client.user_id, place.owner)
            and source.get("content", {}).get("membership") in ("join", "invite")
        )

    def _out(self, room: str, timeline: list[Any], taken: Taken) -> None:
        """The bot was taken out of a room."""
        known = self._state.room(room)
        self._state.answered(room)
        if known is None:
            return
        if known.kind == "case":
            self._state.thread_gone(room, self._clock())
            self._state.forget_room(room)
            return
        if self._state.has_other_room(known.owner, room):
            return
        place = Place(room=room, kind="direct", owner=known.owner)
        for event in timeline:
            read = read_event(getattr(event, "source", {}), place, self._client.user_id, self._clock())
            if isinstance(read, PersonLeft):
                taken.events.append((room, read))

    async def _translate(self, source: dict[str, Any], place: Place) -> Event | Ignored:
        try:
            target = points_at(source, place, self._client.user_id)
            found = await self._look_up(place.room, target) if target else None
            return read_event(source, place, self._client.user_id, self._clock(), found)
        except (MatrixError, *NETWORK):
            raise
        except Exception as error:  # a bug of ours in one event must not keep all others away
            log.error("an event could not be translated (%s); it is left out", type(error).__name__)
            return Ignored("bug")

    async def _look_up(self, room: str, event: str) -> dict[str, Any]:
        """An event by its id, opened where we can; {} when there is none."""
        if event in self._looked_up:
            return self._looked_up[event]
        try:
            found = await self._client.ask("GET", f"/v3/rooms/{quote(room, safe='')}/event/{quote(event, safe='')}")
        except MatrixError as error:
            if error.code not in ("M_NOT_FOUND", "M_FORBIDDEN"):
                raise
            found = {}
        if found.get("type") == "m.room.encrypted":
            opened = self._client.opened(found, room)
            found = opened.source if opened is not None else found
        self._looked_up[event] = found
        while len(self._looked_up) > LOOKED_UP:
            self._looked_up.popitem(last=False)
        return found

    async def _trusted(self, event: Any, source: dict[str, Any], place: Place) -> bool:
        """Whether a staff message is the member's own: what came in plain text or from an unknown device is not.

        Membership changes say nothing and are not encrypted.
        """
        client, sender = self._client, source.get("sender")
        if (
            "state_key" in source
            or sender == client.user_id
            or source.get("type") in ("m.reaction", "m.room.redaction")
        ):
            return True
        if not (await client.known_room(place.room)).encrypted:
            return self._allowed is None
        sender_key = getattr(event, "sender_key", None)
        if not sender_key:
            return False
        device = client.device_store.device_from_sender_key(sender, sender_key)
        if device is None:
            client.olm.add_changed_users({sender})
            await client.query_keys()
            device = client.device_store.device_from_sender_key(sender, sender_key)
        return device is not None and (self._allowed is None or self._allowed(device))

    # ---- keys that come late ----

    def _wait_for_key(self, event: MegolmEvent, place: Place, source: dict[str, Any]) -> None:
        if event.sender != self._client.user_id:
            event.room_id = place.room
            self._client.request_key(event)
            self._state.wait_for_key(event.event_id, place.room, event.session_id or "", source, self._clock())

    async def _read_waiting(self, taken: Taken) -> None:
        """Put in what had waited and can be read now."""
        for waiting in self._state.waiting():
            opened = self._client.opened(waiting.source, waiting.room)
            if opened is None:
                continue
            place = await self._rooms.place(self._client, waiting.room)
            if place is not None:
                await self._keep(opened, opened.source, place, taken)
            taken.read.append(waiting)

    async def tell_of_keys(self, accept: Accept, late: float) -> None:
        """Ask for missing keys again, and tell people once about each that is late; runs until cancelled."""
        while True:
            await asyncio.sleep(min(late, 2.0))
            try:
                now = self._clock()
                waiting = self._state.waiting()
                for one in waiting:
                    self._client.request_key(self._client.parsed(one.source, one.room))
                await self._client.send_requests()
                for one in waiting:
                    if not one.told and (now - one.at).total_seconds() >= late:
                        await self._tell(one, accept, now)
                self._state.tidy(now)
            except Exception as error:
                log.warning("missing keys: %s; trying again", type(error).__name__)
                await asyncio.sleep(PAUSE)

    async def _tell(self, waiting: Waiting, accept: Accept, now: dt.datetime) -> None:
        place = await self._rooms.place(self._client, waiting.room)
        said = locked(waiting.source, place, waiting.session, now) if place is not None else None
        if said is not None:
            await accept([said], None)
        self._state.told(waiting.session)
        self._ignored["locked"] += 1


def _stamp(source: dict[str, Any]) -> float:
    stamp = source.get("origin_server_ts")
    return stamp if isinstance(stamp, int) else 0.0
