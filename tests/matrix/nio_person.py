"""A second app for tests, over matrix-nio: another device of a person."""

from __future__ import annotations

import asyncio
from pathlib import Path

from homeserver import NAME, Homeserver
from nio import AsyncClient, AsyncClientConfig, MegolmEvent, RoomMessage


class NioPerson:
    """One account on one device; what it can read is in `texts`, what it cannot in `locked`."""

    def __init__(self, server: Homeserver, name: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = AsyncClientConfig(encryption_enabled=True, pickle_key="k")
        self.client = AsyncClient(server.url, f"@{name}:{NAME}", "", str(folder), config)
        self.texts: list[str] = []
        self.locked: list[str] = []

    async def enter(self) -> NioPerson:
        await self.client.login("secret", device_name="nio")
        self.client.add_event_callback(self._said, RoomMessage)
        self.client.add_event_callback(self._locked, MegolmEvent)
        await self.client.sync(0, full_state=True)
        if self.client.should_upload_keys:
            await self.client.keys_upload()
        self._syncing = asyncio.create_task(self.client.sync_forever(10_000))
        return self

    async def _said(self, room: object, event: RoomMessage) -> None:
        self.texts.append(str(event.source["content"].get("body", "")))

    async def _locked(self, room: object, event: MegolmEvent) -> None:
        self.locked.append(event.event_id)

    async def hears(self, words: str) -> None:
        for _ in range(400):
            if any(words in text for text in self.texts):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never: {words}; {self.texts}; locked {self.locked}")

    async def writes(self, room: str, text: str) -> None:
        content = {"msgtype": "m.text", "body": text}
        await self.client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)

    async def leave(self) -> None:
        self._syncing.cancel()
        await asyncio.gather(self._syncing, return_exceptions=True)
        await self.client.close()
        self.client.store.database.close()
