"""Matrix as a channel: /sync in, encrypted rooms, events with transaction ids out.

Its house rules: the sync token is accepted together with the events it brought, so a crash brings them again. Keys are
stored before that (`matrix_client`). An event whose key is missing is kept, still encrypted, before the token moves on;
it is read when the key comes, and the person is told once. Its weakness: the keys live in the data folder of one
process, so only one process can serve Matrix.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import fcntl
import logging
import random
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, TypeVar
from urllib.parse import quote

from nio import Event as NioEvent
from nio import MegolmEvent, SyncResponse

from bot.channels import matrix_files
from bot.channels.base import Accept, ReadCursor
from bot.channels.matrix_check import check_account
from bot.channels.matrix_client import NETWORK, Allowed, MatrixClient, MatrixError, answered
from bot.channels.matrix_events import Ignored, Place, locked, points_at, read_event, redacted_id
from bot.channels.matrix_login import REFUSED, Account, Login
from bot.channels.matrix_rooms import NEW_ROOMS_A_MINUTE, Rooms
from bot.channels.matrix_send import Offers, Sender
from bot.channels.matrix_state import MatrixState, Waiting
from bot.errors import SendError, SettingsError
from flows.core.delivery import Attachment, Capabilities, Delivery, Receipt
from flows.core.events import ChoiceMade, CommandGiven, Event, MessageReceived, PersonLeft

log = logging.getLogger(__name__)

SYNC_MS = 30_000
TIMELINE_EVENTS = 50
MISSED_EVENTS = 1000
"""How many events of one room are fetched that a sync left out."""

KEY_SECONDS = 10.0
"""How long a key may be late before the person is told."""

LONGEST_WAIT = 30.0
LOGIN_SECONDS = 10.0
LOOKED_UP = 2000

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

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class StaffRoom:
    """Where staff work on Matrix. `devices`: fingerprints of the devices that may read and write there; empty: any."""

    room: str
    layout: Literal["thread", "room"] = "thread"
    devices: Collection[str] = ()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class MatrixChannel:
    """One account on a homeserver. `folder` holds its device's keys; `key` seals what is kept there."""

    name = "matrix"
    can = Capabilities(buttons=False, text_limit=65536)

    def __init__(
        self,
        account: Account,
        *,
        folder: Path,
        key: bytes,
        read_cursor: ReadCursor,
        staff: StaffRoom | None = None,
        choices: Literal["reactions", "numbers", "polls"] = "reactions",
        only_direct: str = "",
        new_rooms_a_minute: int = NEW_ROOMS_A_MINUTE,
        key_seconds: float = KEY_SECONDS,
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        self._state = MatrixState(folder, key)
        self._login = Login(account, self._state, folder)
        self._folder = folder
        self._read_cursor = read_cursor
        self._staff = staff
        self._choices = choices
        self._rooms = Rooms(
            self._state,
            staff_room=staff.room if staff else None,
            layout=staff.layout if staff else "thread",
            only_direct=only_direct,
            new_rooms_a_minute=new_rooms_a_minute,
        )
        self._key_seconds = key_seconds
        self._clock = clock
        self._offers = Offers()
        self._client: MatrixClient | None = None
        self._sender: Sender | None = None
        self._ready = asyncio.Event()
        self._looked_up: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._courtesies: set[asyncio.Task[None]] = set()
        self._started = clock()
        self._new_from = 0.0  # in milliseconds: what is older has been there before this account was ours
        self.ignored: Counter[str] = Counter()  # events that were none of ours, by reason

    # ---- receiving ----

    async def receive(self, accept: Accept) -> None:
        """Receive until cancelled; SettingsError when the homeserver refuses the login at the start."""
        with _only_one(self._folder):
            client = await self._insist(self._begin)
            while True:
                beside = [
                    asyncio.create_task(self._rooms.doorman(client), name="matrix invitations"),
                    asyncio.create_task(self._tell_of_keys(client, accept), name="matrix keys"),
                    asyncio.create_task(self._offers.run(client), name="matrix reactions"),
                ]
                try:
                    await self._listen(client, accept)
                finally:
                    for task in beside:
                        task.cancel()
                    await asyncio.gather(*beside, return_exceptions=True)
                client = await self._insist(self._begin_again)

    async def _begin(self) -> MatrixClient:
        client = await self._login.client()
        try:
            if client.should_upload_keys:
                await client.upload_keys()
            if self._staff is not None:
                await self._enter(client, self._staff.room)
        except BaseException:
            await client.close()
            raise
        self._sender = Sender(
            client, self._state, self._rooms, choices=self._choices, offer=self._offer, allowed=self._allowed()
        )
        self._client = client
        self._ready.set()
        return client

    async def _begin_again(self) -> MatrixClient:
        """After the login was ended elsewhere. The program goes on meanwhile: other channels work."""
        self._ready.clear()
        self._sender, old, self._client = None, self._client, None
        if old is not None:
            await old.close()
        try:
            return await self._begin()
        except SettingsError as error:
            log.error("%s", error)
            raise MatrixError("M_FORBIDDEN") from None

    async def _enter(self, client: MatrixClient, room: str) -> None:
        """Be in the staff room; without an invitation say so and go on."""
        try:
            await client.ask("POST", f"/v3/join/{quote(room, safe='')}", {})
        except MatrixError as error:
            if error.code == "M_LIMIT_EXCEEDED":
                raise
            log.error("the bot is not in LOTSE_MATRIX_STAFF_ROOM (%s); see lotse doctor", error.code)

    async def _listen(self, client: MatrixClient, accept: Accept) -> None:
        """Sync until the login is no longer accepted."""
        name = f"matrix:{client.user_id}"
        since = await self._insist(lambda: self._read_cursor(name))
        # Synapse may answer a first sync from its cache, and bring what is old in the second.
        self._new_from = 0.0 if since else self._started.timestamp() * 1000
        failures = 0
        while True:
            try:
                wait = SYNC_MS if since else 0
                response = answered(await client.sync(wait, FILTER, since, set_presence="offline"))
                events, read = await self._take(client, response, since)
                await accept(events, (name, response.next_batch))
                since, failures = response.next_batch, 0
                for waited in read:
                    self._state.arrived(waited.event)
                await self._follow_up(client, events)
                await client.look_after_keys()
            except MatrixError as error:
                if error.code in REFUSED:
                    log.error("the homeserver no longer accepts the login")
                    return
                failures += 1
                await self._wait(error, failures)
            except Exception as error:  # whatever it is, the token has not moved on: the same events come again
                failures += 1
                await self._wait(error, failures)

    async def _take(
        self, client: MatrixClient, response: SyncResponse, since: str | None
    ) -> tuple[list[Event], list[Waiting]]:
        """The events in a sync, and those that had waited for a key and are among them."""
        events: list[Event] = []
        read = await self._read_waiting(client, events)
        for room in response.rooms.invite:
            self._rooms.invited(room)
        for room, info in response.rooms.join.items():
            new = self._state.room(room) is None and room != self._rooms.staff_room
            place = await self._rooms.place(client, room)
            if place is None:
                self.ignored["crowd"] += 1
                continue
            came = list(info.timeline.events)
            if new and since:
                came = [*info.state, *came]
            elif info.timeline.limited and since and info.timeline.prev_batch:
                came = [*await self._missed(client, room, info.timeline.prev_batch, since), *came]
            for event in came:
                await self._one(client, event, place, events)
        for room, info in response.rooms.leave.items():
            events += self._left(client, room, info.timeline.events, response.next_batch)
        return events, read

    async def _missed(self, client: MatrixClient, room: str, before: str, since: str) -> list[Any]:
        """What a sync left out of one room, oldest first."""
        found: list[Any] = []
        while before and len(found) < MISSED_EVENTS:
            page = answered(await client.room_messages(room, before, since, limit=100))
            found += page.chunk
            before = page.end if page.chunk else ""
        return found[::-1]

    async def _one(self, client: MatrixClient, event: Any, place: Place, events: list[Event]) -> None:
        source: dict[str, Any] = getattr(event, "source", None) or getattr(event, "event_dict", None) or {}
        if self._new_from and _stamp(source) < self._new_from:
            self.ignored["old"] += 1
            return
        if isinstance(event, MegolmEvent):
            if event.sender != client.user_id:
                event.room_id = place.room
                client.request_key(event)
                self._state.wait_for_key(event.event_id, place.room, event.session_id or "", source, self._clock())
            return
        if source.get("type") == "m.room.redaction" and (gone := redacted_id(source)):
            self._state.arrived(gone)
            if place.kind == "staff":
                self._state.thread_gone(gone, self._clock())
        if place.kind != "direct" and not self._trusted(client, event, source):
            self.ignored["device"] += 1
            return
        if self._too_many(client, source, place):
            await self._rooms.turn_away(client, place.room)
            return
        read = await self._translate(client, source, place)
        if isinstance(read, Ignored):
            self.ignored[read.reason] += 1
            return
        events.append(read)
        if place.kind == "direct" and not isinstance(read, PersonLeft):
            self._state.used(place.room)
            relation = source.get("content", {}).get("m.relates_to", {})
            if isinstance(read, MessageReceived | CommandGiven | ChoiceMade):
                in_thread = isinstance(relation, dict) and relation.get("rel_type") == "m.thread"
                self._rooms.threads[place.room] = relation.get("event_id") if in_thread else None

    async def _translate(self, client: MatrixClient, source: dict[str, Any], place: Place) -> Event | Ignored:
        try:
            target = points_at(source, place, client.user_id)
            found = await self._look_up(client, place.room, target) if target else None
            return read_event(source, place, client.user_id, self._clock(), found)
        except (MatrixError, *NETWORK):
            raise
        except Exception as error:  # a bug of ours in one event must not keep all others away
            log.error("an event could not be translated (%s); it is left out", type(error).__name__)
            return Ignored("bug")

    async def _look_up(self, client: MatrixClient, room: str, event: str) -> dict[str, Any]:
        """An event by its id, opened where we can; {} when there is none."""
        if event in self._looked_up:
            return self._looked_up[event]
        try:
            found = await client.ask("GET", f"/v3/rooms/{quote(room, safe='')}/event/{quote(event, safe='')}")
        except MatrixError as error:
            if error.code not in ("M_NOT_FOUND", "M_FORBIDDEN"):
                raise
            found = {}
        if found.get("type") == "m.room.encrypted":
            found = _opened(client, found, room) or found
        self._looked_up[event] = found
        while len(self._looked_up) > LOOKED_UP:
            self._looked_up.popitem(last=False)
        return found

    def _left(self, client: MatrixClient, room: str, timeline: Sequence[Any], batch: str) -> list[Event]:
        """The bot was taken out of a room, or its person has gone."""
        known = self._state.room(room)
        self._state.answered(room)
        if known is None:
            return []
        if known.kind == "case":
            self._state.thread_gone(room, self._clock())
            self._state.forget_room(room)
            return []
        place = Place(room=room, kind="direct", owner=known.owner)
        read = [read_event(e.source, place, client.user_id, self._clock()) for e in timeline if hasattr(e, "source")]
        left: list[Event] = [event for event in read if isinstance(event, PersonLeft)]
        return left[-1:]

    def _too_many(self, client: MatrixClient, source: dict[str, Any], place: Place) -> bool:
        """Whether a third person comes into a chat of two."""
        return (
            place.kind == "direct"
            and source.get("type") == "m.room.member"
            and source.get("state_key") not in (client.user_id, place.owner)
            and source.get("content", {}).get("membership") in ("join", "invite")
        )

    # ---- keys ----

    async def _read_waiting(self, client: MatrixClient, events: list[Event]) -> list[Waiting]:
        """Put in what had waited and can be read now."""
        read = []
        for waiting in self._state.waiting():
            opened = _opened(client, waiting.source, waiting.room)
            if opened is None:
                continue
            place = await self._rooms.place(client, waiting.room)
            if place is not None:
                translated = await self._translate(client, opened, place)
                if isinstance(translated, Ignored):
                    self.ignored[translated.reason] += 1
                else:
                    events.append(translated)
            read.append(waiting)
        return read

    async def _tell_of_keys(self, client: MatrixClient, accept: Accept) -> None:
        """Ask for missing keys again, and tell people once about each; runs until cancelled."""
        while True:
            await asyncio.sleep(min(self._key_seconds, 2.0))
            try:
                now = self._clock()
                for waiting in self._state.waiting():
                    client.request_key(_parsed(waiting.source, waiting.room))
                await client.send_requests()
                for waiting in self._state.waiting():
                    late = (now - waiting.at).total_seconds() >= self._key_seconds
                    if waiting.told or not late or (place := await self._rooms.place(client, waiting.room)) is None:
                        continue
                    said = locked(waiting.source, place, waiting.session, now)
                    if said is not None:
                        await accept([said], None)
                    self._state.told(waiting.session)
                    self.ignored["locked"] += 1
                self._state.tidy(now)
            except Exception as error:
                log.warning("missing keys: %s; trying again", type(error).__name__)
                await asyncio.sleep(LONGEST_WAIT)

    def _allowed(self) -> Allowed | None:
        if self._staff is None or not self._staff.devices:
            return None
        fingerprints = frozenset(self._staff.devices)
        return lambda device: device.ed25519 in fingerprints

    def _trusted(self, client: MatrixClient, event: Any, source: dict[str, Any]) -> bool:
        """Whether a staff message comes from a device that may write there; membership changes say nothing."""
        allowed = self._allowed()
        if allowed is None or "state_key" in source or source.get("sender") == client.user_id:
            return True
        sender_key = getattr(event, "sender_key", None)
        device = client.device_store.device_from_sender_key(source.get("sender"), sender_key) if sender_key else None
        return device is not None and allowed(device)

    # ---- courtesies ----

    async def _follow_up(self, client: MatrixClient, events: Sequence[Event]) -> None:
        """What follows once events are in the inbox: receipts, typing, leaving where the person has left."""
        for event in events:
            room = self._state.direct_room(event.source.peer)
            if room is None:
                continue
            if isinstance(event, PersonLeft):
                with contextlib.suppress(*NETWORK):
                    await self._rooms.leave(client, room)
            elif isinstance(event, MessageReceived | ChoiceMade | CommandGiven) and len(self._courtesies) < 100:
                task = asyncio.create_task(_read_and_typing(client, room, event.id.partition(":")[2]))
                self._courtesies.add(task)
                task.add_done_callback(self._courtesies.discard)

    # ---- sending ----

    def _offer(self, room: str, event: str, n: int) -> None:
        if self._choices == "reactions":
            self._offers.add(room, event, n)

    async def send(self, delivery: Delivery, files: Sequence[tuple[str, bytes]] = ()) -> Receipt:
        """Deliver one message, in as many events as it takes; SendError says whether it is worth another try."""
        await self._logged_in()
        assert self._sender is not None
        return await self._sender.send(delivery, files)

    async def fetch(self, attachment: Attachment) -> bytes:
        """The bytes of a file, at most 20 MB; SendError with reason "too-big" beyond that."""
        await self._logged_in()
        assert self._client is not None
        return await matrix_files.fetch(self._client, attachment)

    async def _logged_in(self) -> None:
        """Wait a little for the login at the start; SendError when it does not come."""
        try:
            async with asyncio.timeout(LOGIN_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise SendError(retryable=True, reason="not-logged-in") from None

    # ---- house-keeping ----

    async def check(self) -> Sequence[tuple[str, bool, str]]:
        """For `lotse doctor`: (what was looked at, whether it is fine, what to do)."""
        return await check_account(self._login.account, self._state.session(), self._folder, self._staff)

    async def logout(self) -> None:
        """End the login for good: the next start is a new device."""
        await self._login.logout()

    async def close(self) -> None:
        """Let go of connections and files."""
        for task in list(self._courtesies):
            task.cancel()
        await asyncio.gather(*self._courtesies, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client.store.database.close()
        self._client = self._sender = None
        self._ready.clear()
        self._state.close()

    async def _insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until it succeeds, or until settings turn out to be wrong."""
        failures = 0
        while True:
            try:
                return await attempt()
            except SettingsError:
                raise
            except Exception as error:
                failures += 1
                await self._wait(error, failures)

    async def _wait(self, error: Exception, failures: int) -> None:
        """Wait before the next try, longer each time."""
        longest = min(2.0 ** (failures - 2), LONGEST_WAIT)
        seconds = random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, hides nothing
        if isinstance(error, MatrixError) and error.retry_after:
            seconds = max(seconds, error.retry_after)
        what = error.code if isinstance(error, MatrixError) else type(error).__name__
        log.warning("receiving from Matrix failed (%s); trying again in %.1f s", what, seconds)
        await asyncio.sleep(seconds)


def _stamp(source: dict[str, Any]) -> float:
    stamp = source.get("origin_server_ts")
    return stamp if isinstance(stamp, int) else 0.0


def _parsed(source: dict[str, Any], room: str) -> MegolmEvent:
    event = NioEvent.parse_encrypted_event(source)
    event.room_id = room
    return event


def _opened(client: MatrixClient, source: dict[str, Any], room: str) -> dict[str, Any] | None:
    """An encrypted event as it was written; None without its key."""
    event = _parsed(source, room)
    if not isinstance(event, MegolmEvent) or not client.has_key(event):
        return None
    opened = client.olm._decrypt_megolm_no_error(event, room)
    found: dict[str, Any] | None = getattr(opened, "source", None)
    return found


async def _read_and_typing(client: MatrixClient, room: str, event: str) -> None:
    """Show that a message was read and an answer is coming; when it fails nothing is lost."""
    of, me = f"/v3/rooms/{quote(room, safe='')}", quote(client.user_id, safe="")
    with contextlib.suppress(MatrixError, *NETWORK):
        await client.ask("PUT", f"{of}/typing/{me}", {"typing": True, "timeout": 4000})
        await client.ask("POST", f"{of}/receipt/m.read/{quote(event, safe='')}", {})


@contextlib.contextmanager
def _only_one(folder: Path) -> Any:
    """Hold the folder of keys; SettingsError when another process does."""
    file: IO[str] = open(folder / "lock", "w")  # noqa: SIM115 - held open as long as the lock is
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise SettingsError(
            f"another process uses the Matrix keys in {folder}; only one lotse run can serve Matrix"
        ) from None
    try:
        yield
    finally:
        file.close()
