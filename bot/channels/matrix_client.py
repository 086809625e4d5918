"""The nio client as this channel needs it: nothing is retried in silence, and no key is lost by a crash.

Three things nio does are done otherwise here, because each of them loses messages without a word:
- One-time keys are saved before they are uploaded; a crash between the two would leave people keys that open nothing.
- What one sync brings is stored in one transaction: a session that has moved on without the key it delivered would be
  a message nobody can read.
- Room keys are shared by `share`, which fails when a request fails; nio counts the session as shared all the same.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from nio import Event as NioEvent
from nio import KeysUploadResponse, MatrixRoom, MegolmEvent, Response, SyncResponse, ToDeviceMessage
from nio.api import Api
from nio.crypto import OlmDevice
from nio.store import (
    DeviceKeys,
    DeviceTrustState,
    EncryptedRooms,
    Keys,
    MegolmInboundSessions,
    OutgoingKeyRequests,
)

from bot.channels.matrix_requests import MatrixError, Requests, answered

log = logging.getLogger(__name__)

TO_DEVICE_AT_ONCE = 20
ASK_AGAIN_SECONDS = 300

Allowed = Callable[[OlmDevice], bool]


class MatrixClient(Requests):
    """One login of the bot, with its keys."""

    def __init__(
        self, homeserver: str, user: str = "", device: str = "", *, folder: str = "", file: str = "", key: str = ""
    ) -> None:
        super().__init__(homeserver, user, device, folder=folder, file=file, key=key)
        self._sharing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._querying = asyncio.Lock()
        self._requesting = asyncio.Lock()
        self._asked: dict[str, float] = {}

    # ---- what a sync brings ----

    async def receive_response(self, response: Response) -> None:
        """Take in a response; all a sync brings is stored at once."""
        if not isinstance(response, SyncResponse) or self.store is None:
            await super().receive_response(response)
            return
        self.next_batch = ""  # the same sync taken in again must be decrypted again
        with self.store.database.atomic():
            await super().receive_response(response)
        # nio looks only at rooms it has met since the start.
        self.olm.add_changed_users(set(response.device_list.changed) & self.olm.tracked_users)
        self.olm.key_request_from_untrusted.clear()  # nobody answers them; they would only pile up

    def _handle_decrypt_to_device(self, event: Any) -> Any:
        return _unharmed(super()._handle_decrypt_to_device, event)

    def _handle_timeline_event(self, event: Any, *rest: Any) -> Any:
        return _unharmed(super()._handle_timeline_event, event, *rest)

    async def look_after_keys(self) -> None:
        """What must follow each sync: send what waits, keep enough one-time keys there, learn of new devices."""
        await self.send_requests()
        if self.should_upload_keys:
            await self.upload_keys()
        await self.query_keys()
        if self.olm.wedged_devices or self.olm.key_request_devices_no_session:
            answered(await self.keys_claim(self.get_users_for_key_claiming()))

    async def send_requests(self) -> None:
        """Send what waits for other devices: requests for keys, and new sessions where one is broken."""
        async with self._requesting:
            for sent in await self.send_to_device_messages():
                answered(sent)

    async def upload_keys(self) -> None:
        """Have enough one-time keys on the homeserver."""
        keys = self.olm.share_keys()
        self.olm.save_account()
        method, path, data = Api.keys_upload(self.access_token, keys)
        answered(await self._send(KeysUploadResponse, method, path, data))

    async def query_keys(self) -> None:
        """Learn the devices of everybody who is not known or has changed them."""
        async with self._querying:
            if not self.should_query_keys:
                return
            asked = set(self.users_for_key_query)
            answered(await self.keys_query())
            # Nobody is asked for again and again whose homeserver does not answer.
            self.olm.users_for_key_query -= asked

    # ---- keys that are missing ----

    def parsed(self, source: dict[str, Any], room: str) -> Any:
        """An encrypted event from its JSON."""
        event = NioEvent.parse_encrypted_event(source)
        event.room_id = room
        return event

    def opened(self, source: dict[str, Any], room: str) -> Any | None:
        """An encrypted event as it was written; None without its key."""
        event = self.parsed(source, room)
        if not isinstance(event, MegolmEvent):
            return None
        if self.olm.inbound_group_store.get(room, event.sender_key, event.session_id) is None:
            return None
        opened = _unharmed(self.olm._decrypt_megolm_no_error, event, room)
        return opened if hasattr(opened, "source") else None

    def request_key(self, event: MegolmEvent) -> None:
        """Ask the device that wrote for the key, and again after five minutes."""
        now = time.monotonic()
        if not event.session_id or now - self._asked.get(event.session_id, -math.inf) < ASK_AGAIN_SECONDS:
            return
        self._asked[event.session_id] = now
        request = f"{event.session_id}.{uuid4().hex[:8]}"
        message = event.as_key_request(event.sender, self.device_id, request, event.device_id or None)
        self.olm.outgoing_to_device_messages.append(message)

    def load_store(self) -> None:
        """Open the keys; accept a key sent again by the device whose key it is, which nio does not."""
        super().load_store()
        if self.olm is None:
            return
        own = self.olm._should_accept_forward

        def accept(sender: str, sender_key: str, event: Any) -> bool:
            mine = any(r.session_id == event.session_id for r in self.olm.outgoing_key_requests.values())
            asked = mine or event.session_id in self._asked
            owner = event.source.get("content", {}).get("sender_key")
            if asked and owner == sender_key and event.algorithm == "m.megolm.v1.aes-sha2":
                self.olm.outgoing_key_requests.setdefault(event.session_id, _Answered(event.session_id))
                return True
            return bool(own(sender, sender_key, event))

        self.olm._should_accept_forward = accept

    def forget(self, room_id: str, user: str | None) -> None:
        """Remove the keys of a room that was left, and of the devices of a person who is in no other.

        The sessions with those devices stay: they name nobody, and without them a person who comes again would send
        keys that cannot be opened.
        """
        with self.store.database.bind_ctx(self.store.models), self.store.database.atomic():
            MegolmInboundSessions.delete().where(MegolmInboundSessions.room_id == room_id).execute()
            EncryptedRooms.delete().where(EncryptedRooms.room_id == room_id).execute()
            OutgoingKeyRequests.delete().where(OutgoingKeyRequests.room_id == room_id).execute()
            if user:
                devices = [device.id for device in DeviceKeys.select().where(DeviceKeys.user_id == user)]
                for table in (Keys, DeviceTrustState):
                    table.delete().where(table.device.in_(devices)).execute()
                DeviceKeys.delete().where(DeviceKeys.id.in_(devices)).execute()
        self.store.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.rooms.pop(room_id, None)
        self.encrypted_rooms.discard(room_id)
        self.olm.inbound_group_store._entries.pop(room_id, None)
        self.olm.outbound_group_sessions.pop(room_id, None)
        if user:
            self.device_store._entries.pop(user, None)
            self.olm.tracked_users.discard(user)

    # ---- sending ----

    async def members(self, room_id: str) -> dict[str, str]:
        """Who is in the room or invited to it: "join" or "invite" by id. nio is told as well."""
        path = f"/v3/rooms/{quote(room_id, safe='')}/members?not_membership=leave"
        found = await self.ask("GET", path)
        members = {
            str(event["state_key"]): str(event["content"]["membership"])
            for event in found.get("chunk", ())
            if event.get("content", {}).get("membership") in ("join", "invite")
        }
        room = self.rooms.get(room_id)
        if room is not None:
            for user in set(room.users) - set(members):
                room.remove_member(user)
            for user, membership in members.items():
                room.add_member(user, None, None, membership == "invite")
            room.members_synced = True
            if room.encrypted:
                self.olm.update_tracked_users(room)
        return members

    async def put(
        self, room_id: str, kind: str, content: Mapping[str, Any], tx_id: str, allowed: Allowed | None = None
    ) -> str:
        """Send one event; its id. The same `tx_id` is the same event, however often it is sent."""
        room = await self.known_room(room_id)
        sent_kind, sent = kind, dict(content)
        if room.encrypted and kind != "m.reaction":  # nobody encrypts reactions: homeservers count them
            await self.share(room_id, allowed)
            sent_kind, sent = self.encrypt(room_id, kind, sent)
        path = f"/v3/rooms/{quote(room_id, safe='')}/send/{quote(sent_kind, safe='')}/{quote(tx_id, safe='')}"
        return str((await self.ask("PUT", path, sent))["event_id"])

    async def known_room(self, room_id: str) -> Any:
        """nio's picture of a room, made when this process has not met it yet."""
        room = self.rooms.get(room_id)
        if room is None or not (room.encrypted or getattr(room, "lotse_looked", False)):
            encrypted = room_id in self.encrypted_rooms or await self._is_encrypted(room_id)
            room = self.rooms.setdefault(room_id, MatrixRoom(room_id, self.user_id, encrypted))
            room.encrypted = room.encrypted or encrypted
            room.lotse_looked = True
            if encrypted and room_id not in self.encrypted_rooms:
                self.encrypted_rooms.add(room_id)
                self.store.save_encrypted_rooms({room_id})
        if not room.members_synced:
            await self.members(room_id)
        return room

    async def _is_encrypted(self, room_id: str) -> bool:
        try:
            await self.ask("GET", f"/v3/rooms/{quote(room_id, safe='')}/state/m.room.encryption/")
        except MatrixError as error:
            if error.code == "M_NOT_FOUND":
                return False
            raise
        return True

    async def share(self, room_id: str, allowed: Allowed | None = None) -> None:
        """Have everybody in the room hold the key of what is said next; `allowed` picks the devices."""
        async with self._sharing[room_id]:
            await self.query_keys()
            if not self.olm.should_share_group_session(room_id):
                return
            session = self.olm.outbound_group_sessions.get(room_id)
            if session is None or session.shared or session.expired:
                self.olm.create_outbound_group_session(room_id)
                session = self.olm.outbound_group_sessions[room_id]
            while devices := self._without_key(room_id, session, allowed):
                await self._hand_over(room_id, session, devices)
                await self.query_keys()
            session.shared = True

    def _without_key(self, room_id: str, session: Any, allowed: Allowed | None) -> list[OlmDevice]:
        return [
            device
            for user in self.rooms[room_id].users
            for device in self.device_store.active_user_devices(user)
            if device.id != self.device_id
            and (allowed is None or allowed(device))
            and (user, device.id) not in session.users_shared_with | session.users_ignored
        ]

    async def _hand_over(self, room_id: str, session: Any, devices: Collection[OlmDevice]) -> None:
        content = {
            "algorithm": "m.megolm.v1.aes-sha2",
            "room_id": room_id,
            "session_id": session.id,
            "session_key": session.session_key,
        }
        missing: defaultdict[str, list[str]] = defaultdict(list)
        for device in devices:
            if not self.olm.session_store.get(device.curve25519):
                missing[device.user_id].append(device.id)
        if missing:
            answered(await self.keys_claim(missing))
        # Who has no one-time key left cannot be given this one; nobody else waits for them.
        unready = {(d.user_id, d.id) for d in devices if not self.olm.session_store.get(d.curve25519)}
        session.users_ignored.update(unready)
        ready = [device for device in devices if (device.user_id, device.id) not in unready]
        for start in range(0, len(ready), TO_DEVICE_AT_ONCE):
            some = ready[start : start + TO_DEVICE_AT_ONCE]
            messages: defaultdict[str, dict[str, Any]] = defaultdict(dict)
            with self.store.database.atomic():
                for device in some:
                    olm = self.olm.session_store.get(device.curve25519)
                    messages[device.user_id][device.id] = self.olm._olm_encrypt(olm, device, "m.room_key", content)
            path = f"/v3/sendToDevice/m.room.encrypted/{uuid4().hex}"
            await self.ask("PUT", path, {"messages": messages})
            session.users_shared_with.update((device.user_id, device.id) for device in some)


def _unharmed(handle: Callable[..., Any], event: Any, *rest: Any) -> Any:
    """What `handle` makes of an event; what somebody sends must not keep away all that others send."""
    try:
        return handle(event, *rest)
    except Exception as error:
        log.warning("an event of type %s could not be opened (%s)", type(event).__name__, type(error).__name__)
        return None


class _Answered:
    """Stands for a key request that nio does not know under the session's id."""

    def __init__(self, session: str) -> None:
        self.request_id = session
        self.session_id = session

    def as_cancellation(self, user: str, device: str) -> Any:
        content = {"action": "request_cancellation", "request_id": self.request_id, "requesting_device_id": device}
        return ToDeviceMessage("m.room_key_request", user, "*", content)
