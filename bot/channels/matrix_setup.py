"""The Matrix channel from the settings; imported only when a homeserver is set."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal, Protocol

from bot.channels.matrix import MatrixChannel, StaffRoom
from bot.channels.matrix_login import Account
from bot.errors import SettingsError
from bot.render import Catalogs
from flows.core.knowledge import Town
from flows.core.phrases import phrase

ANY = "any"


class MatrixSettings(Protocol):
    """The part of the settings that this channel reads."""

    @property
    def data_dir(self) -> Path: ...
    @property
    def matrix_homeserver(self) -> str | None: ...
    @property
    def matrix_user(self) -> str: ...
    @property
    def matrix_password(self) -> str | None: ...
    @property
    def matrix_token(self) -> str | None: ...
    @property
    def matrix_staff_room(self) -> str | None: ...
    @property
    def matrix_staff_layout(self) -> Literal["thread", "room"]: ...
    @property
    def matrix_staff_devices(self) -> str: ...
    @property
    def matrix_choices(self) -> Literal["reactions", "numbers", "polls"]: ...
    def key(self) -> bytes: ...


class CursorStore(Protocol):
    """The part of the store that this channel reads."""

    async def cursor(self, name: str) -> str | None: ...


def matrix_channel(settings: MatrixSettings, store: CursorStore | None, only_direct: str = "") -> MatrixChannel:
    """The channel these settings describe; without a store it can be looked at, not sync on.

    SettingsError when they cannot be used.
    """
    logging.getLogger("nio").setLevel(logging.CRITICAL)  # it logs addresses
    logging.getLogger("peewee").setLevel(logging.WARNING)

    async def read_cursor(name: str) -> str | None:
        return await store.cursor(name) if store is not None else None

    return MatrixChannel(
        Account(
            homeserver=(settings.matrix_homeserver or "").rstrip("/"),
            user=settings.matrix_user,
            password=settings.matrix_password or None,
            token=settings.matrix_token or None,
        ),
        folder=settings.data_dir / "matrix",
        key=settings.key(),
        read_cursor=read_cursor,
        staff=_staff(settings),
        choices=settings.matrix_choices,
        only_direct=only_direct,
    )


def only_direct(catalogs: Catalogs, town: Town) -> str:
    """What is said in a room of more than two: in the town's first language and in English."""
    languages = dict.fromkeys([town.languages[0], "en"])
    return "\n".join(
        catalogs.text(language, phrase("matrix.only-direct"))
        for language in languages
        if language in catalogs.languages
    )


def _staff(settings: MatrixSettings) -> StaffRoom | None:
    room = settings.matrix_staff_room
    if not room:
        return None
    if not room.startswith("!"):
        raise SettingsError("LOTSE_MATRIX_STAFF_ROOM must be the room's internal id, which begins with ! (not #)")
    given = settings.matrix_staff_devices
    devices = () if given == ANY else tuple(_fingerprint(part) for part in given.split(","))
    return StaffRoom(room=room, layout=settings.matrix_staff_layout, devices=devices)


def _fingerprint(text: str) -> str:
    """A device's fingerprint as apps show it, in groups of four, without the blanks."""
    found = "".join(text.split()).rstrip("=")
    if len(found) != 43:
        raise SettingsError(
            "LOTSE_MATRIX_STAFF_DEVICES must be `any` or the fingerprints (session keys) of the devices, with commas"
        )
    return found
