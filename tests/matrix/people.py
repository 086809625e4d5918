"""People on Matrix for tests: an app that is not matrix-nio (mautrix, over libolm), encrypted."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

from homeserver import NAME, Homeserver
from mautrix.api import Method, Path
from mautrix.client import Client, MemorySyncStore
from mautrix.client.encryption_manager import DecryptionDispatcher
from mautrix.client.state_store import MemoryStateStore
from mautrix.crypto import OlmMachine
from mautrix.crypto.attachments import decrypt_attachment, encrypt_attachment
from mautrix.crypto.encrypt_megolm import already_shared
from mautrix.crypto.store import MemoryCryptoStore
from mautrix.errors import DecryptionError
from mautrix.types import (
    EncryptionAlgorithm,
    EventType,
    RoomCreatePreset,
    RoomEncryptionStateEventContent,
    RoomID,
    TOFUSigningKey,
    TrustState,
    UserID,
)

logging.getLogger("mau").setLevel(logging.ERROR)
ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


class _Rooms(MemoryStateStore):
    """What this app knows about rooms."""

    async def find_shared_rooms(self, user_id: UserID) -> list[RoomID]:
        return [room for room, members in self.members.items() if user_id in members]


class _Keys(MemoryCryptoStore):
    """mautrix's keys in memory; the original cannot take a signing key twice."""

    async def put_cross_signing_key(self, user_id: Any, usage: Any, key: Any) -> None:
        kept = self._cross_signing_keys.setdefault(user_id, {})
        first = kept[usage].first if usage in kept else key
        kept[usage] = TOFUSigningKey(key=key, first=first)


@dataclass
class Seen:
    """An event that arrived, opened."""

    id: str
    room: str
    sender: str
    type: str
    content: dict[str, Any]
    encrypted: bool

    @property
    def text(self) -> str:
        return str(self.content.get("body", ""))

    @property
    def thread(self) -> str | None:
        relation = self.content.get("m.relates_to", {})
        return relation.get("event_id") if relation.get("rel_type") == "m.thread" else None


@dataclass
class Person:
    """One account on one device."""

    server: Homeserver
    name: str
    client: Client
    seen: list[Seen] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)  # events that could not be opened
    room: str = ""
    courtesies: set[str] = field(default_factory=set)  # "m.typing", "m.receipt": of others
    invited: list[str] = field(default_factory=list)  # to these rooms

    @property
    def id(self) -> str:
        return f"@{self.name}:{NAME}"

    @classmethod
    async def enter(cls, server: Homeserver, name: str, *, register: bool = True, allow_keys: bool = True) -> Person:
        """Log in on a new device and begin to sync; a new account unless it is there."""
        if register:
            await asyncio.to_thread(server.register, name)
        rooms = _Rooms()
        client = Client(
            mxid=UserID(f"@{name}:{NAME}"), base_url=server.url, state_store=rooms, sync_store=MemorySyncStore()
        )
        await client.login(password="secret", device_name=name)
        store = _Keys(name, name)
        await store.put_device_id(client.device_id)
        client.crypto = OlmMachine(client, store, rooms)
        client.crypto.share_keys_min_trust = TrustState.UNVERIFIED
        client.remove_dispatcher(DecryptionDispatcher)
        await client.crypto.load()
        await client.crypto.share_keys(0)
        person = cls(server=server, name=name, client=client)
        client.add_event_handler(EventType.ROOM_ENCRYPTED, person._encrypted)
        poll = EventType.find("org.matrix.msc3381.poll.start", EventType.Class.MESSAGE)
        for kind in (EventType.ROOM_MESSAGE, EventType.REACTION, EventType.ROOM_REDACTION, poll):
            client.add_event_handler(kind, person._plain)
        client.add_event_handler(EventType.ROOM_MEMBER, person._member)
        for kind in (EventType.TYPING, EventType.RECEIPT):
            client.add_event_handler(kind, person._courtesy)
        person.allow_keys(allow_keys)
        client.start(None)
        return person

    def allow_keys(self, allowed: bool = True) -> None:
        """Whether this app gives a key again to a device that asks for it."""

        async def answer(device: Any, request: Any) -> bool:
            return allowed

        self.client.crypto.allow_key_share = answer

    async def without_key_for(self, other: str) -> None:
        """From now on the other's devices get no key of what is said here, as when one gets lost on the way."""
        crypto = self.client.crypto
        await crypto.crypto_store.remove_outbound_group_session(RoomID(self.room))
        find = crypto._find_olm_sessions

        async def without(session: Any, user: Any, device_id: Any, device: Any) -> Any:
            return already_shared if user == other else await find(session, user, device_id, device)

        crypto._find_olm_sessions = without

    async def leave(self) -> None:
        """Stop this app."""
        self.client.stop()
        await asyncio.sleep(0)
        await self.client.api.session.close()

    def syncs_again(self) -> None:
        """At once, when the homeserver was away: by itself the app would wait longer and longer."""
        self.client.stop()
        self.client.start(None)

    # ---- what arrives ----

    async def _encrypted(self, event: Any) -> None:
        try:
            opened = await self.client.crypto.decrypt_megolm_event(event)
        except DecryptionError:
            session, key = event.content.session_id, event.content.sender_key
            got = await self.client.crypto.wait_for_session(event.room_id, session, key, timeout=8)
            try:
                opened = await self.client.crypto.decrypt_megolm_event(event) if got else None
            except DecryptionError:
                opened = None
            if opened is None:
                self.locked.append(event.event_id)
                return
        self._keep(opened, True)

    async def _plain(self, event: Any) -> None:
        self._keep(event, False)

    async def _courtesy(self, event: Any) -> None:
        if event.type == EventType.RECEIPT or event.content.user_ids:
            self.courtesies.add(event.type.t)

    async def _member(self, event: Any) -> None:
        if event.state_key == self.id and event.content.membership.value == "invite":
            self.invited.append(str(event.room_id))

    def _keep(self, event: Any, encrypted: bool) -> None:
        content = event.content.serialize()
        self.seen.append(Seen(event.event_id, event.room_id, event.sender, event.type.t, content, encrypted=encrypted))

    def heard(self, sender: str | None = None, room: str | None = None) -> list[Seen]:
        """Messages that others wrote, in the order they came."""
        room = room or self.room
        return [
            s
            for s in self.seen
            if s.type == "m.room.message" and s.room == room and s.sender != self.id and sender in (None, s.sender)
        ]

    async def until(self, what: Any, seconds: float = 20.0) -> Any:
        """Wait until `what()` is true, and return it."""
        end = asyncio.get_running_loop().time() + seconds
        while not (found := what()):
            if asyncio.get_running_loop().time() > end:
                texts = [s.text for s in self.seen]
                raise AssertionError(f"{self.name} waited in vain; seen: {texts}; locked: {self.locked}")
            await asyncio.sleep(0.05)
        return found

    async def hears(self, words: str, after: int = 0, room: str | None = None) -> Seen:
        """Wait for a message with these words, not among the first `after`."""
        found: Seen = await self.until(
            lambda: next((s for s in self.heard(room=room)[after:] if words in s.text), None)
        )
        return found

    # ---- what is done ----

    async def open_chat(self, *others: str, encrypted: bool = True, trusted: bool = True) -> str:
        """A new room with the others invited."""
        room = await self.client.create_room(
            preset=RoomCreatePreset.TRUSTED_PRIVATE if trusted else RoomCreatePreset.PRIVATE,
            is_direct=True,
            invitees=[UserID(other) for other in others],
            initial_state=[ENCRYPTED] if encrypted else [],
        )
        if encrypted:
            content = RoomEncryptionStateEventContent(EncryptionAlgorithm.MEGOLM_V1)
            await self.client.state_store.set_encryption_info(room, content)
        self.room = str(room)
        return self.room

    async def encrypts(self) -> None:
        """Switch encryption on in the chat."""
        kind = EventType.find("m.room.encryption", EventType.Class.STATE)
        await self.client.send_state_event(RoomID(self.room), kind, ENCRYPTED["content"])
        content = RoomEncryptionStateEventContent(EncryptionAlgorithm.MEGOLM_V1)
        await self.client.state_store.set_encryption_info(RoomID(self.room), content)

    async def joined(self, other: str, room: str | None = None) -> None:
        """Wait until somebody is in the room."""

        async def there() -> bool:
            return UserID(other) in await self.client.get_joined_members(RoomID(room or self.room))

        for _ in range(200):
            if await there():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{other} did not join")

    async def writes(self, text: str, room: str | None = None, **content: Any) -> str:
        """Write a message; the id of its event."""
        return await self.sends("m.room.message", {"msgtype": "m.text", "body": text, **content}, room)

    async def sends(self, kind: str, content: dict[str, Any], room: str | None = None) -> str:
        event = await self.client.send_message_event(
            RoomID(room or self.room), EventType.find(kind, EventType.Class.MESSAGE), content
        )
        return str(event)

    async def replies(self, to: str, text: str, thread: str | None = None, room: str | None = None) -> str:
        """Answer a message, in a thread or not."""
        relation: dict[str, Any] = {"m.in_reply_to": {"event_id": to}}
        if thread is not None:
            relation |= {"rel_type": "m.thread", "event_id": thread, "is_falling_back": False}
        return await self.writes(text, room, **{"m.relates_to": relation})

    async def writes_in(self, thread: str, text: str, room: str | None = None) -> str:
        """Write in a thread without answering any message."""
        relation = {
            "rel_type": "m.thread",
            "event_id": thread,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": thread},
        }
        return await self.writes(text, room, **{"m.relates_to": relation})

    async def reacts(self, to: str, key: str) -> str:
        return str(await self.client.react(RoomID(self.room), to, key))

    # ---- files and rooms ----

    async def sends_file(
        self, kind: str, name: str, mime: str, data: bytes, room: str | None = None, thread: str = "", to: str = ""
    ) -> str:
        """Send an encrypted file."""
        sealed, file = encrypt_attachment(data)
        file.url = await self.client.upload_media(sealed, mime_type="application/octet-stream")
        content = {
            "msgtype": kind,
            "body": name,
            "info": {"mimetype": mime, "size": len(data)},
            "file": file.serialize(),
        }
        if thread:
            content["m.relates_to"] = {
                "rel_type": "m.thread",
                "event_id": thread,
                "is_falling_back": False,
                "m.in_reply_to": {"event_id": to},
            }
        return await self.sends("m.room.message", content, room)

    async def opens_file(self, seen: Seen) -> bytes:
        """The bytes of a file that came."""
        file = seen.content["file"]
        data = await self.client.download_media(file["url"])
        return bytes(decrypt_attachment(data, file["key"]["k"], file["hashes"]["sha256"], file["iv"]))

    async def invited_elsewhere(self, but: str) -> str:
        """Wait for an invitation to another room."""
        found: str = await self.until(lambda: next((room for room in self.invited if room != but), None))
        return found

    async def still_reads(self, event: str, room: str) -> bool:
        """Whether an event still has its content on the homeserver."""
        found = await self.client.api.request(Method.GET, Path.v3.rooms[room].event[event])
        return bool(found["content"])
