"""The Telegram channel from the settings; imported only when a token is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from bot.channels.pace import Pace
from bot.channels.telegram import TelegramChannel
from bot.channels.telegram_profile import Profile


class TelegramSettings(Protocol):
    """The part of the settings that this channel reads."""

    @property
    def telegram_token(self) -> str | None: ...
    @property
    def telegram_api_url(self) -> str | None: ...
    @property
    def telegram_mode(self) -> Literal["polling", "webhook"]: ...
    @property
    def telegram_staff_chat(self) -> int | None: ...
    @property
    def telegram_limits(self) -> Literal["on", "off"]: ...
    @property
    def public_url(self) -> str | None: ...


class CursorStore(Protocol):
    """The part of the store that this channel reads."""

    async def cursor(self, name: str) -> str | None: ...


def telegram_channel(
    settings: TelegramSettings, store: CursorStore | None, profiles: Mapping[str, Profile] | None = None
) -> TelegramChannel:
    """The channel these settings describe; without a store it can send and be looked at, not poll on.

    SettingsError when token or webhook settings cannot be used.
    """

    async def read_cursor(name: str) -> str | None:
        return await store.cursor(name) if store is not None else None

    return TelegramChannel(
        settings.telegram_token or "",
        read_cursor=read_cursor,
        api_url=settings.telegram_api_url,
        mode=settings.telegram_mode,
        staff_chat=settings.telegram_staff_chat,
        public_url=settings.public_url,
        profiles=profiles,
        pace=Pace() if settings.telegram_limits == "on" else None,
    )
